"""`tagline labels`: reviews a repository's labels, and creates common ones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from bot.cli import bootstrap, terminal
from bot.cli.options import json_option
from bot.core.errors import TaglineError
from bot.core.text.numbers import format_count
from bot.core.types import IssueRef
from bot.settings.load import Settings

if TYPE_CHECKING:
    from bot.core.labels.common_labels import NewLabel
    from bot.forges.registry import ForgeClient
    from bot.learn.label_review import Problem, Repository

TITLES = {
    "look-alike": "Look-alike: one label under several names",
    "overlapping": "Overlapping: a label that rarely comes without another one",
    "unlearnable": "Unlearnable: Tagline cannot learn when to apply it",
    "undescribed": "Undescribed: a language model sees only its name",
    "never-used": "Never used",
}
MAX_SHOWN = 20  # problems with the same proposal
NAMES_WIDTH = 28


@click.group()
def labels() -> None:
    """Review a repository's labels, or create common ones."""


@labels.command()
@click.argument("repo")
@json_option
def doctor(repo: str, as_json: bool) -> None:
    """List labels that confuse people and models, with numbers and a proposal for each.

    REPO is github:OWNER/NAME, gitlab:GROUP/PROJECT or the repository's URL; a public one on GitHub
    needs no token. Reads its newest 2,000 labelled issues, writes nothing, and calls no language
    model.
    """
    from bot.learn.label_review import review_labels

    settings = bootstrap.load_settings()
    forge, ref = bootstrap.find_repository(settings, repo, "REPO")
    repository = _learn(settings, forge, ref)
    problems = review_labels(repository)
    if as_json:
        report = {
            "v": 1,
            "repository": ref.repo_name,
            "labels": len(repository.labels),
            "issues": len(repository.history),
            "problems": problems,
        }
        click.echo(msgspec.json.encode(report))
        return
    click.echo("\n".join(_format_review(repository, problems)))


@labels.command()
@click.argument("repo")
@click.option("--apply", is_flag=True, help="Create them.")
@json_option
def init(repo: str, apply: bool, as_json: bool) -> None:
    """Create common labels, with descriptions, of which the repository has none of that meaning.

    REPO is github:OWNER/NAME, gitlab:GROUP/PROJECT or the repository's URL. Without --apply the
    command prints the labels and creates none. With it, the token needs write access to issues on
    GitHub, the role Reporter on GitLab. Labels that exist are never changed.
    """
    from bot.core.labels.common_labels import find_missing_labels

    settings = bootstrap.load_settings()
    forge, ref = bootstrap.find_repository(settings, repo, "REPO")
    missing = find_missing_labels([label.name for label in forge.list_labels(ref)])
    created, failure = _create(forge, ref, missing) if apply else ((), None)
    shown = created if apply else missing
    if as_json:
        report = {"v": 1, "repository": ref.repo_name, "applied": apply, "labels": shown}
        click.echo(msgspec.json.encode(report))
    else:
        width = max((len(label.name) for label in shown), default=0)
        for label in shown:
            click.echo(f"{label.name.ljust(width)}  #{label.color}  {label.description}")
    if failure:
        message, code = bootstrap.describe_error(failure)
        bootstrap.fail(message, bootstrap.PARTIAL if created and code == 1 else code)
    if not missing:
        click.echo("Nothing to create: the repository has a label of each meaning.", err=True)
    elif not apply:
        click.echo(f"Not created without --apply: {len(missing)}.", err=True)
    else:
        click.echo(f"Created in {ref.repo_name}: {len(created)}.", err=True)


def _create(
    forge: ForgeClient, ref: IssueRef, labels: Sequence[NewLabel]
) -> tuple[Sequence[NewLabel], TaglineError | None]:
    """Return the labels that were created, and the error that prevented the others."""
    created: list[NewLabel] = []
    try:
        created += (label for label in labels if forge.create_label(ref, label))
    except TaglineError as error:
        return created, error
    return created, None


def _learn(settings: Settings, forge: ForgeClient, ref: IssueRef) -> Repository:
    """Return the repository's labels with what can be learned of them from its history."""
    from bot.cli.history import read_history
    from bot.cli.repository_config import read_config
    from bot.flow.enrich import list_usable_labels
    from bot.learn.features import extract_features
    from bot.learn.label_review import Repository
    from bot.learn.model import Example
    from bot.learn.train import train

    config = read_config(settings, forge, ref).config
    known = forge.list_labels(ref)
    usable = list_usable_labels(known, config)
    history, examples = [], []
    for issue in read_history(forge, ref):
        history.append(issue.labels)
        if not issue.is_bot:
            features = extract_features(issue.title, issue.body)
            examples.append(Example(features, issue.labels, issue.created_at))
    issues = format_count(len(examples), "issue")
    click.echo(f"Learning from {issues} (up to a minute or two)", err=True)
    model = train(examples, usable, config.labels.precision, time.time())
    return Repository(known, usable, history, model)


def _format_review(repository: Repository, problems: Sequence[Problem]) -> Iterator[str]:
    """Yield the lines of a review: problems by kind, those with the same proposal together."""
    from bot.learn.label_review import MIN_ISSUES

    labels = format_count(len(repository.labels), "label")
    read = f"{labels}, {format_count(len(repository.history), 'labelled issue')}"
    if not repository.labels:
        yield "The repository has no labels: `tagline labels init REPO` shows common ones."
        return
    if not problems:
        yield f"No problem found: {read}."
    for kind, title in TITLES.items():
        found = [problem for problem in problems if problem.kind == kind]
        if found:
            yield title
        for proposal in dict.fromkeys(problem.proposal for problem in found):
            yield from _format_problems([x for x in found if x.proposal == proposal])
            yield from terminal.wrap(f"What to do: {proposal}", "    ")
            yield ""
    if problems:
        yield f"{format_count(len(problems), 'problem')}: {read}."
    if len(repository.history) < MIN_ISSUES:
        note = f"Rare and unused labels are judged from {MIN_ISSUES} labelled issues on."
        yield from terminal.wrap(note, "")


def _format_problems(problems: Sequence[Problem]) -> Iterator[str]:
    """Yield the rows of a table: the labels, and the evidence beside them."""
    names = [", ".join(problem.labels) for problem in problems[:MAX_SHOWN]]
    width = min(NAMES_WIDTH, max(map(len, names)))
    for name, problem in zip(names, problems, strict=False):
        first, *more = terminal.wrap(problem.evidence, " " * (width + 4))
        if len(name) > width:
            yield from terminal.wrap(name, "  ")
            yield first
        else:
            yield f"  {name.ljust(width)}  {first.lstrip()}"
        yield from more
    if len(problems) > MAX_SHOWN:
        yield f"  and {len(problems) - MAX_SHOWN:,} more: --json has them"
