"""An issue → a summary and labels, from the first labeller that succeeds.

The labellers are a language model, the repository's own classifier, then keyword rules.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol, TypeVar

from bot.core import prompt
from bot.core.config.schema import RepoConfig
from bot.core.enrichment import CacheEntry, Enrichment
from bot.core.errors import ModelFailed, ModelSkipped
from bot.core.labels import keywords, policy
from bot.core.labels.areas import find_areas
from bot.core.labels.issue_types import TypeNames, decide_type, find_types
from bot.core.labels.names import fold
from bot.core.labels.policy import CurrentLabels
from bot.core.labels.shortlist import shortlist
from bot.core.ports import ModelCall, ModelService
from bot.core.related import RelatedCandidate
from bot.core.text import language
from bot.core.text.condense import condense
from bot.core.text.extractive_summary import extract_summary
from bot.core.text.grounding import Grounding
from bot.core.text.placeholders import is_reason
from bot.core.text.redact import RedactionKind, redact, redact_excerpt
from bot.core.text.sanitize import to_one_line
from bot.core.types import (
    PROVISIONAL_SOURCES,
    Fault,
    Issue,
    Label,
    LabelSuggestion,
    Source,
    Usage,
)
from bot.flow.classify import Opinion, classify, combine, join, translate
from bot.learn.features import extract_features
from bot.learn.model import RepositoryModel

NO_PROVIDER, NO_CLASSIFIER = "no-provider", "no-classifier"
MAX_PROMPT_LABELS = 200
MAX_CHARS = 4000  # of a summary or a reason that are searched for secrets
LONG_BODY = 8000  # characters; a longer body is not in memory during a model call

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RuleMatches:
    """Labels by the repository's own rules, by built-in rules, and the one of every fallback."""

    own: tuple[LabelSuggestion, ...]
    built_in: tuple[LabelSuggestion, ...]
    review: LabelSuggestion


@dataclass(frozen=True, slots=True)
class Material:
    """The input of labellers. It contains no long body, only results that were made from it.

    `usable_labels` are those that may be set beside a type of `types`. `opinion` is None for a
    repository without a classifier.
    """

    config: RepoConfig
    usable_labels: Sequence[Label]
    types: TypeNames
    missing_tags: Sequence[str]
    opinion: Opinion | None
    build_prompt: Callable[[], prompt.Prompt]
    match_rules: Callable[[], RuleMatches]
    extract_summary: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Proposal:
    """The result of a labeller. For a `summary` of "", a sentence of the issue is used.

    `like` is the issue whose answer it reuses, None for a new one.
    """

    source: Source
    labels: Sequence[LabelSuggestion]
    summary: str = ""
    usage: Usage = field(default_factory=Usage)
    cache_entry: CacheEntry | None = None
    like: RelatedCandidate | None = None


@dataclass(frozen=True, slots=True)
class Proposed:
    """The first proposal; `why` and `fault` are those of the first labeller that failed."""

    proposal: Proposal
    why: str = ""
    fault: Fault = ""


class Labeller(Protocol):
    def propose(self, material: Material) -> Proposal:
        """Return labels and a summary. Raises `ModelFailed`; then the next labeller is called."""


@dataclass(frozen=True, slots=True)
class ModelLabeller:
    """A language model, None on a host without one. `call` as in `ModelService.complete`.

    `doubted` are folded names of labels that it only suggests, unless the classifier agrees.
    """

    model: ModelService | None
    call: ModelCall | None = None
    doubted: Collection[str] = ()

    def propose(self, material: Material) -> Proposal:
        if self.model is None:
            raise ModelSkipped(NO_PROVIDER)
        request = material.build_prompt()
        text = request.issue
        answer = self.model.complete(request, self.call)
        offered = (*material.usable_labels, *material.types.types)
        told = "\n".join((request.system, *(x.description for x in offered)))
        grounding = Grounding(text, told)
        summary = grounding.drop_ungrounded(answer.reply.summary)
        is_other = language.differ(summary, text) or not grounding.is_about_issue(summary)
        if material.config.language == "auto" and is_other:
            summary = ""
        reasons = (grounding.drop_ungrounded(label.reason) for label in answer.reply.labels)
        labels = [
            replace(label, reason=reason if is_reason(reason) else "")
            for label, reason in zip(answer.reply.labels, reasons, strict=True)
        ]
        labels = combine(labels, material.opinion or Opinion(), self.doubted)
        usage, entry = answer.usage, answer.cache_entry
        return Proposal("model", labels, summary, usage, entry, answer.like)


