"""`tagline setup`: connects GitHub or GitLab and chooses a model, in a browser or as text."""

from __future__ import annotations

import secrets

import click

from bot.cli import bootstrap
from bot.cli.options import github_org_option
from bot.cli.signals import StopSignal
from bot.settings.load import Settings

ADDRESS = "https://your.host"


@click.command()
@github_org_option
@click.option("--no-browser", is_flag=True, help="Print the steps instead of opening a page.")
def setup(organisation: str, no_browser: bool) -> None:
    """Connect GitHub or GitLab and choose a model, on a page in the browser.

    Runs Tagline as `tagline run`, with the page at /setup, and stores what the page obtains in
    DATA_DIR. Each step can be repeated. With --no-browser it prints what to do and set instead.
    """
    from bot.cli.run import run_parts
    from bot.embedded.valkey import ServerUnavailable

    stop = StopSignal()
    settings = bootstrap.load_setup_settings()
    if no_browser:
        click.echo("\n".join(_list_steps(settings, organisation)))
        return
    try:
        run_parts(settings, stop, has_setup=True, owner=organisation, opens_browser=True)
    except ServerUnavailable:
        if not _show_running(settings):
            raise


def _show_running(settings: Settings) -> bool:
    """Print the link of the setup page that another process shows; return whether there is one."""
    from bot.setup.offer import LINK_FILE

    path = settings.data_dir / LINK_FILE
    if not path.is_file():
        return False
    click.echo(f"A setup page is open already:\n\n    {path.read_text().strip()}", err=True)
    return True


def _list_steps(settings: Settings, owner: str) -> list[str]:
    """Return the steps of the page as text, for a person without a browser on this machine."""
    from bot.forges.github.manifest import prefilled_url, propose_name

    address = settings.public_url or ADDRESS
    secret = secrets.token_hex(20)
    name = propose_name(owner)
    app_url = prefilled_url(settings.github_api_url, owner, name, address)
    hook = f"tagline gitlab add-hook GROUP/PROJECT --url {address}/webhooks/gitlab --apply"
    return [
        f"1. Address: make {address} lead to port {settings.port} of this server, and set",
        f"     PUBLIC_URL={address}",
        "   Without a public address set TAGLINE_POLL_SECONDS=60 instead.",
        "2. GitHub: open this page anywhere, enter the webhook secret below, and create the App:",
        f"     {app_url}",
        "   On the App's page generate a private key, choose Install App, and set",
        "     GITHUB_APP_ID=the App ID on that page",
        "     GITHUB_PRIVATE_KEY_FILE=the path of the .pem file",
        f"     GITHUB_WEBHOOK_SECRET={secret}",
        "   If GitHub says that the page does not exist, you may not create Apps there.",
        "   GitLab: set GITLAB_URL and GITLAB_TOKEN (scope api, role Maintainer), and call",
        f"     {hook}",
        "3. Model: set LLM_PROVIDER=openai and OPENAI_API_KEY, or LLM_PROVIDER=none.",
        "4. Mode: set TAGLINE_MODE=apply, suggest or dry-run.",
        "5. Check and start:",
        "     tagline check",
        "     tagline run",
        "Settings are variables of the environment or lines of .env. The page does all of this by"
        " itself: tagline setup",
    ]
