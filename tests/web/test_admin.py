"""The admin page: who gets it, what it shows, and what its two buttons do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import redis

from bot import wiring
from bot.core import redis_keys
from bot.core.corrections import Correction
from bot.core.jobs import JobRecord
from bot.core.training import TrainingState
from bot.core.types import Choice, IssueRef
from bot.queue.enqueue import encode
from bot.settings.load import load
from bot.store.redis import RedisStore
from bot.web.admin.session import AdminSessions
from bot.web.forms import SESSION_SECONDS
from tests.clock import Clock
from tests.fakes import DAY, REF, make_job
from tests.serving import served
from tests.web.admin_page import NEXT_TOKEN, TOKEN, AdminVisitor, visiting

REPOSITORY = replace(REF, number=0)
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
ACTIONS = ("retry", "pause", "resume", "logout")
DONE = JobRecord(
    "j-1",
    "done",
    str(REF),
    1,
    "answered",
    at=Clock().now,
    model="gpt-6-luna",
    tokens_in=1200,
    tokens_out=80,
    cost_usd=0.0012,
    choices=(
        Choice("bug", "model", "sure", score=0.97),
        Choice("area/api", "model", "likely", False),
    ),
    repository=REF.repo_key,
    kind="opened",
    labeller="model",
    started=Clock().now - 2,
    seconds=1.7,
)


@pytest.fixture
def store(client: redis.Redis, clock: Clock) -> RedisStore:
    return RedisStore(client, clock)


@pytest.fixture
def tokens() -> list[str]:
    return [TOKEN]


@pytest.fixture
def visitor(redis_url: str, clock: Clock, tokens: list[str]) -> Iterator[AdminVisitor]:
    with visiting(redis_url, clock, tokens) as visitor:
        yield visitor


@pytest.fixture
def admin(visitor: AdminVisitor) -> AdminVisitor:
    """A visitor with a session."""
    assert visitor.log_in().status_code == 303
    return visitor


def bury(client: redis.Redis, job: str = "j-9", ref: IssueRef = REF) -> None:
    """Store a dead letter."""
    client.zadd(redis_keys.DEAD, {job: Clock().now * 1000})
    client.hset(redis_keys.DEAD_MESSAGES, job, encode(make_job(), job, Clock().now))


# Who gets the page.


def test_without_the_variable_there_is_no_page(redis_url: str) -> None:
    base = {"GITHUB_WEBHOOK_SECRET": TOKEN, "REDIS_URL": redis_url}
    with (
        served(wiring.receiver(load(base))) as url,
        httpx.Client(base_url=url, trust_env=False) as web,
    ):
        for path in ("/admin", "/admin/", "/admin/static/admin.css"):
            assert web.get(path).status_code == 404
        assert web.post("/admin/login", data={"token": ""}).status_code == 404
        assert "/admin" not in web.get("/").text
    with (
        served(wiring.receiver(load({**base, "TAGLINE_ADMIN_TOKEN": NEXT_TOKEN}))) as url,
        httpx.Client(base_url=url, trust_env=False) as web,
    ):
        assert 'href="/admin"' in web.get("/").text
        assert "TAGLINE_ADMIN_TOKEN" in web.get("/admin").text


def test_without_a_session_only_the_form_for_the_token_is_shown(visitor: AdminVisitor) -> None:
    for cookie in ("", "x", "a.9999999999.0", ".", "é", "a.b.c." * 99):
        cookies = {b"cookie": f"tagline_admin={cookie}".encode()}
        answer = httpx.get(f"{visitor.url}/admin", headers=cookies, trust_env=False)
        assert answer.status_code == 200
        assert 'name="token"' in answer.text
        assert "form_token" not in answer.text


def test_the_token_opens_a_session_with_a_strict_cookie(visitor: AdminVisitor) -> None:
    answer = visitor.log_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin")
    cookie = {part.strip() for part in answer.headers["set-cookie"].lower().split(";")}
    assert {"httponly", "path=/admin", "samesite=strict", f"max-age={SESSION_SECONDS}"} <= cookie
    assert "secure" not in cookie
    assert TOKEN not in answer.headers["set-cookie"]
    assert "Today" in visitor.get().text
    answer = visitor.log_in(**{"x-forwarded-proto": "https"})
    assert "; secure" in answer.headers["set-cookie"].lower()


def test_a_hundred_wrong_tokens_are_limited_and_nothing_of_them_is_logged(
    visitor: AdminVisitor, clock: Clock, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    answers = [visitor.log_in(f"quokkaberry-{n}-of-some-length") for n in range(100)]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429] * 90
    assert "This is not the token" in answers[0].text
    assert "Too many wrong tokens came from this address" in answers[-1].text
    assert answers[-1].headers["retry-after"] == "60"
    assert visitor.log_in().status_code == 429
    clock.now += 61
    assert visitor.log_in().status_code == 303
    warnings = [line for line in logged() if line["level"] == "warning"]
    assert len(warnings) == 1
    assert "quokkaberry" not in str(logged())
    assert TOKEN not in str(logged())


@pytest.mark.parametrize("token", ["", " ", "x", "é\udc80", "\0", TOKEN[:-1], TOKEN.upper()])
def test_a_wrong_token_opens_nothing(clock: Clock, token: str) -> None:
    assert AdminSessions(lambda: [TOKEN], clock).open(token) == ""
    assert AdminSessions(list, clock).open(token) == ""


def test_a_session_ends_after_twelve_hours(admin: AdminVisitor, clock: Clock) -> None:
    form_token = admin.find_form_token()
    clock.now += SESSION_SECONDS - 1
    assert "Today" in admin.get().text
    clock.now += 1
    assert 'name="token"' in admin.get().text
    answer = admin.web.post(
        "/admin/pause", data={"form_token": form_token}, headers={"origin": admin.url}
    )
    assert answer.status_code == 403
    assert "The session has ended" in answer.text


def test_tokens_are_rotated_and_a_removed_one_ends_its_sessions(
    admin: AdminVisitor, tokens: list[str]
) -> None:
    tokens.insert(0, NEXT_TOKEN)
    assert "Today" in admin.get().text
    assert admin.log_in(NEXT_TOKEN).status_code == 303
    tokens.remove(TOKEN)
    assert "Today" in admin.get().text
    tokens[:] = [TOKEN]
    assert "Today" not in admin.get().text


def test_a_changed_cookie_opens_nothing(clock: Clock) -> None:
    sessions = AdminSessions(lambda: [TOKEN], clock)
    cookie = sessions.open(TOKEN)
    name, until, signature = cookie.split(".")
    assert sessions.find_form_token(cookie)
    for wrong in (cookie[:-1], f"{name}.{int(until) + 1}.{signature}", f"{name}.{signature}", ".."):
        assert sessions.find_form_token(wrong) == ""


@pytest.mark.parametrize("action", ACTIONS)
def test_a_form_needs_session_token_and_its_own_origin(
    admin: AdminVisitor, client: redis.Redis, action: str
) -> None:
    bury(client)
    good, form_token = {"origin": admin.url}, admin.find_form_token()

    def post(data: dict[str, str], headers: dict[str, str]) -> int:
        data = {"job": "j-9", **data}
        return admin.web.post(f"/admin/{action}", data=data, headers=headers).status_code

    assert post({}, good) == 403
    assert post({"form_token": "x"}, good) == 403
    assert post({"form_token": form_token}, {}) == 403
    for origin in ("null", "https://evil.example", f"{admin.url}.evil.example"):
        assert post({"form_token": form_token}, {"origin": origin}) == 403
    answer = httpx.post(
        f"{admin.url}/admin/{action}",
        data={"form_token": form_token},
        headers=good,
        trust_env=False,
    )
    assert answer.status_code == 403
    assert admin.web.get(f"/admin/{action}").status_code == 405
    assert not client.exists(redis_keys.PAUSE_ALL)
    assert client.zcard(redis_keys.DEAD) == 1


def test_a_token_of_another_site_or_over_plain_http_is_not_read(visitor: AdminVisitor) -> None:
    assert visitor.log_in(origin="https://evil.example").status_code == 403
    answer = visitor.log_in(origin="http://bot.example.com", host="bot.example.com")
    assert answer.status_code == 403
    assert "This page is not encrypted" in answer.text
    assert "set-cookie" not in answer.headers


def test_a_session_can_be_ended(admin: AdminVisitor) -> None:
    assert 'name="token"' in admin.post("logout").text
    assert 'name="token"' in admin.get().text


def test_every_answer_has_the_strict_headers(admin: AdminVisitor) -> None:
    paths = ("/admin", "/admin/", "/admin/static/admin.css")
    answers = [*(admin.web.get(path) for path in paths), admin.web.post("/admin/login")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
    page = admin.get().text
    assert "<script" not in page
    assert " style=" not in page


# What it shows.


def test_an_empty_redis_gives_a_page_that_says_what_to_do(admin: AdminVisitor) -> None:
    page = admin.get().text
    assert "Nothing has happened yet" in page
    assert page.count("Nothing yet.") == 4
    assert "<svg viewBox" in page


def test_without_redis_the_page_says_so(clock: Clock, tokens: list[str]) -> None:
    with visiting("redis://127.0.0.1:1/0", clock, tokens) as visitor:
        assert visitor.log_in().status_code == 303
        answer = visitor.get()
        assert answer.status_code == 503
        assert "Redis does not answer" in answer.text
        assert "tagline check" in answer.text


def test_jobs_days_and_repositories_are_shown(
    admin: AdminVisitor, store: RedisStore, clock: Clock
) -> None:
    store.reconcile_state.save_repositories([REPOSITORY])
    store.save_job(DONE)
    store.save_job(replace(DONE, id="j-2", labeller="rules", model="", choices=(), seconds=0.2))
    store.save_job(replace(DONE, id="j-3", state="dead", labeller="", why="the forge has gone"))
    store.save_job(replace(DONE, id="j-4", at=clock.now - 3 * DAY, cost_usd=None))
    judged = [Correction(41, "bug", "kept", clock.now), Correction(42, "bug", "removed", clock.now)]
    store.corrections.add(REF.repo_key, judged)
    store.save_reported_problems(REF.repo_key, "0123")
    state = TrainingState(1.0, trained_at=1.0, examples=321, learned=("bug", "area/login"))
    store.training.save_training_state(REF.repo_key, state)
    page = re.sub(r"<[^>]+>", "", admin.get().text)
    today = page[page.index("Today") : page.index("This month")]
    assert "2 (1 by model, 1 by rules)" in today
    assert "50 % of 2 that people judged" in today
    assert "half within 0.5 s, 95 % within 2 s" in today
    assert "1 job" in today
    month = page[page.index("This month") :]
    assert "3 (2 by model, 1 by rules)" in month
    assert "1 call without a known price" in month
    assert "acme/widget#41 answered by model" in page
    assert "gpt-6-luna: 1,200 + 80 tokens, $0.0012" in page
    assert "bug by model, sure (97 %)" in page
    assert "the forge has gone" in page
    row = page[page.rindex("github:acme/widget") :]
    assert "50 % of 2" in row
    assert "has problems" in row
    assert "bug, area/login from 321 issues" in row


def test_hostile_names_are_escaped(admin: AdminVisitor, store: RedisStore) -> None:
    store.reconcile_state.save_repositories([replace(REPOSITORY, repo=SCRIPT)])
    store.save_job(
        replace(
            DONE,
            issue=f"github:{SCRIPT}#41",
            outcome=SCRIPT,
            why=SCRIPT,
            model=SCRIPT,
            kind=SCRIPT,
            labeller="model",
            choices=(Choice(SCRIPT, "model", "sure"),),
        )
    )
    store.save_job(replace(DONE, id="j-2", outcome="answered", labeller=SCRIPT))
    removed = Correction(41, SCRIPT, "removed", Clock().now)
    store.corrections.add(REF.repo_key, [removed])
    state = TrainingState(1.0, trained_at=1.0, examples=1, learned=(SCRIPT,))
    store.training.save_training_state(REF.repo_key, state)
    store.call_failed(SCRIPT, at_once=True)
    page = admin.get(f"?done={SCRIPT}").text
    assert "alert(1)" in page
    for part in ("<script", "<img", SCRIPT):
        assert part not in page


def test_a_large_installation_has_a_page_of_limited_size(
    admin: AdminVisitor, store: RedisStore
) -> None:
    many = [replace(REPOSITORY, repo=f"acme/r{n}", repo_id=n) for n in range(1, 400)]
    store.reconcile_state.save_repositories(many)
    for n in range(300):
        store.save_job(replace(DONE, id=f"j-{n}", repository=many[n].repo_key))
    page = admin.get().text
    assert "And 299 more: <code>tagline stats</code>" in page
    assert len(page) < 400_000


# What its buttons do.


def test_pause_and_resume_set_and_remove_the_mark(admin: AdminVisitor, client: redis.Redis) -> None:
    page = admin.post("pause").text
    assert client.exists(redis_keys.PAUSE_ALL)
    assert "Workers take no new jobs from now on" in page
    assert "Paused: deliveries are queued" in page
    assert "Pause all workers" not in page
    page = admin.post("resume").text
    assert not client.exists(redis_keys.PAUSE_ALL, redis_keys.PAUSED)
    assert "Workers take jobs again" in page


def test_a_dead_letter_is_queued_again_once(admin: AdminVisitor, client: redis.Redis) -> None:
    bury(client)
    assert f"Retry {REF}" in admin.get().text
    assert "Queued again." in admin.post("retry", job="j-9").text
    assert client.lrange(redis_keys.QUEUE, 0, -1) == [b"j-9"]
    assert client.zcard(redis_keys.DEAD) == 0
    assert "no dead letter any more" in admin.post("retry", job="j-9").text
    assert client.llen(redis_keys.QUEUE) == 1
