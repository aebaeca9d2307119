"""An issue → a summary and labels: from the model, or from rules where it fails."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from bot.core import prompt, reply
from bot.core.config.schema import RepoConfig
from bot.core.errors import ModelFailed, ModelSkipped
from bot.core.labels import keywords, policy
from bot.core.labels.policy import CurrentLabels
from bot.core.ports import Model
from bot.core.text import extractive_summary, language
from bot.core.text.condense import condense
from bot.core.text.grounding import grounded
from bot.core.text.redact import RedactionKind, excerpt, redact
from bot.core.text.sanitize import one_line
from bot.core.types import Enrichment, Issue, Label, LabelDecision, LabelSuggestion

NO_PROVIDER = "no-provider"
MAX_LABELS_ASKED = 200
MAX_SAID = 4000  # characters that are looked through; fewer are shown
LONG = 8000  # characters of a body that is not held while a model is asked

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Material:
    """What an enrichment is made from. Of a long text only what follows from it is held.

    `question` gives what the model is asked and the text that it is shown; `summary` and `choices`
    are what rules find. `kinds` is what nobody may be told.
    """

    usable: Sequence[Label]
    lacking: Sequence[str]
    config: RepoConfig
    kinds: frozenset[RedactionKind]
    question: Callable[[], tuple[prompt.Prompt, str]]
    summary: Callable[[], str]
    choices: Callable[[], Sequence[LabelSuggestion]]


def enrich(
    issue: Issue,
    repository: Sequence[Label],
    present: CurrentLabels,
    config: RepoConfig,
    model: Model | None,
) -> Enrichment:
    """Ask the model, and fall back on rules; `why` then tells what failed.

    What is said in public never holds a secret, whatever `privacy.redact` lets the model see.
    """
    return conclude(prepare(issue, repository, config), present, model)


def prepare(issue: Issue, repository: Sequence[Label], config: RepoConfig) -> Material:
    """All that is needed of an issue's text, so that a job need not hold a long one any longer."""
    kinds = frozenset({"secrets", *config.privacy.redact})
    told = _redacted(issue, kinds)
    shown = told if kinds == {*config.privacy.redact} else _redacted(issue, config.privacy.redact)
    usable = [_described(x, config) for x in policy.usable_labels(repository, config.labels)]
    every_name = [label.name for label in repository]
    lacking = [tag for tag in keywords.COMMON_TAGS if not keywords.label_for(tag, every_name)]
    held = partial(_now_or_later, is_long=len(issue.body) > LONG)
    return Material(
        usable=usable,
        lacking=lacking,
        config=config,
        kinds=kinds,
        question=held(partial(_question, shown, usable, lacking, config)),
        summary=held(partial(extractive_summary.extract_summary, told.title, told.body)),
        choices=held(partial(_by_rules, told, usable, config)),
    )


def conclude(material: Material, present: CurrentLabels, model: Model | None) -> Enrichment:
    """As `enrich`, for an issue that was prepared."""
    try:
        found, choices = _by_model(material, model)
    except ModelFailed as failure:
        found = Enrichment("", LabelDecision(), "rules", failure.reason, failure.fault)
        choices = material.choices()
        present = replace(present, replaceable=())
    summary, kinds = found.summary or material.summary(), material.kinds
    choices = [replace(x, reason=redact(x.reason[:MAX_SAID], kinds)) for x in choices]
    rules, usable = material.config.labels, material.usable
    return replace(
        found,
        summary=redact(summary[:MAX_SAID], kinds),
        label_decision=policy.decide(choices, usable, material.lacking, present, rules),
        labels_usable=bool(usable),
    )


def _now_or_later(work: Callable[[], T], *, is_long: bool) -> Callable[[], T]:
    """The work itself, or its result where the text that it holds is long."""
    if not is_long:
        return work
    result = work()
    return lambda: result


def _redacted(issue: Issue, kinds: Collection[RedactionKind]) -> Issue:
    cut = issue.full_text.cut if issue.full_text else 0
    body = excerpt(issue.body, kinds, missing=cut)
    return replace(issue, title=redact(issue.title, kinds), body=body)


def _question(
    issue: Issue, usable: Sequence[Label], lacking: Sequence[str], config: RepoConfig
) -> tuple[prompt.Prompt, str]:
    # Markup, hidden signs and cuts that are gone now may have parted a secret before.
    kinds = config.privacy.redact
    title, body = redact(one_line(issue.title), kinds), redact(condense(issue.body), kinds)
    question = prompt.build(
        replace(issue, title=title),
        body,
        usable[:MAX_LABELS_ASKED],
        lacking,
        prompt.SummaryStyle(config.language, config.comment.max_words, config.model.instructions),
    )
    return question, f"{title}\n{body}"


def _by_model(
    material: Material, model: Model | None
) -> tuple[Enrichment, Sequence[LabelSuggestion]]:
    if model is None:
        raise ModelSkipped(NO_PROVIDER)
    question, shown = material.question()
    answer = model.ask(question)
    said = reply.read(answer.text)
    summary = grounded(said.summary, shown)
    if material.config.language == "auto" and language.differ(summary, shown):
        summary = ""  # the issue's own words do better
    choices = [replace(choice, reason=grounded(choice.reason, shown)) for choice in said.choices]
    return Enrichment(summary, LabelDecision(), "model", usage=answer.usage), choices


def _by_rules(
    issue: Issue, usable: Sequence[Label], config: RepoConfig
) -> Sequence[LabelSuggestion]:
    names = [label.name for label in usable]
    if config.fallback.rules:
        hits = keywords.match_rules(issue.title, issue.body, config.fallback.rules)
        choices = [LabelSuggestion(label, "sure", f"the word {cue}") for label, cue in hits]
    else:
        choices = [
            LabelSuggestion(
                keywords.label_for(match.concept, names) or match.concept,
                match.certainty,
                match.evidence,
            )
            for match in keywords.match(issue.title, issue.body)
        ]
    return [
        *choices,
        LabelSuggestion(config.fallback.needs_review, "sure", "labelled without a model"),
    ]


def _described(label: Label, config: RepoConfig) -> Label:
    said = {policy.fold(name): text for name, text in config.labels.describe.items()}
    return replace(label, description=said.get(policy.fold(label.name), label.description))
