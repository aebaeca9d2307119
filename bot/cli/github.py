"""`tagline github`: an App's manifest, and failed webhook deliveries that are requested again."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import click

from bot.cli import bootstrap, progress, terminal
from bot.cli.options import github_org_option, json_option
from bot.core.errors import PermanentError
from bot.core.text.sanitize import to_one_line
from bot.core.text.since import parse_span

if TYPE_CHECKING:
    from bot.forges.github.deliveries import Deliveries, FailedDelivery

SPACING_SECONDS = 0.5  # of requests that GitHub counts five times towards its limit of 900 a minute
NO_ADDRESS = (
    "PUBLIC_URL is not set: set it to the receiver's address, such as https://your.host, or"
    " TAGLINE_POLL_SECONDS for an App without a webhook."
)
NO_APP = (
    "GITHUB_APP_ID and GITHUB_PRIVATE_KEY are not set. GitHub lists the deliveries of an App only."
)


@click.group()
def github() -> None:
    """Print the manifest of an App, or ask GitHub to send failed deliveries again."""


@github.command()
@github_org_option
def manifest(organisation: str) -> None:
    """Print the manifest of the GitHub App, as JSON.

    For an App that is registered without the page of `tagline setup`: on standard error is where
    to send it, and a page of GitHub with the same values filled in. The webhook's address begins
    with PUBLIC_URL; an App without a webhook is for a Tagline that polls.
    """
    from bot.forges.github.manifest import (
        build_manifest,
        prefilled_url,
        propose_name,
        registration_url,
    )

    settings = bootstrap.load_setup_settings()
    api, name = settings.github_api_url, propose_name(organisation)
    public_url = "" if settings.poll_seconds else settings.public_url
    if not public_url and not settings.poll_seconds:
        raise click.UsageError(NO_ADDRESS)
    setup_url = f"{settings.public_url or f'http://127.0.0.1:{settings.port}'}/setup"
    click.echo(build_manifest(name, public_url, setup_url))
    form = registration_url(api, organisation)
    click.echo(f"Send it with a form as its field `manifest` to {form}", err=True)
    click.echo(
        "GitHub leads back with a code: within an hour a POST to"
        f" {api}/app-manifests/CODE/conversions returns the App's id, key and webhook secret.",
        err=True,
    )
    if public_url:
        page = prefilled_url(api, organisation, name, public_url)
        click.echo(f"Or open this page, with the same values: {page}", err=True)


@github.command()
@click.option(
    "--since", default="2h", show_default=True, metavar="TIME", help="How far back: 30m, 2h, 3d."
)
@click.option("--apply", is_flag=True, help="Request them; without it they are only listed.")
@json_option
def redeliver(since: str, apply: bool, as_json: bool) -> None:
    """List the App's deliveries that failed, and request each once.

    Also those that timed out. A delivery of which any attempt succeeded is left out, and the
    receiver knows repeats, so that a second call does no harm. Tagline requests failed deliveries
    of the last day by itself every five minutes; this is for more, or for sooner.

    Exits with 3 if GitHub refused some, and with 75 at a rate limit: the same command continues.
    """
    from bot.forges.registry import github_deliveries

    start = time.time() - _parse_span(since)
    settings = bootstrap.load_settings()
    if not settings.github_app_id:
        raise click.UsageError(NO_APP)
    deliveries = github_deliveries(settings, bootstrap.open_clients())
    failed = deliveries.list_failed(start)
    if not as_json:
        _print(failed, start, apply=apply)
    requested: list[str] = []
    try:
        if apply:
            _request(deliveries, failed, requested)
    finally:
        progress.clear()
        if as_json:
            rows = [
                {"event": event, "status": status, "code": code, "number": number}
                for (event, status, code), number in _count(failed).items()
            ]
            report = {"v": 1, "since": start, "failed": rows, "requested": requested}
            click.echo(json.dumps(report))
        elif apply and failed:
            click.echo(f"{len(requested)} of {len(failed)} requested again")
    if apply and len(requested) < len(failed):
        sys.exit(bootstrap.PARTIAL)


def _request(deliveries: Deliveries, failed: list[FailedDelivery], requested: list[str]) -> None:
    """Request deliveries, and add the ids of those that GitHub accepted. Raises `Retry`."""
    show = progress.make("requested")
    for delivery in failed:
        try:
            deliveries.redeliver(delivery.id)
        except PermanentError as error:
            click.echo(f"{delivery.guid}: {error}", err=True)
        else:
            requested.append(delivery.guid)
            show(f"{len(requested)} of {len(failed)}")
        if delivery is not failed[-1]:
            time.sleep(SPACING_SECONDS)


def _parse_span(text: str) -> float:
    """Return a span of time in seconds. Raises `BadParameter`."""
    from bot.forges.github.deliveries import KEPT_SECONDS

    seconds = parse_span(text)
    if seconds is None or not 0 < seconds <= KEPT_SECONDS:
        why = "write 30m, 2h or 3d; GitHub keeps deliveries for three days"
        raise click.BadParameter(why, param_hint="--since")
    return seconds


def _count(failed: list[FailedDelivery]) -> Counter[tuple[str, str, int]]:
    return Counter((one.event, one.status, one.code) for one in failed)


def _print(failed: list[FailedDelivery], start: float, *, apply: bool) -> None:
    since = terminal.format_time(start)
    if not failed:
        click.echo(f"No delivery has failed since {since}.", err=True)
        return
    click.echo(f"Failed since {since}:")
    for (event, status, code), number in _count(failed).most_common():
        shown = f"{code or 'no status code'}, {to_one_line(status)}"
        click.echo(f"  {number:>6}  {event}: {shown}")
    if not apply:
        click.echo("Nothing was requested: add --apply to do it.")
