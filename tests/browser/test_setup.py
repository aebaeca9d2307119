"""From an empty folder to the first comment: `tagline setup` and a browser."""

from __future__ import annotations

import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import IN_BROWSER, Watched, watch
from tests.browser.setup_person import Installation, Person, installing
from tests.simulation import Sandbox
from tests.waiting import wait_until

api = pytest.importorskip("playwright.sync_api", reason="playwright is missing: make browser")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="make browser")
pytestmark = IN_BROWSER

MOST_ACTIONS, MOST_SECONDS = 8, 60.0
REPO, PROJECT = "acme/widget", "acme/gadget"
TITLE = "Login button does nothing"
BODY = "The login button does nothing in Firefox 131 after the upgrade to 4.2. It worked before."


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox().running() as box:
        yield box


@pytest.fixture
def tagline(box: Sandbox, tmp_path: Path) -> Iterator[Installation]:
    with installing(box, tmp_path) as installation:
        yield installation


@pytest.fixture
def person(chromium: Any, tagline: Installation, seen: Watched) -> Iterator[Person]:
    context = chromium.new_context(viewport={"width": 1000, "height": 800})
    yield Person(watch(context, seen), tagline.url)
    context.close()


def connect_github(person: Person) -> None:
    person.click("Check and continue")
    person.wait_for("host")
    person.fill("Organisation", "acme")
    person.click("Create the App on GitHub")
    person.click("Create GitHub App for acme")
    person.wait_for("delivery")
    person.click("Install the App on GitHub")
    person.click("Install")
    person.page.wait_for_url(f"{person.own}/setup/*")
    if person.page.url.endswith("delivery"):
        api.expect(person.page.locator(".events .good")).to_be_visible()
        person.click("Continue")
    person.wait_for("model")


def choose_model_and_start(person: Person, key: str) -> None:
    person.wait_for("model")
    person.fill("Key", key)
    person.click("Test and continue")
    person.wait_for("mode")
    api.expect(person.page.get_by_role("status")).to_contain_text("1,000 issues cost about $0.14")
    person.click("Start Tagline")
    person.page.wait_for_url(f"{person.own}/")
    api.expect(person.page.get_by_role("status")).to_contain_text("Running")


def check_stored(tagline: Installation, box: Sandbox, *secrets: str) -> None:
    """The secrets are in one file of the owner, in no log, and the page is closed."""
    stored = tagline.folder / "data" / "settings.env"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    token = tagline.link.partition("token=")[2]
    log = "\n".join(line for line in tagline.output.splitlines() if line.startswith("{"))
    for secret in secrets:
        assert secret in stored.read_text().replace("\\n", "\n")
        assert secret not in tagline.output
    assert token not in log
    assert sorted(path.name for path in tagline.folder.iterdir()) == ["data", "output"]


def test_github_from_an_empty_folder_to_the_first_comment(
    box: Sandbox, tagline: Installation, person: Person
) -> None:
    started = time.monotonic()
    person.page.goto(tagline.link)
    connect_github(person)
    choose_model_and_start(person, box.model_key)
    number = box.open_issue(REPO, TITLE, BODY)
    wait_until(lambda: len(box.bot_comments(REPO, number)) == 1, MOST_SECONDS)
    assert time.monotonic() - started < MOST_SECONDS
    assert len(person.actions) <= MOST_ACTIONS, person.actions
    assert "bug" in box.labels(REPO, number)
    check_stored(tagline, box, box.hooks.secret, box.private_key.strip(), box.model_key)
    assert person.page.request.get(f"{tagline.url}/setup").status == 404
    assert person.page.request.get(f"{tagline.url}/setup/host").status == 404


def test_gitlab_from_an_empty_folder_to_the_first_comment(
    box: Sandbox, tagline: Installation, person: Person
) -> None:
    box.gitlab.open_issue(PROJECT, "An older issue", "GitLab tests only projects with issues.")
    started = time.monotonic()
    person.page.goto(tagline.link)
    person.click("Check and continue")
    person.wait_for("host")
    person.fill("Address of GitLab", box.gitlab_url)
    person.fill("Project", PROJECT)
    person.fill("Access token", box.gitlab.maintainer_token)
    person.click("Connect GitLab")
    choose_model_and_start(person, box.model_key)
    number = box.gitlab.open_issue(PROJECT, TITLE, BODY)
    wait_until(lambda: bool(box.gitlab.labels(PROJECT, number)), MOST_SECONDS)
    wait_until(lambda: bool(box.gitlab.show(PROJECT, number)["comments"]), MOST_SECONDS)
    assert time.monotonic() - started < MOST_SECONDS
    assert len(person.actions) <= MOST_ACTIONS, person.actions
    check_stored(tagline, box, box.gitlab.maintainer_token, box.model_key)


