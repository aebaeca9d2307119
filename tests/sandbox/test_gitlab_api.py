"""GitLab's behaviour that the product depends on or has to tolerate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bot.sandbox.demo import DEMO_PROJECT, GROUP_LABELS, PROJECT_LABELS
from tests.simulation import Sandbox

PROJECT = "acme%2Fgadget"


@contextmanager
def client_of(box: Sandbox, token: str) -> Iterator[httpx.Client]:
    headers = {"private-token": token} if token else {}
    with httpx.Client(base_url=f"{box.gitlab_url}/api/v4", headers=headers) as found:
        yield found


@pytest.fixture
def bot(box: Sandbox) -> Iterator[httpx.Client]:
    with client_of(box, box.gitlab.token) as found:
        yield found


@pytest.fixture
def number(box: Sandbox) -> int:
    return box.gitlab.open_issue(DEMO_PROJECT, "Title", "Body")


def issue(number: int, rest: str = "") -> str:
    return f"/projects/{PROJECT}/issues/{number}{rest}"


def note(bot: httpx.Client, number: int, body: str) -> httpx.Response:
    return bot.post(issue(number, "/notes"), json={"body": body})


def test_the_bot_reads_its_user_and_its_scopes(box: Sandbox, bot: httpx.Client) -> None:
    me = bot.get("/user").json()
    assert (me["id"], me["username"]) == (box.gitlab.bot.id, box.gitlab.bot.login)
    assert bot.get("/personal_access_tokens/self").json()["scopes"] == ["api"]
    assert bot.get(f"/projects/{PROJECT}/members/all/{me['id']}").json()["access_level"] == 20
    assert bot.get("/version").json()["version"].startswith("19.")


def test_a_project_is_found_by_id_and_by_encoded_path(box: Sandbox, bot: httpx.Client) -> None:
    number = box.gitlab.state.repo(DEMO_PROJECT).id
    for project, status in ((number, 200), (PROJECT, 200), (DEMO_PROJECT, 404), ("acme%2Fx", 404)):
        answer = bot.get(f"/projects/{project}")
        assert answer.status_code == status
        assert status != 200 or answer.json()["id"] == number


# Request → the labels of the issue afterwards, and those that were created.
LABELLING: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({"add_labels": ["type::feature"]}, ["documentation", "type::feature"], []),
    (
        {"add_labels": ["priority::high", "priority::low"]},
        ["documentation", "priority::low", "type::bug"],
        [],
    ),
    ({"add_labels": ["new"]}, ["documentation", "new", "type::bug"], ["new"]),
    (
        {"add_labels": ["Documentation"]},
        ["Documentation", "documentation", "type::bug"],
        ["Documentation"],
    ),
    ({"add_labels": "a,b"}, ["a", "b", "documentation", "type::bug"], ["a", "b"]),
    ({"add_labels": ["a,b"]}, ["a", "b", "documentation", "type::bug"], ["a", "b"]),
    ({"add_labels": ["x" * 256]}, ["documentation", "type::bug"], []),
    ({"remove_labels": "documentation,none"}, ["type::bug"], []),
    (
        {"add_labels": ["type::feature"], "remove_labels": ["type::bug"]},
        ["documentation", "type::feature"],
        [],
    ),
    ({"labels": ["performance"]}, ["performance"], []),
]


@pytest.mark.parametrize(("wanted", "carried", "created"), LABELLING)
def test_labels_change_as_on_gitlab(
    box: Sandbox, bot: httpx.Client, wanted: dict[str, Any], carried: list[str], created: list[str]
) -> None:
    first = ["documentation", "type::bug"]
    number = box.gitlab.open_issue(DEMO_PROJECT, "Title", "Body", labels=first)
    answer = bot.put(issue(number), json=wanted)
    assert answer.status_code == 200
    assert answer.json()["labels"] == bot.get(issue(number)).json()["labels"] == carried
    assert sorted(box.gitlab.labels(DEMO_PROJECT, number)) == carried
    assert known(box) == created
    recorded = [names for _, _, names in box.gitlab.replaced_labels]
    assert recorded == ([["performance"]] if "labels" in wanted else [])


def test_a_description_may_have_a_megabyte_of_characters(box: Sandbox, bot: httpx.Client) -> None:
    longest = "\U0001f4a5" * 1_048_576
    number = box.gitlab.open_issue(DEMO_PROJECT, "Title", longest)
    assert bot.get(issue(number)).json()["description"] == longest
    with pytest.raises(ValueError, match=r"is too long \(maximum is 1048576 characters\)"):
        box.gitlab.open_issue(DEMO_PROJECT, "Title", f"{longest}x")


def known(box: Sandbox) -> list[str]:
    return box.gitlab.created_labels(DEMO_PROJECT)


def test_labels_of_the_group_are_listed_in_pages(bot: httpx.Client) -> None:
    seen: list[str] = []
    page = "1"
    while page:
        answer = bot.get(f"/projects/{PROJECT}/labels", params={"per_page": 7, "page": page})
        seen += [label["name"] for label in answer.json()]
        page = answer.headers["x-next-page"]
    assert set(seen) == {*PROJECT_LABELS, *GROUP_LABELS}
    assert len(seen) == int(answer.headers["x-total"])
    alone = bot.get(f"/projects/{PROJECT}/labels?include_ancestor_groups=false&per_page=100")
    assert {label["name"] for label in alone.json()} == set(PROJECT_LABELS)


@pytest.mark.parametrize(
    ("label", "status"),
    [
        ({"name": "api", "color": "#5319E7", "description": "What programs call"}, 201),
        ({"name": "api", "color": "#53e"}, 201),
        ({"name": "type::bug", "color": "#5319e7"}, 409),
        ({"name": "customer", "color": "#5319e7"}, 409),
        ({"name": "api"}, 400),
        ({"color": "#5319e7"}, 400),
        ({"name": "a, b", "color": "#5319e7"}, 400),
        ({"name": "api", "color": "5319e7"}, 400),
    ],
)
def test_a_label_is_created_in_gitlabs_form_only(
    bot: httpx.Client, label: dict[str, str], status: int
) -> None:
    url = f"/projects/{PROJECT}/labels"
    answer = bot.post(url, json=label)
    assert answer.status_code == status
    names = {x["name"]: x["color"] for x in bot.get(f"{url}?per_page=100").json()}
    assert ("api" in names) is (status == 201)
    if status == 201:
        assert names["api"] in ("#5319e7", "#5533ee")


def test_a_guest_and_a_stranger_create_no_label(box: Sandbox, bot: httpx.Client) -> None:
    url, label = f"/projects/{PROJECT}/labels", {"name": "api", "color": "#5319e7"}
    with client_of(box, "") as stranger:
        assert stranger.post(url, json=label).status_code == 401
    box.gitlab.access.bot_level = 10
    assert bot.post(url, json=label).status_code == 403


# A note → the text that is stored, the actions that GitLab would execute.
NOTES: list[tuple[str, str, list[str]]] = [
    ("Fine.\n/close", "Fine.", ["close"]),
    ("Fine.\r\n/CLOSE\r\nMore.", "Fine.\nMore.", ["close"]),
    ("Fine./close", "Fine./close", []),
    ("Fine.\n/\rclose", "Fine.", ["close"]),
    ("```\n/lock\n```", "```\n```", ["lock"]),
    ("Fine.\n/closet", "Fine.\n/closet", []),
    ("Fine.\n /close", "Fine.\n /close", []),
    ("Fine.\n\\/close", "Fine.\n\\/close", []),
    ("Fine.\n/title New\n/confidential", "Fine.", ["title", "confidential"]),
    ('Fine.\n/label ~documentation ~"good first issue" ~none', "Fine.", ["label"]),
    ("Fine.\n/unlabel ~regression\n/assign @ada", "Fine.", ["unlabel", "assign"]),
]


@pytest.mark.parametrize(("body", "left", "actions"), NOTES)
@pytest.mark.parametrize("editing", [False, True])
def test_quick_actions_in_a_note_are_recorded_and_removed(
    box: Sandbox, bot: httpx.Client, body: str, left: str, actions: list[str], editing: bool
) -> None:
    number = box.gitlab.open_issue(DEMO_PROJECT, "Title", "Body")
    if editing:
        written = note(bot, number, "Before").json()["id"]
        answer = bot.put(issue(number, f"/notes/{written}"), json={"body": body})
    else:
        answer = note(bot, number, body)
    assert answer.json()["body"] == left
    assert [action.name for action in box.gitlab.quick_actions] == actions


def test_a_note_with_only_quick_actions_is_not_stored(
    box: Sandbox, bot: httpx.Client, number: int
) -> None:
    answer = note(bot, number, "/close")
    assert (answer.status_code, box.gitlab.comments(DEMO_PROJECT, number)) == (202, [])


def test_notes_are_listed_in_order_with_system_notes(
    box: Sandbox, bot: httpx.Client, number: int
) -> None:
    for body in ("one", "two"):
        note(bot, number, body)
    box.gitlab.lock_issue(DEMO_PROJECT, number)
    listed = {
        query: [n["body"] for n in bot.get(issue(number, f"/notes?{query}")).json()]
        for query in ("sort=asc", "activity_filter=only_comments", "activity_filter=only_activity")
    }
    own = "locked the discussion in this issue"
    assert list(listed.values()) == [["one", "two", own], ["two", "one"], [own]]


def test_notes_of_others_cannot_be_changed(box: Sandbox, bot: httpx.Client, number: int) -> None:
    theirs = box.gitlab.comment_by_person(DEMO_PROJECT, number, "Mine")
    for path, status in ((f"/notes/{theirs}", 403), ("/notes/1", 404)):
        assert bot.put(issue(number, path), json={"body": "x"}).status_code == status
        assert bot.delete(issue(number, path)).status_code == status
    bot_accounts = note(bot, number, "Ours").json()["id"]
    assert bot.delete(issue(number, f"/notes/{bot_accounts}")).status_code == 204


def test_the_configuration_is_read_raw(box: Sandbox, bot: httpx.Client) -> None:
    path = f"/projects/{PROJECT}/repository/files/.gitlab%2Ftagline.yml/raw?ref=HEAD"
    assert bot.get(path).status_code == 404
    box.gitlab.set_config(DEMO_PROJECT, "version: 1")
    assert bot.get(path).text == "version: 1"


def test_issues_are_listed_by_time_state_and_confidentiality(
    box: Sandbox, bot: httpx.Client
) -> None:
    old = box.gitlab.open_issue(DEMO_PROJECT, "Old", "login", created_at=1e9)
    hidden = box.gitlab.open_issue(DEMO_PROJECT, "Hidden", "", confidential=True)
    new = box.gitlab.open_issue(DEMO_PROJECT, "New login", "")
    closed = box.gitlab.open_issue(DEMO_PROJECT, "Closed", "")
    box.gitlab.close_issue(DEMO_PROJECT, closed)
    for query, expected in (
        ("state=opened&scope=all", [new, hidden, old]),
        ("state=opened&confidential=false&order_by=created_at&sort=desc", [new, old]),
        ("state=opened&confidential=false&sort=desc&per_page=1&page=2", [old]),
        ("state=closed", [closed]),
        ("created_after=2020-01-01T00:00:00Z&confidential=false&sort=asc", [new, closed]),
        ("created_after=2020-01-01T00:00:00Z&confidential=false&state=opened", [new]),
    ):
        listed = bot.get(f"/projects/{PROJECT}/issues?{query}").json()
        assert [one["iid"] for one in listed] == expected, query


def test_a_moved_issue_stays_closed_in_the_old_project(
    box: Sandbox, bot: httpx.Client, number: int
) -> None:
    there = box.gitlab.add_repo("acme/other", {"documentation": ""}).id
    moved = box.gitlab.transfer_issue(DEMO_PROJECT, number, there)
    left = bot.get(issue(number)).json()
    arrived = bot.get(f"/projects/{there}/issues/{moved}").json()
    assert (left["state"], left["moved_to_id"]) == ("closed", arrived["id"])


ROLES = [
    # role, confidential, private → reads the issue, labels it, writes a note, sees hooks
    (0, False, False, [200, 403, 201, 403]),
    (10, False, False, [200, 403, 201, 403]),
    (10, True, False, [404, 404, 404, 403]),
    (15, True, False, [200, 200, 201, 403]),
    (20, True, True, [200, 200, 201, 403]),
    (40, False, False, [200, 200, 201, 200]),
    (0, False, True, [404, 404, 404, 404]),
]


@pytest.mark.parametrize(("role", "confidential", "private", "statuses"), ROLES)
def test_the_role_decides(
    box: Sandbox,
    bot: httpx.Client,
    role: int,
    confidential: bool,
    private: bool,
    statuses: list[int],
) -> None:
    box.gitlab.access.bot_level = role
    box.gitlab.add_repo(DEMO_PROJECT, {"bug": ""}, private=private)
    number = box.gitlab.open_issue(DEMO_PROJECT, "Title", "Body", confidential=confidential)
    assert statuses == [
        bot.get(issue(number)).status_code,
        bot.put(issue(number), json={"add_labels": ["bug"]}).status_code,
        note(bot, number, "x").status_code,
        bot.get(f"/projects/{PROJECT}/hooks").status_code,
    ]


def test_only_members_write_in_a_locked_issue(box: Sandbox, bot: httpx.Client, number: int) -> None:
    box.gitlab.lock_issue(DEMO_PROJECT, number)
    assert note(bot, number, "x").status_code == 201
    box.gitlab.access.bot_level = 0
    assert note(bot, number, "x").status_code == 403


def test_tokens_are_checked(box: Sandbox, number: int) -> None:
    reading = box.gitlab.access.issue("glpat-reading", box.gitlab.bot.login, ("read_api",)).text
    for token, statuses in (
        ("", [200, 401, 401]),
        ("wrong", [401, 401, 401]),
        (reading, [200, 403, 200]),
        (box.gitlab.token, [200, 201, 200]),
    ):
        with client_of(box, token) as one:
            seen = [one.get(issue(number)), note(one, number, "x"), one.get("/user")]
            assert [answer.status_code for answer in seen] == statuses
    by_bearer = {"authorization": f"Bearer {box.gitlab.token}"}
    assert httpx.get(f"{box.gitlab_url}/api/v4/user", headers=by_bearer).status_code == 200


def test_a_token_expires_after_a_year(box: Sandbox, bot: httpx.Client) -> None:
    access, before = box.gitlab.access, box.gitlab.access.clock
    access.clock = lambda: before() + timedelta(days=366)
    answer = bot.get("/user")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_answers_carry_the_rate_limit(box: Sandbox, bot: httpx.Client) -> None:
    first, second = (int(bot.get("/user").headers["ratelimit-remaining"]) for _ in range(2))
    assert first == second + 1
    for fault, wait in (("forge-429", "60"), ("gitlab-429-reset", None)):
        box.fault(fault)
        headers = bot.get("/user").headers
        assert (headers.get("retry-after"), headers["ratelimit-remaining"]) == (wait, "0")
        assert int(headers["ratelimit-reset"]) > 1_700_000_000
