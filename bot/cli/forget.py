"""`tagline forget REF`: removes what Redis holds of a repository, or of an account's."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import click

from bot.cli import bootstrap

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from bot.core.types import IssueRef
    from bot.settings.load import Settings

ACCOUNT = re.compile(r"([a-z]+):([\w.-]{1,255})/?")
FORMS = (
    "write github:OWNER/NAME, gitlab:GROUP/PROJECT or its address; github:OWNER or gitlab:GROUP for"
    " all of an account; or github:NUMBER, the number of a repository or an installation"
)


@click.command()
@click.argument("ref")
@click.option("--apply", is_flag=True, help="Remove it; without it the numbers are only shown.")
@bootstrap.json_option
def forget(ref: str, apply: bool, as_json: bool) -> None:
    """Remove everything that Redis holds of a repository: records, classifier, queued jobs, all.

    REF is a repository, an account (github:OWNER, gitlab:GROUP), or the number of a repository or
    of an installation. Tagline does this by itself once its access to a repository has ended; end
    it first, since the next event of a repository starts anew. Nothing is written to the forge, and
    an issue that has a comment gets no second one.
    """
    from bot import wiring

    settings = bootstrap.load_settings()
    store = wiring.redis_store(bootstrap.open_redis(settings))
    known = {*store.reconcile_state.repositories(), *store.repository_data.departures()}
    meant = sorted(_find(settings, ref, known), key=str)
    found = store.repository_data.forget(meant, dry_run=not apply)
    names = sorted({_format(one) for one in meant})
    if as_json:
        report = {"v": 1, "repositories": names, "found": found, "applied": apply}
        click.echo(json.dumps(report))
        return
    if not found:
        hint = "If it was renamed, or forgotten before, give its number: github:NUMBER."
        bootstrap.fail(f"Redis holds nothing of {', '.join(names)}. {hint}")
    click.echo(f"{'Removed' if apply else 'Redis holds'} of {', '.join(names)}:")
    for what, number in found.items():
        click.echo(f"  {number:>6}  {what}")
    if not apply:
        click.echo("Nothing was removed: add --apply to do it.")


def _find(settings: Settings, text: str, known: Collection[IssueRef]) -> Iterator[IssueRef]:
    """Yield the repositories that a reference means: known ones, and one by the given name or
    number, of which something may be left. Raises `BadParameter`."""
    from bot import wiring
    from bot.core import refs
    from bot.core.types import IssueRef

    forms = wiring.url_forms(settings)
    try:
        given = refs.repository(text, forms)
    except ValueError:
        match, hosts = ACCOUNT.fullmatch(text), {form.forge: form.host for form in forms}
        if not match or match[1] not in hosts:
            raise click.BadParameter(FORMS, param_hint="REF") from None
        given = IssueRef(match[1], hosts[match[1]], match[2], 0)
    name = given.repo.lower()
    is_number = name.isascii() and name.isdecimal() and len(name) < 19
    yield IssueRef(given.forge, given.host, "", 0, int(name)) if is_number else given
    for one in known:
        repo = one.repo.lower()
        is_named = repo == name or repo.startswith(f"{name}/")
        is_numbered = is_number and name in (str(one.repo_id), one.account)
        if one.forge == given.forge and (is_named or is_numbered):
            yield one


def _format(one: IssueRef) -> str:
    return f"{one.forge}:{one.repo or one.repo_id}"
