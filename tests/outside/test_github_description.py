"""The sandbox's REST API follows GitHub's own description."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import jwt
import pytest
from openapi_schema_validator import OAS30Validator

from bot.sandbox.suggestions import LEVELS
from tests.simulation import Exchange, Sandbox

from .conformance import INTENTS, Conformance

REPO = "acme/widget"
DESCRIPTIONS = ["api.github.com.trimmed.json", "api.github.com.2026-03-10.derived.json"]


@pytest.fixture(scope="session", params=DESCRIPTIONS, ids=["2022-11-28", "2026-03-10"])
def description(request: pytest.FixtureRequest, shared: Path) -> Conformance:
    return Conformance.read(shared / "contracts/github/openapi" / request.param)


@pytest.fixture(scope="session")
def description_of_types(shared: Path) -> Conformance:
    return Conformance.read(shared / "contracts/github/openapi" / INTENTS)


@pytest.fixture
def conformance(description: Conformance) -> Conformance:
    return description.fresh()


@pytest.fixture
def box(conformance: Conformance) -> Iterator[Sandbox]:
    with Sandbox().running() as box:
        box.add_repo(REPO, {"bug": "Broken", "area/login": ""}, {".github/tagline.yml": "v: 1"})
        box.observe(conformance.check)
        yield box


@pytest.fixture
def app(box: Sandbox) -> Iterator[httpx.Client]:
    at = int(time.time())
    claims = {"iat": at - 60, "exp": at + 540, "iss": str(box.app_id)}
    token = jwt.encode(claims, box.private_key, "RS256")
    with httpx.Client(
        base_url=box.github_url, headers={"authorization": f"bearer {token}"}
    ) as client:
        yield client


@pytest.fixture
def bot(box: Sandbox, app: httpx.Client) -> Iterator[httpx.Client]:
    permissions = {"issues": "write", "contents": "read"}
    wanted = {"repository_ids": [box.state.repo(REPO).id], "permissions": permissions}
    response = app.post(f"/app/installations/{box.installation_id}/access_tokens", json=wanted)
    token = response.json()["token"]
    with httpx.Client(
        base_url=box.github_url, headers={"authorization": f"token {token}"}
    ) as client:
        yield client


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_folder_has_entries_as_described(
    box: Sandbox, bot: httpx.Client, shared: Path, name: str
) -> None:
    box.state.repo(REPO).files[".github/ISSUE_TEMPLATE/bug.md"] = "## Steps"
    path = shared / "contracts/github/openapi" / name
    content = json.loads(path.read_text(encoding="utf-8"))
    schema = content["components"]["schemas"]["content-directory"]
    listed = bot.get(f"/repos/{REPO}/contents/.github").json()
    OAS30Validator({**schema, "components": content["components"]}).validate(listed)
    assert [(one["type"], one["path"]) for one in listed] == [
        ("dir", ".github/ISSUE_TEMPLATE"),
        ("file", ".github/tagline.yml"),
    ]


def test_the_app_reads_itself_as_described(
    box: Sandbox, app: httpx.Client, conformance: Conformance
) -> None:
    box.webhook_url = "http://127.0.0.1:9/closed"
    box.open_issue(REPO, "Lost", "No receiver")
    delivery = box.deliveries[0].id
    paths = [
        "/app",
        "/app/installations",
        f"/repos/{REPO}/installation",
        "/app/hook/deliveries?status=failure&per_page=1",
        "/app/hook/deliveries?status=success",
    ]
    assert [app.get(path).status_code for path in paths] == [200] * len(paths)
    assert app.post(f"/app/hook/deliveries/{delivery}/attempts").status_code == 202
    assert app.get("/repos/acme/nowhere/installation").status_code == 404
    assert conformance.checked == len(paths) + 1  # the list of installations is an exception
    assert conformance.violations == []


def test_the_installation_works_as_described(
    box: Sandbox, bot: httpx.Client, conformance: Conformance
) -> None:
    number = box.open_issue(REPO, "Login is dead", None)
    pull = box.open_issue(REPO, "Fix login", "", pull_request=True)
    issue = f"/repos/{REPO}/issues/{number}"
    written = bot.post(f"{issue}/comments", json={"body": "One comment"})
    comment = f"/repos/{REPO}/issues/comments/{written.json()['id']}"
    box.close_issue(REPO, pull)
    calls: list[tuple[str, str, object, int]] = [
        ("GET", f"/repos/{REPO}", None, 200),
        ("GET", f"/repos/{REPO}/labels?per_page=1", None, 200),
        ("GET", f"/repos/{REPO}/issues?state=all&per_page=100", None, 200),
        ("GET", f"/repos/{REPO}/contents/.github%2Fabsent.yml", None, 404),
        ("GET", issue, None, 200),
        ("GET", f"/repos/{REPO}/issues/{pull}", None, 200),
        ("GET", f"/repos/{REPO}/issues/99", None, 404),
        ("GET", f"{issue}/comments?per_page=100&page=1", None, 200),
        ("PATCH", comment, {"body": "The same comment, edited"}, 200),
        ("POST", f"{issue}/labels", {"labels": ["bug", "area/login"]}, 200),
        ("DELETE", f"{issue}/labels/area%2Flogin", None, 200),
        ("DELETE", f"{issue}/labels/area%2Flogin", None, 404),
        ("POST", f"{issue}/comments", {"body": ""}, 422),
        ("DELETE", comment, None, 204),
        ("GET", f"/repos/{REPO}/collaborators/maintainer/permission", None, 200),
    ]
    box.state.user("maintainer")
    for method, path, body, status in calls:
        response = bot.request(method, path, json=body)
        assert (method, path, response.status_code) == (method, path, status)
    assert conformance.violations == []
    assert conformance.checked == len(calls) + 2  # and the token, and the comment


def test_deleted_moved_and_locked_issues_are_as_described(
    box: Sandbox, bot: httpx.Client, conformance: Conformance
) -> None:
    box.add_repo("acme/other")
    numbers = [box.open_issue(REPO, "An issue", "Words") for _ in range(3)]
    box.transfer_issue(REPO, numbers[0], "acme/other")
    box.delete_issue(REPO, numbers[1])
    box.lock_issue(REPO, numbers[2])
    issues = [f"/repos/{REPO}/issues/{number}" for number in numbers]
    assert [bot.get(path).status_code for path in issues] == [301, 410, 200]
    assert bot.get(issues[0]).headers["location"].endswith("/repos/acme/other/issues/1")
    assert bot.post(f"{issues[2]}/comments", json={"body": "x"}).status_code == 403
    assert conformance.violations == []


def test_raw_files_and_personal_tokens_work(box: Sandbox, conformance: Conformance) -> None:
    headers = {"authorization": f"Bearer {box.token}"}
    raw = {"accept": "application/vnd.github.raw+json"}
    with httpx.Client(base_url=box.github_url, headers=headers) as person:
        assert person.get("/user").json()["login"] == box.token_login
        file = person.get(f"/repos/{REPO}/contents/.github%2Ftagline.yml", headers=raw)
    assert file.text == "v: 1"
    assert conformance.violations == []


def test_the_search_works_as_described(
    box: Sandbox, bot: httpx.Client, conformance: Conformance, description_of_types: Conformance
) -> None:
    more = description_of_types.fresh()
    box.observe(more.check)
    repo = box.state.repo(REPO)
    repo.types = {"Bug": "Broken"}
    number = box.open_issue(REPO, "Login is dead", None, labels=["bug"], issue_type="Bug")
    other = box.open_issue(REPO, "The login again", "Words")
    box.set_milestone(REPO, number, "2.4")
    box.close_issue(REPO, number, duplicate_of=other)
    query = f"login repo:{REPO} is:issue"
    calls: list[tuple[dict[str, str], int, int]] = [
        ({"q": query, "search_type": "hybrid", "per_page": "50"}, 200, 2),
        ({"q": f"(login OR dead) {query}", "advanced_search": "true"}, 200, 2),
        ({"q": f'"again" {query}', "search_type": "semantic"}, 200, 1),
        ({"q": query, "sort": "created", "order": "asc", "page": "2"}, 200, 0),
        ({"q": "login"}, 422, 0),
    ]
    for params, status, count in calls:
        response = bot.get("/search/issues", params=params)
        assert (params, response.status_code) == (params, status)
        assert len(response.json().get("items", [])) == count
    for one in (conformance, more):
        assert one.violations == []
    assert more.checked == len(calls)


def test_issue_types_work_as_described(
    box: Sandbox, bot: httpx.Client, conformance: Conformance, description_of_types: Conformance
) -> None:
    more = description_of_types.fresh()
    box.observe(more.check)
    repo = box.state.repo(REPO)
    repo.types, repo.disabled_types = {"Bug": "Broken", "Task": "", "Old": ""}, {"Old"}
    issue = f"/repos/{REPO}/issues/{box.open_issue(REPO, 'Login is dead')}"
    calls: list[tuple[str, str, object, int]] = [
        ("GET", f"/repos/{REPO}/issue-types", None, 200),
        ("PATCH", issue, {"type": "bug"}, 200),
        ("PATCH", issue, {"type": "Task"}, 200),
        ("PATCH", issue, {"type": "Old"}, 422),
        ("PATCH", issue, {"type": "Epic"}, 422),
        ("PATCH", issue, {"type": None}, 200),
        ("GET", f"{issue}/events?per_page=100&page=1", None, 200),
        ("PATCH", f"/repos/{REPO}/issues/99", {"type": "Bug"}, 404),
    ]
    for method, path, body, status in calls:
        response = bot.request(method, path, json=body)
        assert (method, path, response.status_code) == (method, path, status)
    repo.types = None
    assert bot.get(f"/repos/{REPO}/issue-types").status_code == 404
    assert conformance.violations == []
    assert more.violations == []
    assert more.checked == len(calls) + 1  # and the list of a user's repository
    events = bot.get(f"{issue}/events").json()
    assert [(one["event"], one.get("issue_type", {}).get("name")) for one in events] == [
        ("issue_type_added", "Bug"),
        ("issue_type_changed", "Task"),
        ("issue_type_removed", None),
    ]


@pytest.mark.parametrize("level", [*LEVELS, None])
def test_suggestions_work_as_described(
    box: Sandbox, bot: httpx.Client, description_of_types: Conformance, level: str | None
) -> None:
    conformance = description_of_types.fresh()
    box.observe(conformance.check)
    repo = box.state.repo(REPO)
    repo.automation, repo.types = level, {"Bug": "", "Task": ""}
    repo.labels |= dict.fromkeys(("sure", "likely", "unsure", "asked", "plain"), "")
    number = box.open_issue(REPO, "Login is dead")
    issue = f"/repos/{REPO}/issues/{number}"
    sent: list[object] = [
        {"name": "sure", "confidence": "high"},
        {"name": "likely", "confidence": "medium", "rationale": "It says so."},
        {"name": "unsure", "confidence": "low", "suggest": False},
        {"name": "asked", "confidence": "high", "suggest": True},
        "plain",
    ]
    answer = bot.post(f"{issue}/labels", json={"labels": sent})
    assert [label["name"] for label in answer.json()] == [*APPLIED[level], "plain"]
    asked = {"value": "Bug", "rationale": "It crashes.", "confidence": "high", "suggest": True}
    answer = bot.patch(issue, json={"type": asked})
    assert answer.json()["type"] is None
    assert ("suggestions" in answer.json()) == bool(level)
    listed = bot.get(f"{issue}/suggestions?state=pending&per_page=100&page=1")
    assert listed.status_code == (200 if level else 404)
    targets = [one.target for one in box.state.issue(REPO, number).suggestions]
    held = [name for name in ("sure", "likely", "unsure", "asked") if name not in APPLIED[level]]
    assert targets == ([*held, "Bug"] if level else [])
    if level:
        ids = [one["id"] for one in listed.json()]
        assert bot.post(f"{issue}/suggestions/{ids[0]}/dismiss").json()["state"] == "dismissed"
        assert bot.post(f"{issue}/suggestions/{ids[0]}/approve").status_code == 422
        assert bot.post(f"{issue}/suggestions/{ids[-1]}/approve").json()["state"] == "approved"
        assert bot.get(issue).json()["type"]["name"] == "Bug"
        again = bot.patch(issue, json={"type": asked}).json()["suggestions"]["type"]
        assert again[0]["ignored_reason"] == "already_applied"
    for wrong in ({"name": "asked", "confidence": "HIGH"}, {"name": "no such", "suggest": True}):
        if level or "confidence" in wrong:
            status = bot.post(f"{issue}/labels", json={"labels": [wrong]}).status_code
            assert status == 422
    assert box.created_labels(REPO) == []
    upper_case = [x for x in conformance.violations if "HIGH" in x]
    assert conformance.violations == upper_case, "the description refuses it too"
    assert upper_case
    events = bot.get(f"{issue}/events").json()
    assert {"intent" in one for one in events if one["event"] == "labeled"} == {bool(level)}


# What each automation level applies of labels that are sent with a confidence.
APPLIED: dict[str | None, list[str]] = {
    "full-control": [],
    "cautious": ["sure"],
    "balanced": ["sure", "likely"],
    "full-automation": ["sure", "likely"],
    None: [],
}
WRONG: list[tuple[str, Callable[[httpx.Client, str], httpx.Response]]] = [
    ("bare list of labels", lambda bot, issue: bot.post(f"{issue}/labels", json=["bug"])),
    ("empty list of labels", lambda bot, issue: bot.post(f"{issue}/labels", json={"labels": []})),
    ("comment without a body", lambda bot, issue: bot.post(f"{issue}/comments")),
    ("comment without text", lambda bot, issue: bot.post(f"{issue}/comments", json={"text": "x"})),
    ("number for a body", lambda bot, issue: bot.post(f"{issue}/comments", json={"body": 5})),
    ("unknown method", lambda bot, issue: bot.put(f"{issue}/comments", json={"body": "x"})),
]


@pytest.mark.parametrize("send", [send for _, send in WRONG], ids=[name for name, _ in WRONG])
def test_a_wrong_request_is_reported(
    box: Sandbox,
    bot: httpx.Client,
    conformance: Conformance,
    send: Callable[[httpx.Client, str], httpx.Response],
) -> None:
    number = box.open_issue(REPO, "An issue", "Words")
    send(bot, f"/repos/{REPO}/issues/{number}")
    assert len(conformance.violations) == 1
    assert "request" in conformance.violations[0]


def test_a_wrong_response_is_reported(conformance: Conformance) -> None:
    path = f"/repos/{REPO}/issues/1/comments"
    conformance.check(Exchange("github", "GET", path, "", {}, b"", 200, JSON, b'[{"id": "one"}]'))
    conformance.check(Exchange("github", "GET", path, "", {}, b"", 206, JSON, b"[]"))
    assert ["response" in violation for violation in conformance.violations] == [True, True]


JSON = {"content-type": "application/json; charset=utf-8"}
