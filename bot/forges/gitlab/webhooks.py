"""Verify and parse GitLab's webhooks.

GitLab disables a webhook after error responses, so every authentic delivery gets 2xx.
https://docs.gitlab.com/user/project/integrations/webhooks/
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from bot.core.commands import find_commands
from bot.core.errors import Rejected
from bot.core.events import Event, Ignored
from bot.core.job_ids import make_job_id
from bot.core.types import IssueRef, JobKind
from bot.forges.gitlab.bot_users import is_bot_user
from bot.forges.signatures import HmacVerifier

TOLERANCE_SECONDS = 300
WEBHOOK_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=")
MAX_SIGNATURES = 16
TIMESTAMP = re.compile(r"[0-9]{1,12}")
KINDS: Mapping[str, JobKind] = {
    "open": "opened",
    "reopen": "reopened",
    "close": "closed",
    "update": "edited",  # of labels alone: "labels"
}

Id = Annotated[int, Meta(gt=0, le=2**63 - 1)]
# A project in up to 20 nested groups. https://docs.gitlab.com/user/reserved_names/
PATH = re.compile(
    r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,254}(?:/[A-Za-z0-9_.][A-Za-z0-9_.-]{0,254}){1,20}"
)


class _Project(Struct, frozen=True):
    """`path_with_namespace` is for the log only: requests use the project's number."""

    id: Id
    path_with_namespace: Any = None


class _Attributes(Struct, frozen=True):
    """An issue, or a note: `id`, `note`, `noteable_type`, `system` and `internal` are a note's,
    `state` is an issue's."""

    iid: Id | None = None
    action: str | None = None
    type: str | None = None
    confidential: bool | None = None
    updated_at: str | None = None
    id: Id | None = None
    note: str | None = None
    noteable_type: str | None = None
    system: bool | None = None
    internal: bool | None = None
    author_id: Any = None
    state: Any = None


class _User(Struct, frozen=True):
    """A project access token's user has a bot's name; one with a personal token does not."""

    username: str = ""


class _Changes(Struct, frozen=True):
    title: msgspec.Raw | UnsetType = UNSET
    description: msgspec.Raw | UnsetType = UNSET
    labels: msgspec.Raw | UnsetType = UNSET

    @property
    def is_edit(self) -> bool:
        return self.title is not UNSET or self.description is not UNSET


class _LabelId(Struct, frozen=True):
    id: int


class _LabelLists(Struct, frozen=True):
    previous: tuple[_LabelId, ...] | None = None
    current: tuple[_LabelId, ...] | None = None


class _Payload(Struct, frozen=True):
    object_kind: str = ""
    event_type: str | None = None
    user: _User | None = None
    project: _Project | None = None
    object_attributes: _Attributes = _Attributes()
    changes: _Changes | None = None
    issue: _Attributes | None = None


_decoder = msgspec.json.Decoder(_Payload)
_label_lists = msgspec.json.Decoder(_LabelLists)


class GitLabEvents:
    """Parses authentic deliveries, and the payloads that start a pipeline.

    `types` are the work item types, in lower case, that get a job.
    """

    def __init__(self, host: str, types: Sequence[str] = ("issue",)) -> None:
        self._host = host
        self._types = types

    def parse(self, headers: Mapping[str, str], body: bytes) -> Event | Ignored:
        """Return the event of an authentic delivery, or why it needs no job; never raises."""
        try:
            payload = _decoder.decode(body.decode())
        except (ValueError, RecursionError):
            return Ignored("not the JSON of an issue event")
        if payload.object_kind == "note":
            return self._parse_note(payload, headers.get("x-gitlab-event", ""))
        if reason := self._why_ignore(payload, headers.get("x-gitlab-event", "")):
            return Ignored(reason)
        project, issue = payload.project, payload.object_attributes
        assert project
        assert issue.iid
        assert issue.action
        ref = self._make_ref(project, issue.iid)
        kind, changes = KINDS[issue.action], payload.changes or _Changes()
        delivery = _compute_delivery_id(ref, issue)
        if kind == "edited" and not changes.is_edit:
            return Event("labels", delivery, ref)
        has_labels = kind != "opened" and not _why_ignore_labels(changes, payload.user)
        return Event(kind, delivery, ref, has_labels)

    def _make_ref(self, project: _Project, number: int) -> IssueRef:
        path = project.path_with_namespace
        repo = path if isinstance(path, str) and PATH.fullmatch(path) else ""
        return IssueRef("gitlab", self._host, repo, number, project.id)

    def _parse_note(self, payload: _Payload, event_header: str) -> Event | Ignored:
        """Return the event of a note by a person: with commands, to any name after `@`, or by the
        issue's author."""
        note, issue, project = payload.object_attributes, payload.issue, payload.project
        if note.noteable_type != "Issue" or issue is None:
            return Ignored("a note that is not on an issue")
        if _is_confidential(payload, event_header) or issue.confidential or note.internal:
            return Ignored("confidential")
        if project is None or issue.iid is None or note.id is None:
            return Ignored("no project or number in the payload")
        if note.action not in (None, "create"):
            return Ignored(f"action {note.action[:40]!r}")
        if note.system or (payload.user and is_bot_user(payload.user.username)):
            return Ignored("a note by a bot")
        if (issue.type or "issue").lower() not in self._types:
            return Ignored(f"a work item of type {str(issue.type)[:40]!r}")
        ref = self._make_ref(project, issue.iid)
        job_id = make_job_id(f"note-{note.id}", ref)
        if commands := find_commands(note.note or ""):
            return Event("command", job_id, ref, comment=note.id, commands=commands)
        return _find_author_event(note, issue, job_id, ref)

    def _why_ignore(self, payload: _Payload, event_header: str) -> str:
        issue, changes = payload.object_attributes, payload.changes or _Changes()
        if payload.object_kind not in ("issue", "work_item"):
            return f"event {payload.object_kind[:40]!r}"
        if _is_confidential(payload, event_header):
            return "confidential"
        if payload.project is None or issue.iid is None:
            return "no project or number in the payload"
        if issue.action not in KINDS:
            return f"action {str(issue.action)[:40]!r}"
        if (issue.type or "issue").lower() not in self._types:
            return f"a work item of type {str(issue.type)[:40]!r}"
        if issue.action == "close" and payload.user and is_bot_user(payload.user.username):
            return "closed by a bot"
        if issue.action == "update" and not changes.is_edit:
            return _why_ignore_labels(changes, payload.user)
        return ""


