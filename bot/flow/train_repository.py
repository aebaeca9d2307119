"""One training of a repository's classifier: read its history, fit, save.

After each page of labelled issues their hashed features are stored, so that a training which was
interrupted continues where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from bot.core.config.schema import RepoConfig
from bot.core.corrections import find_kept
from bot.core.errors import (
    OperatorError,
    PermanentError,
    Postponed,
    RateLimited,
    Retry,
    TrainingFailed,
)
from bot.core.journal import ADDING
from bot.core.labels.issue_types import TypeNames, find_types
from bot.core.labels.names import fold
from bot.core.labels.truth import PastIssue, find_own_labels, is_truth
from bot.core.ports import IssueHistorySource, Journal, Store
from bot.core.training import HistoryPage, TrainingProgress, TrainingState
from bot.core.training_ports import Trainer, TrainingStore
from bot.core.types import Issue, Job, Label, Record
from bot.flow.add_corrections import add_corrections
from bot.flow.context import JobContext, heed_rate_limits
from bot.flow.enrich import list_usable_labels
from bot.flow.load_config import ConfigInForce, load_config_in_force
from bot.flow.plan import Outcome
from bot.flow.schedule_training import is_due
from bot.learn import codec
from bot.learn.features import VERSION

BUSY_SECONDS = 60.0
MAX_EXAMPLES, MAX_READ = 2_000, 8_000
MAX_SIZE = 12_000_000  # bytes of examples
# After a try that failed, before the next one; the last failure ends the training.
RETRY_SECONDS = (15.0, 60.0, 240.0)
MAX_TRIES = len(RETRY_SECONDS) + 1
MAX_LEARNED = 100


@dataclass(frozen=True, slots=True)
class TrainingParts:
    """What trainings need beside the context of a job.

    `history` returns a forge's history by the forge's name, `clock` seconds since the epoch. At
    most one training runs at a time: `running` is held by it. `continue_schedule` is called when it
    has ended or waits.
    """

    store: TrainingStore
    trainer: Trainer
    history: Callable[[str], IssueHistorySource]
    clock: Callable[[], float]
    continue_schedule: Callable[[], object] = lambda: None
    running: Lock = field(default_factory=Lock)


@dataclass(frozen=True, slots=True)
class Training:
    """One try of a job; `state` is that of the repository before it.

    `new_limits` are reasons why its labels are only suggested from this try on.
    """

    job: Job
    context: JobContext
    parts: TrainingParts
    state: TrainingState
    new_limits: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.job.ref.repo_key

    def make_outcome(self, record: Record) -> Outcome:
        return Outcome(self.job, record, new_limit=", ".join(self.new_limits))


def train_repository(
    job: Job, context: JobContext, try_number: int = 1, *, parts: TrainingParts
) -> Outcome:
    """Train the classifier of one repository; return how that ended.

    Raises `Retry`: what was read until then is kept, and the state says why it waits. Whatever else
    prevents a training is a reason in the state, and a training is tried again a day later; sooner
    where the forge does not answer.
    """
    if not parts.running.acquire(blocking=False):
        raise Postponed("another repository is being trained", BUSY_SECONDS)
    try:
        with context.store.lock(job.ref.key):
            return _train_locked(job, context, parts, try_number)
    finally:
        parts.running.release()
        parts.continue_schedule()


def _train_locked(job: Job, context: JobContext, parts: TrainingParts, try_number: int) -> Outcome:
    key, now = job.ref.repo_key, parts.clock()
    state = parts.store.training_state(key) or TrainingState(since=job.received_at)
    if not is_due(key, state, parts.store, context.corrections, now):
        return Outcome(job, Record("unchanged", "its classifier is up to date"))
    training = Training(job, context, parts, state)
    try:
        with heed_rate_limits(job, context):
            return _learn(training)
    except Postponed as error:
        raise _wait(training, error) from None
    except Retry as error:
        if try_number >= MAX_TRIES:
            return _end(training, str(error), failures=state.failures + 1)
        after = max(error.after or 0.0, RETRY_SECONDS[try_number - 1])
        raise _wait(training, Retry(str(error), after)) from None
    except (PermanentError, OperatorError, TrainingFailed) as error:
        return _end(training, str(error))


def _wait(training: Training, error: Retry) -> Retry:
    """Record why the training is tried again later; return the error."""
    retry_at = training.parts.clock() + (error.after or 0.0)
    state = replace(training.state, status="waiting", why=str(error), retry_at=retry_at)
    training.parts.store.save_training_state(training.key, state)
    return error


def _learn(training: Training) -> Outcome:
    """Read, fit and save. Raises the errors of a forge, and `TrainingFailed`."""
    in_force = load_config_in_force(training.job.ref, training.context)
    why, read = _explain_switch(in_force.config), 0
    if not why:
        progress = _read_history(training, in_force)
        if progress.numbers:
            return _fit(training, in_force.config, progress)
        why, read = _explain_no_examples(progress.read), progress.read
    training.parts.store.delete_model(training.key)
    training.parts.store.delete_progress(training.key)
    return _end(replace(training, state=replace(training.state, read=read)), why)


def _explain_switch(config: RepoConfig) -> str:
    """Return why the repository's configuration permits no training, "" if it does."""
    if config.mode == "off":
        return "mode is off"
    return "" if config.learn.from_history else "learn.from_history is false"


