"""An issue → a summary and labels, from the first labeller that succeeds.

The labellers are a language model, then keyword rules.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol, TypeVar

from bot.core import prompt
from bot.core.config.schema import RepoConfig
from bot.core.errors import ModelFailed, ModelSkipped
from bot.core.labels import keywords, policy
from bot.core.labels.names import fold
from bot.core.labels.policy import CurrentLabels
from bot.core.labels.shortlist import shortlist
from bot.core.ports import ModelCall, ModelService
from bot.core.text import language
from bot.core.text.condense import condense
from bot.core.text.extractive_summary import extract_summary
from bot.core.text.grounding import drop_ungrounded
from bot.core.text.placeholders import is_reason
from bot.core.text.redact import RedactionKind, redact, redact_excerpt
from bot.core.text.sanitize import to_one_line
from bot.core.types import (
    PROVISIONAL_SOURCES,
    CacheEntry,
    Enrichment,
    Fault,
    Issue,
    Label,
    LabelSuggestion,
    Source,
    Usage,
)

NO_PROVIDER = "no-provider"
MAX_PROMPT_LABELS = 200
MAX_CHARS = 4000  # of a summary or a reason that are searched for secrets
LONG_BODY = 8000  # characters; a longer body is not in memory during a model call

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Material:
    """The input of labellers. It contains no long body, only results that were made from it.

    `build_prompt` also returns the issue's text in the prompt. `public_kinds` is what is redacted
    in public: secrets always, whatever `privacy.redact` shows to the model.
    """

    config: RepoConfig
    usable_labels: Sequence[Label]
    missing_tags: Sequence[str]
    public_kinds: frozenset[RedactionKind]
    build_prompt: Callable[[], tuple[prompt.Prompt, str]]
    match_rules: Callable[[], Sequence[LabelSuggestion]]
    extract_summary: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Proposal:
    """The result of a labeller. For a `summary` of "", a sentence of the issue is used."""

    source: Source
    labels: Sequence[LabelSuggestion]
    summary: str = ""
    usage: Usage = field(default_factory=Usage)
    cache_entry: CacheEntry | None = None


class Labeller(Protocol):
    def propose(self, material: Material) -> Proposal:
        """Return labels and a summary. Raises `ModelFailed`; then the next labeller is called."""


@dataclass(frozen=True, slots=True)
class ModelLabeller:
    """A language model, None on a host without one. `call` as in `ModelService.complete`."""

    model: ModelService | None
    call: ModelCall | None = None

    def propose(self, material: Material) -> Proposal:
        if self.model is None:
            raise ModelSkipped(NO_PROVIDER)
        request, text = material.build_prompt()
        answer = self.model.complete(request, self.call)
        summary = drop_ungrounded(answer.reply.summary, text)
        if material.config.language == "auto" and language.differ(summary, text):
            summary = ""
        reasons = (drop_ungrounded(label.reason, text) for label in answer.reply.labels)
        labels = [
            replace(label, reason=reason if is_reason(reason) else "")
            for label, reason in zip(answer.reply.labels, reasons, strict=True)
        ]
        return Proposal("model", labels, summary, answer.usage, answer.cache_entry)


class RulesLabeller:
    """Keyword rules; they never fail."""

    def propose(self, material: Material) -> Proposal:
        return Proposal("rules", material.match_rules())


def prepare(issue: Issue, labels: Sequence[Label], config: RepoConfig) -> Material:
    """Return the labellers' input, so that no long body stays in memory while they run."""
    model_kinds = config.privacy.redact
    public_kinds = frozenset[RedactionKind]({"secrets", *model_kinds})
    public = _redact_issue(issue, public_kinds)
    for_model = public if public_kinds == {*model_kinds} else _redact_issue(issue, model_kinds)
    descriptions = {fold(name): text for name, text in config.labels.describe.items()}
    usable = [
        replace(x, description=descriptions.get(fold(x.name), x.description))
        for x in policy.usable_labels(labels, config.labels)
    ]
    names = [label.name for label in labels]
    missing = [tag for tag in keywords.COMMON_TAGS if not keywords.label_for(tag, names)]
    hold = partial(_run_if_long, is_long=len(issue.body) > LONG_BODY)
    return Material(
        config=config,
        usable_labels=usable,
        missing_tags=missing,
        public_kinds=public_kinds,
        build_prompt=hold(partial(_build_prompt, for_model, usable, missing, config)),
        match_rules=hold(partial(_match_rules, public, usable, config)),
        extract_summary=hold(partial(extract_summary, public.title, public.body)),
    )


