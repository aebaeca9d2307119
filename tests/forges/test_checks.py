"""Responses of a forge → findings of `tagline check`; the network is scripted."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from bot.core.diagnostics import Finding
from bot.forges.clock import check_clock
from bot.forges.github.api import GitHub
from bot.forges.github.auth import AppAuth
from bot.forges.github.checks import EVENTS, NEEDED, GitHubChecks
from bot.forges.github.client import Credential, GitHubClient
from tests.fakes import NOW
from tests.scripted_web import ScriptedWeb

API = "https://github.example/api/v3"
HOOK = {"url": "https://tagline.example/webhooks/github", "secret": "***", "insecure_ssl": "0"}
APP = {"slug": "tagline", "permissions": NEEDED, "events": list(EVENTS)}
INSTALLED = {"account": {"login": "acme"}, "permissions": NEEDED, "suspended_at": None}


DATED = {"date": formatdate(NOW, usegmt=True)}


class AnyApp(AppAuth):
    def app_jwt(self) -> Credential:
        return Credential(jwt="a.b.c")


def scripted(changed: Mapping[str, Any], *, receives: bool = True) -> list[Finding]:
    """Return the findings for these responses of GitHub, by path; None is a 404."""
    usual = {"/app": APP, "/app/hook/config": HOOK, "/app/installations": [INSTALLED]}
    given: dict[str, Any] = {**usual, **changed}

    def answer(request: httpx.Request) -> httpx.Response:
        found = given[request.url.path.removeprefix("/api/v3")]
        return httpx.Response(404 if found is None else 200, json=found, headers=DATED)

    web = ScriptedWeb(answer)
    rest = GitHubClient(web, API, lambda: NOW)
    checks, app = GitHubChecks(web, API, rest, lambda: NOW), AnyApp(rest, "7", "key")
    return list(checks.check_app(app, receives=receives))


def test_a_correct_app_gives_no_advice() -> None:
    assert {x.level for x in scripted({})} == {"ok"}


def test_an_app_that_is_polled_needs_no_webhook_and_no_events() -> None:
    without = {"/app": {**APP, "events": []}, "/app/hook/config": None}
    assert {x.level for x in scripted(without, receives=False)} == {"ok"}


def test_an_app_without_a_webhook_has_no_failed_deliveries() -> None:
    web = ScriptedWeb(lambda _: httpx.Response(404, json={"message": "Not Found"}))
    rest = GitHubClient(web, API, lambda: NOW)
    assert GitHub(rest, AnyApp(rest, "7", "key")).list_failed_deliveries(NOW) == {}


@pytest.mark.parametrize(
    ("path", "answer", "what", "level"),
    [
        ("/app", {"permissions": {"issues": "read"}}, "permission issues: read", "problem"),
        ("/app", {"permissions": {"issues": "write"}}, "permission contents: none", "warning"),
        ("/app", {"events": ["issue_comment"]}, "event issues is not sent", "problem"),
        ("/app", {"events": ["issues"]}, "event issue_comment is not sent", "warning"),
        ("/app/hook/config", None, "the App has no webhook URL", "problem"),
        ("/app/hook/config", {"url": ""}, "the App has no webhook URL", "problem"),
        ("/app/hook/config", {"url": "https://x.example/"}, "webhook URL: https://x", "problem"),
        ("/app/hook/config", {"secret": None}, "the webhook has no secret", "problem"),
        ("/app/hook/config", {"insecure_ssl": "1"}, "certificates are not verified", "warning"),
        ("/app/installations", [], "the App is installed nowhere", "problem"),
        ("/app/installations", {"suspended_at": "2026"}, "installed on acme", "warning"),
        ("/app/installations", {"permissions": {}}, "installed on acme", "warning"),
    ],
)
def test_each_problem_of_an_app_is_a_finding(path: str, answer: Any, what: str, level: str) -> None:
    usual: dict[str, Any] = {"/app": APP, "/app/hook/config": HOOK, "/app/installations": INSTALLED}
    if isinstance(answer, dict):
        answer = {**usual[path], **answer}
        answer = [answer] if path.endswith("installations") else answer
    found = scripted({path: answer})
    (finding,) = [x for x in found if x.what.startswith(what)]
    assert finding.level == level
    assert finding.fix


@pytest.mark.parametrize(
    ("seconds", "level"), [(0, "ok"), (59, "ok"), (-59, "ok"), (61, "problem"), (-300, "problem")]
)
def test_a_clock_that_differs_by_more_than_a_minute_is_a_problem(seconds: int, level: str) -> None:
    web = ScriptedWeb(httpx.Response(401, headers=DATED))
    assert check_clock("GitHub", web, API, lambda: NOW + seconds).level == level


@pytest.mark.parametrize("date", [None, "", "soon"])
def test_a_response_without_a_date_is_no_problem(date: str | None) -> None:
    headers = {} if date is None else {"date": date}
    web = ScriptedWeb(httpx.Response(200, headers=headers))
    assert check_clock("GitHub", web, API, lambda: NOW).level == "ok"
