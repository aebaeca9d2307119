"""Authentic deliveries of any text, JSON or not: a response, never a failure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tests.web.client import (
    GITLAB_PAYLOAD,
    PAYLOAD,
    LocalReceiver,
    github_headers,
    gitlab_headers,
)
from tests.web.jsontexts import accepted, rejected, undecided
from tests.web.raw_requests import Request, Response, send_requests

EVENT = msgspec.json.encode(PAYLOAD)
NUMBER = b'"number":41'
GITLAB_EVENT = msgspec.json.encode(GITLAB_PAYLOAD)


def on_github(bodies: Iterable[bytes]) -> tuple[list[Response], int]:
    """Return the responses to signed bodies, and the number of jobs made of them."""
    endpoint = LocalReceiver()
    requests = (
        Request("/webhooks/github", body, github_headers(body, f"d-{number}"))
        for number, body in enumerate(bodies)
    )
    return send_requests(endpoint.app, requests), len(endpoint.queue.jobs)


def on_gitlab(bodies: Iterable[bytes]) -> tuple[list[Response], int]:
    endpoint = LocalReceiver()
    requests = (Request("/webhooks/gitlab", body, gitlab_headers()) for body in bodies)
    return send_requests(endpoint.app, requests), len(endpoint.queue.jobs)


def beside(event: bytes, text: bytes) -> bytes:
    """Return the event with one more field, which no code reads."""
    return event[:-1] + b',"beside":' + text + b"}"


def statuses(answers: Iterable[Response]) -> set[int]:
    return {answer.status for answer in answers}


def test_there_are_json_texts_of_every_class() -> None:
    texts = [*accepted(), *rejected(), *undecided()]
    assert len(texts) >= 318
    assert max(text.count(b"[") for text in texts) >= 100_000


def test_an_event_beside_any_valid_json_is_a_job() -> None:
    texts = list(accepted())
    answers, jobs = on_github(beside(EVENT, text) for text in texts)
    assert (statuses(answers), jobs) == ({202}, len(texts))
    answers, jobs = on_gitlab(beside(GITLAB_EVENT, text) for text in texts)
    assert (statuses(answers), jobs) == ({202}, 1)  # the same work each time


def test_an_event_beside_invalid_json_is_no_job() -> None:
    texts = list(rejected())
    answers, jobs = on_github(beside(EVENT, text) for text in texts)
    assert (statuses(answers), jobs) == ({400}, 0)
    answers, jobs = on_gitlab(beside(GITLAB_EVENT, text) for text in texts)
    assert (statuses(answers), jobs) == ({202}, 0)


def test_json_of_another_shape_than_an_event_is_no_job() -> None:
    for texts in (accepted(), rejected(), undecided()):
        answers, jobs = on_github(texts)
        assert (statuses(answers), jobs) == ({400}, 0)
    for texts in (accepted(), rejected(), undecided()):
        answers, jobs = on_gitlab(texts)
        assert (statuses(answers), jobs) == ({202}, 0)


def test_another_text_in_place_of_the_number_is_no_job() -> None:
    others = [text for text in (*accepted(), *rejected(), *undecided()) if not is_number(text)]
    answers, jobs = on_github(EVENT.replace(NUMBER, b'"number":' + text) for text in others)
    assert (statuses(answers), jobs) == ({400}, 0)


def is_number(text: bytes) -> bool:
    """Whether it is a number of an issue, however it is written."""
    try:
        return msgspec.json.decode(text, type=int) > 0
    except (ValueError, RecursionError):
        return False


def test_texts_about_which_parsers_differ_are_answered() -> None:
    answers, _ = on_github(beside(EVENT, text) for text in undecided())
    assert statuses(answers) <= {202, 400}
    answers, _ = on_gitlab(beside(GITLAB_EVENT, text) for text in undecided())
    assert statuses(answers) == {202}


def test_no_response_has_a_body_or_a_header_about_the_server() -> None:
    for answers, _ in (on_github(rejected()), on_gitlab(rejected())):
        for answer in answers:
            assert answer.body == b""
            assert set(answer.headers) <= {b"content-length"}
