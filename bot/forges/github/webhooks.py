"""GitHub's webhooks: is it authentic, and does it ask for anything?

gidgethub's own gate accepts unsigned and SHA-1 requests in some settings, so this one is ours.
https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import parse_qs

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from bot.core.errors import Rejected
from bot.core.types import Ignored, IssueRef, Job, JobKind
from bot.forges.signatures import HmacVerifier

SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})")
DELIVERY = re.compile(r"[A-Za-z0-9-]{1,64}")
KINDS: dict[str, JobKind] = {"opened": "opened", "reopened": "reopened", "edited": "edited"}

Id = Annotated[int, Meta(gt=0, le=2**63 - 1)]
Name = Annotated[str, Meta(pattern=r"^[\w.-]{1,100}/[\w.-]{1,100}\Z")]


class _User(Struct, frozen=True):
    type: str = ""


class _Issue(Struct, frozen=True):
    number: Id
    user: _User | None = None
    pull_request: msgspec.Raw | UnsetType = UNSET


class _Repository(Struct, frozen=True):
    id: Id
    full_name: Name


class _Installation(Struct, frozen=True):
    id: Id


class _Changes(Struct, frozen=True):
    title: msgspec.Raw | UnsetType = UNSET
    body: msgspec.Raw | UnsetType = UNSET


class _Event(Struct, frozen=True):
    action: str
    issue: _Issue
    repository: _Repository
    sender: _User | None = None
    installation: _Installation | None = None
    changes: _Changes = _Changes()


_decoder = msgspec.json.Decoder(_Event)


class GitHubWebhooks:
    """Implements the `Inbox` port. Several secrets are valid at once while one is rotated."""

    id_header = "x-github-delivery"

    def __init__(self, secrets: Sequence[str], host: str, *, needs_installation: bool) -> None:
        if not secrets or not all(secrets):
            raise ValueError("GitHubInbox needs at least one webhook secret, none of them empty")
        self._keys = [hmac.new(secret.encode(), digestmod="sha256") for secret in secrets]
        self._host = host
        self._needs_installation = needs_installation

    def check_headers(self, headers: Mapping[str, str]) -> HmacVerifier:
        """Refuse by the headers alone what cannot be authentic."""
        match = SIGNATURE.fullmatch(headers.get("x-hub-signature-256", ""))
        if not match:
            raise Rejected(401, "no SHA-256 signature")
        return HmacVerifier([bytes.fromhex(match[1])], [verifier.copy() for verifier in self._keys])

    def parse(self, headers: Mapping[str, str], body: bytes, received_at: float) -> Job | Ignored:
        """What a verified delivery asks for."""
        name, delivery = headers.get("x-github-event", ""), headers.get("x-github-delivery", "")
        if not name or not DELIVERY.fullmatch(delivery):
            raise Rejected(400, "no event name or delivery id")
        if name != "issues":
            return Ignored(f"event {name[:40]!r}")
        event = _decode(headers.get("content-type", ""), body)
        if reason := self._why_ignore(event):
            return Ignored(reason)
        account = str(event.installation.id) if event.installation else ""
        repository = event.repository
        return Job(
            id=delivery,
            kind=KINDS[event.action],
            ref=IssueRef(
                "github",
                self._host,
                repository.full_name,
                event.issue.number,
                repository.id,
                account,
            ),
            received_at=received_at,
        )

    def _why_ignore(self, event: _Event) -> str:
        if event.action not in KINDS:
            return f"action {event.action[:40]!r}"
        if event.action == "edited":
            if event.changes.title is UNSET and event.changes.body is UNSET:
                return "neither title nor body changed"
            if event.sender and event.sender.type == "Bot":
                return "edited by a bot"
        if event.issue.pull_request is not UNSET:
            return "a pull request"
        if event.issue.user and event.issue.user.type == "Bot":
            return "opened by a bot"
        if self._needs_installation and event.installation is None:
            return "no installation in it, and GITHUB_TOKEN is not set"
        return ""


def _decode(content_type: str, body: bytes) -> _Event:
    try:
        text = body.decode()
        if content_type.lower().startswith("application/x-www-form-urlencoded"):
            text = parse_qs(text, strict_parsing=True, max_num_fields=8)["payload"][0]
        return _decoder.decode(text)
    except (ValueError, KeyError, RecursionError):
        raise Rejected(400, "not the JSON of an issues event") from None
