"""The number of large responses in memory is limited; small ones never wait."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator

import pytest

from bot import footprint
from bot.core.errors import LockContended, Retry, WriteUncertain
from bot.footprint import (
    LARGE,
    PERMITS,
    NoPermit,
    await_permit,
    large_responses,
    return_freed_memory,
)
from bot.forges import requests
from bot.http import Client, ClientPool, Request, Response, TooLarge, deadline
from tests.http_server import once, server

MAX_BYTES = 16 * LARGE
BODY = b"x" * (2 * LARGE)
RESPONSES = {
    "of a known length": once(body=BODY),
    "packed": once("Content-Encoding: gzip", body=gzip.compress(BODY)),
    "in chunks": lambda connection: connection.sendall(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
        % (len(BODY), BODY)
    ),
}


@pytest.fixture
def client() -> Iterator[Client]:
    pool = ClientPool("test")
    yield pool.get()
    pool.close()


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint, "WAIT_SECONDS", 0.2)
    monkeypatch.setattr(footprint, "WRITE_WAIT_SECONDS", 0.2)


def get(client: Client, url: str) -> Response:
    return client.send(Request("GET", url), MAX_BYTES)


def count_free() -> int:
    """Return the number of free permits."""
    count = 0
    while footprint._permits.acquire(blocking=False):
        count += 1
    for _ in range(count):
        footprint._permits.release()
    return count


def release_all() -> None:
    """Release the permits of other threads."""
    for _ in range(PERMITS):
        footprint._permits.release()


@pytest.fixture
def all_taken() -> Iterator[None]:
    """Other threads hold every permit."""
    for _ in range(PERMITS):
        footprint._permits.acquire()
    yield
    release_all()


@pytest.mark.parametrize("how", RESPONSES)
def test_a_large_response_takes_one_permit_until_it_is_decoded(client: Client, how: str) -> None:
    with server(RESPONSES[how]) as url, large_responses():
        for _ in range(3):
            with large_responses():
                assert get(client, url).content == BODY
            assert count_free() == PERMITS - 1
    assert count_free() == PERMITS


@pytest.mark.parametrize("how", RESPONSES)
@pytest.mark.usefixtures("all_taken")
def test_a_large_response_waits_for_a_permit(client: Client, how: str) -> None:
    with server(RESPONSES[how]) as url, large_responses(), pytest.raises(NoPermit):
        get(client, url)


@pytest.mark.usefixtures("all_taken")
def test_a_small_response_never_waits(client: Client) -> None:
    with server(once(body=b"x" * LARGE)) as url, large_responses():
        assert len(get(client, url).content) == LARGE


@pytest.mark.usefixtures("all_taken")
def test_a_large_response_outside_a_block_never_waits(client: Client) -> None:
    with server(once(body=BODY)) as url:
        assert get(client, url).content == BODY


@pytest.mark.parametrize(("method", "error"), [("GET", LockContended), ("PUT", WriteUncertain)])
@pytest.mark.usefixtures("all_taken")
def test_a_job_without_a_permit_is_retried(client: Client, method: str, error: type[Retry]) -> None:
    with server(once(body=BODY)) as url:
        request = Request(method, url)
        with deadline(1), large_responses(), pytest.raises(Retry) as caught:
            requests.send_request("GitLab", client, request)
    assert type(caught.value) is error


def test_a_read_is_repeated_once_there_is_a_permit(client: Client) -> None:
    for _ in range(PERMITS):
        footprint._permits.acquire()
    timer = threading.Timer(1, release_all)
    timer.start()
    received: list[bytes] = []
    with server(once(body=BODY), received) as url, deadline(60), large_responses():
        request = Request("GET", url)
        assert requests.send_request("GitLab", client, request).content == BODY
    timer.join()
    assert len(received) == 2
    assert count_free() == PERMITS


@pytest.mark.parametrize("failure", [TooLarge, ValueError])
def test_a_permit_is_released_after_any_failure(client: Client, failure: type[Exception]) -> None:
    body = b"x" * (MAX_BYTES + 1) if failure is TooLarge else BODY
    with server(once(body=body)) as url, pytest.raises(failure), large_responses():
        raise ValueError(get(client, url).status)
    assert count_free() == PERMITS


def test_the_time_for_a_permit_does_not_count_against_the_server(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footprint, "WAIT_SECONDS", 20)
    for _ in range(PERMITS):
        footprint._permits.acquire()
    timer = threading.Timer(1.5, release_all)
    timer.start()
    with server(once(body=BODY)) as url, deadline(60), deadline(1), large_responses():
        assert get(client, url).content == BODY
    timer.join()


def test_threads_share_the_permits(client: Client) -> None:
    active, peak = 0, 0
    guard = threading.Lock()

    def work() -> None:
        nonlocal active, peak
        with large_responses():
            await_permit(20)
            with guard:
                active += 1
                peak = max(peak, active)
            time.sleep(0.005)
            with guard:
                active -= 1

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert peak <= PERMITS
    assert count_free() == PERMITS


def test_a_response_that_unpacks_to_megabytes_is_complete(client: Client) -> None:
    body = b"\0" * 3_000_001 + b"end"
    with server(once("Content-Encoding: gzip", body=gzip.compress(body))) as url:
        assert get(client, url).content == body


class OtherLibrary:
    """A C library that is not glibc."""


@pytest.mark.parametrize("library", [OtherLibrary(), OSError(), TypeError()])
def test_other_c_libraries_are_not_used(library: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: object) -> object:
        if isinstance(library, Exception):
            raise library
        return library

    monkeypatch.setattr("ctypes.CDLL", load)
    footprint._glibc_function.cache_clear()
    footprint.configure_malloc()
    return_freed_memory()
    footprint._glibc_function.cache_clear()
