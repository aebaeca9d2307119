"""An enrichment → a Plan. Every word the bot says, and the hidden marker, are made here."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

import msgspec

from bot.core import prompt
from bot.core.config.parser import RepoConfig
from bot.core.errors import ConfigProblem
from bot.core.history import IssueHistory, shortened
from bot.core.labels.policy import fold
from bot.core.text.bounded import bounded
from bot.core.text.sanitize import ZERO_WIDTH, code, plain
from bot.core.types import Enrichment, LabelDecision, LabelSuggestion, Marker, Plan
from bot.flow.enrich import NO_PROVIDER

LEAD = "**Summary (automated):** "
ESCAPED = re.compile(r"\\([^\w\s])")
FEW_WORDS = 12
MAX_REASON = 120
MAX_PROBLEMS = 10
_marker = msgspec.json.Decoder(Marker)
MARKER = re.compile(r"<!-- tagline:v1 ([A-Za-z0-9_=-]+) -->")
MARKED = 5600  # bytes of labels in a marker, which then has less than 8,000 characters
# Characters of the lists in a comment: with marker, summary and problems less than the 65,536 of
# GitHub. Twenty names of any kind fit into each of them.
NAMES_ROOM, REASONS_ROOM = 15_500, 18_500


def render(
    history: IssueHistory,
    enrichment: Enrichment,
    config: RepoConfig,
    problems: Sequence[ConfigProblem],
) -> Plan:
    """Decide all that will be written for an issue."""
    if config.mode == "suggest":
        enrichment = with_labels(enrichment, ())
        enrichment = replace(
            enrichment, label_decision=replace(enrichment.label_decision, remove=())
        )
    label_decision = enrichment.label_decision
    add = tuple(choice.label for choice in label_decision.apply)
    kept = (name for name in history.applied_by_bot if name not in label_decision.remove)
    marker = Marker(
        labels=tuple(dict.fromkeys((*kept, *add))),
        prompt=prompt.VERSION if enrichment.source == "model" else "",
        source=enrichment.source,
        input=history.input,
    )
    comment = None
    if _needs_comment(history, enrichment, config):
        comment = _comment(history, enrichment, config, problems) + "\n" + write_marker(marker)
    return Plan(history.issue.ref, add, comment, marker, label_decision.remove)


def with_labels(enrichment: Enrichment, names: Sequence[str]) -> Enrichment:
    """The same result where only these labels may be set; the others are suggested."""
    label_decision = enrichment.label_decision
    kept = tuple(choice for choice in label_decision.apply if choice.label in names)
    others = (choice.label for choice in label_decision.apply if choice.label not in names)
    suggest = tuple(dict.fromkeys((*others, *label_decision.suggest)))
    return replace(enrichment, label_decision=replace(label_decision, apply=kept, suggest=suggest))


def _needs_comment(history: IssueHistory, enrichment: Enrichment, config: RepoConfig) -> bool:
    """Whether a comment is due, by the table of end states."""
    rules = config.comment
    if history.replied and history.comment is None:
        return False
    if rules.post == "never" or (rules.post == "when-useful" and _is_short(history)):
        return False
    if enrichment.source == "model":
        return True
    if history.marker and history.marker.source == "model":
        return False
    if rules.on_fallback == "auto":
        return enrichment.why == NO_PROVIDER or not enrichment.labels_usable
    return rules.on_fallback


def _is_short(history: IssueHistory) -> bool:
    whole = bounded(history.issue).whole
    return whole is not None and whole.words < FEW_WORDS


def _comment(
    history: IssueHistory,
    enrichment: Enrichment,
    config: RepoConfig,
    problems: Sequence[ConfigProblem],
) -> str:
    summary = plain(enrichment.summary, max_words=config.comment.max_words)
    parts = [f"{LEAD}{summary or 'The issue has no words to sum up.'}"]
    if lead := _labels_item(history, enrichment.label_decision):
        parts.append(lead)
    set_by_us = (*enrichment.label_decision.keep, *enrichment.label_decision.apply)
    if reasons := [_reason(choice) for choice in set_by_us]:
        parts.append(_details("Why these labels", _fitting(reasons, REASONS_ROOM)))
    if problems:
        parts.append(_problems(problems))
    parts.append(_footer(enrichment, has_labels=bool(set_by_us)))
    return "\n\n".join(parts)


def _problems(problems: Sequence[ConfigProblem]) -> str:
    readable = all(problem.key for problem in problems)
    holds = "its other settings hold"
    if not readable:
        holds = "the last readable one counts; without one, labels are only suggested"
    shown = [f"- {plain(str(problem), 300)}" for problem in problems[:MAX_PROBLEMS]]
    return _details(f"Problems in tagline.yml; {holds}", shown)


def _labels_item(history: IssueHistory, label_decision: LabelDecision) -> str:
    have = {fold(name) for name in history.issue.labels if name not in label_decision.remove}
    kept = [name for name in history.applied_by_bot if fold(name) in have]
    applied = dict.fromkeys([*kept, *(choice.label for choice in label_decision.apply)])
    said = [f"{_names(applied)}."] if applied else []
    if label_decision.suggest:
        said.append(f"Suggested, not applied: {_names(label_decision.suggest)}")
    return "- **Labels:** " + " ".join(said) if said else ""


def _names(labels: Iterable[str]) -> str:
    return ", ".join(_fitting([code(name) for name in labels], NAMES_ROOM))


def _fitting(items: Sequence[str], retry_schedule: int) -> list[str]:
    """The first of the items that fit into so many characters, and how many more there are."""
    ends = accumulate(len(item) + 2 for item in items)
    kept = sum(end <= retry_schedule for end in ends)
    rest = len(items) - kept
    return [*items[:kept], f"and {rest} more"] if rest else list(items)


def _reason(choice: LabelSuggestion) -> str:
    reason = plain(choice.reason, MAX_REASON)
    return f"- {code(choice.label)}: {reason + ' ' if reason else ''}({choice.certainty})"


def _details(title: str, items: Sequence[str]) -> str:
    return f"<details><summary>{title}</summary>\n\n" + "\n".join(items) + "\n\n</details>"


def _footer(enrichment: Enrichment, *, has_labels: bool) -> str:
    by = f"with {code(enrichment.usage.model)}"
    if enrichment.source != "model":
        by = "from rules, without a language model"
    hint = " Wrong label? Change it, it will not come back." if has_labels else ""
    return f"<sub>Written by Tagline {by}; it can be wrong.{hint}</sub>"


def summary_of(comment: str) -> str:
    """The summary that a comment of ours gives, as plain text; "" where there is none."""
    first = comment.partition("\n")[0]
    if not first.startswith(LEAD):
        return ""
    return ESCAPED.sub(r"\1", first.removeprefix(LEAD).replace(ZERO_WIDTH, ""))


def write_marker(marker: Marker) -> str:
    """The hidden last line by which we find our comment and remember what we added.

    Long names are in it as digests; where all do not fit, those that were added last stay.
    """
    names = [shortened(name) for name in reversed(marker.labels)]
    ends = accumulate(len(msgspec.json.encode(name)) + 1 for name in names)
    kept = names[: sum(end <= MARKED for end in ends)]
    marker = replace(marker, labels=tuple(reversed(kept)))
    text = base64.urlsafe_b64encode(msgspec.json.encode(marker)).decode()
    return f"<!-- tagline:v1 {text} -->"


def read_marker(comment: str) -> Marker | None:
    """The marker of a comment whose author is known to be us; see `history.resolved`."""
    found = MARKER.findall(comment)
    try:
        return _marker.decode(base64.urlsafe_b64decode(found[-1]))
    except (IndexError, binascii.Error, msgspec.DecodeError, RecursionError):
        return None