def test_no_page_has_a_finding_of_axe_and_none_is_wider_than_360_pixels(
    box: Sandbox, tagline: Installation, person: Person
) -> None:
    page = person.page
    page.goto(tagline.link)
    inspect(page)
    page.fill("#url", "http://bot.example.com")
    person.click("Check and continue")
    api.expect(page.get_by_role("alert")).to_contain_text("not encrypted")
    inspect(page)
    page.fill("#url", tagline.url)
    person.click("Check and continue")
    for summary in page.locator("summary").all():
        summary.click()
    inspect(page)
    person.fill("Organisation", "acme")
    person.click("Create the App on GitHub")
    person.click("Create GitHub App for acme")
    inspect(page)
    page.goto(f"{tagline.url}/setup/model")
    inspect(page)
    page.goto(f"{tagline.url}/setup/mode")
    inspect(page)
    page.goto(f"{tagline.url}/")
    inspect(page)


def test_pages_that_are_seen_once_or_in_passing_have_no_finding_either(
    box: Sandbox, tagline: Installation, person: Person, chromium: Any
) -> None:
    page = person.page
    page.goto(tagline.link)
    inspect_locked(chromium, tagline)
    page.locator("summary").click()
    page.get_by_label("Store nothing").check()
    person.click("Check and continue")
    api.expect(page.locator("#block")).to_have_value(re.compile("PUBLIC_URL="))
    inspect(page)
    person.click("I have copied them")
    person.wait_for("host")

    page.route("**/setup.js", lambda route: route.fulfill(body=""))  # so that the bridge stays
    person.click("Create the App on GitHub")
    api.expect(page.get_by_role("button", name="Go to GitHub")).to_be_visible()
    inspect(page)
    page.goto(f"{tagline.url}/setup/host")
    api.expect(page.locator(".status.wait")).to_contain_text("GitHub was asked to create an App")
    inspect(page)
    page.unroute("**/setup.js")

    connect_as_reporter(box, person)
    inspect(page)
    person.click("Continue")
    person.wait_for("delivery")
    api.expect(page.locator(".events")).to_contain_text("GitLab: waiting")
    inspect(page)
    box.gitlab.webhook_url = f"{tagline.url}/webhooks/gitlab"
    box.gitlab.open_issue(PROJECT, "Login" + "in" * 60, "Its webhook has another secret.")
    api.expect(page.locator(".events .bad")).to_contain_text("wrong signature")
    inspect(page)

    page.goto(f"{tagline.url}/setup/mode")
    page.get_by_label("Repository").fill(f"gitlab:{PROJECT}")
    person.click("Preview ten issues")
    api.expect(page.locator(".events li")).to_contain_text("#1 Login")
    inspect(page)


def inspect_locked(chromium: Any, tagline: Installation) -> None:
    """Inspect what another browser sees: the link works once, and one without a token never."""
    context, seen = chromium.new_context(viewport={"width": 1000, "height": 800}), Watched()
    page = watch(context, seen)
    for link in (tagline.link, f"{tagline.url}/setup?token=guessed", f"{tagline.url}/setup"):
        assert page.goto(link).status == 403
        api.expect(page.locator("main")).to_contain_text("A link works once")
        inspect(page)
    context.close()
    assert seen.outside == []
    assert all("403" in error for error in seen.errors)  # the status of the page itself


def connect_as_reporter(box: Sandbox, person: Person) -> None:
    """Connect GitLab with a token that may not create the webhook."""
    person.fill("Address of GitLab", box.gitlab_url)
    person.fill("Project", PROJECT)
    person.fill("Access token", box.gitlab.token)
    person.click("Connect GitLab")
    api.expect(person.page.locator("#block")).to_have_value(re.compile("GITLAB_TOKEN="))
    person.click("I have copied them")
    api.expect(person.page.locator("#manual-title")).to_be_visible()
    assert "whsec_" in person.page.inner_text("main")


def inspect(page: Any) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = axe.Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    page.set_viewport_size({"width": 360, "height": 740})
    width = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size({"width": 1000, "height": 800})
    assert width <= 360, page.url


def test_without_script_and_by_keyboard_an_app_is_registered(
    box: Sandbox, tagline: Installation, chromium: Any, seen: Watched
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = watch(context, seen)
    page.goto(tagline.link)
    page.get_by_label("Public address").press("Enter")
    page.wait_for_url(f"{tagline.url}/setup/host")
    page.get_by_label("Organisation").fill("acme")
    page.get_by_label("Organisation").press("Enter")
    page.get_by_role("button", name="Go to GitHub").press("Enter")
    page.get_by_role("button", name="Create GitHub App for acme").press("Enter")
    page.wait_for_url(f"{tagline.url}/setup/delivery")
    assert "tagline-acme" in page.inner_text("[role=status]")
    context.close()
