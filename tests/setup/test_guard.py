"""The setup page answers only the person with the link, and only to its own forms."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.setup.conftest import Start
from tests.setup.wizard import Wizard, alert
from tests.simulation import Sandbox

PAGES = ("", "/address", "/host", "/delivery", "/model", "/mode", "/seen/host", "/github/created")
FORMS = ("address", "github", "gitlab", "model", "mode")
SCRIPT = "<script>alert(1)</script>"


def form_token(wizard: Wizard) -> str:
    found: list[str] = re.findall(r'name="form_token" value="(\w+)"', wizard.get("/address").text)
    return found[0]


@pytest.mark.parametrize("path", PAGES)
def test_without_the_cookie_no_page_is_shown(wizard: Wizard, path: str) -> None:
    for cookies in ({}, {"tagline_setup": "x"}, {"tagline_setup": "a.9999999999.0"}):
        answer = httpx.get(f"{wizard.url}/setup{path}", cookies=cookies, trust_env=False)
        assert answer.status_code == 403
        assert "link" in answer.text
        assert "form_token" not in answer.text


@pytest.mark.parametrize("form", FORMS)
def test_a_form_needs_cookie_token_and_its_own_origin(wizard: Wizard, form: str) -> None:
    token, before = form_token(wizard), wizard.stored
    good = {"origin": wizard.url}

    def post(data: dict[str, str], headers: dict[str, str]) -> int:
        return wizard.web.post(f"/setup/{form}", data=data, headers=headers).status_code

    assert post({}, good) == 403
    assert post({"form_token": "x"}, good) == 403
    assert post({"form_token": token}, {}) == 403
    for origin in (
        "null",
        "https://evil.example",
        f"{wizard.url}.evil.example",
        "http://127.0.0.1",
    ):
        assert post({"form_token": token}, {"origin": origin}) == 403
    answer = httpx.post(
        f"{wizard.url}/setup/{form}", data={"form_token": token}, headers=good, trust_env=False
    )
    assert answer.status_code == 403
    assert wizard.stored == before


def test_a_proxy_may_name_the_host_in_its_own_header(wizard: Wizard) -> None:
    def post(**headers: str) -> httpx.Response:
        return wizard.web.post(
            "/setup/mode",
            data={"form_token": form_token(wizard)},
            headers={"origin": "https://bot.example.com", **headers},
        )

    refused = post()
    assert refused.status_code == 403
    assert "proxy_set_header Host" in refused.text
    assert post(**{"x-forwarded-host": "bot.example.com"}).status_code == 303


def test_a_used_link_is_of_no_use_and_the_file_has_the_next_one(start: Start) -> None:
    wizard = start()
    link = wizard.offer.link_file.read_text().strip()
    assert wizard.offer.link_file.stat().st_mode & 0o777 == 0o600
    assert link == wizard.offer.link
    wizard.web.cookies.clear()
    wizard.open()
    wizard.web.cookies.clear()
    assert wizard.web.get(link.replace(wizard.url, "")).status_code == 403


def test_the_cookie_is_for_this_page_and_for_no_script(start: Start) -> None:
    wizard = start()
    answer = httpx.get(wizard.offer.link, trust_env=False)
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "path=/setup", "samesite=lax"} <= {x.strip() for x in cookie.split(";")}
    assert "secure" not in cookie
    headers = {"x-forwarded-proto": "https"}
    answer = httpx.get(wizard.offer.link, headers=headers, trust_env=False)
    assert "; secure" in answer.headers["set-cookie"].lower()


def test_every_answer_has_the_strict_headers(wizard: Wizard) -> None:
    for path in (*PAGES, "/nothing", "/static/setup.js"):
        headers = wizard.web.get(f"/setup{path}").headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/base",
        "/locked",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/",
    ],
)
def test_no_other_path_is_a_page(wizard: Wizard, path: str) -> None:
    assert wizard.web.get(f"/setup{path}").status_code in (403, 404)


def test_what_a_person_types_is_escaped(wizard: Wizard) -> None:
    page = wizard.post("github", owner=f'"{SCRIPT}', name=SCRIPT)
    assert alert(page)
    for step in ("gitlab", "model", "address"):
        page = wizard.post(step, url=SCRIPT, project=SCRIPT, model=SCRIPT, provider=SCRIPT)
        assert alert(page)
        assert SCRIPT not in page.text


def test_a_large_form_is_refused(wizard: Wizard) -> None:
    answer = wizard.web.post(
        "/setup/model", data={"key": "x" * 70_000}, headers={"origin": wizard.url}
    )
    assert answer.status_code == 413


def test_a_form_over_plain_http_from_the_internet_is_not_read(wizard: Wizard) -> None:
    answer = wizard.web.post(
        "/setup/model",
        data={"form_token": form_token(wizard), "provider": "openai", "key": "sk-0123456789abcdef"},
        headers={"origin": "http://bot.example.com", "host": "bot.example.com"},
        follow_redirects=False,
    )
    assert answer.status_code == 303
    assert "This page is not encrypted" in alert(wizard.get("/model"))
    assert "OPENAI" not in wizard.stored


def test_a_server_that_is_not_set_up_is_not_ready(box: Sandbox, wizard: Wizard) -> None:
    ready = wizard.web.get("/readyz")
    assert (ready.status_code, ready.text) == (503, "not set up yet\n")
    home = wizard.web.get("/").text
    assert "not set up yet" in home
    assert 'href="/setup"' in home
    wizard.come_back(*wizard.register())
    assert wizard.web.get("/readyz").status_code == 200


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_before_a_forge_is_connected_its_webhooks_are_not_found(start: Start, forge: str) -> None:
    assert start().web.post(f"/webhooks/{forge}", content=b"{}").status_code == 404
