"""A comment that the forge refuses: finally, temporarily, or for an unknown reason."""

from __future__ import annotations

import itertools

import pytest
from starlette.responses import JSONResponse, Response

from bot.queue.actors import MAX_TRIES
from bot.sandbox.demo_faults import COMMENT_WRITES
from bot.sandbox.faults import Armed, Call, Fault
from tests.simulation import forge_faults
from tests.whole.app import App
from tests.whole.faults.conftest import assert_answered, count_posts


def refuse(app: App, status: int, body: object, times: int | None = 1) -> None:
    """Let the forge refuse comments with this response."""

    async def effect(_: Call) -> Response:
        return JSONResponse(body, status)

    row = Fault("refused", "forge", "a refusal", effect, COMMENT_WRITES)
    app.box.faults.armed.append(Armed(row, times, None))


LIMITS = {"github": ("github-422-quickly", "github-403-abuse"), "gitlab": ("gitlab-422-quickly",)}


def test_a_comment_that_came_too_quickly_is_written_after_a_wait(app: App) -> None:
    for fault in LIMITS[app.on]:
        app.arm_fault(fault)
        number = app.issue()
        assert app.wait_for_job().state == "waiting"
        event = app.events("error, tried again later")[-1]
        assert 60 <= event["seconds"] <= 75
        app.expire_pauses()
        assert app.deliver_again().outcome == "answered"
        assert len(app.comments(number)) == 1


UNKNOWN: list[tuple[int, object]] = [
    (400, {"message": "An unknown reason."}),
    (403, {"message": "An unknown reason."}),
    (409, {"message": "Conflict"}),
    (412, {"message": "An unknown reason."}),
    (422, {"message": "Failed", "errors": [{"code": "custom", "message": "An unknown reason."}]}),
    (423, {"message": "An unknown reason."}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("status", "body"), UNKNOWN, ids=[str(status) for status, _ in UNKNOWN])
def test_a_refusal_that_is_not_known_to_be_final_is_retried(
    app: App, status: int, body: object
) -> None:
    refuse(app, status, body, times=2)
    number = app.issue(labels=["documentation"])
    assert app.wait_for_end().outcome == "answered"
    assert_answered(app, number, "documentation")
    assert count_posts(app) == 3


@pytest.mark.slow
def test_a_lasting_unknown_refusal_is_a_dead_letter_with_the_forge_s_reason(
    app: App,
) -> None:
    refuse(app, 403, {"message": "An unknown reason."}, times=None)
    number = app.issue()
    job = app.wait_for_end()
    assert (job.state, job.tries, count_posts(app)) == ("dead", MAX_TRIES, MAX_TRIES)
    assert job.why.endswith("refused the request (status 403): An unknown reason.")
    app.box.clear_faults()
    assert app.deliver_again().outcome == "answered"
    assert len(app.comments(number)) == 1


FINAL: dict[str, list[tuple[int, object]]] = {
    "github": [
        (403, {"message": "Unable to create comment because issue is locked."}),
        (403, {"message": "Repository was archived so is read-only."}),
        (403, {"message": "You are blocked from commenting here."}),
        (403, {"message": "Resource not accessible by personal access token"}),
        (422, {"message": "Validation Failed", "errors": [{"code": "invalid", "field": "body"}]}),
        (422, {"message": "Validation Failed", "errors": [{"message": "body is too long"}]}),
        (451, {"message": "Repository access blocked"}),
    ],
    "gitlab": [
        (403, {"message": "403 Forbidden"}),
        (403, {"error": "insufficient_scope", "error_description": "higher privileges"}),
        (400, {"message": {"note": ["is too long (maximum is 1000000 characters)"]}}),
        (400, {"message": '400 Bad request - Note {:note=>["can\'t be blank"]}'}),
        (422, {"message": {"base": ["Maximum number of comments exceeded"]}}),
        (410, {"message": "410 Gone"}),
    ],
}


def test_a_refusal_that_is_known_to_be_final_ends_the_job(app: App) -> None:
    for tries, (status, body) in zip(itertools.count(1), FINAL[app.on], strict=False):
        refuse(app, status, body)
        number = app.issue(author=f"ann{tries}")
        job = app.wait_for_end()
        assert (job.state, job.outcome, count_posts(app)) == ("done", "skipped", tries), body
        assert app.comments(number) == []


@pytest.mark.parametrize("times", [2, 3])
@pytest.mark.parametrize("path", ["/repositories/", "/issues/1"])
def test_a_new_token_that_github_does_not_accept_yet_is_retried(
    app: App, path: str, times: int
) -> None:
    app.box.faults.arm("forge-401", times, path)
    number = app.issue(labels=["documentation"])
    job = app.wait_for_end()
    assert (job.state, job.outcome) == ("done", "answered")
    assert_answered(app, number, "documentation")
    assert app.events("gave up; kept as a dead letter") == []


def test_a_repository_that_a_new_token_cannot_read_yet_is_retried(app: App) -> None:
    row = Fault("lag", "github", "not there yet", _not_found, "GET /repositories/")
    app.box.faults.armed.append(Armed(row, 4, None))
    number = app.issue()
    assert app.wait_for_end().outcome == "answered"
    assert_answered(app, number)


async def _not_found(_: Call) -> Response:
    return forge_faults.refuse("github", 404)


def test_a_refused_key_is_an_operator_error_without_a_retry(app: App) -> None:
    app.box.faults.arm("forge-401", None, "/access_tokens")
    app.issue()
    job = app.wait_for_end()
    assert (job.state, job.tries) == ("dead", 1)
    assert "GITHUB_PRIVATE_KEY" in job.why
