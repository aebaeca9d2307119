"""An issue → a summary and labels: from the model, or from rules where it fails."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from bot.core import extract, keywords, labels, language, prompt, reply
from bot.core.condense import condense
from bot.core.errors import ModelFailed, NotAsked
from bot.core.grounding import grounded
from bot.core.labels import Present
from bot.core.model import Choice, Enrichment, Issue, Label, Verdict
from bot.core.ports import Model
from bot.core.redact import Kind, excerpt, redact
from bot.core.repoconfig import RepoConfig
from bot.core.text import one_line

NO_PROVIDER = "no-provider"
MAX_LABELS_ASKED = 200
MAX_SAID = 4000  # characters that are looked through; fewer are shown


def enrich(
    issue: Issue,
    repository: Sequence[Label],
    present: Present,
    config: RepoConfig,
    model: Model | None,
) -> Enrichment:
    """Ask the model, and fall back on rules; `why` then tells what failed.

    What is said in public never holds a secret, whatever `privacy.redact` lets the model see.
    """
    kinds = frozenset({"secrets", *config.privacy.redact})
    told = _redacted(issue, kinds)
    shown = told if kinds == {*config.privacy.redact} else _redacted(issue, config.privacy.redact)
    usable = [_described(x, config) for x in labels.allowed(repository, config.labels)]
    every_name = [label.name for label in repository]
    lacking = [tag for tag in keywords.COMMON_TAGS if not keywords.label_for(tag, every_name)]
    try:
        found, choices = _by_model(shown, usable, lacking, config, model)
    except ModelFailed as failure:
        found, choices = _by_rules(told, usable, config, failure)
        present = replace(present, loose=())
    summary = found.summary or extract.summarise(told.title, told.body)
    choices = [replace(x, reason=redact(x.reason[:MAX_SAID], kinds)) for x in choices]
    return replace(
        found,
        summary=redact(summary[:MAX_SAID], kinds),
        verdict=labels.decide(choices, usable, lacking, present, config.labels),
        labels_usable=bool(usable),
    )


def _redacted(issue: Issue, kinds: Collection[Kind]) -> Issue:
    return replace(issue, title=redact(issue.title, kinds), body=excerpt(issue.body, kinds))


def _by_model(
    issue: Issue,
    usable: Sequence[Label],
    lacking: Sequence[str],
    config: RepoConfig,
    model: Model | None,
) -> tuple[Enrichment, Sequence[Choice]]:
    if model is None:
        raise NotAsked(NO_PROVIDER)
    # Markup, hidden signs and cuts that are gone now may have parted a secret before.
    kinds = config.privacy.redact
    title, body = redact(one_line(issue.title), kinds), redact(condense(issue.body), kinds)
    question = prompt.build(
        replace(issue, title=title),
        body,
        usable[:MAX_LABELS_ASKED],
        lacking,
        prompt.Wishes(config.language, config.comment.max_words, config.model.instructions),
    )
    answer = model.ask(question)
    said, shown = reply.read(answer.text), f"{title}\n{body}"
    summary = grounded(said.summary, shown)
    if config.language == "auto" and language.differ(summary, shown):
        summary = ""  # the issue's own words do better
    choices = [replace(choice, reason=grounded(choice.reason, shown)) for choice in said.choices]
    return Enrichment(summary, Verdict(), "model", usage=answer.usage), choices


def _by_rules(
    issue: Issue, usable: Sequence[Label], config: RepoConfig, failure: ModelFailed
) -> tuple[Enrichment, Sequence[Choice]]:
    names = [label.name for label in usable]
    if config.fallback.rules:
        rules = [keywords.Rule(r.label, r.any, r.none) for r in config.fallback.rules]
        hits = keywords.match_rules(issue.title, issue.body, rules)
        choices = [Choice(label, "sure", f"the word {cue}") for label, cue in hits]
    else:
        choices = [
            Choice(
                keywords.label_for(match.concept, names) or match.concept,
                match.certainty,
                match.evidence,
            )
            for match in keywords.match(issue.title, issue.body)
        ]
    choices.append(Choice(config.fallback.needs_review, "sure", "labelled without a model"))
    return Enrichment("", Verdict(), "rules", failure.reason, failure.fault), choices


def _described(label: Label, config: RepoConfig) -> Label:
    said = {labels.fold(name): text for name, text in config.labels.describe.items()}
    return replace(label, description=said.get(labels.fold(label.name), label.description))