def _explain_no_examples(read: int) -> str:
    if not read:
        return "the repository has no issues with labels yet"
    return f"none of its newest {read} issues has labels that people have set or kept"


def _end(training: Training, why: str, failures: int = 0) -> Outcome:
    """Record why there is no new classifier. What was read is kept for the next training."""
    now = training.parts.clock()
    state = replace(training.state, status="skipped", ended_at=now, why=why, failures=failures)
    training.parts.store.save_training_state(training.key, state)
    return training.make_outcome(Record("skipped", why))


def _read_history(training: Training, in_force: ConfigInForce) -> TrainingProgress:
    """Read pages until there are enough examples, or no more issues."""
    job, context, parts = training.job, training.context, training.parts
    _, types = _list_labels_and_types(training, in_force.config)
    progress, _ = parts.store.progress(training.key)
    if progress.version != VERSION:
        parts.store.delete_progress(training.key)
        progress = TrainingProgress(VERSION)
    while not progress.complete:
        if wait := context.rate_limiter.pause_left(job.ref.account_key):
            raise RateLimited("the forge asked to wait", wait, account_wide=False)
        page = parts.history(job.ref.forge).list_labelled_issues(job.ref, progress.cursor)
        known = set(progress.numbers)
        past = [
            look_up(issue, context.store, context.journal)
            for issue in page.issues
            if issue.ref.number not in known and not issue.is_bot
        ]
        if in_force.learns_from_corrections:
            kept = tuple(find_kept(past, in_force.digest, parts.clock()))
            if why := add_corrections(kept, job.ref, in_force, context):
                training.new_limits.append(why)
        true = [x.issue for x in past if is_truth(x, training.state.since, parts.clock())]
        chosen = [types.merge(one) for one in true[: MAX_EXAMPLES - len(progress.numbers)]]
        examples = parts.trainer.extract(chosen) if chosen else b""
        progress = _advance(progress, page, chosen, len(examples))
        parts.store.save_progress(training.key, progress, examples)
        if page.wait and not progress.complete:
            why = "the rest of the forge's rate limit is left to issues"
            raise RateLimited(why, page.wait, account_wide=False)
    return progress


def _advance(
    progress: TrainingProgress, page: HistoryPage, chosen: Sequence[Issue], size: int
) -> TrainingProgress:
    read, total = progress.read + page.read, progress.size + size
    numbers = (*progress.numbers, *(issue.ref.number for issue in chosen))
    is_full = len(numbers) >= MAX_EXAMPLES or read >= MAX_READ or total >= MAX_SIZE
    return TrainingProgress(VERSION, page.next, read, numbers, total, is_full or not page.next)


def look_up(issue: Issue, store: Store, journal: Journal) -> PastIssue:
    """Return the issue with what the bot knows of its own labels."""
    past = PastIssue(issue, store.record(issue.ref.key))
    if not (own := {fold(name) for name in find_own_labels(past)}):
        return past
    writes = journal.list_writes(issue.ref.key)
    times = (x.at for x in writes if x.kind in ADDING and fold(x.label) in own)
    return replace(past, labelled_at=max(times, default=0.0))


def _list_labels_and_types(
    training: Training, config: RepoConfig
) -> tuple[Sequence[Label], TypeNames]:
    forge, ref = training.context.forge, training.job.ref
    labels = forge.list_labels(ref)
    types = forge.list_types(ref) if config.types.set else ()
    return labels, find_types(types, labels, config)


def _fit(training: Training, config: RepoConfig, progress: TrainingProgress) -> Outcome:
    """Fit a model to the stored examples, save it, and forget them."""
    parts, key = training.parts, training.key
    labels, types = _list_labels_and_types(training, config)
    choices = types.list_choices(list_usable_labels(labels, config))
    _, pages = parts.store.progress(key)
    now = parts.clock()
    model = parts.trainer.fit(pages, choices, config.labels.precision, now)
    parts.store.save_model(key, model)
    state = replace(
        training.state,
        ended_at=now,
        trained_at=now,
        read=progress.read,
        examples=len(progress.numbers),
        why="",
        status="trained",
        failures=0,
        learned=_list_learned(model),
    )
    parts.store.save_training_state(key, state)
    parts.store.delete_progress(key)
    return training.make_outcome(Record("trained", f"from {state.examples} issues"))


def _list_learned(data: bytes) -> tuple[str, ...]:
    """Return the labels that a model applies or suggests, those with the most examples first."""
    model = codec.load(data)
    used = [one for one in model.labels if not one.why_silent] if model else []
    used.sort(key=lambda one: -one.examples)
    return tuple(one.name for one in used[:MAX_LEARNED])
