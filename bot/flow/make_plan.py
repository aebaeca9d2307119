"""A decision for one issue → the Plan of every write that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core import prompt
from bot.core.config.schema import RepoConfig
from bot.core.enrichment import Enrichment
from bot.core.errors import ConfigProblem
from bot.core.history import IssueHistory
from bot.core.labels.names import fold
from bot.core.missing_info import MissingItem
from bot.core.related import Related
from bot.core.text.bounded import bound_body
from bot.core.text.sanitize import to_plain_markdown
from bot.core.types import Choice, LabelDecision, LabelSuggestion, Marker, Status
from bot.flow.enrich import NO_PROVIDER
from bot.flow.plan import Plan, SetType, Suggest
from bot.flow.read_missing import choose_missing
from bot.flow.render import CommentContent

MAX_REASON, MAX_RATIONALE = 120, 280  # characters before and after escaping
MIN_WORDS = 12  # of an issue that `post: when-useful` summarizes


@dataclass(frozen=True, slots=True)
class Decision:
    """The enrichment of an issue, with the history and configuration that apply to it.

    `takes_suggestions`: people can accept suggestions on the forge itself. `command_prefix` is what
    people write before a command in a comment, `missing` what the report lacks. `related` are older
    issues to show.
    """

    history: IssueHistory
    config: RepoConfig
    problems: tuple[ConfigProblem, ...]
    enrichment: Enrichment
    takes_suggestions: bool = False
    command_prefix: str = ""
    missing: tuple[MissingItem, ...] = ()
    related: tuple[Related, ...] = ()

    @property
    def may_suggest(self) -> bool:
        """Return whether there is anything that a forge could suggest."""
        decisions = (self.enrichment.label_decision, self.enrichment.type_decision)
        is_cautious = self.config.mode == "suggest"
        return any(one.suggested or (is_cautious and one.apply) for one in decisions)


def make_plan(decision: Decision) -> Plan:
    """Return every write that follows from a decision."""
    history, enrichment, config = decision.history, decision.enrichment, decision.config
    labels, types = enrichment.label_decision, enrichment.type_decision
    if config.mode == "suggest":
        labels = replace(labels.with_only(()), remove=())
        types = replace(types.with_only(()), remove=())
    removed = {fold(name) for name in labels.remove}
    kept = tuple(name for name in history.applied_by_bot if fold(name) not in removed)
    marker = Marker(
        labels=tuple(dict.fromkeys((*kept, *(one.label for one in labels.apply)))),
        prompt=prompt.VERSION if enrichment.by_model else "",
        source=enrichment.source,
        input=history.input,
        type=_find_own_type(types, history),
    )
    changes_type = bool(types.apply or types.remove)
    writes_comment = _needs_comment(history, enrichment, config)
    return Plan(
        ref=history.issue.ref,
        marker=marker,
        status=_choose_status(enrichment, config, writes_comment=writes_comment),
        content=_build_content(decision, labels, types, kept),
        type_change=SetType(marker.type, next(iter(types.remove), "")) if changes_type else None,
        remove_labels=labels.remove,
        add_labels=tuple(suggestion.label for suggestion in labels.apply),
        suggest=_find_suggestions(labels, types) if decision.takes_suggestions else None,
        writes_comment=writes_comment,
        why=enrichment.why,
        choices=_list_choices(labels, marker, history),
        type_choice=_find_type_choice(types, history),
    )


def _build_content(
    decision: Decision, labels: LabelDecision, types: LabelDecision, kept: Sequence[str]
) -> CommentContent:
    """Return what the comment says; `kept` are the bot's earlier labels that it does not remove."""
    history, enrichment, config = decision.history, decision.enrichment, decision.config
    on_issue = {fold(name) for name in history.issue.labels}
    return CommentContent(
        summary=enrichment.summary,
        max_words=config.comment.max_words,
        labels=labels,
        still_set=tuple(name for name in kept if fold(name) in on_issue),
        problems=decision.problems,
        model=enrichment.usage.model if enrichment.by_model else None,
        source=enrichment.source,
        types=types,
        still_type="" if types.remove else next(iter(history.current_type.applied_by_bot), ""),
        command_prefix=decision.command_prefix,
        missing=choose_missing(decision.missing, history.issue, (labels, types)),
        related=decision.related,
    )


def _find_suggestions(labels: LabelDecision, types: LabelDecision) -> Suggest | None:
    """Return what people can accept on the forge, None for nothing."""
    if not (labels.suggested or types.suggested):
        return None
    a_type = next(map(_with_rationale, types.suggested), None)
    return Suggest(tuple(map(_with_rationale, labels.suggested)), a_type)


def _with_rationale(suggestion: LabelSuggestion) -> LabelSuggestion:
    """Return a suggestion with a reason that cannot mention anybody, of at most 280 characters."""
    reason = to_plain_markdown(suggestion.reason, MAX_REASON)[:MAX_RATIONALE]
    return replace(suggestion, reason=reason)


def _find_own_type(types: LabelDecision, history: IssueHistory) -> str:
    """Return the type that the bot has set when the plan is carried out, "" without one."""
    if types.apply:
        return types.apply[0].label
    return "" if types.remove else history.own_type


def _find_type_choice(types: LabelDecision, history: IssueHistory) -> Choice | None:
    """Return the choice of this decision, or the earlier one for a type that is still the bot's."""
    chosen = (*types.keep, *types.apply)
    for one in (*chosen, *types.suggested):
        return Choice(one.label, one.source, one.certainty, one in chosen, one.score)
    return None if types.remove or not history.record else history.record.type


def _list_choices(
    labels: LabelDecision, marker: Marker, history: IssueHistory
) -> tuple[Choice, ...]:
    """Return the choices of this decision, and earlier ones for labels that are still the bot's."""
    earlier = history.record.choices if history.record else ()
    still = {fold(name) for name in marker.labels}
    choices = {fold(one.label): one for one in earlier if one.applied and fold(one.label) in still}
    for suggestions, applied in (((*labels.keep, *labels.apply), True), (labels.suggested, False)):
        choices |= {
            fold(x.label): Choice(x.label, x.source, x.certainty, applied, x.score)
            for x in suggestions
        }
    return tuple(choices.values())


def _needs_comment(history: IssueHistory, enrichment: Enrichment, config: RepoConfig) -> bool:
    """Return whether a comment is written."""
    rules = config.comment
    if history.keeps_silent and history.comment is None:
        return False
    if rules.post == "never" or (rules.post == "when-useful" and _is_short(history)):
        return False
    if enrichment.by_model:
        return True
    if history.marker and history.marker.by_model:
        return False
    if rules.on_fallback == "auto":
        return enrichment.why == NO_PROVIDER or not enrichment.labels_usable
    return rules.on_fallback


def _is_short(history: IssueHistory) -> bool:
    text = bound_body(history.issue).text_stats
    return text is not None and text.words < MIN_WORDS


def _choose_status(enrichment: Enrichment, config: RepoConfig, *, writes_comment: bool) -> Status:
    if config.mode == "suggest":
        return "suggested"
    if writes_comment:
        return "answered"
    return "quiet" if enrichment.by_model else "fallback"
