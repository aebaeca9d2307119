"""GitHub's webhooks: authentic or rejected; an event, or the reason why it is ignored."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.core.errors import Rejected
from bot.core.events import Event, Ignored
from bot.core.types import IssueRef, JobKind
from bot.forges.github.webhooks import GitHubWebhooks
from tests.web.client import verify

SECRET = "It's a Secret to Everybody"
NEXT_SECRET = "the-secret-after-it"
ID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
EVENT: dict[str, Any] = {
    "action": "opened",
    "issue": {
        "number": 41,
        "title": "Login fails",
        "body": None,
        "user": {"login": "ada", "type": "User"},
    },
    "repository": {"id": 7001, "full_name": "acme/widget", "private": False},
    "sender": {"login": "ada", "type": "User"},
    "installation": {"id": 5001},
}
OPENED = Event("opened", ID, IssueRef("github", "github.com", "acme/widget", 41, 7001, "5001"))


def parser(*secrets: str) -> GitHubWebhooks:
    return GitHubWebhooks(secrets or (SECRET,), "github.com")


def signed(body: bytes, secret: str = SECRET, algorithm: str = "sha256") -> str:
    return f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}"


def headers(**given: str) -> dict[str, str]:
    base = {
        "x-github-event": "issues",
        "x-github-delivery": ID,
        "content-type": "application/json",
    }
    return {**base, **{name.replace("_", "-"): value for name, value in given.items()}}


def changed(**changes: Any) -> dict[str, Any]:
    """The event with other values; a dotted path is written with two underscores, None removes."""
    event: dict[str, Any] = json.loads(json.dumps(EVENT))
    for path, value in changes.items():
        *way, last = path.split("__")
        place = event
        for name in way:
            place = place.setdefault(name, {})
        place[last] = value
    return event


def read(event: object, **given: str) -> Event | Ignored:
    return parser().parse(headers(**given), json.dumps(event).encode())


# Is it authentic?


def test_the_documented_test_vector_is_authentic() -> None:
    known = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    given = {"x-hub-signature-256": f"sha256={known}"}
    verify(parser(), given, b"Hello, World!")


BODY = json.dumps(EVENT).encode()
GOOD = signed(BODY)
FORGED = {
    "none": None,
    "empty": "",
    "no digits": "sha256=",
    "another secret": signed(BODY, "another secret, long"),
    "the empty secret": signed(BODY, ""),
    "another body": signed(BODY + b" "),
    "SHA-1": signed(BODY, algorithm="sha1"),
    "SHA-1 called SHA-256": "sha256=" + signed(BODY, algorithm="sha1")[5:],
    "no prefix": GOOD[7:],
    "upper case": "sha256=" + GOOD[7:].upper(),
    "upper-case prefix": "SHA256" + GOOD[6:],
    "cut": GOOD[:-1],
    "too long": GOOD + "0",
    "a line end after it": GOOD + "\n",
    "a blank before it": f" {GOOD}",
    "twice": f"{GOOD}, {GOOD}",
    "good after wrong": f"sha256={'0' * 64}, {GOOD}",
    "not hexadecimal": f"sha256={'g' * 64}",
    "not ASCII": f"sha256={'é' * 64}",
    "digits of another script": f"sha256={'٣' * 64}",
}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("more", [{}, {"x_hub_signature": signed(BODY, algorithm="sha1")}], ids=str)
def test_a_body_without_a_valid_sha_256_signature_is_401(name: str, more: dict[str, str]) -> None:
    signature = FORGED[name]
    given = headers(**more) if signature is None else headers(x_hub_signature_256=signature, **more)
    with pytest.raises(Rejected) as refusal:
        verify(parser(), given, BODY)
    assert refusal.value.status == 401
    assert SECRET not in str(refusal.value)


def test_an_invalid_signature_is_rejected_by_the_headers_alone() -> None:
    for name in ("none", "empty", "SHA-1", "cut", "twice", "upper case", "not ASCII"):
        with pytest.raises(Rejected) as refusal:
            parser().check_headers(headers(x_hub_signature_256=FORGED[name] or ""))
        assert refusal.value.status == 401
    parser().check_headers(headers(x_hub_signature_256=GOOD))


@pytest.mark.parametrize("secret", [SECRET, NEXT_SECRET])
def test_while_a_secret_is_rotated_both_are_accepted(secret: str) -> None:
    both = parser(SECRET, NEXT_SECRET)
    verify(both, headers(x_hub_signature_256=signed(BODY, secret)), BODY)
    with pytest.raises(Rejected):
        verify(both, headers(x_hub_signature_256=signed(BODY, "third secret")), BODY)


def test_a_secret_beyond_ascii_is_used_as_utf_8() -> None:
    secret = "pâssword-with-ümlauts"
    body = b"{}"
    digest = hmac.new(secret.encode("utf-8"), body, hashlib.sha256).hexdigest()
    verify(parser(secret), {"x-hub-signature-256": f"sha256={digest}"}, body)


@pytest.mark.parametrize("secrets", [(), ("",), (SECRET, "")])
def test_a_parser_needs_a_secret(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="secret"):
        GitHubWebhooks(secrets, "github.com")


# What does it report?


@pytest.mark.parametrize("action", ["opened", "reopened"])
def test_an_opened_or_reopened_issue_is_an_event(action: JobKind) -> None:
    assert read(changed(action=action)) == Event(action, ID, OPENED.ref)


@pytest.mark.parametrize("what", ["title", "body"])
def test_an_edit_of_title_or_body_is_an_event(what: str) -> None:
    event = read(changed(action="edited", changes={what: {"from": "before"}}))
    assert event == Event("edited", ID, OPENED.ref)


@pytest.mark.parametrize("action", ["labeled", "unlabeled", "typed", "untyped"])
def test_a_label_change_by_a_person_is_an_event(action: str) -> None:
    event = read(changed(action=action, label={"id": 1, "name": "quokkaberry"}))
    assert event == Event("labels", ID, OPENED.ref)
    assert "quokkaberry" not in repr(event)


def test_an_event_holds_ids_and_no_text() -> None:
    event = read(changed(issue__title="quokkaberry", issue__body="quokkaberry"))
    assert event == OPENED
    assert "quokkaberry" not in repr(event)


@pytest.mark.parametrize(
    "event",
    [
        changed(issue__user=None),
        changed(sender=None),
        changed(issue__user={"login": "ghost"}),
        changed(issue__labels=[{"name": "x"}, "y"], unknown={"a": [1]}),
        changed(changes={"old_issue": {"number": 1}}),
    ],
)
def test_missing_and_new_fields_do_no_harm(event: dict[str, Any]) -> None:
    assert read(event) == OPENED


# Event → why it is left alone.
IGNORED: dict[str, dict[str, Any]] = {
    "not closed as a duplicate": changed(action="closed", issue__state_reason="completed"),
    "closed by a bot": changed(
        action="closed",
        issue__state_reason="duplicate",
        sender={"login": "x[bot]", "type": "Bot"},
    ),
    "action 'transferred'": changed(action="transferred"),
    "action 'quite_new'": changed(action="quite_new"),
    "neither title nor body changed": changed(action="edited", changes={"labels": []}),
    "edited by a bot": changed(
        action="edited", changes={"body": {}}, sender={"login": "x[bot]", "type": "Bot"}
    ),
    "labels changed by a bot": changed(
        action="unlabeled", label={"name": "bug"}, sender={"login": "x[bot]", "type": "Bot"}
    ),
    "type changed by a bot": changed(
        action="typed", type={"name": "Bug"}, sender={"login": "x[bot]", "type": "Bot"}
    ),
    "a pull request": changed(action="labeled", issue__pull_request={"url": "x"}),
    "opened by a bot": changed(issue__user={"login": "x[bot]", "type": "Bot"}),
}


@pytest.mark.parametrize("reason", IGNORED)
def test_an_event_that_needs_no_job_is_ignored_with_its_reason(reason: str) -> None:
    assert read(IGNORED[reason]) == Ignored(reason)


def test_an_issue_that_a_person_closed_as_a_duplicate_is_an_event() -> None:
    event = read(changed(action="closed", issue__state_reason="duplicate"))
    assert event == Event("closed", ID, OPENED.ref)


def test_an_edit_without_changes_is_ignored() -> None:
    assert read(changed(action="edited")) == Ignored("neither title nor body changed")


@pytest.mark.parametrize("event", ["ping", "label", "installation", "quite_new"])
def test_other_events_are_ignored_whatever_they_contain(event: str) -> None:
    for body in (b"", b"{}", b"\xff", b"[" * 100_000):
        assert parser().parse(headers(x_github_event=event), body) == Ignored(f"event {event!r}")


@pytest.mark.parametrize(
    ("event", "action"), [("installation", "deleted"), ("installation_repositories", "removed")]
)
def test_the_end_of_access_is_an_event_of_the_account_alone(event: str, action: str) -> None:
    body = json.dumps({"action": action, "installation": {"id": 5001}}).encode()
    found = parser().parse(headers(x_github_event=event), body)
    assert found == Event("forget", ID, IssueRef("github", "github.com", "", 0, 0, "5001"))
    for other in ("created", "suspend", "added"):
        body = json.dumps({"action": other, "installation": {"id": 5001}}).encode()
        assert parser().parse(headers(x_github_event=event), body) == Ignored(f"action {other!r}")


def test_a_long_event_name_is_cut_in_the_reason() -> None:
    found = read(changed(action="x" * 5000))
    assert isinstance(found, Ignored)
    assert len(found.reason) < 60
    other = parser().parse(headers(x_github_event="y" * 5000), b"")
    assert isinstance(other, Ignored)
    assert len(other.reason) < 60


def test_a_delivery_without_an_installation_is_an_event_without_an_account() -> None:
    body = json.dumps({k: v for k, v in EVENT.items() if k != "installation"}).encode()
    found = parser().parse(headers(), body)
    ref = IssueRef("github", "github.com", "acme/widget", 41, 7001, "")
    assert found == Event("opened", ID, ref)


# Forms.


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-8",
        "Application/X-WWW-Form-URLEncoded",
    ],
)
def test_a_form_is_read_like_json(content_type: str) -> None:
    body = urlencode({"payload": json.dumps(EVENT)}).encode()
    given = headers(content_type=content_type, x_hub_signature_256=signed(body))
    verify(parser(), given, body)
    assert parser().parse(given, body) == OPENED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"payload=",
        b"payload",
        b"other=%7B%7D",
        b"payload=%ff",
        urlencode({"payload": "[]"}).encode(),
        json.dumps(EVENT).encode(),
        b"&".join(b"a=1" for _ in range(1000)),
    ],
    ids=range(8),
)
def test_a_form_without_an_event_is_400(body: bytes) -> None:
    with pytest.raises(Rejected) as refusal:
        parser().parse(headers(content_type="application/x-www-form-urlencoded"), body)
    assert refusal.value.status == 400


# Shapes.

WRONG_BODIES = {
    "empty": b"",
    "not JSON": b"hello",
    "not UTF-8": b'{"action": "\xff"}',
    "a byte-order mark": b"\xef\xbb\xbf" + BODY,
    "rubbish after it": BODY + b"x",
    "cut": BODY[:-1],
    "a list": b"[]",
    "null": b"null",
    "deep": b"[" * 100_000,
    "deep in a field": b'{"action": ' + b"[" * 100_000,
    "NaN": BODY.replace(b"7001", b"NaN"),
    "a number of 5,000 digits": BODY.replace(b"7001", b"9" * 5000),
    "an empty object": b"{}",
}


@pytest.mark.parametrize("name", WRONG_BODIES)
def test_a_body_that_is_no_event_is_400(name: str) -> None:
    with pytest.raises(Rejected) as refusal:
        parser().parse(headers(), WRONG_BODIES[name])
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    "event",
    [
        changed(action=None),
        changed(action=["opened"]),
        changed(issue=None),
        changed(issue__number="41"),
        changed(issue__number=0),
        changed(issue__number=-1),
        changed(issue__number=2**63),
        changed(issue__number=41.5),
        changed(issue__number=True),
        changed(issue__user="ada"),
        changed(repository=None),
        changed(repository__id=None),
        changed(repository__id="7001"),
        changed(repository__full_name="widget"),
        changed(repository__full_name="acme/widget/x"),
        changed(repository__full_name="../../etc"),
        changed(repository__full_name="acme/wid get"),
        changed(repository__full_name="a" * 200 + "/b"),
        changed(repository__full_name="acme/widget\n"),
        changed(installation={"id": "5001"}),
        changed(installation=5001),
    ],
)
def test_a_needed_field_of_the_wrong_type_is_400(event: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as refusal:
        read(event)
    assert refusal.value.status == 400
    assert "acme" not in str(refusal.value)


@pytest.mark.parametrize(
    "given",
    [
        {"x_github_event": ""},
        {"x_github_delivery": ""},
        {"x_github_delivery": "a" * 65},
        {"x_github_delivery": "a b"},
        {"x_github_delivery": f"{ID}, {ID}"},
        {"x_github_delivery": f"{ID}\n"},
        {"x_github_delivery": "é"},
    ],
)
def test_a_delivery_without_event_name_and_id_is_400(given: dict[str, str]) -> None:
    with pytest.raises(Rejected) as refusal:
        read(EVENT, **given)
    assert refusal.value.status == 400
