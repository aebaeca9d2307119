"""Verify and parse GitHub's webhooks.

gidgethub's `sansio.validate_event` requires the whole body and accepts SHA-1 signatures.
https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from __future__ import annotations

import hmac
import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qs

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from bot.core.commands import find_commands
from bot.core.errors import Rejected
from bot.core.events import Event, Ignored
from bot.core.types import IssueRef, JobKind
from bot.forges.signatures import HmacVerifier

SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})")
DELIVERY = re.compile(r"[A-Za-z0-9-]{1,64}")
KINDS: Mapping[str, JobKind] = {
    "opened": "opened",
    "reopened": "reopened",
    "closed": "closed",
    "edited": "edited",
    "labeled": "labels",
    "unlabeled": "labels",
    "typed": "labels",
    "untyped": "labels",
}
# The events, and their actions, after which repositories may be out of reach; every App gets them.
REMOVALS = {"installation": "deleted", "installation_repositories": "removed"}
COMMAND = "/tagline"
# Changes by a bot are no reason for a job. With a personal access token the bot's own changes
# look like a person's; the journal tells them apart.
BY_PEOPLE = {
    "edited": "edited by a bot",
    "closed": "closed by a bot",
    "labeled": "labels changed by a bot",
    "unlabeled": "labels changed by a bot",
    "typed": "type changed by a bot",
    "untyped": "type changed by a bot",
}

T = TypeVar("T")
Id = Annotated[int, Meta(gt=0, le=2**63 - 1)]
Name = Annotated[str, Meta(pattern=r"^[\w.-]{1,100}/[\w.-]{1,100}\Z")]


class _User(Struct, frozen=True):
    type: str = ""
    id: Any = None


class _Issue(Struct, frozen=True):
    number: Id
    user: _User | None = None
    state: Any = None
    state_reason: Any = None
    pull_request: msgspec.Raw | UnsetType = UNSET


class _Comment(Struct, frozen=True):
    """`performed_via_github_app` is the App with which a comment was written, also by a person."""

    id: Id
    body: str | None = None
    user: _User | None = None
    performed_via_github_app: Any = None


class _Repository(Struct, frozen=True):
    id: Id
    full_name: Name


class _Installation(Struct, frozen=True):
    id: Id


class _Changes(Struct, frozen=True):
    title: msgspec.Raw | UnsetType = UNSET
    body: msgspec.Raw | UnsetType = UNSET


class _Payload(Struct, frozen=True):
    action: str
    issue: _Issue
    repository: _Repository
    sender: _User | None = None
    installation: _Installation | None = None
    changes: _Changes = _Changes()
    comment: _Comment | None = None


class _Removal(Struct, frozen=True):
    action: str
    installation: _Installation


_decoder, _removal = msgspec.json.Decoder(_Payload), msgspec.json.Decoder(_Removal)


class GitHubEvents:
    """Parses authentic deliveries, and the events of a workflow's jobs, which have the same form.

    One without an installation comes from a workflow, or a webhook of a repository or organisation;
    the worker knows by which credentials it has access.
    """

    def __init__(self, host: str) -> None:
        self._host = host

    def parse(self, headers: Mapping[str, str], body: bytes) -> Event | Ignored:
        """Return the event of an authentic delivery, or why it needs no job."""
        name, delivery = headers.get("x-github-event", ""), headers.get("x-github-delivery", "")
        if not name or not DELIVERY.fullmatch(delivery):
            raise Rejected(400, "no event name or delivery id")
        content_type = headers.get("content-type", "")
        if name in REMOVALS:
            return self._parse_removal(name, delivery, content_type, body)
        if name not in ("issues", "issue_comment"):
            return Ignored(f"event {name[:40]!r}")
        payload = _decode(_decoder, content_type, body)
        is_comment = name == "issue_comment"
        if reason := self._why_ignore(payload, ("created",) if is_comment else KINDS):
            return Ignored(reason)
        account = str(payload.installation.id) if payload.installation else ""
        repo, number = payload.repository, payload.issue.number
        ref = IssueRef("github", self._host, repo.full_name, number, repo.id, account)
        if is_comment:
            return _parse_comment(payload, delivery, ref)
        return Event(KINDS[payload.action], delivery, ref)

    def _parse_removal(
        self, name: str, delivery: str, content_type: str, body: bytes
    ) -> Event | Ignored:
        try:
            removal = _decode(_removal, content_type, body)
        except Rejected:
            return Ignored(f"event {name!r}")
        if removal.action != REMOVALS[name]:
            return Ignored(f"action {removal.action[:40]!r}")
        account = str(removal.installation.id)
        return Event("forget", delivery, IssueRef("github", self._host, "", 0, 0, account))

    def _why_ignore(self, payload: _Payload, actions: Collection[str]) -> str:
        changes, sender, author = payload.changes, payload.sender, payload.issue.user
        if payload.action not in actions:
            return f"action {payload.action[:40]!r}"
        if payload.action == "edited" and changes.title is UNSET and changes.body is UNSET:
            return "neither title nor body changed"
        if payload.action == "closed" and payload.issue.state_reason != "duplicate":
            return "not closed as a duplicate"
        if payload.action in BY_PEOPLE and sender and sender.type == "Bot":
            return BY_PEOPLE[payload.action]
        if payload.issue.pull_request is not UNSET:
            return "a pull request"
        if author and author.type == "Bot":
            return "opened by a bot"
        return ""


class GitHubWebhooks(GitHubEvents):
    """Implements `WebhookParser`. All `secrets` are valid, so that one can be rotated."""

    id_header = "x-github-delivery"
    secret_name = "GITHUB_WEBHOOK_SECRET"

    def __init__(self, secrets: Sequence[str], host: str) -> None:
        if not secrets or not all(secrets):
            raise ValueError("webhooks need at least one secret, none of them empty")
        super().__init__(host)
        self._keys = [hmac.new(secret.encode(), digestmod="sha256") for secret in secrets]

    def check_headers(self, headers: Mapping[str, str]) -> HmacVerifier:
        match = SIGNATURE.fullmatch(headers.get("x-hub-signature-256", ""))
        if not match:
            raise Rejected(401, "no SHA-256 signature")
        return HmacVerifier([bytes.fromhex(match[1])], self._keys)


def _parse_comment(payload: _Payload, delivery: str, ref: IssueRef) -> Event | Ignored:
    """Return the event of a comment with commands by a person, or by the issue's author.

    Raises `Rejected`.
    """
    comment = payload.comment
    if comment is None:
        raise Rejected(400, "no comment in the payload")
    users = (payload.sender, comment.user)
    if comment.performed_via_github_app or any(user and user.type == "Bot" for user in users):
        return Ignored("a comment by a bot")
    if commands := find_commands(comment.body or "", [COMMAND]):
        return Event("command", delivery, ref, comment=comment.id, commands=commands)
    ids = [user and user.id for user in (comment.user, payload.issue.user)]
    if ids[0] is not None and ids[0] == ids[1] and payload.issue.state != "closed":
        return Event("missing", delivery, ref)
    return Ignored("a comment without a command")


def sign_ping(secret: str, body: bytes) -> dict[str, str]:
    """Return the headers of a ping with this body."""
    return {
        "x-github-event": "ping",
        "x-github-delivery": str(uuid.uuid4()),
        "x-hub-signature-256": f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}",
    }


def _decode(decoder: msgspec.json.Decoder[T], content_type: str, body: bytes) -> T:
    try:
        text = body.decode()
        if content_type.lower().startswith("application/x-www-form-urlencoded"):
            text = parse_qs(text, strict_parsing=True, max_num_fields=8)["payload"][0]
        return decoder.decode(text)
    except (ValueError, KeyError, RecursionError):
        raise Rejected(400, "not the JSON of an issues event") from None
