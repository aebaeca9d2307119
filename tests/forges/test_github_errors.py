"""GitHub's answers → who acts on them, and how long to wait.

The rows are the answers of GitHub's documents on limits and errors, sent through the whole of our
REST layer. https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from bot.core.errors import (
    Forbidden,
    Moved,
    NotFound,
    OperatorError,
    RateLimited,
    Retry,
    TaglineError,
    Unreachable,
    WriteUncertain,
)
from bot.forges.github.api import GitHub
from bot.forges.github.auth import Auth
from bot.forges.github.client import RAW, Credential, GitHubClient
from bot.forges.github.errors import Unauthorized
from tests.fakes import NOW, REF
from tests.scripted_web import ScriptedWeb

API = "https://api.github.com"
PATH = "/repos/{owner}/{repo}/issues/{number}"
WIDGET: dict[str, str | int] = {"owner": "acme", "repo": "widget", "number": 41}


@dataclass(frozen=True)
class Answer:
    """GitHub's response, and the error of a read, and of a write where that differs."""

    status: int
    error: type[TaglineError]
    after: float | None = None
    message: str = "Oops"
    headers: dict[str, str] = field(default_factory=dict)
    to_a_write: type[TaglineError] | None = None
    may_be_lag: bool = False
    content: bytes | None = None

    def response(self) -> httpx.Response:
        body = self.content
        if body is None:
            body = json.dumps({"message": self.message, "errors": None}).encode()
        headers = {"content-type": "application/json; charset=utf-8", **self.headers}
        return httpx.Response(self.status, headers=headers, content=body)


def limited(reset: object) -> dict[str, str]:
    return {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}


SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes."
ANSWERS = {
    "credentials refused": Answer(401, Unauthorized, message="Bad credentials"),
    "used up, reset known": Answer(403, RateLimited, 900, headers=limited(int(NOW) + 900)),
    "used up, reset has passed": Answer(403, RateLimited, 1, headers=limited(int(NOW) - 5)),
    "used up, reset far away": Answer(403, RateLimited, 3700, headers=limited(int(NOW) + 90_000)),
    "used up, reset unreadable": Answer(403, RateLimited, 60, headers=limited("soon")),
    "used up, 429": Answer(429, RateLimited, 900, headers=limited(int(NOW) + 900)),
    "secondary limit with retry-after": Answer(
        403, RateLimited, 37, message=SECONDARY, headers={"retry-after": "37"}
    ),
    "secondary limit without": Answer(403, RateLimited, 60, message=SECONDARY),
    "429 with retry-after": Answer(429, RateLimited, 37, headers={"retry-after": "37"}),
    "429 with a very long retry-after": Answer(
        429, RateLimited, 3700, headers={"retry-after": "99999999"}
    ),
    "429 with a date to retry after": Answer(
        429, RateLimited, 60, headers={"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}
    ),
    "429 without": Answer(429, RateLimited, 60),
    "403 with a date to retry after": Answer(
        403, RateLimited, 60, headers={"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}
    ),
    "retry-after that is no number": Answer(429, RateLimited, 60, headers={"retry-after": "nan"}),
    "retry-after without end": Answer(429, RateLimited, 3700, headers={"retry-after": "1e999"}),
    "retry-after comes before the reset": Answer(
        403, RateLimited, 37, headers={"retry-after": "37", **limited(int(NOW) + 900)}
    ),
    "no permission": Answer(403, Forbidden, message="Resource not accessible by integration"),
    "no permission, with requests left": Answer(
        403, Forbidden, headers={"x-ratelimit-remaining": "4999"}
    ),
    "not found": Answer(404, NotFound, message="Not Found", may_be_lag=True),
    "deleted": Answer(410, NotFound, message="This issue was deleted"),
    "withheld": Answer(451, NotFound),
    "moved": Answer(301, Moved, headers={"location": f"{API}/repositories/1/issues/2"}),
    "moved for now": Answer(307, Moved, headers={"location": f"{API}/repositories/1/issues/2"}),
    "moved without an address": Answer(301, Moved),
    "not processable": Answer(422, Forbidden, message="Validation Failed"),
    "bad request": Answer(400, Forbidden),
    "broken": Answer(500, Retry, to_a_write=WriteUncertain),
    "bad gateway in HTML": Answer(
        502,
        Retry,
        to_a_write=WriteUncertain,
        content=b"<html>Unicorn!</html>",
        headers={"content-type": "text/html"},
    ),
    "unavailable, empty": Answer(503, Retry, to_a_write=WriteUncertain, content=b""),
    "an answer that cannot be parsed": Answer(
        200, Retry, to_a_write=WriteUncertain, content=b"<html>"
    ),
    "an answer cut short": Answer(200, Retry, to_a_write=WriteUncertain, content=b'{"id": 4'),
}


def call(answer: httpx.Response | Exception, method: str = "GET", **how: Any) -> Any:
    rest = GitHubClient(ScriptedWeb(answer), API, clock=lambda: NOW)
    return rest.call(method, PATH, WIDGET, Credential(token="ghs_quokkaberry"), **how)


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_each_error_response_raises_its_error(name: str, method: str) -> None:
    answer = ANSWERS[name]
    wanted = answer.error if method == "GET" else answer.to_a_write or answer.error
    with pytest.raises(TaglineError) as found:
        call(answer.response(), method, data=None if method == "GET" else {})
    assert type(found.value) is wanted
    assert getattr(found.value, "after", None) == answer.after
    assert getattr(found.value, "may_be_lag", False) is answer.may_be_lag
    assert "quokkaberry" not in str(found.value)


def test_rejected_credentials_are_an_operator_error_that_names_the_variables() -> None:
    with pytest.raises(
        OperatorError, match="GITHUB_APP_ID and GITHUB_PRIVATE_KEY, or GITHUB_TOKEN"
    ):
        call(ANSWERS["credentials refused"].response())


# What happens on the way → the error of a read, and of a write that may have happened.
ON_THE_WAY: dict[Exception, tuple[type[TaglineError], type[TaglineError]]] = {
    httpx.ConnectError("refused"): (Unreachable, Unreachable),
    httpx.ConnectTimeout("slow"): (Unreachable, Unreachable),
    httpx.ReadTimeout("slow"): (Unreachable, WriteUncertain),
    httpx.WriteError("cut"): (Unreachable, WriteUncertain),
    httpx.ReadError("cut"): (Unreachable, WriteUncertain),
    httpx.RemoteProtocolError("rubbish"): (Unreachable, WriteUncertain),
}


@pytest.mark.parametrize(
    ("headers", "few"),
    [
        ({**limited(int(NOW) + 900), "x-ratelimit-limit": "60"}, "60 requests an hour"),
        (limited(int(NOW) + 900), "few requests"),
    ],
)
def test_a_limit_of_requests_without_credentials_names_the_token(
    headers: dict[str, str], few: str
) -> None:
    answer = Answer(403, RateLimited, headers=headers).response()
    rest = GitHubClient(ScriptedWeb(answer), API, clock=lambda: NOW)

    with pytest.raises(RateLimited) as raised:
        rest.call("GET", PATH, WIDGET, Credential())

    expected = f"(status 403; it accepts {few} without a token, more with GITHUB_TOKEN)"
    assert str(raised.value) == f"GitHub asked to wait {expected}"


def test_a_server_that_asks_for_credentials_is_an_operator_error() -> None:
    rest = GitHubClient(ScriptedWeb(Answer(401, Unauthorized).response()), API)

    with pytest.raises(OperatorError, match=r"asks for credentials .* or GITHUB_TOKEN"):
        rest.call("GET", PATH, WIDGET, Credential())


@pytest.mark.parametrize(
    ("error", "wanted"), ON_THE_WAY.items(), ids=[type(error).__name__ for error in ON_THE_WAY]
)
def test_a_write_is_uncertain_once_it_was_sent(
    error: Exception, wanted: tuple[type[TaglineError], type[TaglineError]]
) -> None:
    for method, kind in zip(("GET", "POST"), wanted, strict=True):
        with pytest.raises(TaglineError) as found:
            call(error, method)
        assert type(found.value) is kind


@pytest.mark.parametrize("status", [200, 201])
def test_a_successful_response_is_decoded(status: int) -> None:
    assert call(httpx.Response(status, json={"id": 4})) == {"id": 4}


def test_an_empty_response_is_none() -> None:
    assert call(httpx.Response(204), "DELETE") is None


def test_a_raw_file_is_text() -> None:
    answer = httpx.Response(200, text="mode: suggest", headers={"content-type": f"{RAW}; x=y"})
    assert call(answer, accept=RAW) == "mode: suggest"


def test_a_refused_edit_of_a_comment_is_tried_again() -> None:
    refused = Answer(403, Forbidden, message="Something unknown").response()
    path, variables = "/repos/{owner}/{repo}/issues/comments/{comment}", {**WIDGET, "comment": 7}
    rest = GitHubClient(ScriptedWeb(refused), API)
    with pytest.raises(Retry):
        rest.call("PATCH", path, variables, Credential(token="t"), data={"body": "x"})


@pytest.mark.parametrize("name", [".", ".."])
def test_a_label_of_dots_is_neither_set_nor_removed(name: str) -> None:
    """`DELETE …/labels/.` would remove every label of the issue."""
    headers = {"content-type": "application/json"}
    web = ScriptedWeb(httpx.Response(200, headers=headers, json=[{"name": name}]))
    github = GitHub(GitHubClient(web, API), Auth())
    ref = replace(REF, repo_id=0)
    assert [label.settable for label in github.list_labels(ref)] == [False]
    github.remove_labels(ref, (name,))
    assert [request.method for request in web.requests] == ["GET"]


def test_names_are_escaped_in_the_url() -> None:
    web = ScriptedWeb(httpx.Response(200, json={}))
    GitHubClient(web, API).call("GET", "/labels/{name}", {"name": "a/b ü?x#y"}, Credential())
    assert web.requests[0].url.raw_path == b"/labels/a%2Fb%20%C3%BC%3Fx%23y"


@pytest.mark.parametrize(
    ("base", "version"), [(API, "2026-03-10"), ("https://ghe.example/api/v3", None)]
)
def test_the_version_is_pinned_on_the_public_host_only(base: str, version: str | None) -> None:
    web = ScriptedWeb(httpx.Response(200, json={}))
    GitHubClient(web, base).call("GET", PATH, WIDGET, Credential(token="t"))
    (request,) = web.requests
    assert str(request.url) == f"{base}/repos/acme/widget/issues/41"
    assert request.headers.get("x-github-api-version") == version
    assert request.headers["authorization"].split() == ["token", "t"]


def test_two_threads_both_find_a_renamed_repository() -> None:
    """The second one gets no other name, and has used the old one too."""
    both, present = threading.Barrier(2), ["acme/widget"]

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {"content-type": "application/json"}
        path = request.url.path
        if path == "/repositories/7001":
            found = {"id": 7001, "full_name": present[0]}
            return httpx.Response(200, headers=headers, json=found)
        if path == "/repos/acme/widget/issues/41" and present[0] != "acme/widget":
            both.wait(5)
            return httpx.Response(301, headers=headers, json={"message": "Moved Permanently"})
        assert path == f"/repos/{present[0]}/issues/41"
        return httpx.Response(200, headers=headers, json={"title": present[0], "state": "open"})

    github = GitHub(GitHubClient(ScriptedWeb(answer), API), Auth())
    assert github.get_issue(REF).title == "acme/widget"
    present[0] = "acme/new"
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: github.get_issue(REF).title, range(2)))
    assert found == ["acme/new", "acme/new"]
