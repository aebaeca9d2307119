"""Lists of issues and deliveries, renamed repositories, ended installations, the forge's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from bot.sandbox.demo import DEMO_PROJECT
from tests.simulation import Sandbox

from .conftest import REPO, WEB, Receiver, app_token, create_token


def numbers(answer: httpx.Response, key: str) -> list[int]:
    return [one[key] for one in answer.json()]


def test_github_lists_issues_by_state_time_and_order(box: Sandbox, bot: httpx.Client) -> None:
    old, pull, new, closed = (
        box.open_issue(REPO, "Title", created_at=1e9 + n, pull_request=n == 1) for n in range(4)
    )
    box.close_issue(REPO, closed)
    box.comment_by_person(REPO, old, "A word")
    for query, expected in (
        ("", [new, pull, old]),
        ("state=all&sort=created&direction=asc", [old, pull, new, closed]),
        ("state=closed", [closed]),
        ("state=all&since=2020-01-01T00:00:00Z", [closed, old]),
        ("sort=updated&direction=desc", [old, new, pull]),
        ("direction=asc&per_page=2", [old, pull]),
    ):
        assert numbers(bot.get(f"/issues?{query}"), "number") == expected, query
    second = bot.get("/issues?direction=asc&per_page=2").links["next"]["url"]
    assert numbers(bot.get(second), "number") == [new]


def test_a_repository_is_read_by_id_where_it_is_visible(box: Sandbox, bot: httpx.Client) -> None:
    hidden = box.add_repo("other/hidden", private=True)
    by_id, by_name = f"{box.github_url}/repositories", f"{box.github_url}/repos/{REPO}"
    assert bot.get(f"{by_id}/{box.state.repo(REPO).id}").json() == bot.get(by_name).json()
    assert bot.get(f"{by_id}/{hidden.id}").status_code == 200
    hidden.installed = False
    assert bot.get(f"{by_id}/{hidden.id}").status_code == 404
    assert bot.get(f"{by_id}/1").status_code == 404


def test_a_renamed_repository_is_found_from_its_old_name(
    box: Sandbox, bot: httpx.Client, receiver: Receiver
) -> None:
    box.webhook_url = receiver.url
    number = box.open_issue(REPO, "Title", labels=["good first issue"], deliver=False)
    box.rename_repo(REPO, "acme/gizmo")
    old = f"{box.github_url}/repos/{REPO}"
    home = f"{box.github_url}/repositories/{box.state.repo('acme/gizmo').id}"
    for method, path, status in (
        ("GET", "", 301),
        ("GET", f"/issues/{number}/comments?per_page=100&page=1", 301),
        ("POST", f"/issues/{number}/comments", 307),
        ("DELETE", f"/issues/{number}/labels/good%20first%20issue", 307),
    ):
        moved = bot.request(method, old + path, json={"body": "x"} if method == "POST" else None)
        assert (moved.status_code, moved.headers["location"]) == (status, f"{home}{path}")
    assert box.bot_comments("acme/gizmo", number) == []
    assert bot.delete(moved.headers["location"]).status_code == 200
    assert len(box.writes("acme/gizmo")) == 3
    assert WEB.get(f"{box.github_url}/repos/acme/gizmo").json()["full_name"] == "acme/gizmo"
    box.comment_by_person("acme/gizmo", number, "Hi")
    assert box.deliveries[-1].payload["repository"]["full_name"] == "acme/gizmo"
    box.state.repo("acme/gizmo").private = True
    assert WEB.get(old).status_code == 404
    box.add_repo(REPO)
    assert bot.get(old).json()["full_name"] == REPO


def test_a_renamed_project_is_found_by_id(box: Sandbox) -> None:
    number = box.gitlab.open_issue(DEMO_PROJECT, "Title")
    project = box.gitlab.state.repo(DEMO_PROJECT).id
    box.gitlab.rename_repo(DEMO_PROJECT, "acme/renamed")
    for path in (project, "acme%2Frenamed"):
        found = WEB.get(f"{box.gitlab_url}/api/v4/projects/{path}/issues/{number}").json()
        assert found["references"]["full"] == f"acme/renamed#{number}"


def test_installations_are_listed_removed_and_suspended(box: Sandbox) -> None:
    headers = {"authorization": f"Bearer {app_token(box)}"}
    box.add_repo("beta/tool")
    box.add_repo("gamma/tool")
    beta, gamma = box.install("beta"), box.install("gamma")
    url = f"{box.github_url}/app/installations"
    first = WEB.get(f"{url}?per_page=2", headers=headers)
    second = WEB.get(first.links["next"]["url"], headers=headers)
    assert numbers(first, "id") + numbers(second, "id") == [box.installation_id, beta, gamma]
    assert [one["account"]["login"] for one in first.json()] == ["acme", "beta"]

    def token(installation: int) -> httpx.Response:
        return WEB.post(f"{url}/{installation}/access_tokens", headers=headers, json={})

    held = {"authorization": f"token {token(beta).json()['token']}"}
    labels = f"{box.github_url}/repos/beta/tool/labels"
    assert WEB.get(labels, headers=held).status_code == 200
    box.suspend("beta/tool")
    box.uninstall("gamma/tool")
    assert [token(one).status_code for one in (box.installation_id, beta, gamma)] == [201, 403, 404]
    assert token(beta).json()["message"] == "This installation has been suspended"
    assert WEB.get(labels, headers=held).status_code == 403
    assert [bool(one["suspended_at"]) for one in WEB.get(url, headers=headers).json()] == [
        False,
        True,
    ]
    box.uninstall(REPO)
    assert create_token(box).status_code == 404
    assert (
        WEB.get(f"{box.github_url}/repos/{REPO}/installation", headers=headers).status_code == 404
    )


def test_deliveries_are_listed_newest_first_with_their_status(
    box: Sandbox, receiver: Receiver
) -> None:
    headers = {"authorization": f"Bearer {app_token(box)}"}
    for url, status in (("http://127.0.0.1:9/x", 0), (receiver.url, 503), (receiver.url, 202)):
        box.webhook_url, receiver.status = url, status
        box.open_issue(REPO, "Title")
    listed, url = [], f"{box.github_url}/app/hook/deliveries?per_page=2"
    while url:
        answer = WEB.get(url, headers=headers)
        listed += answer.json()
        url = answer.links.get("next", {}).get("url", "")
    assert [one["status_code"] for one in listed] == [202, 503, 502]
    assert [one["guid"] for one in listed] == [d.guid for d in reversed(box.deliveries)]
    repo = box.state.repo(REPO).id
    assert {
        (d["repository_id"], d["installation_id"], d["event"], d["action"]) for d in listed
    } == {(repo, box.installation_id, "issues", "opened")}
    good = WEB.get(f"{box.github_url}/app/hook/deliveries?status=success", headers=headers)
    assert numbers(good, "id") == [listed[0]["id"]]
    lost = f"{box.github_url}/app/hook/deliveries/{listed[2]['id']}/attempts"
    assert WEB.post(lost, headers=headers).status_code == 202
    box.settle()
    assert (box.deliveries[-1].guid, box.deliveries[-1].status) == (listed[2]["guid"], 202)


@pytest.mark.parametrize("minutes", [-10, 10])
def test_every_answer_carries_the_forges_own_time(box: Sandbox, minutes: int) -> None:
    off = timedelta(minutes=minutes)
    for host in box.hosts.values():
        host.state.clock = lambda: datetime.now(UTC) + off
    by_local_clock = WEB.get(
        f"{box.github_url}/app", headers={"authorization": f"Bearer {app_token(box)}"}
    )
    at = int((datetime.now(UTC) + off).timestamp())
    token = app_token(box, iat=at - 60, exp=at + 540)
    by_forge_clock = WEB.get(f"{box.github_url}/app", headers={"authorization": f"Bearer {token}"})
    assert (by_local_clock.status_code, by_forge_clock.status_code) == (401, 200)
    box.fault("forge-500")
    failed = WEB.get(f"{box.gitlab_url}/api/v4/version")
    good = WEB.get(f"{box.gitlab_url}/api/v4/version")
    for answer in (by_local_clock, by_forge_clock, failed, good):
        (date,) = answer.headers.get_list("date")
        assert abs(parsedate_to_datetime(date) - datetime.now(UTC) - off) < timedelta(minutes=2)


def test_github_lists_pages_after_many_issues_by_their_cursor_only(
    box: Sandbox, bot: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.sandbox.github.issues.MOST_BY_NUMBER", 4)
    listed = [box.open_issue(REPO, "Title", created_at=1e9 + n) for n in range(6)][::-1]
    assert bot.get("/issues?per_page=2&page=3").status_code == 422
    found, answer = list[int](), bot.get("/issues?per_page=2")
    while True:
        found += numbers(answer, "number")
        if "next" not in answer.links:
            break
        answer = bot.get(answer.links["next"]["url"])
    assert found == listed


@pytest.mark.parametrize(
    ("labels", "expected"), [("Any", 2), ("None", 1), ("bug", 2), ("bug,docs", 1)]
)
def test_gitlab_lists_issues_by_their_labels(box: Sandbox, labels: str, expected: int) -> None:
    host = box.gitlab
    for names in ([], ["bug"], ["bug", "docs"]):
        host.open_issue(DEMO_PROJECT, "Title", labels=names, deliver=False)
    before = box.gitlab.state.repo(DEMO_PROJECT)
    path = f"{box.gitlab_url}/api/v4/projects/{before.id}/issues?labels={labels}&per_page=3"
    assert len(httpx.get(path, headers={"PRIVATE-TOKEN": host.token}).json()) == expected


def test_a_conditional_request_is_answered_without_content_and_costs_nothing_on_github(
    box: Sandbox, bot: httpx.Client
) -> None:
    box.open_issue(REPO, "Title")
    first = bot.get("/issues?state=all")
    condition = {"if-none-match": first.headers["etag"]}
    again = bot.get("/issues?state=all", headers=condition)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]
    other = create_token(box).json()["token"]
    changed = bot.get("/issues?state=all", headers={**condition, "authorization": f"token {other}"})
    assert changed.status_code == 200  # a tag is valid for one token
    box.open_issue(REPO, "Another")
    changed = bot.get("/issues?state=all", headers=condition)
    assert changed.status_code == 200
    used = int(first.headers["x-ratelimit-remaining"]) - int(
        changed.headers["x-ratelimit-remaining"]
    )
    assert used == 3  # with the creation of a token


def test_a_conditional_request_counts_on_gitlab(box: Sandbox) -> None:
    headers = {"private-token": box.gitlab.token}
    url = f"{box.gitlab_url}/api/v4/projects/{DEMO_PROJECT.replace('/', '%2F')}/issues"
    first = WEB.get(url, headers=headers)
    again = WEB.get(url, headers={**headers, "if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    left = [int(answer.headers["ratelimit-remaining"]) for answer in (first, again)]
    assert left[1] == left[0] - 1


def test_gitlab_lists_issues_by_their_last_change_and_redirects_a_former_path(
    box: Sandbox,
) -> None:
    project = box.gitlab.add_repo("acme/tools", {})
    old, new = (box.gitlab.open_issue("acme/tools", "T", created_at=1e9 + n) for n in range(2))
    headers = {"private-token": box.gitlab.token}
    url = f"{box.gitlab_url}/api/v4/projects/acme%2Ftools/issues?order_by=updated_at"
    after = f"{url}&updated_after=2020-01-01T00:00:00%2B00:00"
    assert numbers(WEB.get(url, headers=headers), "iid") == [new, old]
    assert numbers(WEB.get(after, headers=headers), "iid") == []
    box.gitlab.close_issue("acme/tools", old)
    assert numbers(WEB.get(after, headers=headers), "iid") == [old]
    box.gitlab.rename_repo("acme/tools", "acme/gear")
    moved = WEB.get(url, headers=headers)
    assert moved.status_code == 301
    assert moved.headers["location"].startswith(
        f"{box.gitlab_url}/api/v4/projects/{project.id}/issues?order_by="
    )
    created = WEB.post(url, headers=headers)
    assert created.status_code == 405
