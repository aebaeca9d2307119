"""The admin page in a browser: no finding of axe, wide and narrow, light and dark."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
from starlette.applications import Starlette

from bot.core import redis_keys
from bot.core.corrections import Correction
from bot.core.day_figures import DAY
from bot.core.jobs import JobRecord
from bot.core.training import TrainingState
from bot.core.types import Choice, IssueRef
from bot.queue.enqueue import encode
from bot.store.metrics import RedisMetrics
from bot.store.redis import RedisStore
from bot.web import pages
from bot.web.admin.app import AdminPages
from bot.web.admin.session import AdminSessions
from bot.wiring_admin import RedisAdmin
from tests.browser.conftest import IN_BROWSER, Watched, watch
from tests.fakes import make_job
from tests.serving import served
from tests.web.admin_page import TOKEN

api = pytest.importorskip("playwright.sync_api", reason="playwright is missing: make browser")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="make browser")
pytestmark = IN_BROWSER

WIDTHS = (1280, 360)
LONG = "area/" + "a-very-long-name-of-a-label" * 4
NAMES = ("acme/widget", "acme/gadget", "an-organisation-with-a-long-name/" + "repository" * 8)


@contextmanager
def serving_admin(redis_url: str) -> Iterator[str]:
    metrics = RedisMetrics(redis.Redis.from_url(redis_url), ["openai gpt-6-luna"])
    actions = RedisAdmin(redis_url, metrics)

    async def ping() -> bool:
        return True

    admin = AdminPages(actions, AdminSessions(lambda: [TOKEN])).routes()
    home = pages.routes(ping, lambda: True, pages.OptionalPages(admin=admin))
    try:
        with served(Starlette(routes=[*home, *admin])) as url:
            yield url
    finally:
        actions.close()
        metrics.close()


def plant(redis_url: str) -> None:
    """Store a month of a busy installation."""
    with redis.Redis.from_url(redis_url) as client:
        store, now = RedisStore(client), time.time()
        refs = [IssueRef("github", "github.com", name, 0, n) for n, name in enumerate(NAMES, 1)]
        store.reconcile_state.save_repositories(refs)
        for day in range(30):
            for n in range((day * 7) % 11):
                store.save_job(make_record(f"d{day}-{n}", now - day * DAY, n, refs[n % 3]))
        for n in range(40):
            verdict: Any = "kept" if n % 5 else "removed"
            at = now - (n % 12) * DAY
            store.corrections.add(refs[n % 3].repo_key, [Correction(n, "bug", verdict, at)])
        store.save_reported_problems(refs[1].repo_key, "0123")
        learned = ("bug", "enhancement", LONG)
        state = TrainingState(1.0, trained_at=now, examples=1321, learned=learned)
        store.training.save_training_state(refs[0].repo_key, state)
        failed = TrainingState(1.0, why="too few issues with labels: 12 of 50")
        store.training.save_training_state(refs[2].repo_key, failed)
        store.call_failed("a server:8080 llama", at_once=True)
        store.call_succeeded("openai gpt-6-luna")
        why = "GitHub refuses the App's key (401): look at GITHUB_APP_ID and GITHUB_PRIVATE_KEY"
        for job in ("dead-1", "dead-2"):
            store.save_job(replace(make_record(job, now, 3, refs[0]), state="dead", why=why))
            client.zadd(redis_keys.DEAD, {job: now * 1000})
            client.hset(redis_keys.DEAD_MESSAGES, job, encode(make_job(), job, now))
        counters = RedisMetrics(client)
        for forge, result in (("github", "queued"), ("github", "ignored"), ("gitlab", "queued")):
            counters.count("deliveries", forge, result)
        counters.count("model_calls", "gpt-6-luna", "ok")
        counters.report_rate("github", 0.72, now + 3600)
        counters.flush()


def make_record(job: str, at: float, n: int, ref: IssueRef) -> JobRecord:
    source: Any = ("model", "model", "classifier", "rules")[n % 4]
    return JobRecord(
        *(job, "done", str(replace(ref, number=n + 1)), 1, "answered"),
        at=at,
        model="gpt-6-luna" if source == "model" else "",
        tokens_in=1200 + n,
        tokens_out=80,
        cost_usd=0.0012 * (n + 1),
        choices=(Choice("bug", source, "sure", score=0.97), Choice(LONG, source, "likely", False)),
        repository=ref.repo_key,
        kind="opened",
        labeller=source,
        started=at - 2,
        seconds=0.4 + 0.7 * n,
    )


@pytest.fixture
def page(chromium: Any, redis_url: str, seen: Watched) -> Iterator[Any]:
    with serving_admin(redis_url) as url:
        context = chromium.new_context(
            viewport={"width": 1280, "height": 900}, java_script_enabled=True, base_url=url
        )
        yield watch(context, seen)
        context.close()


def log_in(page: Any) -> None:
    page.goto("/admin")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_label("Token").press("Enter")
    page.get_by_role("heading", name="Today").wait_for()


def inspect(page: Any, name: str) -> None:
    """Look for findings in both schemes at both widths; ADMIN_PICTURES is a folder for pictures."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found = axe.Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            if folder := os.environ.get("ADMIN_PICTURES"):
                path = Path(folder) / f"{name}-{scheme}-{width}.png"
                page.screenshot(path=path, full_page=True)


def test_no_state_of_the_page_has_a_finding(page: Any, redis_url: str) -> None:
    page.goto("/admin")
    inspect(page, "login")
    log_in(page)
    api.expect(page.locator("main")).to_contain_text("Nothing has happened yet")
    inspect(page, "empty")
    plant(redis_url)
    page.get_by_role("link", name="Load again").click()
    api.expect(page.locator("main")).to_contain_text("has problems")
    inspect(page, "closed")
    for summary in page.locator(".plot summary").all():
        summary.click()
    for summary in page.locator("#runs ~ ul summary").all()[:3]:
        summary.click()
    api.expect(page.get_by_role("img")).to_have_count(4)
    inspect(page, "open")
    page.get_by_role("button", name="Pause all workers").click()
    api.expect(page.locator(".status.wait")).to_contain_text("Paused")
    inspect(page, "paused")


def test_a_wrong_token_is_said_beside_the_form(page: Any, seen: Watched) -> None:
    page.goto("/admin")
    page.get_by_label("Token").fill("guessed")
    page.get_by_role("button", name="Open").click()
    api.expect(page.get_by_role("alert")).to_contain_text("This is not the token")
    assert page.evaluate("location.search") == ""
    inspect(page, "wrong")
    assert all("403" in error for error in seen.errors)  # the status of the page itself
    seen.errors.clear()


def test_without_script_all_of_it_works(chromium: Any, redis_url: str, seen: Watched) -> None:
    plant(redis_url)
    with serving_admin(redis_url) as url:
        context = chromium.new_context(java_script_enabled=False, base_url=url)
        page = watch(context, seen)
        log_in(page)
        page.get_by_role("button", name="Retry github:acme/widget#41").first.click()
        api.expect(page.get_by_role("status")).to_contain_text("Queued again")
        page.get_by_role("button", name="Pause all workers").press("Enter")
        page.get_by_role("button", name="Resume").press("Enter")
        api.expect(page.get_by_role("status")).to_contain_text("Workers take jobs again")
        page.get_by_role("button", name="End the session").click()
        api.expect(page.get_by_label("Token")).to_be_visible()
        context.close()
