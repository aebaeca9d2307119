"""Renders the bot's comment and its hidden marker; contains the fixed text of the comment."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

import msgspec

from bot.core.commands import CommandName
from bot.core.errors import ConfigProblem
from bot.core.history import shorten_name
from bot.core.related import Related, RelatedCandidate
from bot.core.text.sanitize import HIDDEN_BREAK, ZERO_WIDTH, to_code_span, to_plain_markdown
from bot.core.types import Choice, LabelDecision, LabelSuggestion, Marker, Record

LEAD = "**Summary (automated):** "
MISSING = "- **Missing:** "
ESCAPED = re.compile(r"\\([^\w\s])")
MAX_REASON = 120  # characters
MAX_RELATED_TITLE = 80
# Why an issue was closed, in GitHub's words and in people's.
STATES = {"completed": "closed as completed", "not_planned": "closed as not planned"}
MAX_PROBLEM = 300  # characters
MAX_PROBLEMS = 10
MARKER = re.compile(r"<!-- tagline:v1 ([A-Za-z0-9_=-]+) -->")
MAX_MARKER_LABELS = 5600  # bytes of JSON; the marker then has less than 8,000 characters
MAX_COMMENT = 65_536  # characters; GitHub's limit
# Characters of the lists in a comment: with marker, summary and problems less than that. Twenty
# names of any kind fit into each of them.
MAX_NAMES, MAX_REASONS = 15_500, 18_500
# The source of a label that is not the comment's own; a model's is not named.
SOURCES = {"classifier": "learned from this repository's labels", "rules": "by rules"}
FALLBACK_SOURCES = {
    "classifier": "from this repository's labels and rules",
    "rules": "from rules",
}
DEMOTED = "only suggested: people removed it three times in a row"
SHOWN_COMMANDS: Sequence[CommandName] = ("redo", "why", "undo", "off")
DECISION, FOOTER = "Decision record", "<sub>Written by Tagline "
DECIDED_BY = {
    "model": "a language model",
    "classifier": "what this repository's labels taught, and rules",
    "rules": "rules",
}
CHOSEN_BY = {"model": "by the model", "classifier": "by the classifier", "rules": "by rules"}
_marker = msgspec.json.Decoder(Marker)


@dataclass(frozen=True, slots=True)
class CommentContent:
    """The content of the comment. `still_set` are labels on the issue that the bot set earlier,
    `still_type` is such a type, "" without one.

    `source` is that of the answer, `model` the name of the model that gave it, None without one.
    `command_prefix` is what people write before a command, "" where the comment names none.
    `missing` is what the report lacks. `related` are older issues that may be about the same.
    """

    summary: str
    max_words: int
    labels: LabelDecision
    types: LabelDecision = field(default_factory=LabelDecision)
    still_set: tuple[str, ...] = ()
    problems: tuple[ConfigProblem, ...] = ()
    model: str | None = None
    source: str = "rules"
    still_type: str = ""
    command_prefix: str = ""
    missing: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()


def render(content: CommentContent, marker: Marker) -> str:
    """Return the comment in Markdown, with the marker as its last line."""
    return f"{render_content(content)}\n{write_marker(marker)}"


def render_content(content: CommentContent) -> str:
    """Return what people see of the comment."""
    summary = to_plain_markdown(content.summary, max_words=content.max_words)
    parts = [f"{LEAD}{summary or 'The issue has no words to sum up.'}"]
    types, labels = content.types, content.labels
    type_name = types.apply[0].label if types.apply else content.still_type
    label_names = dict.fromkeys((*content.still_set, *(x.label for x in labels.apply)))
    lead = (
        _format_chosen("Type", [type_name] if type_name else [], types.suggest),
        _format_chosen("Labels", label_names, labels.suggest),
        *_list_related(content.related),
        format_missing(content.missing),
    )
    if items := "\n".join(filter(None, lead)):
        parts.append(items)
    written = [x for one in (types, labels) for x in (*one.keep, *one.apply)]
    demoted = [reason for one in (types, labels) for reason in _list_demoted(one)]
    if reasons := [*(_format_reason(x, content) for x in written), *demoted]:
        parts.append(_format_details("Why these labels", _limit_length(reasons, MAX_REASONS)))
    if content.problems:
        parts.append(_format_problems(content.problems))
    parts.append(_format_footer(content, has_labels=bool(written)))
    return "\n\n".join(parts)


def _format_problems(problems: Sequence[ConfigProblem]) -> str:
    effect = "its other settings hold"
    if not all(problem.key for problem in problems):  # the file as a whole cannot be read
        effect = "the last readable one counts; without one, labels are only suggested"
    items = [
        f"- {to_plain_markdown(str(problem), MAX_PROBLEM)}" for problem in problems[:MAX_PROBLEMS]
    ]
    return _format_details(f"Problems in tagline.yml; {effect}", items)


def _format_chosen(what: str, applied: Collection[str], suggested: Collection[str]) -> str:
    """Return the line about labels or the type, "" where there are none."""
    sentences = [f"{_format_names(applied)}."] if applied else []
    if suggested:
        sentences.append(f"Suggested, not applied: {_format_names(suggested)}")
    return f"- **{what}:** {' '.join(sentences)}" if sentences else ""


def format_missing(names: Iterable[str]) -> str:
    """Return the line that says what the report lacks, "" for nothing."""
    shown = filter(None, (to_plain_markdown(name, MAX_REASON) for name in names))
    line = ", ".join(shown)
    return f"{MISSING}{line}" if line else ""


def asks_for_missing(comment: str) -> bool:
    """Return whether the bot's comment says that the report lacks something."""
    return _find_missing(comment.partition("\n\n<")[0].split("\n")) is not None