class ClassifierLabeller:
    """The repository's own classifier, and keyword rules for what it has not learned.

    The repository's own rules come first.
    """

    def propose(self, material: Material) -> Proposal:
        opinion = material.opinion
        if opinion is None:
            raise ModelSkipped(NO_CLASSIFIER)
        rules = material.match_rules()
        unknown = [x for x in rules.built_in if fold(x.label) not in opinion.learned]
        unknown = [opinion.doubt_unused(label) for label in unknown]
        labels = join(join(rules.own, opinion.labels, opinion), unknown, opinion)
        learned = any(x.source == "classifier" and x.certainty != "unsure" for x in labels)
        return Proposal("classifier" if learned else "rules", [*labels, rules.review])


class RulesLabeller:
    """Keyword rules; they never fail."""

    def propose(self, material: Material) -> Proposal:
        rules = material.match_rules()
        return Proposal("rules", [*rules.own, *rules.built_in, rules.review])


def list_usable_labels(labels: Sequence[Label], config: RepoConfig) -> list[Label]:
    """Return the labels that the bot may set, with the descriptions of the configuration."""
    descriptions = {fold(name): text for name, text in config.labels.describe.items()}
    return [
        replace(x, description=descriptions.get(fold(x.name), x.description))
        for x in policy.usable_labels(labels, config.labels)
    ]


def prepare(
    issue: Issue,
    labels: Sequence[Label],
    config: RepoConfig,
    classifier: RepositoryModel | None = None,
    types: Sequence[Label] = (),
    examples: Sequence[prompt.Example] = (),
) -> Material:
    """Return the labellers' input, so that no long body stays in memory while they run.

    `types` are the repository's issue types, `examples` older issues for the prompt.
    """
    clean = redact_issue(issue, config.privacy.redact)
    usable, type_names = list_usable_labels(labels, config), find_types(types, labels, config)
    known = [*usable, *type_names.types]
    opinion, ranked = _ask_classifier(classifier, issue, known, config)
    opinion, usable = opinion and translate(opinion, type_names), type_names.offer(usable)
    names = [label.name for label in (*labels, *types)]
    missing = [tag for tag in keywords.COMMON_TAGS if not keywords.label_for(tag, names)]
    choices = prompt.Choices(usable, missing, type_names.types, examples)
    hold = partial(_run_if_long, is_long=len(issue.body) > LONG_BODY)
    return Material(
        config=config,
        usable_labels=usable,
        types=type_names,
        missing_tags=missing,
        opinion=opinion,
        build_prompt=hold(partial(_build_prompt, clean, choices, ranked, config)),
        match_rules=hold(partial(_match_rules, clean, [*type_names.types, *usable], config)),
        extract_summary=hold(partial(extract_summary, clean.title, clean.body)),
    )


def enrich(
    material: Material,
    current: CurrentLabels,
    labellers: Sequence[Labeller],
    current_type: CurrentLabels | None = None,
) -> Enrichment:
    """Return the first proposal, as `decide`."""
    return decide(material, propose(material, labellers), current, current_type)


