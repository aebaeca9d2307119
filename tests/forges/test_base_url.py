"""A wrong base URL is named, and no issue is taken for one that does not exist."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from bot.core.errors import (
    Forbidden,
    NotFound,
    OperatorError,
    PermanentError,
    Retry,
    TaglineError,
    WriteUncertain,
)
from bot.core.ports import Forge
from bot.core.types import IssueRef
from bot.forges.github.api import GitHub
from bot.forges.github.auth import TokenAuth
from bot.forges.github.client import GitHubClient
from bot.forges.gitlab.api import GitLab
from bot.forges.gitlab.checks import GitLabChecks
from bot.http import ClientPool
from tests.scripted_web import ScriptedWeb

VARIABLES = {"github": "GITHUB_API_URL", "gitlab": "GITLAB_URL"}
BASES = {"github": "https://ghe.example/api/v3", "gitlab": "http://gitlab.internal/code"}
PAGE = "<!DOCTYPE html><title>Sign in</title>"
Answer = Callable[[httpx.Request], httpx.Response]
READS: dict[str, Callable[[Forge, IssueRef], object]] = {
    "issue": lambda forge, ref: forge.get_issue(ref),
    "labels": lambda forge, ref: forge.list_labels(ref),
    "file": lambda forge, ref: forge.get_config_text(ref),
    "comments": lambda forge, ref: forge.list_own_comments(ref),
}


def forge(name: str, answer: Answer, base: str = "") -> Forge:
    web: ClientPool = ScriptedWeb(answer)
    base = base or BASES[name]
    if name == "gitlab":
        return GitLab(base, "a-token", web)
    rest = GitHubClient(web, base)
    return GitHub(rest, TokenAuth(rest, "a-token"))


def fails(name: str, answer: Answer, call: str = "issue", base: str = "") -> TaglineError:
    ref = IssueRef(name, "any.example", "acme/widget", 3, 7)
    with pytest.raises(TaglineError) as caught:
        READS[call](forge(name, answer, base), ref)
    return caught.value


def redirect(status: int, target: Callable[[httpx.URL], str]) -> Answer:
    return lambda request: httpx.Response(
        status, headers={"location": target(request.url), "content-type": "text/html"}
    )


# The answer's Location, for a request to http://gitlab.internal/code/... → the address to set.
MOVED: dict[str, tuple[Callable[[httpx.URL], str], str]] = {
    "to https": (lambda url: str(url.copy_with(scheme="https")), "https://gitlab.internal/code"),
    "another host": (
        lambda url: str(url.copy_with(host="git.example", scheme="https")),
        "https://git.example/code",
    ),
    "another port": (lambda url: str(url.copy_with(port=8443)), "http://gitlab.internal:8443/code"),
    "another path": (
        lambda url: str(url).replace("/code/", "/scm/gitlab/"),
        "http://gitlab.internal/scm/gitlab",
    ),
    "only a path": (
        lambda url: url.raw_path.decode().replace("/code/", "/git/"),
        "http://gitlab.internal/git",
    ),
    "with a final slash": (
        lambda url: f"https://git.example{url.path}/",
        "https://git.example/code",
    ),
    "with a password": (
        lambda url: f"https://user:hidden-word@git.example{url.path}?state=hidden-word",
        "https://git.example/code",
    ),
}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("call", READS)
@pytest.mark.parametrize("kind", MOVED)
def test_the_address_to_which_a_server_has_moved_is_named(
    kind: str, call: str, status: int
) -> None:
    target, new = MOVED[kind]
    error = fails("gitlab", redirect(status, target), call)
    assert isinstance(error, OperatorError if status in (301, 308) else Retry)
    assert f"redirects to {new}: set GITLAB_URL to that address" in str(error)
    assert "hidden-word" not in str(error)


@pytest.mark.parametrize("call", READS)
def test_a_moved_github_server_is_named(call: str) -> None:
    answer = redirect(301, lambda url: str(url.copy_with(host="code.example")))
    error = fails("github", answer, call)
    assert isinstance(error, OperatorError)
    assert "set GITHUB_API_URL to that address" in str(error)
    assert "https://code.example/api/v3:" in str(error)


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize(
    "location", ["https://sso.example/login?next=/secret", "/users/sign_in", "https://www.example"]
)
def test_a_redirect_to_something_else_is_tried_again(name: str, location: str) -> None:
    error = fails(name, redirect(302, lambda _: location))
    assert type(error) is Retry
    assert str(error).startswith(f"{VARIABLES[name]}: the server redirects to http")
    assert f"not {'GitHub' if name == 'github' else 'GitLab'}'s API" in str(error)
    assert "/secret" not in str(error)


@pytest.mark.parametrize("location", ["", "http://[", "ftp://git.example/", "data:,x", "//"])
@pytest.mark.parametrize("name", VARIABLES)
def test_a_redirect_to_no_address_is_an_error_of_the_forge(name: str, location: str) -> None:
    assert isinstance(fails(name, redirect(301, lambda _: location)), Retry | NotFound)


@pytest.mark.parametrize("name", VARIABLES)
def test_a_redirect_to_itself_is_tried_again(name: str) -> None:
    error = fails(name, redirect(302, str))
    assert type(error) is Retry
    assert "to the same address" in str(error)


@pytest.mark.parametrize(
    ("name", "location"),
    [
        ("github", f"{BASES['github']}/repositories/9/issues/12"),
        ("github", "https://10.0.0.7/api/v3/repositories/9/issues/12"),
        ("gitlab", f"{BASES['gitlab']}/api/v4/projects/9/issues/12"),
    ],
)
def test_a_moved_issue_is_no_wrong_address(name: str, location: str) -> None:
    names = {"id": 7, "full_name": "acme/widget", "path_with_namespace": "acme/widget"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(("/repositories/7", "/projects/7")):
            return httpx.Response(200, json=names)
        return httpx.Response(301, headers={"location": location}, json={})

    assert isinstance(fails(name, answer), NotFound)


@pytest.mark.parametrize("call", READS)
@pytest.mark.parametrize("status", [200, 203, 400, 403, 404, 410])
@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/xhtml+xml"])
@pytest.mark.parametrize("name", VARIABLES)
def test_a_web_page_instead_of_json_is_tried_again(
    name: str, kind: str, status: int, call: str
) -> None:
    page = httpx.Response(status, headers={"content-type": kind}, text=PAGE)
    error = fails(name, lambda _: page, call)
    assert type(error) is Retry
    assert str(error).startswith(f"{VARIABLES[name]}: the server answered with a web page")
    assert {"github": "/api/v3", "gitlab": "without /api/v4"}[name] in str(error)


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, text="Not found."),
        httpx.Response(200, text="It works!"),
        httpx.Response(200, json=["an", "array"]),
        httpx.Response(200, json={"status": "up"}),
        httpx.Response(200, json=None),
        httpx.Response(200, headers={"content-type": "application/json"}, text="{"),
        httpx.Response(200),
    ],
)
def test_the_answers_of_another_product_are_tried_again(name: str, answer: httpx.Response) -> None:
    assert type(fails(name, lambda _: answer)) is Retry
    assert type(fails(name, lambda _: answer, "labels")) is Retry


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (403, Forbidden)])
def test_a_refusal_in_json_is_final(name: str, status: int, error: type[PermanentError]) -> None:
    answer = httpx.Response(status, json={"message": "no"})
    assert isinstance(fails(name, lambda _: answer), error)


@pytest.mark.parametrize("name", VARIABLES)
def test_a_comment_that_a_web_page_confirms_is_looked_for(name: str) -> None:
    known = {"id": 7, "full_name": "acme/widget"}
    page = httpx.Response(201, headers={"content-type": "text/html"}, text=PAGE)

    def answer(request: httpx.Request) -> httpx.Response:
        return page if request.method == "POST" else httpx.Response(200, json=known)

    ref = IssueRef(name, "any.example", "acme/widget", 3, 7)
    with pytest.raises(WriteUncertain, match=VARIABLES[name]):
        forge(name, answer).post_comment(ref, "a text")


def test_a_check_names_the_reason_for_which_a_request_was_refused() -> None:
    reason = "The request requires higher privileges than provided by the access token."
    refusal = {"error": "insufficient_scope", "error_description": reason}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/version"):
            return httpx.Response(200, json={"version": "19.1.0"})
        return httpx.Response(403, json=refusal)

    checks = GitLabChecks("https://gitlab.example", "a-token", ScriptedWeb(answer))
    assert any("insufficient_scope" in x.what and reason in x.what for x in checks.check_server())
    with pytest.raises(Forbidden, match="insufficient_scope"):
        checks.check_role("/projects/7")
