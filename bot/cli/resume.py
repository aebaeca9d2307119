"""`tagline resume REPO [LABEL]`: lets labels be applied again that are only suggested."""

from __future__ import annotations

import time

import click

from bot.cli import bootstrap


@click.command()
@click.argument("repo")
@click.argument("label", required=False)
@bootstrap.json_option
def resume(repo: str, label: str | None, as_json: bool) -> None:
    """Apply labels again that are only suggested since people removed them three times in a row.

    LABEL is one of those that `tagline stats REPO` lists; without it, all of them are meant.
    Nothing is written to the forge: issues that are answered from now on may get the label.
    """
    import msgspec

    from bot.cli.stats import open_repository
    from bot.core.corrections import Correction
    from bot.core.labels.names import fold

    repository = open_repository(repo)
    demoted = [one.label for one in repository.find_demotions()]
    ended = [name for name in demoted if label is None or fold(name) == fold(label)]
    if label is not None and not ended:
        known = f"Only suggested are: {', '.join(demoted)}." if demoted else "No label is."
        bootstrap.fail(f"{label} is not a label that is only suggested. {known}")
    store, key = repository.store.corrections, repository.ref.repo_key
    # The removals have the forge's times, and its clock may be ahead of this one.
    now = max([time.time(), *(one.at for one in store.list(key))])
    store.add(key, [Correction(0, name, "resumed", now) for name in ended])
    if as_json:
        click.echo(msgspec.json.encode({"v": 1, "repository": repository.name, "resumed": ended}))
    elif ended:
        click.echo(f"Applied again from now on: {', '.join(ended)}")
    else:
        click.echo("No label is only suggested.", err=True)