def _find_missing(lines: Sequence[str]) -> int | None:
    return next((n for n, line in enumerate(lines) if line.startswith(MISSING)), None)


def replace_missing(comment: str, names: Iterable[str]) -> str:
    """Return the bot's comment with this line about what the report lacks, in place of its own.

    A comment without such a line stays as it is.
    """
    lead, blank, rest = comment.partition("\n\n<")  # details and footer
    lines = lead.split("\n")
    place, line = _find_missing(lines), format_missing(names)
    if place is None:
        return comment
    lines[place : place + 1] = [line] if line else []
    return "\n".join(lines).rstrip("\n") + blank + rest


def _list_related(related: Sequence[Related]) -> Iterator[str]:
    """Yield a list item for older issues that are like this one, and one for those that were
    completed: this one may be a return of these."""
    for title, is_return in (("Maybe related", False), ("Possibly a return of", True)):
        chosen = [one for one in related if _is_return(one.candidate) == is_return]
        if chosen:
            yield f"- **{title}:** {', '.join(map(_format_related, chosen))}"


def _is_return(candidate: RelatedCandidate) -> bool:
    """Return whether an issue was completed; GitLab gives no reason."""
    return not candidate.is_open and candidate.state_reason in ("", "completed")


def _format_related(one: Related) -> str:
    candidate = one.candidate
    title = to_plain_markdown(candidate.title, MAX_RELATED_TITLE)
    state = "open" if candidate.is_open else STATES.get(candidate.state_reason, "closed")
    milestone = to_plain_markdown(candidate.milestone, MAX_RELATED_TITLE)
    # What is not done yet was not fixed there.
    fixed = f"milestone {milestone}" if milestone and _is_return(candidate) else ""
    reasons = [to_plain_markdown(reason, MAX_REASON) for reason in one.reasons]
    facts = "; ".join(filter(None, (state, fixed, *reasons)))
    return f"[{candidate.number} {title}](<{candidate.url}>) ({facts})"


def _format_names(labels: Iterable[str]) -> str:
    return ", ".join(_limit_length([to_code_span(name) for name in labels], MAX_NAMES))


def _limit_length(items: Sequence[str], max_characters: int) -> list[str]:
    """Return the first items that fit into the limit, then the number of the others."""
    ends = accumulate(len(item) + 2 for item in items)
    kept = sum(end <= max_characters for end in ends)
    rest = len(items) - kept
    return [*items[:kept], f"and {rest} more"] if rest else list(items)


def _format_reason(label: LabelSuggestion, content: CommentContent) -> str:
    source = SOURCES.get(label.source, "") if label.source != content.source else ""
    return _format_choice(label, f"{label.certainty}, {source}" if source else label.certainty)


def _list_demoted(decision: LabelDecision) -> list[str]:
    """Return why labels are only suggested that would otherwise be set."""
    demoted = [x for x in decision.suggested if x.label in decision.demoted]
    return [_format_choice(label, DEMOTED) for label in demoted]


def _format_choice(label: LabelSuggestion, note: str) -> str:
    reason = to_plain_markdown(label.reason, MAX_REASON)
    return f"- {to_code_span(label.label)}{': ' + reason if reason else ''} ({note})"


def _format_details(title: str, items: Sequence[str]) -> str:
    return f"<details><summary>{title}</summary>\n\n" + "\n".join(items) + "\n\n</details>"


