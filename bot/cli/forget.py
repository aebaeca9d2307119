"""`tagline forget REF`: removes what Redis holds of a repository, or of an account's."""

from __future__ import annotations

import json
import re

import click

from bot.cli import bootstrap
from bot.cli.options import json_option
from bot.core import refs
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
@json_option
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
    given = _parse(settings, ref)
    meant = [one for one in known if _is_meant(one, given)]
    # Something may be left of one that is not known any more.
    found = store.repository_data.forget([given, *meant], dry_run=not apply)
    names = sorted({one.repo_name for one in meant or [given]})
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


def _parse(settings: Settings, text: str) -> IssueRef:
    """Return the repository or account of an argument; of a number, a reference with that number.

    Raises `BadParameter`.
    """
    from bot import wiring

    forms = wiring.url_forms(settings)
    try:
        return refs.repository(text, forms)
    except ValueError:
        match, hosts = ACCOUNT.fullmatch(text), {form.forge: form.host for form in forms}
    if not match or match[1] not in hosts:
        raise click.BadParameter(FORMS, param_hint="REF")
    forge, name = match[1], match[2]
    if name.isascii() and name.isdecimal() and len(name) < 19:
        return IssueRef(forge, hosts[forge], "", 0, int(name))
    return IssueRef(forge, hosts[forge], name, 0)


def _is_meant(one: IssueRef, given: IssueRef) -> bool:
    """Return whether a known repository is the given one, or of the given account."""
    if one.forge != given.forge:
        return False
    if given.repo_id:
        return str(given.repo_id) in (str(one.repo_id), one.account)
    return f"{one.repo}/".lower().startswith(f"{given.repo}/".lower())
