"""`tagline resume REPO [LABEL]`: lets labels be applied or suggested again."""

from __future__ import annotations

import time

import click

from bot.cli import bootstrap

NONE = "No label is."


@click.command()
@click.argument("repo")
@click.argument("label", required=False)
@bootstrap.json_option
def resume(repo: str, label: str | None, as_json: bool) -> None:
    """Apply labels again that are only suggested since people removed them three times in a row,
    and suggest those again whose suggestions they dismissed three times in a row.

    LABEL is one of those that `tagline stats REPO` lists; without it, all of them are meant.
    Nothing is written to the forge: issues that are answered from now on may get the label.
    """
    import msgspec

    from bot.cli.stats import open_repository
    from bot.core.corrections import Correction
    from bot.core.demotions import RULES
    from bot.core.labels.names import fold

    repository = open_repository(repo)
    demotions = repository.find_demotions(*RULES)
    ended = [one for one in demotions if label is None or fold(one.label) == fold(label)]
    if label is not None and not ended:
        names = ", ".join(dict.fromkeys(one.label for one in demotions))
        known = f"Those that are, or are not suggested any more: {names}." if names else NONE
        bootstrap.fail(f"{label} is not a label that is only suggested. {known}")
    store, key = repository.store.corrections, repository.ref.repo_key
    # The refusals have the forge's times, and its clock may be ahead of this one.
    now = max([time.time(), *(one.at for one in store.list(key))])
    resumed = list(dict.fromkeys(one.label for one in ended))  # one may be refused in both ways
    store.add(key, [Correction(0, name, "resumed", now) for name in resumed])
    if as_json:
        click.echo(msgspec.json.encode({"v": 1, "repository": repository.name, "resumed": resumed}))
        return
    for refusal, verb in (("removed", "Applied"), ("dismissed", "Suggested")):
        if names := ", ".join(one.label for one in ended if one.refusal == refusal):
            click.echo(f"{verb} again from now on: {names}")
    if not ended:
        click.echo("No label is only suggested.", err=True)
