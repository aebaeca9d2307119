"""Compares what Tagline would set on a repository's recent issues with what they have.

It reads, and writes nothing. `tagline preview` prints the result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import msgspec

from bot.cli.batch import Totals
from bot.cli.replay import Material, Replay, make_recent_material
from bot.core.config.schema import RepoConfig
from bot.core.enrichment import Enrichment
from bot.core.errors import PermanentError, TaglineError
from bot.core.ports import IssueHistorySource, ModelService
from bot.core.types import Issue, IssueRef, Job, Label
from bot.flow.process import why_skip
from bot.learn.evaluation import Case

MAX_READ = 1_000  # items; on GitHub also pull requests
THREADS = 8  # concurrent calls of a language model


class IssueSource(IssueHistorySource, Protocol):
    """The part of a forge's client that a comparison reads."""

    def list_labels(self, ref: IssueRef) -> tuple[Label, ...]: ...

    def list_types(self, ref: IssueRef) -> tuple[Label, ...]: ...


class NothingToCompare(TaglineError):
    """The repository has no issues or no labels, or they are hidden; the text gives the fix."""


@dataclass(frozen=True, slots=True)
class ComparisonOptions:
    """What to compare: the newest `limit` issues that were opened at `since` or later.

    `since` is in seconds since the epoch. `max_usd` limits the costs of the model, as do the
    budgets of the configuration. `model` is None without a language model, `model_name` "".
    """

    limit: int = 20
    since: float = 0.0
    model: ModelService | None = None
    model_name: str = ""
    max_usd: float | None = None


@dataclass(frozen=True, slots=True)
class ComparedIssue:
    """An issue as it is, and the answer that Tagline gave without its labels.

    `case` has the labels of both that count: Tagline may set them, and texts can show them.
    """

    issue: Issue
    answer: Enrichment
    case: Case


@dataclass(frozen=True, slots=True)
class Comparison:
    """The compared issues of a repository, the newest first, and the labels that count.

    `learned_from` counts earlier issues from which labels were learned, `left_out` recent ones by
    the reason for which Tagline skips them.
    """

    ref: IssueRef
    options: ComparisonOptions
    config: RepoConfig
    issues: Sequence[ComparedIssue]
    labels: Sequence[Label]
    learned_from: int
    left_out: Mapping[str, int]
    totals: Totals


@dataclass(slots=True)
class _Recent:
    """Issues by what they are for, the newest first."""

    compared: list[Issue] = field(default_factory=list)
    earlier: list[Issue] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def compare_recent(
    source: IssueSource,
    ref: IssueRef,
    config: RepoConfig,
    options: ComparisonOptions,
    show_progress: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Return what Tagline would set on the recent issues, beside what they have.

    What it knows of the repository's labels is learned from the earlier issues that are on the same
    page of the forge's list. Raises `NothingToCompare` and the errors of a forge.
    """
    recent, material = _read_material(source, ref, config, options, show_progress)
    replay = Replay(material, show_progress)
    replay.learn()
    threads = THREADS if options.model else 1
    run = replay.run(options.model_name, options.model, threads, options.max_usd)
    compared = map(ComparedIssue, material.replayed, run.answers, run.cases)
    return Comparison(
        ref=ref,
        options=options,
        config=config,
        issues=[*compared][::-1],
        labels=material.list_scored(),
        learned_from=material.blocks[0].start,
        left_out=recent.left_out,
        totals=run.totals,
    )


def _read_material(
    source: IssueSource,
    ref: IssueRef,
    config: RepoConfig,
    options: ComparisonOptions,
    show_progress: Callable[[str], None],
) -> tuple[_Recent, Material]:
    """Return the recent issues, and what is replayed of them. Raises as `compare_recent`."""
    name = ref.repo_name
    try:
        labels = source.list_labels(ref)
        types = source.list_types(ref) if config.types.set else ()
        recent = _read_recent(source, ref, config, options, show_progress)
    except PermanentError as error:
        raise NothingToCompare(
            f"{name}: its issues and labels cannot be read ({error}): look whether issues are"
            " switched off there, or need a token"
        ) from None
    if not (labels or types):
        raise NothingToCompare(
            f"{name} has no labels, so there is nothing to set: `tagline labels init {name}` shows"
            " common ones to create"
        )
    if not recent.compared:
        raise NothingToCompare(_explain_no_issues(name, recent, options))
    earlier, compared = recent.earlier, recent.compared
    material = make_recent_material(name, labels, config, earlier, compared, types)
    if not material.list_scored():
        raise NothingToCompare(
            f"{name} has no label that Tagline may set: look at labels.allow and labels.deny in its"
            f" tagline.yml, or create common ones (`tagline labels init {name}`)"
        )
    return recent, material


def _read_recent(
    source: IssueSource,
    ref: IssueRef,
    config: RepoConfig,
    options: ComparisonOptions,
    show_progress: Callable[[str], None],
) -> _Recent:
    """Return issues of people, from as few pages of the forge's list as are needed."""
    recent, seen = _Recent(), set[int]()
    cursor, read = "", 0
    while read < MAX_READ:
        page = source.list_past_issues(ref, cursor)
        read, cursor = read + page.read, page.next
        for issue in page.issues:
            if issue.ref.number not in seen:
                seen.add(issue.ref.number)
                _add(recent, issue, config, options)
        show_progress(f"read {read:,} issues")
        if not cursor or recent.earlier or len(recent.compared) == options.limit:
            break
    return recent


def _add(recent: _Recent, issue: Issue, config: RepoConfig, options: ComparisonOptions) -> None:
    """Put an issue where it belongs; they come in the forge's order, the newest first."""
    if len(recent.compared) == options.limit or issue.created_at < options.since:
        if not issue.is_bot:
            recent.earlier.append(issue)
    elif why := _why_left_out(issue, config):
        recent.left_out[why] += 1
    else:
        recent.compared.append(issue)


def _why_left_out(issue: Issue, config: RepoConfig) -> str:
    """Return why Tagline skips an issue when it is opened, "" if it does not."""
    opened = replace(issue, is_open=True, locked=False)
    active = msgspec.structs.replace(config, mode="apply")
    return why_skip(Job("preview", "manual", issue.ref, 0.0), opened, active)


def _explain_no_issues(name: str, recent: _Recent, options: ComparisonOptions) -> str:
    if recent.left_out:
        reasons = ", ".join(f"{count:,} {why}" for why, count in recent.left_out.items())
        return f"{name} has no issue that Tagline would process ({reasons})"
    if options.since and recent.earlier:
        return f"{name} has no issue that was opened since then: choose an earlier --since"
    return f"{name} has no issues yet: choose a repository with some, or open one"