def _format_footer(content: CommentContent, *, has_labels: bool) -> str:
    if content.model is not None:
        by = f"with {to_code_span(content.model)}"
    else:
        by = f"{FALLBACK_SOURCES[content.source]}, without a language model"
    hint = " Wrong label? Change it, it will not come back." if has_labels else ""
    commands = _format_commands(content.command_prefix) if content.command_prefix else ""
    return f"{FOOTER}{by}; it can be wrong.{hint}{commands}</sub>"


def _format_commands(prefix: str) -> str:
    first, *others = SHOWN_COMMANDS
    spans = [to_code_span(f"{prefix} {first}"), *map(to_code_span, others)]
    return f" Commands for maintainers: {', '.join(spans)}."


def add_decision(comment: str, record: Record, marker: Marker) -> str:
    """Return the bot's comment with the record of its decision, in place of an earlier one."""
    start = comment.find(f"<details><summary>{DECISION}</summary>")
    if start >= 0:
        _, end, rest = comment[start:].partition("</details>\n\n")
        comment = comment[:start] + rest if end else comment
    room = min(MAX_REASONS, MAX_COMMENT - len(comment) - len(DECISION) - 100)
    details = _format_details(DECISION, _limit_length(_list_decision(record, marker), room))
    place = max(comment.rfind(FOOTER), 0) or comment.rfind("<!-- tagline:v1 ")
    return f"{comment[:place]}{details}\n\n{comment[place:]}"


def _list_decision(record: Record, marker: Marker) -> list[str]:
    """Return the record of a decision; what Redis has lost is in the marker."""
    source, usage = record.source or marker.source, record.usage
    by = DECIDED_BY.get(source, DECIDED_BY["rules"])
    reason = to_plain_markdown(record.why, MAX_REASON) if record.why and record.provisional else ""
    items = [f"- Decided by {by}{f', because no model answered: {reason}' if reason else ''}"]
    if usage.model:
        cost = "of unknown price" if usage.cost_usd is None else f"{usage.cost_usd:.4f} US dollars"
        tokens = f"{usage.tokens_in} tokens in, {usage.tokens_out} out"
        items.append(f"- Model: {to_code_span(usage.model)}, {tokens}, {cost}")
    if marker.prompt:
        items.append(f"- Prompt: version {to_plain_markdown(marker.prompt, MAX_REASON)}")
    if record.type:
        items.append(f"- Type: {_describe_choice(record.type)}")
    return [*items, *(f"- {_describe_choice(choice)}" for choice in record.choices)]


def _describe_choice(choice: Choice) -> str:
    effect = "applied" if choice.applied else "suggested"
    score = "" if choice.score is None else f", score {choice.score:.2f}"
    facts = f"{effect}, {choice.certainty}, {CHOSEN_BY[choice.source]}{score}"
    return f"{to_code_span(choice.label)}: {facts}"


def read_summary(comment: str) -> str:
    """Return the summary in a comment of the bot as plain text, "" where there is none."""
    first = comment.partition("\n")[0]
    if not first.startswith(LEAD):
        return ""
    text = first.removeprefix(LEAD).replace(ZERO_WIDTH, "").replace(HIDDEN_BREAK, "")
    return ESCAPED.sub(r"\1", text)


def digest_summary(comment: str) -> str:
    """Return 32 hex digits of the SHA-256 of the summary in a comment, "" where there is none."""
    summary = read_summary(comment).strip()
    return hashlib.sha256(summary.encode()).hexdigest()[:32] if summary else ""


def write_marker(marker: Marker) -> str:
    """Return the hidden last line of the comment.

    Long names are replaced by digests; where not all names fit, the last ones are kept.
    """
    names = [shorten_name(name) for name in reversed(marker.labels)]
    ends = accumulate(len(msgspec.json.encode(name)) + 1 for name in names)
    kept = names[: sum(end <= MAX_MARKER_LABELS for end in ends)]
    marker = replace(marker, labels=tuple(reversed(kept)), type=shorten_name(marker.type))
    content = msgspec.to_builtins(marker)
    if not marker.type:
        del content["type"]
    text = base64.urlsafe_b64encode(msgspec.json.encode(content)).decode()
    return f"<!-- tagline:v1 {text} -->"


def read_marker(comment: str) -> Marker | None:
    """Return the marker of a comment that the bot's account wrote, None where it has none.

    It may hold digests of names: see `history.resolve_digests`.
    """
    markers = MARKER.findall(comment)
    try:
        return _marker.decode(base64.urlsafe_b64decode(markers[-1]))
    except (IndexError, binascii.Error, msgspec.DecodeError, RecursionError):
        return None
