"""Register a GitHub App from a manifest.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from bot.core.errors import NotFound
from bot.core.setup import SetupProblem
from bot.forges.github.checks import EVENTS, NEEDED, WEBHOOK_PATH
from bot.forges.github.client import Credential, GitHubClient
from bot.forges.values import require_id, require_object, text

ACCOUNT = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}")
CODE = re.compile(r"[A-Za-z0-9_-]{1,255}")
HOMEPAGE = "https://github.com/"  # of an App without an address of its own, as in app.yaml
MAX_NAME = 34  # characters
ABOUT = "Posts one short summary comment and the right labels on every new issue."
USED = (
    "GitHub does not know this code: it was used already, or is older than an hour. Nothing was"
    " stored: register the App again, under another name or after deleting the first one on GitHub."
)


@dataclass(frozen=True, slots=True)
class RegisteredApp:
    """An App; `url` is its public page."""

    app_id: str
    slug: str
    owner: str
    url: str


@dataclass(frozen=True, slots=True)
class NewApp:
    """An App with the secrets that GitHub gives away once."""

    app: RegisteredApp
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)


def find_web_url(api_url: str) -> str:
    """Return the address of GitHub's pages, given that of its API."""
    parts = urlsplit(api_url)
    host = parts.netloc
    if host == "api.github.com" or host.endswith(".ghe.com"):
        host = host.removeprefix("api.")
    return f"{parts.scheme}://{host}"


def read_account(text: str) -> str:
    """Return an organisation's name, "" for none. Raises `SetupProblem`."""
    name = text.strip().removeprefix("@")
    if name and not ACCOUNT.fullmatch(name):
        raise SetupProblem(
            "The organisation is not a name on GitHub: write it as in github.com/NAME, or nothing"
            " for your own account."
        )
    return name


def propose_name(owner: str) -> str:
    """Return a name for the App of an organisation, or of a user for ""."""
    return f"tagline-{owner or secrets.token_hex(3)}"[:MAX_NAME].rstrip("-")


def build_manifest(name: str, public_url: str, setup_url: str) -> str:
    """Return the manifest as JSON; without a webhook where `public_url` is "".

    The browser returns below `setup_url`.
    """
    manifest = {
        "name": name,
        "url": public_url or HOMEPAGE,
        "description": ABOUT,
        "public": False,
        "redirect_url": f"{setup_url}/github/created",
        "setup_url": f"{setup_url}/github/installed",
        "default_permissions": NEEDED,
    }
    if public_url:
        manifest["hook_attributes"] = {"url": f"{public_url}{WEBHOOK_PATH}", "active": True}
        manifest["default_events"] = EVENTS
    return json.dumps(manifest)


def registration_url(api_url: str, owner: str) -> str:
    """Return the page that registers an App for an organisation, "" for the user's own."""
    account = f"/organizations/{quote(owner, safe='')}" if owner else ""
    return f"{find_web_url(api_url)}{account}/settings/apps/new"


def prefilled_url(api_url: str, owner: str, name: str, public_url: str) -> str:
    """Return the same page with its form filled in; it cannot hold the webhook's secret.

    https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-using-url-parameters
    """
    fields = [
        ("name", name),
        ("url", public_url),
        ("description", ABOUT),
        ("public", "false"),
        ("webhook_active", "true"),
        ("webhook_url", f"{public_url}{WEBHOOK_PATH}"),
        *NEEDED.items(),
        *(("events[]", event) for event in EVENTS),
    ]
    return f"{registration_url(api_url, owner)}?{urlencode(fields)}"


def convert(rest: GitHubClient, code: str, *, has_webhook: bool) -> NewApp:
    """Exchange a code for the new App. Raises `SetupProblem`, and the errors of GitHub."""
    if not CODE.fullmatch(code):
        raise SetupProblem(USED)
    try:
        data = rest.call("POST", "/app-manifests/{code}/conversions", {"code": code}, Credential())
    except NotFound:
        raise SetupProblem(USED) from None
    new = require_object("GitHub", data, "pem")
    app, secret = _read_app(new), text(new.get("webhook_secret"))
    if has_webhook and not secret:
        raise SetupProblem(
            "GitHub registered the App without a webhook secret, so nothing was stored: delete"
            f" the App {app.slug} there and register it again."
        )
    return NewApp(app, text(new["pem"]), secret)


def read_app(rest: GitHubClient, app: Credential) -> RegisteredApp:
    """Return the App of a credential. Raises the errors of GitHub."""
    return _read_app(require_object("GitHub", rest.call("GET", "/app", {}, app)))


def _read_app(app: Mapping[str, Any]) -> RegisteredApp:
    return RegisteredApp(
        app_id=str(require_id("GitHub", app)),
        slug=text(app.get("slug")),
        owner=text((app.get("owner") or {}).get("login")),
        url=text(app.get("html_url")),
    )


def move_webhook(rest: GitHubClient, app: Credential, public_url: str) -> None:
    """Set the URL of the App's webhook. Raises the errors of GitHub."""
    data = {"url": f"{public_url}{WEBHOOK_PATH}", "content_type": "json", "insecure_ssl": "0"}
    rest.call("PATCH", "/app/hook/config", {}, app, data=data)