def _find_author_event(
    note: _Attributes, issue: _Attributes, job_id: str, ref: IssueRef
) -> Event | Ignored:
    is_authors = note.author_id is not None and note.author_id == issue.author_id
    if is_authors and issue.state != "closed":
        return Event("missing", job_id, ref)
    return Ignored("a note without a command")


class GitLabWebhooks(GitLabEvents):
    """Implements `WebhookParser`. With a signing token, plain secrets are not accepted.

    All tokens and secrets are valid, so that one can be rotated; the settings accept only tokens of
    the form `whsec_<base64>`.
    """

    id_header = "idempotency-key"

    def __init__(
        self,
        host: str,
        signing_tokens: Sequence[str] = (),
        secrets: Sequence[str] = (),
        types: Sequence[str] = ("issue",),
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not (signing_tokens or secrets) or not all((*signing_tokens, *secrets)):
            raise ValueError("webhooks need a signing token or a secret, none of them empty")
        super().__init__(host, types)
        keys = [base64.b64decode(x.removeprefix("whsec_"), validate=True) for x in signing_tokens]
        self._keys = [hmac.new(key, digestmod="sha256") for key in keys]
        self._secrets = [secret.encode() for secret in secrets]
        self.secret_name = "GITLAB_SIGNING_TOKEN" if signing_tokens else "GITLAB_WEBHOOK_SECRET"
        self._clock = clock

    def check_headers(self, headers: Mapping[str, str]) -> HmacVerifier | TokenVerifier:
        """Return the verifier of the body. Raises `Rejected` for a wrong token or old signature.

        https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
        """
        if not self._keys:
            token = headers.get("x-gitlab-token", "").encode("latin-1", "replace")
            if not any([hmac.compare_digest(token, secret) for secret in self._secrets]):
                raise Rejected(401, "wrong or missing token")
            return TokenVerifier()
        webhook_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        signatures = _parse_signatures(headers.get("webhook-signature", ""))
        if not (signatures and WEBHOOK_ID.fullmatch(webhook_id) and TIMESTAMP.fullmatch(sent_at)):
            raise Rejected(401, "no signature")
        if abs(self._clock() - int(sent_at)) > TOLERANCE_SECONDS:
            raise Rejected(401, "signed too long ago, or a clock is wrong")
        verifier = HmacVerifier(signatures, self._keys)
        verifier.update(f"{webhook_id}.{sent_at}.".encode())
        return verifier


def sign_ping(body: bytes, signing_tokens: Sequence[str], secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers of a delivery with this body, signed with the first of the tokens."""
    name, sent_at = str(uuid.uuid4()), str(int(time.time()))
    headers = {"idempotency-key": name}
    if not signing_tokens:
        return {**headers, "x-gitlab-token": secrets[0]}
    key = base64.b64decode(signing_tokens[0].removeprefix("whsec_"))
    digest = hmac.digest(key, f"{name}.{sent_at}.".encode() + body, "sha256")
    signature = f"v1,{base64.b64encode(digest).decode()}"
    signed = {"webhook-id": name, "webhook-timestamp": sent_at, "webhook-signature": signature}
    return headers | signed


def _is_confidential(payload: _Payload, event_header: str) -> bool:
    return (
        event_header.lower().startswith("confidential")
        or (payload.event_type or "").startswith("confidential_")
        or bool(payload.object_attributes.confidential)
    )


def _why_ignore_labels(changes: _Changes, user: _User | None) -> str:
    """Return why a change of other things than the text needs no job, "" for one of labels."""
    try:
        lists = _LabelLists() if changes.labels is UNSET else _label_lists.decode(changes.labels)
    except (ValueError, RecursionError):
        lists = _LabelLists()
    if {*(lists.previous or ())} == {*(lists.current or ())}:
        return "neither title, description nor labels changed"
    if user and is_bot_user(user.username):
        return "labels changed by a bot"
    return ""


def _compute_delivery_id(ref: IssueRef, issue: _Attributes) -> str:
    """Return the same id for a project's webhook, its group's webhook and each repeat."""
    change = f"{ref.key} {issue.action} {issue.updated_at}"
    return hashlib.sha256(change.encode()).hexdigest()[:32]


def _parse_signatures(header: str) -> list[bytes]:
    """Return the signatures of version 1 with the length of SHA-256."""
    encoded = [part[3:] for part in header.split(" ") if SIGNATURE.fullmatch(part)]
    decoded = [base64.b64decode(part) for part in encoded[:MAX_SIGNATURES]]
    # Several texts decode to the same bytes; only the canonical one is a signature.
    pairs = zip(decoded, encoded, strict=False)
    return [raw for raw, text in pairs if base64.b64encode(raw).decode() == text]


class TokenVerifier:
    """Accepts any body: with a plain token, GitLab signs nothing."""

    def update(self, chunk: bytes) -> None: ...

    def verify(self) -> None: ...
