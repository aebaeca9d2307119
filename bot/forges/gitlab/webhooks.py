"""GitLab's webhooks: is it authentic, and does it ask for anything?

GitLab disables a hook that is answered with errors, so whatever is authentic gets 2xx.
https://docs.gitlab.com/user/project/integrations/webhooks/
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from bot.core.errors import Rejected
from bot.core.types import Ignored, IssueRef, Job, JobKind
from bot.forges.signatures import HmacVerifier

TOLERANCE_SECONDS = 300
WEBHOOK_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=")
MOST_SIGNATURES = 16
TIMESTAMP = re.compile(r"[0-9]{1,12}")
KINDS: dict[str, JobKind] = {"open": "opened", "reopen": "reopened", "update": "edited"}

Id = Annotated[int, Meta(gt=0, le=2**63 - 1)]
# A project in up to 20 nested groups. https://docs.gitlab.com/user/reserved_names/
PATH = re.compile(
    r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,254}(?:/[A-Za-z0-9_.][A-Za-z0-9_.-]{0,254}){1,20}"
)


class _Project(Struct, frozen=True):
    """`path_with_namespace` is for the log only: the project is known by its number."""

    id: Id
    path_with_namespace: Any = None


class _Attributes(Struct, frozen=True):
    iid: Id | None = None
    action: str | None = None
    type: str | None = None
    confidential: bool | None = None
    updated_at: str | None = None


class _Changes(Struct, frozen=True):
    title: msgspec.Raw | UnsetType = UNSET
    description: msgspec.Raw | UnsetType = UNSET


class _Event(Struct, frozen=True):
    object_kind: str = ""
    event_type: str | None = None
    project: _Project | None = None
    object_attributes: _Attributes = _Attributes()
    changes: _Changes | None = None


_decoder = msgspec.json.Decoder(_Event)


def signing_key(token: str) -> bytes:
    """The key in a signing token `whsec_<base64>`. Raises ValueError."""
    text = token.removeprefix("whsec_")
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if text == token or not 24 <= len(key) <= 64:
        raise ValueError("not whsec_ and base64 of 24 to 64 bytes")
    return key


class GitLabWebhooks:
    """Implements the `Inbox` port. With a signing token the plain one no longer counts.

    Several of each are valid at once while one is rotated. `types` are work item types, lower case.
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
            raise ValueError("GitLabInbox needs a signing token or a secret, none of them empty")
        self._host = host
        self._keys = [hmac.new(signing_key(token), digestmod="sha256") for token in signing_tokens]
        self._secrets = [secret.encode() for secret in secrets]
        self._types = types
        self._clock = clock

    def check_headers(self, headers: Mapping[str, str]) -> HmacVerifier | TokenVerifier:
        """Refuse by the headers alone: a wrong token, an old or missing signature.

        https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
        """
        if not self._keys:
            given = headers.get("x-gitlab-token", "").encode("latin-1", "replace")
            if not any([hmac.compare_digest(given, secret) for secret in self._secrets]):
                raise Rejected(401, "wrong or missing token")
            return TokenVerifier()
        work, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        given_ones = _signatures(headers.get("webhook-signature", ""))
        if not (given_ones and WEBHOOK_ID.fullmatch(work) and TIMESTAMP.fullmatch(stamp)):
            raise Rejected(401, "no signature")
        if abs(self._clock() - int(stamp)) > TOLERANCE_SECONDS:
            raise Rejected(401, "signed too long ago, or a clock is wrong")
        verifier = HmacVerifier(given_ones, [key.copy() for key in self._keys])
        verifier.update(f"{work}.{stamp}.".encode())
        return verifier

    def parse(self, headers: Mapping[str, str], body: bytes, received_at: float) -> Job | Ignored:
        """What an authentic delivery asks for; anything odd is ignored, never refused."""
        header = headers.get("x-gitlab-event", "")
        try:
            event = _decoder.decode(body.decode())
        except (ValueError, RecursionError):
            return Ignored("not the JSON of an issue event")
        if reason := self._why_ignore(event, header):
            return Ignored(reason)
        project, about = event.project, event.object_attributes
        assert project is not None
        assert about.iid is not None
        assert about.action is not None
        path = _possible_path(project.path_with_namespace)
        ref = IssueRef("gitlab", self._host, path, about.iid, project.id)
        return Job(_work_id(ref, about), KINDS[about.action], ref, received_at)

    def _why_ignore(self, event: _Event, header: str) -> str:
        about = event.object_attributes
        if event.object_kind not in ("issue", "work_item"):
            return f"event {event.object_kind[:40]!r}"
        if _is_confidential(event, header):
            return "confidential"
        if event.project is None or about.iid is None:
            return "no project or number in it"
        if about.action not in KINDS:
            return f"action {str(about.action)[:40]!r}"
        if (about.type or "issue").lower() not in self._types:
            return f"a work item of type {str(about.type)[:40]!r}"
        changes = event.changes or _Changes()
        if about.action == "update" and changes.title is changes.description is UNSET:
            return "neither title nor description changed"
        return ""


def _possible_path(value: Any) -> str:
    """The path as GitLab could have given it, "" for anything else."""
    return value if isinstance(value, str) and PATH.fullmatch(value) else ""


def _is_confidential(event: _Event, header: str) -> bool:
    return (
        header.lower().startswith("confidential")
        or (event.event_type or "").startswith("confidential_")
        or bool(event.object_attributes.confidential)
    )


def _work_id(ref: IssueRef, about: _Attributes) -> str:
    """The same for a project's hook, its group's hook and every repetition of either."""
    work = f"{ref.key} {about.action} {about.updated_at}"
    return hashlib.sha256(work.encode()).hexdigest()[:32]


def _signatures(header: str) -> list[bytes]:
    """Those of version 1 that can be one of SHA-256: 32 bytes as base64."""
    parts = [part[3:] for part in header.split(" ") if SIGNATURE.fullmatch(part)]
    given = [base64.b64decode(part) for part in parts[:MOST_SIGNATURES]]
    # Several texts stand for the same bytes; only the canonical one is a signature.
    return [one for one, part in zip(given, parts, strict=False) if _base64(one) == part]


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


class TokenVerifier:
    """The plain token stands alone: nothing of the body is signed. Implements `Seal`."""

    def update(self, chunk: bytes) -> None: ...

    def verify(self) -> None: ...
