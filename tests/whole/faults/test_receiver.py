"""f011 and f012: the receiver dies before it has answered."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bot.flow.reconcile import MIN_AGE_SECONDS
from bot.http import ClientPool
from tests.conftest import free_port
from tests.whole.app import BODY, TITLE, App
from tests.whole.faults import doomed
from tests.whole.faults.conftest import answered, healthy, posted
from tests.whole.faults.doomed import Step
from tests.whole.outage import Outage

BEFORE = Step("bot.queue.enqueue:RedisQueue._send")
AFTER = Step("bot.queue.enqueue:RedisQueue._send", "after")


@contextmanager
def _door_that_dies(app: App, step: Step) -> Iterator[None]:
    """For one delivery the forge reaches another receiver, which never answers."""
    port = free_port()
    here, there = app.url, f"http://127.0.0.1:{port}"
    process = doomed.start("serve", {**app.environ, "PORT": str(port)}, step)
    app.wait(lambda: healthy(there))
    app.point_hooks_at(there)
    yield
    assert doomed.end(process) == -signal.SIGKILL
    app.point_hooks_at(here)


def _missed(app: App, step: Step) -> int:
    with _door_that_dies(app, step):
        long_ago = time.time() - 2 * MIN_AGE_SECONDS
        number = app.host.open_issue(
            app.repo, TITLE, BODY, created_at=long_ago, labels=["documentation"]
        )
    assert app.opened.status == 0
    return number


def test_f011_killed_after_it_has_queued_a_redelivery_is_the_same_job(app: App) -> None:
    number = _missed(app, AFTER)
    app.wait(lambda: app.comments(number) or None)
    assert app.host.redeliver(app.opened.id).status_code == 202
    assert app.over().tries == 1
    answered(app, number, "documentation")
    assert posted(app) == 1
    assert len(app.events("starting enrichment")) == 1


@pytest.mark.parametrize("comes_again", [True, False], ids=["redelivered", "swept"])
def test_f012_killed_before_it_has_queued_the_issue_is_found(
    app: App, clients: ClientPool, comes_again: bool
) -> None:
    first = app.issue(TITLE, f"{BODY} Earlier.")  # the repository is known
    number = _missed(app, BEFORE)
    assert app.redis.hlen("tagline:issues.msgs") == 0
    if comes_again:
        assert app.host.redeliver(app.opened.id).status_code == 202
    else:
        Outage(app, clients).sweep()
    app.wait(lambda: app.comments(number) or None)
    app.over()
    answered(app, number, "documentation")
    assert len(app.comments(first)) == 1
