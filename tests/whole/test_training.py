"""A repository's classifier: trained after the first delivery, used for the next issue."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from bot import wiring, wiring_periodic
from bot.core.errors import TrainingFailed
from bot.core.training import TrainingState, TrainingStatus
from bot.http import ClientPool
from bot.learn import codec
from bot.learn.model import RepositoryModel
from bot.queue.actors import send
from tests.history import TOPICS, WOBBLES
from tests.simulation import Exchange
from tests.whole.app import App
from tests.whole.periodic import PeriodicTasks
from tests.whole.test_calls import Call, calls_of
from tests.whole.test_command_line import tagline

HISTORY: dict[str, Call] = {
    "github": ("GET", "/repos/{owner}/{repo}/issues", "direction page per_page sort state", ""),
    "gitlab": (
        "GET",
        "/api/v4/projects/{project}/issues",
        "confidential labels order_by page per_page sort state",
        "",
    ),
}
# The labels of `App`, for what people write about in `tests.history`.
LABELS = dict(zip(("area/api", "documentation", "area/login"), TOPICS.values(), strict=True))


def add_history(app: App, count: int = 240, **more: str) -> None:
    """Add closed issues from before the bot, each with the label of what it is about."""
    names = list(LABELS)
    for number in range(count):
        label = names[number % len(names)]
        title = LABELS[label].format(n=("left", "right", "upper", "lower")[number % 4])
        issue = app.host.open_issue(
            *(app.repo, title, f"Seen in room {number}."),
            labels=[more.get(label, label)],
            created_at=1_600_000_000 + number,
            deliver=False,
        )
        app.host.close_issue(app.repo, issue, deliver=False)


def repo_key(app: App) -> str:
    repo = app.host.state.repo(app.repo)
    keys = [ref.repo_key for ref in app.store.reconcile_state.repositories()]
    (key,) = [key for key in keys if key.startswith(app.on) and key.endswith(f":{repo.id}")]
    return key


def state_of(app: App) -> TrainingState:
    state = app.store.training.training_state(repo_key(app))
    assert state is not None
    return state


def model_of(app: App) -> RepositoryModel | None:
    data = app.store.training.model(repo_key(app))
    return codec.load(data) if data else None


def pages_read(app: App) -> list[Exchange]:
    """Return the requests for pages of the history."""
    lists = [x for x in app.host.exchanges if re.search(r"/issues$", x.path)]
    queries = [(x, parse_qs(x.query)) for x in lists if x.method == "GET"]
    return [x for x, query in queries if query.get("state") == ["all"] and "search" not in query]


def label_without_model(app: App) -> list[str]:
    """Return the labels of a new issue while the model is down."""
    app.box.fault("model-500", times=None)
    number = app.issue(f"{WOBBLES} badly", "It squeaks.", author=f"someone-{app.repo[-4:]}")
    app.box.clear_faults()
    return app.labels(number)


def stats(app: App, folder: Path) -> dict[str, Any]:
    name = f"{app.on}:{app.repo}"
    result = tagline("stats", name, "--json", cwd=folder, environment=app.environ)
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_classifier_is_trained_after_the_first_delivery_and_labels_the_next_issue(
    app: App, clients: ClientPool, tmp_path: Path
) -> None:
    add_history(app)
    before = label_without_model(app)
    assert "area/api" not in before
    start = len(app.host.exchanges)
    tasks = PeriodicTasks(app, clients)
    tasks.train()
    assert HISTORY[app.on] in calls_of(app.host.exchanges[start:])
    state = state_of(app)
    assert (state.why, state.examples) == ("", 240)
    assert label_without_model(app) == ["area/api", "needs-review"]
    shown = stats(app, tmp_path)
    (training,) = shown["training"]
    assert training["trained_at"] == state.trained_at
    assert training["next_at"] == state.trained_at + 7 * 86_400
    assert (training["examples"], training["why_not"]) == (240, "")
    learned = {row["label"]: row for row in shown["learned"]}
    assert learned["area/api"]["examples"] == 80
    assert learned["area/api"]["precision"] == 1.0
    assert learned["area/api"]["why_not_applied"] == ""
    assert learned["enhancement"]["why_not_applied"] == "no labelled issue has it"
    shown_text = tagline(
        "stats", f"{app.on}:{app.repo}", cwd=tmp_path, environment=app.environ
    ).stdout
    unused = "A label that none of 240 labelled issues has, rules only suggest."
    assert unused in " ".join(shown_text.split())
    (ended,) = app.events("training ended")
    assert (ended["outcome"], ended["result"]) == ("trained", "from 240 issues")
    tasks.jobs.clear()
    tasks.train()
    assert tasks.jobs == []


def test_repositories_are_trained_one_after_the_other_without_a_pause(app: App) -> None:
    repositories, keys = [*app.store.reconcile_state.repositories()], []
    for learns in (False, True, True):
        app.refresh(app.on)
        add_history(app, 60)
        app.configure(f"learn: {{from_history: {str(learns).lower()}}}\n")
        app.issue()
        repositories += app.store.reconcile_state.repositories()
        keys.append(repo_key(app))
    app.store.reconcile_state.save_repositories(repositories)
    app.redis.delete("tagline:lease:train-search", "tagline:lease:train")
    schedule = wiring_periodic.training_schedule(app.settings, app.store)
    schedule.run_once(partial(send, wiring.broker(app.redis), app.store))

    def find_statuses() -> list[TrainingStatus] | None:
        states = [app.store.training.training_state(key) for key in keys]
        found: list[TrainingStatus] = [state.status if state else "due" for state in states]
        return found if {*found} <= {"trained", "skipped"} else None

    assert app.wait(find_statuses) == ["skipped", "trained", "trained"]


@pytest.mark.slow
def test_a_worker_of_one_thread_answers_issues_during_a_training(
    app: App, clients: ClientPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_history(app, 60)
    started, answered = threading.Event(), threading.Event()

    def extract(*_: object) -> bytes:
        started.set()
        answered.wait(60)
        raise TrainingFailed("the test has ended")

    monkeypatch.setattr("bot.queue.trainer.ProcessTrainer.extract", extract)
    redis_url = f"{app.redis_url.rpartition('/')[0]}/4"
    small = App(app.box, redis_url, environment={"WORKER_THREADS": "1"}, on=app.on)
    small.repo = app.repo
    with small.open():
        small.issue()
        PeriodicTasks(small, clients).train(wait=False)
        assert started.wait(20)
        try:
            assert small.labels(small.issue(author="grace"))
        finally:
            answered.set()
    small.redis.flushdb()


@pytest.mark.slow
def test_of_fifty_thousand_issues_the_newest_two_thousand_are_read(
    app: App, clients: ClientPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.whole.app.WAIT_SECONDS", 120)  # the simulated lists are slow
    home = app.host.state.repo(app.repo)
    add_history(app, 3)
    blueprint = [home.issues[number] for number in sorted(home.issues)]
    for number in range(4, 50_001):
        one = blueprint[number % 3]
        home.issues[next(home.numbers)] = replace(one, id=10_000_000 + number, number=number)
    app.issue()
    PeriodicTasks(app, clients).train()
    state = state_of(app)
    assert (state.why, state.examples) == ("", 2_000)
    assert len(pages_read(app)) <= 21


@pytest.mark.slow
def test_labels_that_were_renamed_or_deleted_since_are_not_set(
    app: App, clients: ClientPool
) -> None:
    add_history(app)
    app.issue()
    PeriodicTasks(app, clients).train()
    home = app.host.state.repo(app.repo)
    home.labels["component/api"] = home.labels.pop("area/api")
    home.labels.pop("documentation")
    labels = label_without_model(app)
    assert "area/api" not in labels
    assert app.created_labels() == []


def test_where_learning_is_switched_off_no_history_is_read(
    app: App, clients: ClientPool, tmp_path: Path
) -> None:
    add_history(app, 60)
    app.configure("learn: {from_history: false}\n")
    app.issue()
    assert stats(app, tmp_path)["training"] == []
    PeriodicTasks(app, clients).train()
    assert pages_read(app) == []
    (training,) = stats(app, tmp_path)["training"]
    assert training["why_not"] == "learn.from_history is false"
    assert training["trained_at"] is None
    result = tagline("stats", f"{app.on}:{app.repo}", cwd=tmp_path, environment=app.environ)
    assert re.search(r"never +- +- +learn\.from_history is false", result.stdout)


def test_stats_say_that_the_figures_are_for_another_precision(
    app: App, clients: ClientPool, tmp_path: Path
) -> None:
    add_history(app)
    app.issue()
    PeriodicTasks(app, clients).train()
    app.configure("labels: {precision: 0.99}\n")
    result = tagline("stats", f"{app.on}:{app.repo}", cwd=tmp_path, environment=app.environ)
    assert "These figures are for 90 %; labels.precision is 99 % now, and the" in result.stdout


@pytest.mark.slow
def test_an_answer_of_the_model_is_combined_with_the_classifier(
    app: App, clients: ClientPool
) -> None:
    add_history(app)
    app.issue()
    PeriodicTasks(app, clients).train()
    number = app.issue(f"{WOBBLES} now", "It squeaks.", author="grace")
    assert "area/api" in app.labels(number)
    (comment,) = app.comments(number)
    assert "learned from 80 issues with this label" in comment.body
