"""A repository whose labels people keep too rarely gets suggestions only, until that ends."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from bot.core.corrections import Correction
from bot.core.journal import Write
from bot.core.mode_limit import JUDGED_TO_LIMIT
from bot.core.ports import Journal
from bot.core.types import Choice, Record
from bot.flow.add_corrections import MAX_LOOKS
from bot.flow.load_config import digest_config
from bot.flow.plan import Outcome
from bot.flow.record_corrections import record_corrections
from tests.fakes import DAY, NOW, REF, ScriptedModel, make_context, make_job
from tests.flow.issue_case import ANSWER, BY_MODEL
from tests.flow.test_demotions import Repository, RepositoryForge
from tests.flow.training_case import Case
from tests.history import make_history
from tests.memory_store import MemoryJournal, MemoryStore


@dataclass
class Maintainer:
    """A maintainer of a repository, who judged `kept` and `removed` labels of former issues."""

    kept: int
    removed: int
    config: str | None = None
    repository: Repository = field(init=False)

    def __post_init__(self) -> None:
        self.repository = Repository(self.config)
        digest = digest_config(self.config)
        verdicts = [*["removed"] * (self.removed - 1), *["kept"] * self.kept, "removed"]
        self.repository.store.corrections.add(
            REF.repo_key,
            [
                Correction(n, f"l{n}", verdict, NOW - DAY + n, "model", "sure", digest)  # type: ignore[arg-type]
                for n, verdict in enumerate(verdicts, 1000)
            ],
        )

    @property
    def store(self) -> MemoryStore:
        return self.repository.store

    def answer(self) -> RepositoryForge:
        return self.repository.answer(ScriptedModel(ANSWER))

    def remove(self, forge: RepositoryForge, label: str) -> Outcome:
        forge.person_removes(label)
        job = replace(make_job("labels"), ref=forge.current.ref)
        return record_corrections(job, make_context(forge, None, self.store))


def test_labels_are_only_suggested_from_the_label_on_that_was_one_too_many() -> None:
    maintainer = Maintainer(kept=34, removed=15)
    forge = maintainer.answer()
    assert forge.current.labels == tuple(BY_MODEL)
    outcome = maintainer.remove(forge, "bug")
    assert outcome.new_limit == "people kept 34 of the last 50 labels"
    assert outcome.record.why == "1 removed, 1 kept"

    later = maintainer.answer()
    assert later.current.labels == ()
    (comment,) = later.own_comments
    assert "Suggested, not applied: `bug`, `area/login`, `regression`" in comment.body
    assert "34 of" not in comment.body
    assert maintainer.remove(forge, "area/login").new_limit == "", "it is said once"


def test_labels_that_nobody_touched_on_handled_issues_count_before_the_mode_is_limited() -> None:
    maintainer = Maintainer(kept=30, removed=19)
    others = [maintainer.answer() for _ in range(4)]
    for other in others[:3]:
        other.current = replace(other.current, handled=True)
    others[0].person_removes("bug")
    forge = maintainer.answer()
    outcome = maintainer.remove(forge, "bug")
    assert outcome.new_limit == ""
    assert len(forge.read) == len(others)
    kept = [
        (one.number, one.label)
        for one in maintainer.store.corrections.list(REF.repo_key)
        if one.verdict == "kept" and one.number < 1000
    ]
    numbers = [other.current.ref.number for other in others]
    assert sorted(kept) == sorted(
        [
            (numbers[0], "area/login"),
            *((number, label) for number in numbers[1:3] for label in BY_MODEL),
            (forge.current.ref.number, "area/login"),
        ]
    )
    assert maintainer.answer().current.labels == tuple(BY_MODEL)


def test_labels_that_nobody_touched_for_a_week_count_too() -> None:
    maintainer = Maintainer(kept=34, removed=15)
    maintainer.store.journal = MemoryJournal(lambda: NOW - 8 * DAY)
    of_that_time = Write("1", "add-label", "l1001", state="done")
    maintainer.store.journal.append(f"{REF.repo_key}:1001", [of_that_time])
    maintainer.answer()
    maintainer.store.journal = replace_clock(maintainer.store.journal)
    assert maintainer.remove(maintainer.answer(), "bug").new_limit == ""
    assert maintainer.answer().current.labels == tuple(BY_MODEL)


def replace_clock(journal: Journal) -> Journal:
    """Return a journal with the same lines whose clock is the other fakes'."""
    later = MemoryJournal(lambda: NOW)
    later._lines, later._written = journal._lines, journal._written  # type: ignore[attr-defined]
    return later


def test_few_issues_are_read_before_the_mode_is_limited() -> None:
    maintainer = Maintainer(kept=10, removed=39)
    for _ in range(MAX_LOOKS + 5):
        maintainer.answer()
    forge = maintainer.answer()
    assert maintainer.remove(forge, "bug").new_limit
    assert len(forge.read) == MAX_LOOKS


@pytest.mark.parametrize(
    ("config", "labels"),
    [
        ("learn: {from_corrections: false}", tuple(BY_MODEL)),
        ("labels: {precision: 0.5}", tuple(BY_MODEL)),
        ("labels: {precision: 0.95}", ()),
        ("mode: suggest", ()),
    ],
)
def test_the_configuration_decides(config: str, labels: tuple[str, ...]) -> None:
    maintainer = Maintainer(kept=20, removed=30, config=config)
    forge = maintainer.answer()
    assert forge.current.labels == labels
    assert len(forge.own_comments) == 1


@pytest.mark.parametrize("mode", ["dry-run", "off"])
def test_a_stricter_mode_stays(mode: str) -> None:
    forge = Maintainer(kept=20, removed=30, config=f"mode: {mode}").answer()
    assert (forge.current.labels, forge.own_comments) == ((), [])


def test_another_configuration_ends_it_for_good() -> None:
    maintainer = Maintainer(kept=20, removed=30)
    assert maintainer.answer().current.labels == ()
    maintainer.repository.config = "language: en"
    assert maintainer.answer().current.labels == tuple(BY_MODEL)
    maintainer.repository.config = None
    assert maintainer.answer().current.labels == tuple(BY_MODEL)


def test_a_training_that_finds_more_judged_labels_may_limit_the_mode() -> None:
    history = make_history(60)
    case = Case([replace(one, handled=n < 10) for n, one in enumerate(history)])
    case.now = NOW + 30 * DAY
    for issue in history[:10]:
        label = issue.labels[0]
        choices = (Choice(label, "model", "sure"),)
        record = Record("answered", labels=(label,), input="x", choices=choices)
        case.store.save(issue.ref.key, record)
    removed = [
        Correction(n, "bug", "removed", NOW + 20 * DAY + n, "model", "sure")
        for n in range(9000, 9045)
    ]
    case.store.corrections.add(REF.repo_key, removed)
    assert len(removed) < JUDGED_TO_LIMIT <= len(removed) + 10
    outcome = case.train()
    assert outcome.record.status == "trained"
    assert outcome.new_limit == "people kept 10 of the last 50 labels"
    assert case.train().new_limit == ""