def enrich(material: Material, current: CurrentLabels, labellers: Sequence[Labeller]) -> Enrichment:
    """Return the first proposal, without secrets and with the label policy applied.

    `why` and `fault` are those of the first labeller that failed.
    """
    proposal, why, fault = _find_proposal(material, labellers)
    if proposal.source in PROVISIONAL_SOURCES:
        current = replace(current, replaceable=())
    usable, kinds = material.usable_labels, material.public_kinds
    suggestions = [replace(x, reason=redact(x.reason[:MAX_CHARS], kinds)) for x in proposal.labels]
    rules = material.config.labels
    summary = proposal.summary or material.extract_summary()
    return Enrichment(
        summary=redact(summary[:MAX_CHARS], kinds),
        label_decision=policy.decide(suggestions, usable, material.missing_tags, current, rules),
        source=proposal.source,
        why=why,
        fault=fault,
        labels_usable=bool(usable),
        usage=proposal.usage,
        cache_entry=proposal.cache_entry,
        labels_not_shown=max(0, len(usable) - MAX_PROMPT_LABELS) if proposal.usage.model else 0,
    )


def _find_proposal(
    material: Material, labellers: Sequence[Labeller]
) -> tuple[Proposal, str, Fault]:
    why: str = ""
    fault: Fault = ""
    for labeller in labellers:
        try:
            return labeller.propose(material), why, fault
        except ModelFailed as failure:
            if not why:
                why, fault = failure.reason, failure.fault
    raise AssertionError("the last labeller never fails")


def _build_prompt(
    issue: Issue, labels: Sequence[Label], missing_tags: Sequence[str], config: RepoConfig
) -> tuple[prompt.Prompt, str]:
    # Redacted again: removing markup and hidden characters may join the parts of a secret.
    kinds = config.privacy.redact
    title, body = redact(to_one_line(issue.title), kinds), redact(condense(issue.body), kinds)
    grouped = [name for names in config.labels.groups.values() for name in names]
    request = prompt.build(
        replace(issue, title=title),
        body,
        shortlist(labels, f"{title}\n{body}", grouped, MAX_PROMPT_LABELS),
        missing_tags,
        config,
    )
    return request, f"{title}\n{body}"


def _match_rules(
    issue: Issue, labels: Sequence[Label], config: RepoConfig
) -> Sequence[LabelSuggestion]:
    """Return the labels by the repository's own rules, then by the built-in ones."""
    hits = keywords.match_rules(issue.title, issue.body, config.fallback.rules)
    suggestions = [
        LabelSuggestion(label, "sure", f"the word {word}", "rules") for label, word in hits
    ]
    if config.fallback.builtin:
        names = [label.name for label in labels]
        suggestions += [
            LabelSuggestion(
                keywords.label_for(match.concept, names) or match.concept,
                match.certainty,
                match.evidence,
                "rules",
            )
            for match in keywords.match(issue.title, issue.body)
        ]
    review = config.fallback.needs_review
    return [*suggestions, LabelSuggestion(review, "sure", "labelled without a model", "rules")]


def _redact_issue(issue: Issue, kinds: Collection[RedactionKind]) -> Issue:
    cut = issue.text_stats.cut if issue.text_stats else 0
    body = redact_excerpt(issue.body, kinds, missing=cut)
    return replace(issue, title=redact(issue.title, kinds), body=body)


def _run_if_long(work: Callable[[], T], *, is_long: bool) -> Callable[[], T]:
    """Return the function, or one that returns its result if its text is long."""
    if not is_long:
        return work
    result = work()
    return lambda: result
