"""GitHub's pages where a person registers an App from a manifest and installs it.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.core.errors import TaglineError
from bot.sandbox.github import payloads
from bot.sandbox.github.access import RANK, Access, Installation, encode_key, new_key
from bot.sandbox.github.api import Call, GitHub, Row, invalid, success
from bot.sandbox.github.serializers import Json, stamp
from bot.sandbox.state import Missing
from bot.sandbox.webhooks import Webhook

CODE_LIFETIME = timedelta(hours=1)
LONGEST_NAME, MOST_CALLBACKS = 34, 10
RESERVED_NAMES = ("tagline", "github")  # names are unique on all of GitHub
KEYS = frozenset(
    (
        *("name", "url", "hook_attributes", "redirect_url", "callback_urls", "setup_url"),
        *("description", "public", "default_events", "default_permissions"),
        *("request_oauth_on_install", "setup_on_update"),
    )
)
# Event → the permission that it needs.
EVENT_PERMISSIONS = {"issues": "issues", "issue_comment": "issues", "label": "metadata"}
PERMISSIONS = ("issues", "metadata", "contents", "members", "pull_requests", "single_file")
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="icon" href="data:,"></head><body><h1>{title}</h1>{content}</body></html>"""


class InvalidManifest(TaglineError):
    """The text is the problem that GitHub's page shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRegistration:
    """An App that was registered from a manifest. Without a webhook its URL and secret are None."""

    app_id: int
    name: str
    slug: str
    owner: str
    key: rsa.RSAPrivateKey
    webhook_url: str | None
    webhook_secret: str | None
    setup_url: str | None
    permissions: Mapping[str, str]
    events: tuple[str, ...]

    @property
    def bot(self) -> str:
        return f"{self.slug}[bot]"

    @property
    def private_key(self) -> str:
        return encode_key(self.key)


@dataclass(frozen=True, slots=True)
class Draft:
    """A checked manifest that waits until the user confirms its name; `owner` "" is the user."""

    manifest: Mapping[str, Any]
    owner: str
    state: str


@dataclass(frozen=True, slots=True)
class Conversion:
    app: AppRegistration
    until: datetime


@dataclass(slots=True)
class Registrations:
    """`user` visits the pages and owns the organisations in `owned`.

    `on_register` makes an App the one whose webhooks are sent and whose tokens are valid, `on_move`
    changes the webhook's URL.
    """

    github: GitHub
    user: str
    owned: tuple[str, ...]
    on_register: Callable[[AppRegistration], None]
    on_move: Callable[[str], None]
    drafts: dict[str, Draft] = field(default_factory=dict)
    conversions: dict[str, Conversion] = field(default_factory=dict)
    apps: dict[str, AppRegistration] = field(default_factory=dict)
    _ids: count[int] = field(default_factory=lambda: count(800_001))

    def routes(self) -> list[Route]:
        return [
            Route("/settings/apps/new", self.draft, methods=["POST"]),
            Route("/organizations/{org}/settings/apps/new", self.draft, methods=["POST"]),
            Route("/settings/apps", self.register, methods=["POST"]),
            Route("/apps/{slug}/installations/new", self.choose_account, methods=["GET"]),
            Route("/apps/{slug}/installations", self.install, methods=["POST"]),
        ]

    async def draft(self, request: Request) -> Response:
        """Show the page on which the user confirms the App's name."""
        owner = request.path_params.get("org", "")
        if owner and owner not in self.owned:
            return not_found()
        form = await _read_form(request)
        try:
            manifest = check_manifest(form.get("manifest", ""))
        except InvalidManifest as problem:
            content = f"<p>{escape(str(problem))}</p>"
            return page("Invalid GitHub App configuration", content, 422)
        key = secrets.token_urlsafe(16)
        self.drafts[key] = Draft(manifest, owner, request.query_params.get("state", ""))
        return self._confirm(key, str(manifest.get("name", "")))

    def _confirm(self, key: str, name: str, problem: str = "") -> Response:
        owner = escape(self.drafts[key].owner or self.user)
        return page(
            f"Create GitHub App for {owner}",
            f"<p role='alert'>{escape(problem)}</p><form method='post' action='/settings/apps'>"
            f"<input type='hidden' name='draft' value='{key}'>"
            f"<label>GitHub App name <input name='name' value='{escape(name)}'></label>"
            f"<button>Create GitHub App for {owner}</button></form>",
        )

    async def register(self, request: Request) -> Response:
        """Register the App and send the browser back with a code."""
        form = await _read_form(request)
        key, name = form.get("draft", ""), form.get("name", "").strip()
        draft = self.drafts.get(key)
        if draft is None:
            return not_found()
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        if not slug or len(name) > LONGEST_NAME:
            return self._confirm(key, name, f"Name must have 1 to {LONGEST_NAME} characters")
        if slug in self.apps or slug in RESERVED_NAMES:
            return self._confirm(key, name, "Name has already been taken")
        del self.drafts[key]
        app = self._create(draft, name, slug)
        code = secrets.token_hex(20)
        clock = self.github.state.clock
        self.conversions[code] = Conversion(app, clock() + CODE_LIFETIME)
        query = urlencode({"code": code, **({"state": draft.state} if draft.state else {})})
        return RedirectResponse(f"{draft.manifest['redirect_url']}?{query}", 302)

    def _create(self, draft: Draft, name: str, slug: str) -> AppRegistration:
        hook = draft.manifest.get("hook_attributes") or {}
        is_active = bool(hook) and hook.get("active", True) is not False
        app = AppRegistration(
            app_id=next(self._ids),
            name=name,
            slug=slug,
            owner=draft.owner or self.user,
            key=new_key(),
            webhook_url=hook["url"] if is_active else None,
            webhook_secret=secrets.token_hex(20) if is_active else None,
            setup_url=draft.manifest.get("setup_url"),
            permissions={**draft.manifest.get("default_permissions", {}), "metadata": "read"},
            events=tuple(draft.manifest.get("default_events", ())),
        )
        self.apps[slug] = app
        self.on_register(app)
        if is_active:
            body = {"zen": "Design for failure.", "hook_id": payloads.HOOK_ID}
            hook_fields = {"type": "App", "id": payloads.HOOK_ID, "app_id": app.app_id}
            self.github.hooks.deliver_later(Webhook.of("ping", {**body, "hook": hook_fields}))
        return app

    async def choose_account(self, request: Request) -> Response:
        slug = request.path_params["slug"]
        if slug not in self.apps:
            return not_found()
        owner = escape(self.apps[slug].owner)
        return page(
            f"Install {escape(self.apps[slug].name)}",
            f"<form method='post' action='/apps/{slug}/installations'>"
            f"<p>All repositories of {owner}</p><button>Install</button></form>",
        )

    async def install(self, request: Request) -> Response:
        """Install the App on its owner's repositories; it is private, so nowhere else."""
        app = self.apps.get(request.path_params["slug"])
        if app is None:
            return not_found()
        access, installation = self.github.access, Installation(next(self._ids), app.owner)
        access.installations.append(installation)
        serializer = self.github.serializer
        body = {
            "action": "created",
            "installation": {"id": installation.id, "app_id": app.app_id, "app_slug": app.slug},
            "repositories": [],
            "sender": serializer.user(self.user),
        }
        self.github.hooks.deliver_later(Webhook.of("installation", body))
        if not app.setup_url:
            return page("Installed", f"<p>{escape(app.name)} is installed.</p>")
        query = urlencode({"installation_id": installation.id, "setup_action": "install"})
        return RedirectResponse(f"{app.setup_url}?{query}", 302)

    def convert(self, call: Call) -> Response:
        """Return a new App's secrets, once and within an hour. Raises Missing after that."""
        conversion = self.conversions.pop(call.arg("code"), None)
        if conversion is None or conversion.until <= call.state.clock():
            raise Missing("code")
        return success(_serialize(call, conversion.app), 201)

    def change_hook(self, call: Call) -> Response:
        """https://docs.github.com/rest/apps/webhooks#update-a-webhook-configuration-for-an-app"""
        fields = call.json()
        url = fields.get("url") if isinstance(fields, dict) else None
        if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
            return invalid("Hook", "url", "invalid")
        self.on_move(url)
        fixed = {"content_type": "json", "insecure_ssl": "0", "secret": "********"}
        return success({**fixed, "url": url})

    def rows(self) -> list[Row]:
        return [
            Row("POST", "/app-manifests/{code}/conversions", self.convert, "nothing"),
            Row("PATCH", "/app/hook/config", self.change_hook, "jwt"),
        ]


