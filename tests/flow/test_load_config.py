"""Which configuration is in force, and which problems are reported to the maintainers, once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.config.schema import Budget, CommentRules, Ignore, LabelRules, RepoConfig
from bot.core.config.yaml_nodes import MAX_BYTES
from bot.core.ports import Store
from bot.core.types import Record
from bot.flow.load_config import ConfigInForce, load_config, save_reported_problems
from tests.core.hostile_configs import HOSTILE
from tests.fakes import REF
from tests.flow.issue_case import ANSWER, BY_MODEL, IssueCase, make_case
from tests.memory_store import MemoryStore

GOOD = "mode: suggest\n"
TYPO = "mode: suggest\nlangauge: de\n"
BROKEN = "mode: [suggest\n"
DRY = "mode: dry-run\n"
LAST = """\
mode: dry-run
ignore: {authors: [ada]}
labels: {allow: ["area/*"], deny: [bug], max: 2}
budget: {per_day_usd: 0.5, per_author_per_hour: 9}
"""
LATER = """\
mode: apply
ignore: {authors: [eve]}
comment: {post: never}
labels: {allow: [area/login, bug], deny: [docs], max: 9}
budget: {per_day_usd: 5, per_author_per_hour: 2}
model: {instructions: *none}
"""
# The hostile files that can be read; with the others labels are only suggested.
READABLE = ("blank lines", "a number", "a key that is a mapping")
UNREADABLE = [BROKEN, "- mode: suggest", "#" * (MAX_BYTES + 1), "[" * 500, "mode: \x00"]


def mode_of(text: str | None, store: MemoryStore) -> str:
    return load_config(REF, text, store).config.mode


@pytest.mark.parametrize("text", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_file_that_cannot_be_read_leaves_the_last_good_one_in_force(text: str) -> None:
    store = MemoryStore()
    assert mode_of(text, store) == "suggest"
    assert mode_of(DRY, store) == "dry-run"
    assert mode_of(text, store) == "dry-run"


@pytest.mark.parametrize("text", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_last_good_file_that_applies_labels_stays_in_force(text: str) -> None:
    store = MemoryStore()
    load_config(REF, "labels: {max: 2}\n", store)
    assert load_config(REF, text, store).config == RepoConfig(labels=LabelRules(max=2))


@pytest.mark.parametrize("before", [None, "", "# to be done\n"])
def test_a_first_file_that_is_broken_means_that_labels_are_only_suggested(
    before: str | None,
) -> None:
    store = MemoryStore()
    load_config(REF, before, store)
    assert load_config(REF, "mode: apply\nlabels: [", store).config == RepoConfig(mode="suggest")


def test_a_broken_file_limits_what_is_in_force_and_never_widens_it() -> None:
    store = MemoryStore()
    load_config(REF, LAST, store)
    config = load_config(REF, LATER, store).config
    assert config == RepoConfig(
        mode="dry-run",
        ignore=Ignore(authors=("ada", "eve")),
        comment=CommentRules(post="never"),
        labels=LabelRules(allow=("area/login",), deny=("bug", "docs"), max=2),
        budget=Budget(per_day_usd=0.5, per_author_per_hour=2),
    )


def test_a_file_with_an_unknown_key_counts_as_readable() -> None:
    store = MemoryStore()
    load_config(REF, TYPO, store)
    assert mode_of(BROKEN, store) == "suggest"


@pytest.mark.parametrize("text", [None, ""])
def test_a_removed_file_is_not_brought_back(text: str | None) -> None:
    store = MemoryStore()
    load_config(REF, GOOD, store)
    assert load_config(REF, text, store) == ConfigInForce(RepoConfig(), (), "")
    assert mode_of(BROKEN, store) == "suggest"


def test_another_repository_has_its_own_configuration_configuration() -> None:
    store = MemoryStore()
    load_config(REF, GOOD, store)
    other = replace(REF, repo_id=7002)
    load_config(other, "language: de", store)
    assert load_config(other, BROKEN, store).config == RepoConfig(language="de")


@pytest.mark.parametrize("name", HOSTILE)
def test_an_issue_is_answered_whatever_the_file_contains(name: str) -> None:
    case = make_case(ANSWER, config=HOSTILE[name])
    status, labels = ("answered", BY_MODEL) if name in READABLE else ("suggested", [])
    assert case.job().record.status == status
    assert (case.labels, len(case.comments)) == (labels, 1)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_good_file_is_in_force_again_after_a_hostile_one(text: str) -> None:
    store = MemoryStore()
    for config in (text, DRY, text):
        load_config(REF, config, store)
    assert mode_of(GOOD, store) == "suggest"


def report(text: str, store: MemoryStore) -> bool:
    """Save the problems as reported; return whether there are new ones."""
    problems = load_config(REF, text, store).problems
    save_reported_problems(REF, problems, store)
    return bool(problems)


def test_problems_are_reported_once_per_change() -> None:
    store = MemoryStore()
    assert [report(TYPO, store) for _ in range(3)] == [True, False, False]
    assert not report(TYPO + "# a remark\n", store)
    assert report(BROKEN, store)
    assert report(TYPO, store)


def test_a_mistake_that_returns_is_reported_again() -> None:
    store = MemoryStore()
    assert [report(text, store) for text in (TYPO, GOOD, TYPO)] == [True, False, True]


def shows_problems(case: IssueCase) -> list[bool]:
    return ["Problems in tagline.yml" in comment for comment in case.comments]


def test_only_the_first_comment_shows_the_problems() -> None:
    first = make_case(ANSWER, config=TYPO)
    first.job()
    second = make_case(ANSWER, config=TYPO, store=forget_issue(first))
    second.job()
    assert (shows_problems(first), shows_problems(second)) == ([True], [False])


def forget_issue(case: IssueCase) -> Store:
    """Return the case's store without the state of its issue."""
    case.store.save(REF.key, Record("skipped"))
    return case.store


@pytest.mark.parametrize(
    ("config", "mode"),
    [(f"{TYPO}comment: {{post: never}}", "apply"), (TYPO, "dry-run")],
)
def test_problems_that_no_comment_showed_are_in_the_next_comment(config: str, mode: str) -> None:
    silent = make_case(ANSWER, config=config, mode=mode)
    silent.job()
    assert silent.comments == []
    next_case = make_case(ANSWER, config=TYPO, store=forget_issue(silent))
    next_case.job()
    assert shows_problems(next_case) == [True]


def test_the_last_good_file_decides_what_is_written() -> None:
    good = make_case(ANSWER, config="comment: {post: never}\nmode: suggest")
    good.job()
    broken = make_case(ANSWER, config=BROKEN, store=forget_issue(good))
    broken.job()
    assert (broken.labels, broken.comments) == ([], [])