def decide(
    material: Material,
    proposed: Proposed,
    current: CurrentLabels,
    current_type: CurrentLabels | None = None,
) -> Enrichment:
    """Return a proposal without secrets and with the label policy applied.

    `current_type` has the issue's type in place of its labels.
    """
    proposal, types = proposed.proposal, material.types
    current_type = current_type or CurrentLabels()
    if proposal.source in PROVISIONAL_SOURCES:
        current = replace(current, replaceable=())
        current_type = replace(current_type, replaceable=())
    usable, kinds = material.usable_labels, material.config.privacy.redact
    choices = [replace(x, reason=redact(x.reason[:MAX_CHARS], kinds)) for x in proposal.labels]
    type_choices, choices = types.translate(choices)
    choices = types.drop_repeated(choices, current.fixed)
    has_synonym = types.has_synonym(current.fixed)
    rules = types.add_group(material.config.labels)
    summary = proposal.summary or material.extract_summary()
    return Enrichment(
        summary=redact(summary[:MAX_CHARS], kinds),
        label_decision=policy.decide(choices, usable, material.missing_tags, current, rules),
        type_decision=decide_type(type_choices, current_type, has_synonym=has_synonym),
        source=proposal.source,
        why=proposed.why,
        fault=proposed.fault,
        labels_usable=bool(usable or types.types),
        usage=proposal.usage,
        cache_entry=proposal.cache_entry,
        like=proposal.like,
        labels_not_shown=max(0, len(usable) - MAX_PROMPT_LABELS) if proposal.usage.model else 0,
    )


def propose(material: Material, labellers: Sequence[Labeller]) -> Proposed:
    """Return the proposal of the first labeller that succeeds."""
    why: str = ""
    fault: Fault = ""
    for labeller in labellers:
        try:
            return Proposed(labeller.propose(material), why, fault)
        except ModelFailed as failure:
            if not why:
                why, fault = failure.reason, failure.fault
    raise AssertionError("the last labeller never fails")


def _ask_classifier(
    classifier: RepositoryModel | None, issue: Issue, usable: Sequence[Label], config: RepoConfig
) -> tuple[Opinion | None, Sequence[str]]:
    """Return its opinion, and the labels that it knows, the most probable first, if there are too
    many for a prompt."""
    if classifier is None:
        return None, ()
    features = extract_features(issue.title, issue.body)
    opinion = classify(classifier, features, usable, config.labels.precision)
    if len(usable) <= MAX_PROMPT_LABELS:
        return opinion, ()
    return opinion, [name for name, _ in classifier.rank(features)]


def _build_prompt(
    issue: Issue, choices: prompt.Choices, ranked: Sequence[str], config: RepoConfig
) -> prompt.Prompt:
    # Redacted again: removing markup and hidden characters may join the parts of a secret.
    kinds = config.privacy.redact
    title, body = redact(to_one_line(issue.title), kinds), redact(condense(issue.body), kinds)
    grouped = [name for names in config.labels.groups.values() for name in names]
    text = f"{title}\n{body}"
    labels = shortlist(choices.labels, text, grouped, MAX_PROMPT_LABELS, ranked)
    return prompt.build(replace(issue, title=title), body, replace(choices, labels=labels), config)


def _match_rules(issue: Issue, labels: Sequence[Label], config: RepoConfig) -> RuleMatches:
    """Return the labels by the repository's own rules and by the built-in ones."""
    own = keywords.match_rules(issue.title, issue.body, config.fallback.rules)
    built_in = _match_built_in_rules(issue, labels) if config.fallback.builtin else ()
    review, why = config.fallback.needs_review, "labelled without a language model"
    return RuleMatches(
        tuple(LabelSuggestion(label, "sure", f"the word {word}", "rules") for label, word in own),
        tuple(built_in),
        LabelSuggestion(review, "sure", why, "rules"),
    )


def _match_built_in_rules(issue: Issue, labels: Sequence[Label]) -> Iterator[LabelSuggestion]:
    names = [label.name for label in labels]
    for match in keywords.match(issue.title, issue.body):
        name = keywords.label_for(match.concept, names) or match.concept
        yield LabelSuggestion(name, match.certainty, match.evidence, "rules")
    for name, word in find_areas(issue.title, names):
        yield LabelSuggestion(name, "unsure", f'the title has "{word}"', "rules")


def redact_issue(issue: Issue, kinds: Collection[RedactionKind]) -> Issue:
    """Return the issue with `[redacted:type]` in its title and body."""
    cut = issue.text_stats.cut if issue.text_stats else 0
    body = redact_excerpt(issue.body, kinds, missing=cut)
    return replace(issue, title=redact(issue.title, kinds), body=body)


def _run_if_long(work: Callable[[], T], *, is_long: bool) -> Callable[[], T]:
    """Return the function, or one that returns its result if its text is long."""
    if not is_long:
        return work
    result = work()
    return lambda: result
