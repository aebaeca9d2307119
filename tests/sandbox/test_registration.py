"""GitHub's manifest flow: an App is registered, converted once, installed; then it is the App."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.outside.conformance import Conformance
from tests.shared import require, shared_folder
from tests.simulation import Sandbox

from .conftest import REPO, Receiver, app_token, create_token

BACK = "http://127.0.0.1:8000/setup/github/created"
MANIFEST: dict[str, Any] = {
    "name": "tagline-acme",
    "url": "https://example.com/about",
    "redirect_url": BACK,
    "setup_url": "http://127.0.0.1:8000/setup/installed",
    "hook_attributes": {"url": "https://example.com/webhooks/github", "active": True},
    "public": False,
    "default_permissions": {"issues": "write", "metadata": "read", "contents": "read"},
    "default_events": ["issues"],
}


@pytest.fixture
def web(box: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=box.url, trust_env=False) as web:
        yield web


def draft(web: httpx.Client, manifest: object = MANIFEST, org: str = "acme") -> httpx.Response:
    path = f"/organizations/{org}/settings/apps/new" if org else "/settings/apps/new"
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    return web.post(f"{path}?state=s-1", data={"manifest": text})


def confirm(web: httpx.Client, shown: httpx.Response, name: str = "") -> httpx.Response:
    (key,) = re.findall(r"name='draft' value='([^']+)'", shown.text)
    (proposed,) = re.findall(r"name='name' value='([^']*)'", shown.text)
    return web.post("/settings/apps", data={"draft": key, "name": name or proposed})


def get_code(answer: httpx.Response) -> str:
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{BACK}?")
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["state"] == ["s-1"]
    return query["code"][0]


def convert(box: Sandbox, code: str) -> httpx.Response:
    headers = {"user-agent": "tests"}
    return httpx.post(
        f"{box.github_url}/app-manifests/{code}/conversions", headers=headers, trust_env=False
    )


def test_a_code_is_converted_once(box: Sandbox, web: httpx.Client) -> None:
    code = get_code(confirm(web, draft(web)))
    answer = convert(box, code)
    assert answer.status_code == 201
    app = answer.json()
    assert (app["slug"], app["owner"]["login"]) == ("tagline-acme", "acme")
    assert app["html_url"] == f"{box.url}/apps/tagline-acme"
    assert app["permissions"] == MANIFEST["default_permissions"]
    assert convert(box, code).status_code == 404
    assert convert(box, "0" * 40).status_code == 404


def test_a_code_expires_after_an_hour() -> None:
    at = datetime.now(UTC)
    with Sandbox(clock=lambda: at).running() as box, httpx.Client(base_url=box.url) as web:
        code = get_code(confirm(web, draft(web)))
        at += timedelta(hours=1)
        assert convert(box, code).status_code == 404


def test_a_conversion_has_the_form_of_githubs_description(box: Sandbox, web: httpx.Client) -> None:
    path = shared_folder() / "contracts" / "github" / "openapi" / "api.github.com.trimmed.json"
    convert(box, get_code(confirm(web, draft(web, MANIFEST, ""))))
    for url, status in (("https://moved.example/webhooks/github", 200), ("nowhere", 422)):
        answer = httpx.patch(
            f"{box.github_url}/app/hook/config",
            json={"url": url, "content_type": "json", "insecure_ssl": "0"},
            headers={"authorization": f"Bearer {app_token(box)}"},
            trust_env=False,
        )
        assert answer.status_code == status
    assert box.webhook_url == "https://moved.example/webhooks/github"
    conformance = Conformance.read(require(path))
    for exchange in box.exchanges:
        conformance.check(exchange)
    assert [one.status for one in box.exchanges] == [201, 200, 422]
    assert conformance.violations == []


def test_a_taken_name_and_a_foreign_organisation_register_nothing(
    box: Sandbox, web: httpx.Client
) -> None:
    shown = draft(web)
    refused = confirm(web, shown, "Tagline")
    assert "Name has already been taken" in refused.text
    confirm(web, refused, "Tagline of Acme")
    assert "already been taken" in confirm(web, draft(web), "tagline OF acme").text
    assert draft(web, org="octo").status_code == 404
    assert list(box.registrations.apps) == ["tagline-of-acme"]


@pytest.mark.parametrize(
    "change",
    [
        {"url": None},
        {"redirect_url": "nowhere"},
        {"hook_attributes": {}},
        {"permissions": {}},
        {"default_permissions": {"issues": "writes"}},
        {"default_permissions": {"metadata": "read"}},
        {"default_permissions": {"everything": "write"}},
        {"callback_urls": ["https://example.com"] * 11},
    ],
    ids=str,
)
def test_a_manifest_that_github_does_not_take_is_refused(
    web: httpx.Client, change: dict[str, Any]
) -> None:
    assert draft(web, {**MANIFEST, **change}).status_code == 422


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_manifest_must_be_a_json_object(web: httpx.Client, text: str) -> None:
    assert draft(web, text).status_code == 422


def test_the_new_app_signs_deliveries_and_its_key_opens_the_api(
    box: Sandbox, web: httpx.Client, receiver: Receiver
) -> None:
    old = (box.app_id, box.private_key)
    hook = {"url": receiver.url, "active": True}
    app = convert(
        box, get_code(confirm(web, draft(web, {**MANIFEST, "hook_attributes": hook})))
    ).json()
    box.open_issue(REPO, "Before the installation", "")
    answer = web.post("/apps/tagline-acme/installations")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(MANIFEST["setup_url"])
    box.hooks.settle()
    box.open_issue(REPO, "Title", "Body")
    assert [one.headers["x-github-event"] for one in receiver.received] == [
        *("ping", "installation", "issues")
    ]
    for one in receiver.received:
        expected = hmac.new(app["webhook_secret"].encode(), one.body, hashlib.sha256).hexdigest()
        assert one.headers["x-hub-signature-256"] == f"sha256={expected}"
    assert (box.app_id, box.private_key) == (app["id"], app["pem"]) != old
    box.installation_id = json.loads(receiver.received[1].body)["installation"]["id"]
    assert create_token(box).status_code == 201


def test_an_app_without_a_webhook_has_no_secret(box: Sandbox, web: httpx.Client) -> None:
    manifest = {name: value for name, value in MANIFEST.items() if name != "hook_attributes"}
    app = convert(box, get_code(confirm(web, draft(web, manifest)))).json()
    assert app["webhook_secret"] is None
