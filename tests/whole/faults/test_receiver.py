"""f011 and f012: the receiver is killed before it has responded."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bot.flow.reconcile import MIN_AGE_SECONDS
from bot.http import ClientPool
from tests.conftest import free_port
from tests.waiting import is_ok, wait_until
from tests.whole.app import BODY, TITLE, App
from tests.whole.faults import killed_process
from tests.whole.faults.conftest import assert_answered, count_posts
from tests.whole.faults.killed_process import Step
from tests.whole.periodic import PeriodicTasks

BEFORE = Step("bot.queue.enqueue:RedisQueue._send")
AFTER = Step("bot.queue.enqueue:RedisQueue._send", "after")


@contextmanager
def _receiver_killed_at(app: App, step: Step) -> Iterator[None]:
    """Send one delivery to another receiver, which is killed before its response."""
    port = free_port()
    url, killed_url = app.url, f"http://127.0.0.1:{port}"
    process = killed_process.start("serve", {**app.environ, "PORT": str(port)}, step)
    wait_until(lambda: is_ok(f"{killed_url}/healthz"))
    app.point_hooks_at(killed_url)
    yield
    assert killed_process.wait(process) == -signal.SIGKILL
    app.point_hooks_at(url)


def _open_undelivered(app: App, step: Step) -> int:
    with _receiver_killed_at(app, step):
        long_ago = time.time() - 2 * MIN_AGE_SECONDS
        number = app.host.open_issue(
            app.repo, TITLE, BODY, created_at=long_ago, labels=["documentation"]
        )
    assert app.opened.status == 0
    return number


def test_f011_a_receiver_killed_after_queueing_treats_a_redelivery_as_the_same_job(
    app: App,
) -> None:
    number = _open_undelivered(app, AFTER)
    app.wait(lambda: app.comments(number))
    assert app.host.redeliver(app.opened.id).status_code == 202
    assert app.wait_for_end().tries == 1
    assert_answered(app, number, "documentation")
    assert count_posts(app) == 1
    assert len(app.events("starting enrichment")) == 1


@pytest.mark.parametrize("redelivered", [True, False], ids=["redelivered", "reconciled"])
def test_f012_an_issue_is_found_after_its_receiver_was_killed_before_queueing(
    app: App, clients: ClientPool, redelivered: bool
) -> None:
    first = app.issue(TITLE, f"{BODY} Earlier.")  # the repository is known
    app.wait(lambda: not app.redis.hlen("tagline:issues.msgs"))
    number = _open_undelivered(app, BEFORE)
    assert app.redis.hlen("tagline:issues.msgs") == 0
    if redelivered:
        assert app.host.redeliver(app.opened.id).status_code == 202
    else:
        PeriodicTasks(app, clients).reconcile()
    app.wait(lambda: app.comments(number))
    app.wait_for_end()
    assert_answered(app, number, "documentation")
    assert len(app.comments(first)) == 1
