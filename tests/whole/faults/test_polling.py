"""A poller that is killed at any step loses no issue and answers none twice."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.simulation import Sandbox
from tests.whole.app import BODY, TITLE
from tests.whole.faults import killed_process
from tests.whole.faults.conftest import assert_answered, count_posts
from tests.whole.faults.killed_process import Step
from tests.whole.polling import PollingApp

LISTS = {
    "github": "bot.forges.github.changes:GitHubChanges.list_changed_issues",
    "gitlab": "bot.forges.gitlab.changes:GitLabChanges.list_changed_issues",
}
STEPS = {
    "before the list is read": Step("LIST"),
    "between the list and the queue": Step("bot.queue.enqueue:PollQueue.put"),
    "between the queue and the snapshot": Step("bot.queue.enqueue:PollQueue.put", "after"),
    "between the snapshot and the cursor": Step(
        "bot.store.poll_state:RedisPollState.save_snapshot", "after"
    ),
    "after the cursor": Step("bot.store.poll_state:RedisPollState.save_cursor", "after"),
}
Run = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def app(box: Sandbox, clean: str, host: str) -> Iterator[PollingApp]:
    app = PollingApp(box, clean, on=host)
    with app.open(worker=False):
        yield app
    app.clients.close()


@pytest.fixture
def second_worker(app: PollingApp, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run another worker, as if what the killed one held had expired."""

    @contextmanager
    def start() -> Iterator[None]:
        for key in ("tagline:lock:*", "tagline:lease:poll:*"):
            for held in app.redis.keys(key):
                app.redis.delete(held)
        monkeypatch.setattr("bot.queue.broker.HEARTBEAT_MS", 100)
        with app.running_worker(clear=False):
            yield

    return start


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_poller_killed_at_any_step_loses_no_issue_and_doubles_none(
    app: PollingApp, second_worker: Run, step: str
) -> None:
    numbers = [app.host.open_issue(app.repo, TITLE, f"{BODY} {n}") for n in range(2)]
    where, when = STEPS[step]
    environment = app.environ | {"TAGLINE_POLL_REPOS": f"{app.on}:{app.repo}"}
    kill_step = Step(where.replace("LIST", LISTS[app.on]), when)
    killed = killed_process.start("worker", environment, kill_step)
    assert killed_process.wait(killed) == -signal.SIGKILL
    with second_worker():
        app.poll()
        app.wait(lambda: all(app.comments(number) for number in numbers))
        app.wait(lambda: not app.redis.hlen("tagline:issues.msgs"))
    for number in numbers:
        assert_answered(app, number)
    assert count_posts(app) == len(numbers)
    opened = [e for e in app.events("starting enrichment") if e["try_number"] == 1]
    assert len(opened) <= len(numbers)
    assert app.poll() == []
