"""The step “GitHub”: every wrong way back is one sentence, and nothing is half stored."""

from __future__ import annotations

import html
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.settings.load import load
from tests.setup.conftest import Start
from tests.setup.wizard import Wizard, alert, status
from tests.simulation import Sandbox
from tests.waiting import wait_until

NOT_STORED = "GITHUB_APP_ID"


def test_a_registered_app_is_stored_whole_and_receives_without_a_restart(
    box: Sandbox, wizard: Wizard
) -> None:
    page = wizard.come_back(*wizard.register())
    assert status(page) == "The App tagline-acme is registered. Now install it."
    assert f"{box.url}/apps/tagline-acme/installations/new" in page.text
    settings = load({"DATA_DIR": str(wizard.folder)})
    assert settings.github_app_id == str(box.app_id)
    assert settings.github_private_key == box.private_key.strip()
    assert settings.github_webhook_secrets == (box.hooks.secret,)
    assert settings.github_api_url == box.github_url  # not only for this start
    box.web_install("tagline-acme")
    wait_until(lambda: "GitHub: verified" in wizard.get("/delivery").text)
    for step in ("address", "host", "delivery", "model", "mode"):
        text = wizard.get(f"/{step}").text
        assert box.hooks.secret not in text
        assert "PRIVATE KEY" not in text


def test_a_used_code_is_refused(wizard: Wizard) -> None:
    code, state = wizard.register()
    wizard.come_back(code, state)
    before = wizard.stored
    assert "No registration of an App waits for this answer" in alert(wizard.come_back(code, state))
    _, state = wizard.register("")
    assert "used already, or is older than an hour" in alert(wizard.come_back(code, state))
    assert wizard.stored == before


@pytest.mark.parametrize("code", ["", "0" * 40, "../app", "x" * 300, "a b", "é"])
def test_a_forged_code_is_refused(wizard: Wizard, code: str) -> None:
    _, state = wizard.register()
    assert "GitHub does not know this code" in alert(wizard.come_back(code, state))
    assert NOT_STORED not in wizard.stored


@pytest.mark.parametrize("state", ["", "x", "é", "0" * 32])
def test_a_forged_state_is_refused(wizard: Wizard, state: str) -> None:
    code, own = wizard.register()
    assert "belongs to another page or to an older try" in alert(wizard.come_back(code, state))
    assert NOT_STORED not in wizard.stored
    assert status(wizard.come_back(code, own))


def test_of_two_tabs_the_newer_one_is_used(wizard: Wizard) -> None:
    older, newer = wizard.register(), wizard.register("")
    assert "another tab" in alert(wizard.come_back(*older))
    assert NOT_STORED not in wizard.stored
    assert status(wizard.come_back(*newer))


