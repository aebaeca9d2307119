"""What a backfill prints: a line for each issue, the progress, totals and reasons."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import click
import msgspec

from bot.cli import progress
from bot.cli.batch import Totals
from bot.core.text.numbers import format_count, format_usd
from bot.core.text.sanitize import to_one_line
from bot.core.text.sources import format_source
from bot.flow.plan import Outcome, Plan

LINE_SECONDS = 60.0  # between two lines of progress, where standard error is no terminal


@dataclass
class BackfillReport:
    """The totals of a run, and its output. `spent` returns US dollars, also of earlier runs.

    `left_out` are issues that the list already shows to be skipped, with the reason, `waiting` is
    the number of those whose question is in a batch. `answers` are those of this run.
    """

    name: str
    as_json: bool
    applied: bool
    spent: Callable[[], float]
    total: int = 0
    done_before: int = 0
    left_out: dict[int, str] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    model_failures: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    labels: int = 0
    types: int = 0
    comments: int = 0
    answers: Totals = field(default_factory=Totals)
    waiting: int = 0
    _started: float = field(default_factory=time.monotonic)
    _shown: float = 0.0
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.show = progress.make(self.name)

    def begin(self, total: int) -> None:
        self.total, self._started = total, time.monotonic()

    @property
    def done(self) -> int:
        return self.statuses.total() + self.failed.total()

    @property
    def is_complete(self) -> bool:
        """Return whether each issue has reached its end state."""
        return not (self.failed or self.refused)

    def add(self, outcome: Outcome, *, refused: bool) -> None:
        """Count the end of an issue, and print what was set."""
        record, plan, enrichment = outcome.record, outcome.plan, outcome.enrichment
        with self._guard:
            self.statuses[record.status] += 1
            self.refused += refused
            if plan is None:
                self.skipped[record.why or record.status] += 1
            else:
                self.labels += len(plan.add_labels)
                self.types += bool(plan.type_change and plan.type_change.name)
                self.comments += bool(plan.comment)
            if enrichment and plan:
                self.answers.add(enrichment)
                if enrichment.fault:
                    self.model_failures[enrichment.why] += 1
            self._print(outcome, plan)

    def add_failed(self, number: int, why: str) -> None:
        with self._guard:
            self.failed[why] += 1
        self.note(f"#{number} is not done: {why}.")

    def note(self, text: str) -> None:
        progress.clear()
        click.echo(to_one_line(text), err=True)

    def show_progress(self) -> None:
        """Show how far the run is: at once on a terminal, else a line now and then."""
        now = time.monotonic()
        if sys.stderr.isatty():
            self.show(self._describe(now))
        elif now - max(self._shown, self._started) >= LINE_SECONDS:
            self._shown = now
            click.echo(f"{self.name} {self._describe(now)}", err=True)

    def _describe(self, now: float) -> str:
        text = f"{self.done:,} of {self.total:,} issues"
        if self.waiting:
            usd = format_usd(self.spent())
            return f"{text}, {self.waiting:,} in batches, {usd} spent or reserved"
        if self.done:
            left, rate = self.total - self.done, self.done / max(now - self._started, 0.001)
            text += f", {rate:.1f}/s, {_format_left(left / rate)} left"
            if self.answers.cost_usd:
                more = format_usd(self.answers.cost_usd / self.done * left)
                text += f", {format_usd(self.spent())} so far, about {more} left"
        return text

    def _print(self, outcome: Outcome, plan: Plan | None) -> None:
        names = plan.add_labels if plan else ()
        a_type = plan.type_change.name if plan and plan.type_change else ""
        source = outcome.enrichment.source if outcome.enrichment else ""
        number, record = outcome.job.ref.number, outcome.record
        if self.as_json:
            line = msgspec.json.encode(
                {
                    "v": 1,
                    "issue": number,
                    "outcome": record.status,
                    "why": record.why,
                    "labels": names,
                    "type": a_type,
                    "source": source,
                }
            ).decode()
        elif names or a_type:
            named = [f"type {a_type}"] * bool(a_type) + list(names)
            line = f"#{number}: {to_one_line(', '.join(named))} ({source})"
        else:
            return
        progress.clear()
        click.echo(line)

    def print_totals(self) -> None:
        """Print what the run came to, to standard error."""
        progress.clear()
        for line in self._list_totals():
            click.echo(line, err=True)

    def _list_totals(self) -> Iterator[str]:
        verb = "set" if self.applied else "would be set"
        seconds = time.monotonic() - self._started
        before = f" ({self.done_before:,} were done before)" if self.done_before else ""
        sources = ", ".join(
            f"{number:,} by {format_source(name)}"
            for name, number in sorted(self.answers.sources.items())
        )
        yield (
            f"{format_count(self.done, 'issue')} in {seconds:,.0f} s{before}:"
            f" {format_count(self.labels, 'label')} and {format_count(self.types, 'type')} {verb}"
            + (f", {format_count(self.comments, 'comment')}" if self.comments else "")
            + (f"; {sources}" if sources else "")
        )
        skipped = self.skipped + Counter(self.left_out.values())
        if skipped:
            reasons = ", ".join(f"{number:,} {why}" for why, number in skipped.most_common())
            yield f"Left as they are: {reasons}"
        tokens_in, tokens_out = self.answers.tokens_in, self.answers.tokens_out
        if tokens_in or self.spent():
            cost = format_usd(self.spent())
            end = "spent, or reserved for batches" if self.waiting else "so far"
            yield f"Model: {tokens_in:,} + {tokens_out:,} tokens, {cost} {end}"
        if self.model_failures:
            reasons = ", ".join(sorted(self.model_failures))
            issues = format_count(self.model_failures.total(), "issue")
            yield f"The model's answer was not usable for {issues}, labelled by rules ({reasons})"
        if self.answers.unpriced:
            answers = format_count(self.answers.unpriced, "answer")
            yield f"The price of {answers} is not known, so no limit counts them."


def _format_left(seconds: float) -> str:
    """Return a time in a few letters, such as 3 h 20 min."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