def replace_app(access: Access, app: AppRegistration) -> None:
    """Make this App, which is installed nowhere yet, the only one."""
    access.app_id, access.bot, access.key = app.app_id, app.bot, app.key
    access.granted = dict(app.permissions)
    access.installations.clear()
    access.tokens.clear()


async def _read_form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode(errors="replace")))


def _serialize(call: Call, app: AppRegistration) -> Json:
    serializer, created = call.serializer, stamp(call.state.clock())
    return {
        **serializer.app(app.app_id, app.bot),
        "name": app.name,
        "owner": serializer.organization(app.owner),
        "description": None,
        "external_url": serializer.html,
        "html_url": f"{serializer.html}/apps/{app.slug}",
        "created_at": created,
        "updated_at": created,
        "permissions": dict(app.permissions),
        "events": list(app.events),
        "client_secret": secrets.token_hex(20),
        "webhook_secret": app.webhook_secret,
        "pem": app.private_key,
    }


def check_manifest(text: str) -> dict[str, Any]:
    """Return a manifest. Raises InvalidManifest for one that GitHub would not take."""
    try:
        manifest = json.loads(text)
    except ValueError:
        raise InvalidManifest("Manifest is not valid JSON") from None
    if not isinstance(manifest, dict):
        raise InvalidManifest("Manifest must be an object")
    if unknown := set(manifest) - KEYS:
        raise InvalidManifest(f"Unknown keys: {', '.join(sorted(unknown))}")
    for name, url in _list_urls(manifest):
        parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidManifest(f"{name} must be a URL")
    if len(manifest.get("callback_urls", ())) > MOST_CALLBACKS:
        raise InvalidManifest("callback_urls has too many items")
    _check_permissions(manifest)
    return manifest


def _list_urls(manifest: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    yield "url", manifest.get("url")
    yield "redirect_url", manifest.get("redirect_url")
    if "setup_url" in manifest:
        yield "setup_url", manifest["setup_url"]
    hook = manifest.get("hook_attributes")
    if hook is not None:
        yield "hook_attributes.url", hook.get("url") if isinstance(hook, dict) else None


def _check_permissions(manifest: Mapping[str, Any]) -> None:
    permissions = manifest.get("default_permissions", {})
    for name, level in permissions.items():
        if name not in PERMISSIONS or level not in RANK:
            raise InvalidManifest(f"Default permission {name} is not included in the list")
    for event in manifest.get("default_events", ()):
        if EVENT_PERMISSIONS.get(event) not in (*permissions, "metadata"):
            raise InvalidManifest(f"Default events are not supported by permissions: {event}")


def page(title: str, content: str, status: int = 200) -> Response:
    return HTMLResponse(PAGE.format(title=title, content=content), status)


def not_found() -> Response:
    return page("Page not found", "<p>This is not the web page you are looking for.</p>", 404)