def test_after_an_hour_the_answer_is_refused(
    wizard: Wizard, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = wizard.register()
    github = wizard.offer._setup._github
    monkeypatch.setattr(github, "_clock", lambda: time.time() + 3600)
    assert "valid for an hour" in alert(wizard.come_back(*answer))
    assert NOT_STORED not in wizard.stored


def test_a_passing_failure_of_github_does_not_lose_the_code(box: Sandbox, wizard: Wizard) -> None:
    answer = wizard.register()
    box.fault("forge-502")
    assert status(wizard.come_back(*answer))


def test_an_organisation_that_does_not_let_you_is_explained(box: Sandbox, wizard: Wizard) -> None:
    bridge = wizard.post("github", owner="octo")
    assert f"{box.url}/organizations/octo/settings/apps/new" in bridge.text
    assert "you may not create Apps for octo" in bridge.text
    assert "asked to create an App for octo" in wizard.get("/host").text


def test_a_name_that_is_taken_is_changed_on_githubs_page(wizard: Wizard) -> None:
    answer = wizard.register(name="Tagline", confirmed="Tagline of Acme")
    assert "The App tagline-of-acme is registered" in status(wizard.come_back(*answer))


def test_a_long_organisation_gives_a_name_that_github_takes(wizard: Wizard) -> None:
    page = wizard.post("github", owner="a" * 39)
    assert not alert(page)
    assert f"&#34;name&#34;: &#34;tagline-{'a' * 26}&#34;" in page.text


@pytest.mark.parametrize("owner", ["a/b", "-a", "a" * 40, "é", "a b", "<b>"])
def test_a_name_that_no_organisation_has_is_refused(wizard: Wizard, owner: str) -> None:
    assert "is not a name on GitHub" in alert(wizard.post("github", owner=owner))


def test_a_long_name_is_refused(wizard: Wizard) -> None:
    page = wizard.post("github", owner="acme", name="x" * 35)
    assert "at most 34 characters" in alert(page)


def test_github_on_the_internet_cannot_reach_a_local_address(start: Start) -> None:
    wizard = start(GITHUB_API_URL="https://api.github.com")
    wizard.set_address()
    assert "GitHub cannot reach" in alert(wizard.post("github", owner="acme"))


@pytest.mark.parametrize(
    ("api", "page"),
    [
        ("https://github.example/api/v3", "https://github.example/settings/apps/new?state="),
        ("https://api.acme.ghe.com", "https://acme.ghe.com/settings/apps/new?state="),
        ("https://api.github.com", "https://github.com/settings/apps/new?state="),
    ],
)
def test_each_kind_of_github_has_its_page(start: Start, api: str, page: str) -> None:
    wizard = start(GITHUB_API_URL=api, PUBLIC_URL="https://bot.example.com")
    answer = wizard.post("github", owner="")
    assert page in answer.text
    origin = page.partition("/settings")[0]
    assert f"form-action 'self' {origin};" in answer.headers["content-security-policy"]


def test_an_app_of_the_environment_is_not_replaced(box: Sandbox, start: Start) -> None:
    github = {k: v for k, v in box.environment().items() if k.startswith("GITHUB")}
    wizard = start(**github, PUBLIC_URL="http://127.0.0.1:1")
    assert "GITHUB_APP_ID is set in the environment" in alert(wizard.post("github", owner=""))


def test_before_github_creates_anything_the_data_dir_is_tried(start: Start) -> None:
    wizard = start(Path("/proc/tagline"), PUBLIC_URL="https://bot.example.com")
    page = wizard.post("github", owner="acme")
    assert "DATA_DIR (/proc/tagline) cannot be written" in alert(page)


def test_without_webhooks_the_app_has_none(box: Sandbox, start: Start) -> None:
    wizard = start()
    assert wizard.post("address", url="", how="poll").url.path == "/setup/host"
    assert status(wizard.come_back(*wizard.register()))
    assert box.registrations.apps["tagline-acme"].webhook_url is None
    assert wizard.get("").url.path == "/setup/model"
    assert 'TAGLINE_POLL_SECONDS="60"' in wizard.stored


def test_settings_that_are_shown_once_are_in_force_and_not_stored(
    box: Sandbox, start: Start
) -> None:
    wizard = start()
    page = wizard.post("address", url=wizard.url, how="check", once="1")
    assert "PUBLIC_URL=" in page.text
    page = wizard.come_back(*wizard.register())
    assert f"GITHUB_WEBHOOK_SECRET=&#34;{box.hooks.secret}&#34;" in page.text
    assert "PUBLIC_URL=" not in page.text
    assert box.hooks.secret not in wizard.get("/delivery").text
    assert wizard.stored == ""
    (block,) = re.findall(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.DOTALL)
    env_file = wizard.folder / ".env"
    env_file.write_text(html.unescape(block))
    as_docker = dict(line.split("=", 1) for line in html.unescape(block).splitlines())
    for settings in (load({}, env_file), load(as_docker)):
        assert settings.github_private_key == box.private_key.strip()
        assert settings.github_webhook_secrets == (box.hooks.secret,)
    box.web_install("tagline-acme")
    wait_until(lambda: "GitHub: verified" in wizard.get("/delivery").text)
    page = wizard.post("mode", mode="dry-run")
    assert "TAGLINE_MODE=&#34;dry-run&#34;" in page.text
    assert "/setup/static" not in page.text  # setup has closed
    assert wizard.stored == ""


def test_the_webhook_of_an_app_follows_a_new_address(box: Sandbox, wizard: Wizard) -> None:
    wizard.come_back(*wizard.register())
    moved = wizard.url.replace("127.0.0.1", "localhost")
    page = wizard.post("address", url=moved, how="check")
    assert status(page).endswith("leads to this server. The App's webhook leads there now.")
    assert box.webhook_url == f"{moved}/webhooks/github"


def test_an_address_is_kept_where_github_does_not_move_the_webhook(
    box: Sandbox, wizard: Wizard
) -> None:
    wizard.come_back(*wizard.register())
    moved = wizard.url.replace("127.0.0.1", "localhost")
    box.fault("forge-502", times=None)
    assert "set its URL in the App's settings" in status(
        wizard.post("address", url=moved, how="check")
    )
    assert f'PUBLIC_URL="{moved}"' in wizard.stored


def test_an_interrupted_setup_goes_on_where_it_was(start: Start) -> None:
    first = start()
    first.set_address()
    first.come_back(*first.register())
    again = start()
    assert again.get("").url.path == "/setup/delivery"
    link = f"{again.box.url}/apps/tagline-acme/installations/new"
    wait_until(lambda: link in again.get("/delivery").text)
    assert "GitHub App tagline-acme" in again.get("/host").text
    assert not again.offer.may_work  # nobody has chosen a mode yet
    again.post("mode", mode="dry-run")
    assert start().offer.may_work


def test_an_app_without_a_secret_is_not_enough_for_webhooks(start: Start) -> None:
    wizard = start()
    wizard.post("address", url="", how="poll")
    wizard.come_back(*wizard.register())
    wizard.set_address()
    assert wizard.get("").url.path == "/setup/host"


def test_an_app_that_github_gave_no_secret_is_not_stored(box: Sandbox, wizard: Wizard) -> None:
    code, state = wizard.register()
    conversion = box.registrations.conversions[code]
    app = replace(conversion.app, webhook_secret=None)
    box.registrations.conversions[code] = replace(conversion, app=app)
    assert "without a webhook secret" in alert(wizard.come_back(code, state))
    assert NOT_STORED not in wizard.stored
