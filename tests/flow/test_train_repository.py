"""One training: what is read and learned, how it is interrupted, and why there may be none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec
import pytest

from bot.core.errors import (
    Forbidden,
    LockContended,
    OperatorError,
    Postponed,
    RateLimited,
    Retry,
    TaglineError,
    TrainingFailed,
    Unreachable,
)
from bot.core.training import HistoryPage, TrainingProgress, TrainingState
from bot.core.types import Issue, IssueRef, Label
from bot.flow import train_repository as module
from bot.flow.plan import Outcome
from bot.flow.schedule_training import find_pause
from bot.flow.train_repository import MAX_TRIES, TrainingParts, train_repository
from bot.learn import codec
from bot.learn.model import RepositoryModel
from bot.queue.trainer_process import FitRequest, LabelledText, extract, fit
from bot.store.no_store import NoRateLimiter
from tests.fakes import DAY, NOW, PAGE, REF, FakeForge, make_context, make_issue, make_job
from tests.history import TOPICS, make_history
from tests.memory_store import MemoryStore

LABELS = (*(Label(name) for name in TOPICS), Label("wontfix"), Label("bug"))
REPOSITORY = replace(REF, number=0)


@dataclass
class FakeTrainer:
    """Implements `Trainer` in this process; `errors` are raised by the next step of that name."""

    errors: dict[str, TaglineError] = field(default_factory=dict)
    targets: list[float] = field(default_factory=list)

    def extract(self, issues: Sequence[Issue]) -> bytes:
        self._note("extract")
        texts = [LabelledText(x.title, x.body, x.labels, x.created_at) for x in issues]
        return extract(msgspec.msgpack.encode(texts))

    def fit(
        self, pages: Sequence[bytes], labels: Sequence[Label], target: float, at: float
    ) -> bytes:
        self._note("fit")
        self.targets.append(target)
        return fit(msgspec.msgpack.encode(FitRequest(tuple(pages), tuple(labels), target, at)))

    def fail(self, step: str, error: TaglineError) -> None:
        self.errors[step] = error

    def _note(self, step: str) -> None:
        if error := self.errors.pop(step, None):
            raise error


@dataclass
class InterruptedForge(FakeForge):
    """A forge that fails once, after so many pages. `wait_after` maps a number of pages to the
    seconds in which the rest of its rate limit is left to issues."""

    interruption: tuple[int, BaseException] | None = None
    wait_after: dict[int, float] = field(default_factory=dict)

    def interrupt(self, pages: int, error: BaseException) -> None:
        self.interruption = pages, error

    def list_labelled_issues(self, repository: IssueRef, cursor: str = "") -> HistoryPage:
        if self.interruption and self.interruption[0] == len(self.pages_read):
            _, error = self.interruption
            self.interruption = None
            raise error
        page = super().list_labelled_issues(repository, cursor)
        return replace(page, wait=self.wait_after.get(len(self.pages_read), 0.0))


class PausableRateLimiter(NoRateLimiter):
    """`paused` are the accounts that a forge has limited, with their seconds."""

    def __init__(self) -> None:
        self.paused: dict[str, float] = {}

    def pause(self, account: str, seconds: float) -> None:
        self.paused[account] = seconds

    def pause_left(self, account: str) -> float:
        return self.paused.get(account, 0.0)


class Case:
    """A repository with a history, and trainings of it."""

    def __init__(self, past: Sequence[Issue] = (), config: str | None = None) -> None:
        issue = replace(make_issue("Title"), ref=REF)
        self.forge = InterruptedForge(issue, LABELS, config, past=list(past))
        self.store, self.trainer, self.now = MemoryStore(lambda: self.now), FakeTrainer(), NOW
        self.limiter = self.store.rate_limiter = PausableRateLimiter()
        self.parts = TrainingParts(
            self.store.training, self.trainer, lambda _: self.forge, lambda: self.now
        )

    def train(self, try_number: int = 1, mode: str = "apply") -> Outcome:
        context = make_context(self.forge, None, self.store, mode=mode)
        job = replace(make_job("train"), ref=REPOSITORY, received_at=self.now)
        return train_repository(job, context, try_number, parts=self.parts)

    @property
    def state(self) -> TrainingState:
        state = self.store.training.training_state(REF.repo_key)
        assert state is not None
        return state

    @property
    def model(self) -> RepositoryModel | None:
        data = self.store.training.model(REF.repo_key)
        return codec.load(data) if data is not None else None

    @property
    def learned(self) -> dict[str, int]:
        """Return the labels that are applied, with the number of their examples."""
        assert self.model
        return {x.name: x.examples for x in self.model.labels if x.apply_at is not None}


def test_a_classifier_is_learned_from_the_labelled_issues() -> None:
    case = Case(make_history(240))
    outcome = case.train()
    assert (outcome.record.status, outcome.record.why) == ("trained", "from 240 issues")
    assert case.learned == dict.fromkeys(TOPICS, 80)
    assert case.state == TrainingState(NOW, 0.0, NOW, NOW, 240, 240, status="trained")
    assert case.forge.pages_read == ["", "100", "200"]
    assert case.store.training.progress(REF.repo_key) == (TrainingProgress(), ())
    assert case.forge.writes == []


def test_the_configuration_sets_the_precision_to_reach() -> None:
    case = Case(make_history(), config="labels: {precision: 0.8}")
    case.train()
    assert case.trainer.targets == [0.8]


def test_protected_and_denied_labels_are_not_learned() -> None:
    past = [
        replace(issue, labels=(*issue.labels, "wontfix", "area/login")) for issue in make_history()
    ]
    case = Case(past, config="labels: {deny: ['area/*']}")
    case.train()
    assert case.model
    assert {label.name for label in case.model.labels} == {"regression", "documentation", "bug"}


def test_unlabelled_bots_and_confidential_issues_are_no_examples() -> None:
    past = make_history(40)
    past[0] = replace(past[0], labels=())
    past[1] = replace(past[1], confidential=True)
    past[2] = replace(past[2], is_bot=True)
    case = Case(past)
    case.train()
    assert (case.state.examples, case.state.read) == (37, 40)


def test_of_very_many_issues_only_the_newest_are_read() -> None:
    case = Case(make_history(3_000))
    case.trainer.fit = lambda *_: b"a model"  # type: ignore[method-assign]
    case.train()
    assert (case.state.examples, case.state.read) == (2_000, 2_000)
    assert len(case.forge.pages_read) == 20


def test_where_few_issues_have_labels_reading_ends_after_some() -> None:
    case = Case([replace(make_issue("Title"), ref=replace(REF, number=n)) for n in range(9_000)])
    case.train()
    assert (case.state.examples, case.state.read) == (0, 8_000)
    assert case.state.why == (
        "none of its newest 8000 issues has labels that people have set or kept"
    )


def test_reading_ends_where_the_examples_are_very_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SIZE", 1_000)
    case = Case(make_history(240))
    case.train()
    assert case.state.examples == PAGE


@pytest.mark.parametrize(
    ("config", "mode", "why"),
    [
        ("learn: {from_history: false}", "apply", "learn.from_history is false"),
        ("mode: off", "apply", "mode is off"),
        (None, "off", "mode is off"),
        ("learn: {from_history: nein}", "apply", "learn.from_history is false"),
    ],
)
def test_where_learning_is_switched_off_nothing_is_read_and_the_classifier_goes(
    config: str | None, mode: str, why: str
) -> None:
    case = Case(make_history(), config=config)
    case.store.training.save_model(REF.repo_key, b"a model")
    assert case.train(mode=mode).record.why == why
    assert case.state.why == why
    assert case.forge.pages_read == []
    assert case.store.training.model_version(REF.repo_key) == ""


def test_a_repository_without_issues_says_so() -> None:
    case = Case()
    assert case.train().record.status == "skipped"
    assert case.state.why == "the repository has no issues with labels yet"
    assert case.state.ended_at == NOW


def test_a_history_of_one_label_gives_a_classifier() -> None:
    case = Case(make_history(60, {"bug": TOPICS["regression"]}))
    assert case.train().record.status == "trained"
    assert case.state.why == ""


def test_a_rate_limit_in_the_middle_keeps_what_was_read() -> None:
    case = Case(make_history(240))
    case.forge.interrupt(2, RateLimited("GitHub asked to wait (status 429)", 900))
    with pytest.raises(RateLimited):
        case.train()
    waiting = (case.state.status, case.state.why, case.state.retry_at)
    assert waiting == ("waiting", "GitHub asked to wait (status 429)", NOW + 900)
    assert case.state.ended_at == 0
    assert case.limiter.paused == {REF.account_key: 900}
    with pytest.raises(RateLimited):  # an issue's job met the limit
        case.train()
    case.limiter.paused.clear()
    assert case.train().record.why == "from 240 issues"
    assert case.forge.pages_read == ["", "100", "200"]
    assert case.state.why == ""
    assert case.learned == dict.fromkeys(TOPICS, 80)


def test_a_training_leaves_the_rest_of_a_rate_limit_to_issues() -> None:
    case = Case(make_history(240))
    case.forge.wait_after = {2: 600.0, 3: 600.0}
    with pytest.raises(RateLimited) as limited:
        case.train()
    assert limited.value.after == 600
    assert case.limiter.paused == {}
    waiting = (case.state.status, case.state.why, case.state.retry_at)
    assert waiting == ("waiting", "the rest of the forge's rate limit is left to issues", NOW + 600)
    assert case.train().record.why == "from 240 issues"  # no page is left to read
    assert case.forge.pages_read == ["", "100", "200"]


def test_a_training_that_was_killed_continues_at_its_page() -> None:
    case = Case(make_history(240))
    case.forge.interrupt(1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        case.train()
    case.train()
    assert case.forge.pages_read == ["", "100", "200"]
    assert case.state.examples == 240


def test_issues_that_were_opened_meanwhile_are_not_learned_twice() -> None:
    history = make_history(240)
    case = Case(history[30:])
    case.forge.interrupt(1, Retry("GitHub failed (status 502)"))
    with pytest.raises(Retry):
        case.train()
    case.forge.past[:0] = history[:30]
    case.train()
    assert case.state.examples == 210
    assert case.learned == dict.fromkeys(TOPICS, 70)


def test_progress_of_another_version_of_the_features_is_read_again() -> None:
    case = Case(make_history(240))
    case.store.training.save_progress(
        REF.repo_key, TrainingProgress(99, "200", 200, tuple(range(41, 241))), b"page"
    )
    case.train()
    assert case.state.examples == 240


@pytest.mark.parametrize(
    "error",
    [Retry("GitHub failed (status 502)"), Unreachable("GitHub cannot be reached (refused)")],
)
def test_a_forge_that_fails_is_tried_again_after_growing_delays(error: Retry) -> None:
    case = Case(make_history())
    delays = []
    for try_number in range(1, MAX_TRIES):
        case.forge.interrupt(0, error)
        with pytest.raises(Retry) as raised:
            case.train(try_number)
        delays.append(raised.value.after)
        assert (case.state.status, case.state.why) == ("waiting", str(error))
        assert case.state.retry_at == NOW + (raised.value.after or 0)
    assert delays == [15, 60, 240]
    assert case.train(MAX_TRIES).record.status == "trained"


def test_a_forge_that_asks_for_a_longer_delay_gets_it() -> None:
    case = Case(make_history())
    case.forge.interrupt(0, Retry("GitHub failed (status 503)", 100))
    with pytest.raises(Retry) as raised:
        case.train()
    assert raised.value.after == 100


def test_a_forge_that_fails_for_long_is_a_reason_and_is_tried_again_ever_later() -> None:
    case = Case(make_history(240))
    pauses = []
    for number in (1, 2):
        case.forge.interrupt(number - 1, Retry("GitHub failed (status 502)"))
        assert case.train(MAX_TRIES).record.status == "skipped"
        failed = (case.state.status, case.state.why, case.state.failures)
        assert failed == ("skipped", "GitHub failed (status 502)", number)
        assert case.state.ended_at == case.now
        pauses.append(find_pause(case.state))
        assert case.train().record.status == "unchanged"
        case.now += pauses[-1]
    assert pauses == [1_800, 7_200]
    assert case.train().record.status == "trained"
    assert case.state.failures == 0
    assert case.forge.pages_read == ["", "100", "200"]  # none was read twice


@pytest.mark.parametrize(
    "error",
    [
        Forbidden("GitHub refused the request (status 403): no access", refused=True),
        OperatorError("GitHub refused the credentials (status 401)"),
    ],
)
def test_a_refusal_of_the_forge_is_a_reason(error: TaglineError) -> None:
    case = Case(make_history())
    case.forge.interrupt(0, error)
    assert case.train().record.status == "skipped"
    assert (case.state.why, case.state.ended_at) == (str(error), NOW)


def test_a_process_that_fails_is_a_reason_and_the_old_classifier_stays() -> None:
    case = Case(make_history())
    case.train()
    before, case.now = case.store.training.model_version(REF.repo_key), NOW + 8 * DAY
    case.trainer.fail("fit", TrainingFailed("the training process was killed (signal 9)"))
    assert case.train().record.status == "skipped"
    assert case.state.why == "the training process was killed (signal 9)"
    assert case.state.trained_at == NOW
    assert case.store.training.model_version(REF.repo_key) == before != ""


def test_what_was_read_before_a_failure_is_used_a_day_later() -> None:
    case = Case(make_history(240))
    case.forge.interrupt(2, Forbidden("GitHub refused the request (status 403)"))
    assert case.train().record.status == "skipped"
    case.now += DAY
    assert case.train().record.why == "from 240 issues"
    assert case.forge.pages_read == ["", "100", "200"]


def test_a_history_without_examples_is_read_again_a_day_later() -> None:
    case = Case([replace(make_issue("Title"), ref=replace(REF, number=1))])
    case.train()
    case.now += DAY
    case.forge.past = make_history(40)
    assert case.train().record.why == "from 40 issues"


def test_a_worker_that_stops_continues_later() -> None:
    case = Case(make_history())
    case.trainer.fail("fit", Postponed("the worker stops", 5))
    with pytest.raises(Postponed):
        case.train(MAX_TRIES)
    assert case.train().record.status == "trained"
    assert case.forge.pages_read == ["", "100"]


def test_a_repository_that_was_trained_meanwhile_is_left_alone() -> None:
    case = Case(make_history())
    case.train()
    assert case.train().record.status == "unchanged"
    assert len(case.forge.pages_read) == 2


def test_the_next_training_may_start_when_one_has_ended_or_waits() -> None:
    case, ends = Case(make_history()), list[str]()
    case.parts = replace(case.parts, continue_schedule=lambda: ends.append(case.state.status))
    case.forge.interrupt(0, RateLimited("GitHub asked to wait (status 429)", 900))
    with pytest.raises(RateLimited):
        case.train()
    case.limiter.paused.clear()
    case.train()
    with case.parts.running, pytest.raises(Postponed):
        case.train()
    assert ends == ["waiting", "trained"]


def test_only_one_training_runs_at_a_time() -> None:
    case = Case(make_history())
    with case.parts.running, pytest.raises(Postponed, match="another repository"):
        case.train()
    with case.store.lock(REPOSITORY.key), pytest.raises(LockContended):
        case.train()
    assert case.forge.pages_read == []
    assert case.train().record.status == "trained"
