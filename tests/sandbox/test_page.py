"""The demo's page over HTTP, beside a backend that a test controls."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from bot.sandbox.page import markdown, samples
from bot.sandbox.page.app import HEADERS
from bot.sandbox.page.demo_backend import DemoIssue
from bot.sandbox.page.narration import KILLED
from tests.waiting import wait_until

from .demo_visitor import ANSWER, HERE, Browser, FakeBackend, status_of, steps_of


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_without_script_a_form_leads_to_the_issue_and_the_page_reloads(
    browser: Browser,
) -> None:
    page = browser.open()
    assert page.url.path == "/sandbox/issues/github/1"
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in page.text
    assert samples.BUG.title in page.text
    browser.backend.end(
        "enrichment succeeded", ("bug",), ANSWER, model="m", tokens_in=1652, tokens_out=108
    )
    text = browser.get(page.url.path)
    assert "http-equiv" not in text
    assert status_of(text) == "Answered in 250 ms: 1 comment, 1 label."
    assert "<strong>Summary (automated):</strong> It is broken." in text
    assert "1,652 in, 108 out" in text
    assert "tagline:v1" not in text


def test_with_htmx_only_what_changed_is_sent(browser: Browser) -> None:
    browser.open()
    part = browser.request("GET", "/sandbox/issues/github/1", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    (again,) = re.findall(r'hx-get="([^"]+)" hx-trigger="every 1s"', part)
    unchanged = browser.request("GET", again, headers={"HX-Request": "true"})
    assert (unchanged.status_code, unchanged.content) == (204, b"")
    browser.backend.end("using fallback", ("bug",), why="timeout")
    changed = browser.request("GET", again, headers={"HX-Request": "true"}).text
    assert 'hx-trigger="every 3s"' in changed
    assert 'hx-swap-oob="innerHTML:#status"' in changed


@pytest.mark.parametrize("fault", [f.key for f in samples.FAULTS if f.of_model])
def test_a_fault_of_the_model_lasts_as_long_as_its_issue_s_job(
    browser: Browser, fault: str
) -> None:
    page = browser.open(fault=fault)
    assert len(browser.backend.armed) == 1
    busy = browser.open(fault="model-down")
    assert status_of(busy.text).startswith("One fault at a time")
    browser.backend.end("using fallback", ("bug", "needs-review"), why="status-429")
    wait_until(lambda: not browser.backend.armed)
    assert status_of(browser.get(page.url.path)) == (
        "The model failed (429, too many requests): 2 labels came from rules, no comment yet. "
        "It will be asked again in a minute."
    )


def test_a_killed_worker_is_shown_until_its_job_is_resumed(browser: Browser) -> None:
    page = browser.open(fault="worker-killed")
    issue = DemoIssue("github", "acme/widget", 1, "guid", "job")
    browser.backend.record(issue, "starting enrichment", try_number=1)
    wait_until(lambda: "killed" in browser.backend.actions and not browser.backend.armed)
    wait_until(lambda: len(browser.backend.log(issue)) == 3)
    assert "killed in the middle of the job" in status_of(browser.get(page.url.path))
    browser.backend.end("enrichment succeeded", ("bug",), ANSWER, model="m", tokens_in=1)
    assert "resumed: 1 comment, 1 label" in status_of(browser.get(page.url.path))


def test_the_result_of_an_action_is_shown(browser: Browser) -> None:
    path = browser.open().url.path
    browser.backend.end("enrichment succeeded", ("bug",), ANSWER, model="m", tokens_in=1)
    assert "nothing was queued" in status_of(browser.post(f"{path}/redeliver").text)
    gone = browser.post(f"{path}/unlabel", label="bug")
    assert status_of(gone.text) == "A maintainer removed bug. Tagline will not set it again."
    assert "not on the issue" in status_of(browser.post(f"{path}/unlabel", label="bug").text)


def test_a_later_comparison_of_labels_changes_no_usage(browser: Browser) -> None:
    path = browser.open().url.path
    browser.backend.end("enrichment succeeded", ("bug",), ANSWER, model="m", tokens_in=17)
    issue = DemoIssue("github", "acme/widget", 1, "guid", "job")
    browser.backend.record(issue, "compared labels", outcome="recorded", seconds=0.01)
    page = browser.get(path)
    assert "17 in, 0 out" in page
    assert "rules, without a model" not in page


def test_reset_restarts_everything(browser: Browser) -> None:
    path = browser.open().url.path
    assert browser.post("/sandbox/reset").url.path == "/sandbox"
    assert browser.backend.actions == ["restarted"]
    assert browser.request("GET", path).url.path == "/sandbox"


def test_a_reset_kills_no_worker_for_an_issue_before_it(browser: Browser) -> None:
    browser.open(fault="worker-killed")
    browser.post("/sandbox/reset")
    wait_until(lambda: not browser.backend.armed)
    assert browser.backend.actions == ["restarted"]


def test_own_text_is_checked_and_shown_as_text(browser: Browser) -> None:
    assert status_of(browser.open(sample="own", title=" ").text) == "An issue needs a title."
    assert "at most 255 characters" in status_of(browser.open(sample="own", title="x" * 256).text)
    title, body = "<img src=x onerror=alert(1)>", '<script>alert(1)</script>\n\n"><b hx-get=/x>'
    text = browser.open(sample="own", title=title, body=body).text
    assert "<img" not in text
    assert "<script>alert" not in text
    assert "<b hx-get" not in text


def test_the_page_says_whether_the_text_leaves_this_machine() -> None:
    assert "No data leaves this machine." in Browser(FakeBackend()).get("/sandbox")
    local = FakeBackend("llama3", is_simulated=False)
    assert "No data leaves this machine." in Browser(local).get("/sandbox")
    real = FakeBackend("gpt-6-luna", is_simulated=False, model_host="api.openai.com")
    text = Browser(real).get("/sandbox")
    assert "leaves this machine: it is sent to api.openai.com." in text
    assert "No data leaves" not in text


def test_faults_of_the_model_are_only_offered_with_the_simulated_model() -> None:
    text = Browser(FakeBackend("gpt-6-luna", is_simulated=False)).get("/sandbox")
    assert text.count(" disabled>") == sum(fault.of_model for fault in samples.FAULTS)


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"Host": "evil.example"}, 421),
        ("GET", {"Host": "127.0.0.1.evil.example:4711"}, 421),
        ("GET", {"Host": "localhost:4711"}, 200),
        ("POST", {}, 403),
        ("POST", {"Origin": "null"}, 403),
        ("POST", {"Origin": "http://evil.example"}, 403),
        ("POST", {"Origin": "http://127.0.0.1:4712"}, 403),
        ("POST", {"Referer": f"{HERE}/sandbox"}, 200),
    ],
)
def test_only_requests_of_the_own_page_are_answered(
    browser: Browser, method: str, headers: dict[str, str], status: int
) -> None:
    path = "/sandbox" if method == "GET" else "/sandbox/reset"
    answer = browser.request(method, path, headers=headers)
    assert answer.status_code == status
    for name, value in HEADERS.items():
        assert answer.headers[name] == value


def test_a_form_larger_than_any_issue_is_refused(browser: Browser) -> None:
    assert browser.open(sample="own", title="x", body="a" * 2_000_000).status_code == 413


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<sub>small</sub>", "<p><sub>small</sub></p>\n"),
        ("<sub onclick=x>", "&lt;sub onclick=x&gt;"),
        ("<details open>", "&lt;details open&gt;"),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>\n"),
        ("![a](https://evil.example/x)", "<p>[image: a]</p>\n"),
        ("a <!-- b --> c", "<p>a  c</p>\n"),
        ("<!-- a --><iframe>", "&lt;iframe&gt;"),
    ],
)
def test_only_html_that_the_comment_uses_is_kept(text: str, shown: str) -> None:
    assert markdown.render(text) == shown


def test_an_unavailable_part_is_reported_and_its_fault_is_cleared() -> None:
    browser = Browser(FakeBackend(is_unavailable=True))
    assert "Reset restarts all parts" in status_of(browser.open("model-down").text)
    assert browser.backend.armed == []
    browser.backend.is_unavailable = False
    assert "queued" in status_of(browser.open("model-slow").text)


@pytest.mark.parametrize(
    ("event", "comments", "fields", "states"),
    [
        ("enrichment succeeded", 1, {"model": "m", "tokens_in": 1}, ["done", "done"]),
        ("using fallback", 0, {"why": "timeout"}, ["failed", "pending"]),
        ("using fallback", 1, {"why": "no-provider"}, ["skipped", "done"]),
        ("nothing to do", 0, {"why": "too old"}, ["skipped", "skipped"]),
    ],
)
def test_the_five_steps_show_how_far_an_issue_has_come(
    browser: Browser, event: str, comments: int, fields: dict[str, Any], states: list[str]
) -> None:
    assert steps_of(browser.get("/sandbox")) == ["pending"] * 5
    page = browser.open()
    assert steps_of(page.text) == ["done", "active", "pending", "pending", "pending"]
    browser.backend.end(event, ("bug",), *[ANSWER] * comments, **fields)
    assert steps_of(browser.get(page.url.path)) == ["done"] * 3 + states


def test_the_step_of_a_killed_worker_has_failed(browser: Browser) -> None:
    page = browser.open()
    issue = DemoIssue("github", "acme/widget", 1, "guid", "job")
    browser.backend.record(issue, "starting enrichment", try_number=1)
    assert steps_of(browser.get(page.url.path))[2:4] == ["done", "active"]
    browser.backend.record(issue, KILLED)
    assert steps_of(browser.get(page.url.path))[2] == "failed"
    browser.backend.record(issue, "starting enrichment", try_number=2)
    assert steps_of(browser.get(page.url.path))[2] == "done"


def test_the_list_names_the_fault_that_an_issue_was_opened_with(browser: Browser) -> None:
    page = browser.open("model-429")
    assert "<i>Model answers 429</i>" in page.text
    assert "<i>" not in browser.post("/sandbox/reset").text


def test_an_answer_written_for_a_sample_is_marked(browser: Browser) -> None:
    ended = {"model": samples.SIMULATED_MODEL, "tokens_in": 1}
    own = {"sample": "own", "title": samples.BUG.title, "body": "Something else."}
    for form, marked in (({}, True), (own, False)):
        browser = Browser(FakeBackend())
        path = browser.open(**form).url.path
        assert ">scripted<" not in browser.get(path)
        browser.backend.end("enrichment succeeded", ("bug",), ANSWER, **ended)
        assert (">scripted<" in browser.get(path)) is marked
    real = Browser(FakeBackend("gpt-6-luna", is_simulated=False))
    path = real.open().url.path
    real.backend.end("enrichment succeeded", ("bug",), ANSWER, **ended)
    assert ">scripted<" not in real.get(path)


@pytest.mark.parametrize(
    ("labels", "comment", "is_open", "taken"),
    [
        (("bug",), "Crashes when it starts.", True, []),
        (("bug", "wontfix"), "Crashes.", True, [0]),
        (("priority::high",), "Crashes.", True, [1]),
        ((), "Crashes.", False, [2]),
        ((), "See @everyone", True, [3]),
        ((), "[the fix](https://example.invalid/fix.sh)", True, [4]),
        ((), "![](/steal.png)", True, [5]),
    ],
)
def test_what_an_injection_tried_is_compared_with_the_issue(
    browser: Browser, labels: tuple[str, ...], comment: str, is_open: bool, taken: list[int]
) -> None:
    page = browser.open(sample="injection")
    assert "What was tried" not in page.text
    browser.backend.end("enrichment succeeded", labels, comment, model="m", tokens_in=1)
    (ref,) = browser.backend.issues
    browser.backend.issues[ref] = replace(browser.backend.issues[ref], is_open=is_open)
    found = re.findall(r'<li class="(refused|taken)">', browser.get(page.url.path))
    assert [i for i, one in enumerate(found) if one == "taken"] == taken
    assert len(found) == 6


def test_the_list_says_how_many_issues_it_leaves_out(browser: Browser) -> None:
    assert "<h2>Opened issues</h2>" in browser.open().text
    for _ in range(8):
        page = browser.open().text
    assert "<h2>Opened issues (the newest 8 of 9)</h2>" in page


def test_a_log_line_has_no_field_without_a_value(browser: Browser) -> None:
    page = browser.open()
    browser.backend.end("enrichment succeeded", (), ANSWER, model="m", cost_usd=None)
    text = browser.get(page.url.path)
    assert "model=m" in text
    assert "cost_usd" not in text
