"""`tagline resume REPO [LABEL]`: lets labels be applied or suggested again, and a quiet repository
name older issues again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from bot.cli import bootstrap
from bot.cli.options import json_option
from bot.core.labels.names import fold
from bot.core.related import RelatedVerdict

if TYPE_CHECKING:
    from bot.cli.sections.section import Repository
    from bot.core.demotions import Demotion


@click.command()
@click.argument("repo")
@click.argument("label", required=False)
@json_option
def resume(repo: str, label: str | None, as_json: bool) -> None:
    """Apply labels again that are only suggested since people removed them three times in a row,
    and suggest those again whose suggestions they dismissed three times in a row.

    LABEL is one of those that `tagline stats REPO` lists; without it, all of them are meant. Then
    labels are also applied again where all were only suggested, since people kept too few, and
    comments name older issues again where they stopped because people corrected them.
    Nothing is written to the forge: issues that are answered from now on may get the label.
    """
    from bot.cli.stats import open_repository
    from bot.core.corrections import Correction
    from bot.core.demotions import RULES

    repository = open_repository(repo)
    demotions = repository.find_demotions(*RULES)
    ended = [one for one in demotions if label is None or fold(one.label) == fold(label)]
    if label is not None and not ended:
        names = ", ".join(dict.fromkeys(one.label for one in demotions))
        known = (
            f"Those that are, or are not suggested any more: {names}." if names else "No label is."
        )
        bootstrap.fail(f"{label} is not a label that is only suggested. {known}")
    store, key = repository.store.corrections, repository.ref.repo_key
    # The refusals have the forge's times, and its clock may be ahead of this one.
    now = max([time.time(), *(one.at for one in store.list(key))])
    resumed = list(dict.fromkeys(one.label for one in ended))  # one may be refused in both ways
    records = [Correction(0, name, "resumed", now) for name in resumed]
    limit = repository.find_limit() if label is None else None
    if limit:
        records = [Correction(0, "", "resumed", now, config=repository.in_force.digest)]
    store.add(key, records)
    was_quiet = label is None and _end_quiet(repository)
    if as_json:
        report = {"v": 1, "repository": repository.name, "resumed": resumed, "related": was_quiet}
        click.echo(msgspec.json.encode({**report, **({"mode": "apply"} if limit else {})}))
        return
    lines = _describe(ended, has_limit=limit is not None, was_quiet=was_quiet)
    click.echo("\n".join(lines) or "No label is only suggested.", err=not lines)


def _describe(ended: Sequence[Demotion], *, has_limit: bool, was_quiet: bool) -> list[str]:
    """Return what is different from now on."""
    lines = []
    if has_limit:
        lines.append("Labels are applied again from now on; what was judged before counts no more.")
    for refusal, verb in (("removed", "Applied"), ("dismissed", "Suggested")):
        if names := ", ".join(one.label for one in ended if one.refusal == refusal):
            lines.append(f"{verb} again from now on: {names}")
    if was_quiet:
        lines.append("Comments name older issues again from now on.")
    return lines


def _end_quiet(repository: Repository) -> bool:
    """Let comments name older issues again; return whether they did not."""
    if repository.count_feedback().quiet_since is None:
        return False
    store, key = repository.store.related_verdicts, repository.ref.repo_key
    now = max([time.time(), *(one.at for one in store.list(key))])
    store.add(key, [RelatedVerdict(0, "resumed", now, repository.in_force.digest)])
    return True
