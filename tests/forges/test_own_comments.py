"""Which comments and events on GitHub are the App's own."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bot.core.errors import Retry
from bot.forges.github.auth import AppAuth, WorkflowTokenAuth
from bot.forges.github.client import GitHubClient
from bot.sandbox.github.access import Access
from bot.sandbox.state import now
from tests.fakes import NOW
from tests.scripted_web import ScriptedWeb

APP, OTHER_APP = {"id": 7, "client_id": "Iv7"}, {"id": 8, "client_id": "Iv8"}
BOT = {"login": "tagline[bot]", "type": "Bot", "id": 70}
KEY = Access(1, [], "", "", now).private_key


def auth(app: httpx.Response, app_id: str = "7") -> tuple[AppAuth, list[str]]:
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return app

    rest = GitHubClient(ScriptedWeb(answer), "https://api.github.com", lambda: NOW)
    return AppAuth(rest, app_id, KEY, lambda: NOW), paths


# A comment or an event → whether it is ours, and the number of requests.
ACTIVITIES: dict[str, tuple[dict[str, Any], bool, int]] = {
    "by our App": ({"user": BOT, "performed_via_github_app": APP}, True, 0),
    "by another App": ({"user": BOT, "performed_via_github_app": OTHER_APP}, False, 0),
    "by our bot, without an App": ({"user": BOT, "performed_via_github_app": None}, True, 1),
    "by our bot, in other letters": ({"user": {**BOT, "login": "Tagline[bot]"}}, True, 1),
    "an event of our bot": ({"actor": BOT}, True, 1),
    "by another bot": ({"user": {**BOT, "login": "renovate[bot]"}}, False, 1),
    "by a bot without an App": ({"user": {**BOT, "login": "tagline"}}, False, 0),
    "by a person of that name": ({"user": {**BOT, "type": "User"}}, False, 0),
    "by a person": ({"user": {"login": "ann", "type": "User"}}, False, 0),
    "by a deleted user": ({"user": None, "performed_via_github_app": None}, False, 0),
}


@pytest.mark.parametrize("case", ACTIVITIES)
@pytest.mark.parametrize("app_id", ["7", "Iv7"])
def test_a_comment_is_ours_by_its_app_or_by_the_app_s_bot_user(case: str, app_id: str) -> None:
    activity, own, requests = ACTIVITIES[case]
    app, paths = auth(httpx.Response(200, json={"slug": "tagline"}), app_id)
    assert [app.is_own(activity), app.is_own(activity)] == [own, own]
    assert paths == ["/app"] * requests


@pytest.mark.parametrize("found", [{}, {"slug": None}, {"slug": ""}])
def test_an_app_without_a_name_has_no_bot_user(found: dict[str, object]) -> None:
    app, _ = auth(httpx.Response(200, json=found))
    assert not app.is_own({"user": {**BOT, "login": "[bot]"}})


def test_a_server_that_does_not_know_the_app_s_address_has_no_bot_user() -> None:
    app, paths = auth(httpx.Response(404, json={"message": "Not Found"}))
    assert [app.is_own({"user": BOT}), app.is_own({"user": BOT})] == [False, False]
    assert paths == ["/app"]


def test_a_server_that_fails_is_asked_again() -> None:
    app, _ = auth(httpx.Response(502, json={}))
    with pytest.raises(Retry):
        app.is_own({"user": BOT})


ACTIONS = {"login": "github-actions[bot]", "type": "Bot", "id": 41898282}


@pytest.mark.parametrize(
    ("activity", "own"),
    [
        ({"user": ACTIONS}, True),
        ({"actor": ACTIONS}, True),
        ({"user": {**ACTIONS, "type": "User"}}, False),
        ({"user": {**ACTIONS, "login": "github-actions"}}, False),
        ({"user": BOT}, False),
        ({"user": None}, False),
        ({}, False),
    ],
)
def test_a_workflow_s_own_activity_is_that_of_github_actions(
    activity: dict[str, Any], own: bool
) -> None:
    assert WorkflowTokenAuth("ghs_x").is_own(activity) is own
