"""The demo's page in a browser; the tests share one page and run in order."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest

from tests.browser.conftest import IN_BROWSER, Watched, watch

api = pytest.importorskip("playwright.sync_api", reason="playwright is missing: make browser")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="make browser")
pytestmark = IN_BROWSER

TAKEN_UP_MS = 180_000  # a killed worker's job within a minute, a healed issue's within two
SOON_MS = 15_000
BOT_COMMENT = "article .bot"
LABELS = "article .label"


def open_issue(page: Any, button: str = "open", *, host: str = "github", about: str = "bug") -> str:
    """Press a button and wait for the new issue; its path."""
    before = page.url
    page.check(f"input[name=host][value={host}]", force=True)
    page.check(f"input[name=sample][value={about}]")
    page.click(f"#{button}")
    page.wait_for_url(lambda url: url != before and "/issues/" in url)
    return str(page.url)


def settled(page: Any, state: str = "ended", within: float = SOON_MS) -> str:
    """Return the status line once the job has reached that state."""
    status = page.locator(f"#status .{state}")
    status.wait_for(timeout=within)
    return str(status.inner_text())


@pytest.fixture(scope="module")
def fallen_back(page: Any) -> str:
    """An issue that the model will be asked about again, a minute later."""
    path = open_issue(page, "model-down", host="github", about="feature")
    assert "no comment" in settled(page, "waiting")
    return path


@pytest.fixture(scope="module")
def killed(page: Any) -> str:
    """An issue whose worker was killed; its job needs up to a minute."""
    path = open_issue(page, "worker-killed")
    api.expect(page.locator("#status .working")).to_contain_text("killed", timeout=SOON_MS)
    return path


def test_the_worker_is_killed_in_the_middle_of_a_job(page: Any, killed: str) -> None:
    assert page.locator(BOT_COMMENT).count() == 0


def test_an_issue_falls_back_while_the_model_is_down(page: Any, fallen_back: str) -> None:
    assert page.locator(BOT_COMMENT).count() == 0


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_a_click_brings_comment_and_labels_within_three_seconds(page: Any, host: str) -> None:
    open_issue(page, host=host)
    page.wait_for_selector(BOT_COMMENT, timeout=3000)
    assert page.locator(LABELS).count() >= 1
    assert "1 comment" in settled(page)
    api.expect(page.locator("#actions dl")).to_contain_text("sandbox-rules")
    page.click("article summary")
    assert page.locator("article details[open] li").count() >= 1


@pytest.mark.parametrize("fault", ["model-down", "model-slow", "model-rubbish", "model-429"])
def test_while_the_model_fails_labels_come_from_rules_and_no_comment(page: Any, fault: str) -> None:
    open_issue(page, fault, host="gitlab")
    status = settled(page, "waiting")
    assert status.startswith("The model failed")
    assert "asked again" in status
    assert page.locator(BOT_COMMENT).count() == 0
    assert page.locator("#list [aria-current] i").count() == 1
    assert "failed" in page.locator("#steps .failed").inner_text()
    assert "bug" in page.locator(LABELS).first.inner_text()


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_a_stored_comment_answered_with_502_stays_one(page: Any, host: str) -> None:
    open_issue(page, "host-502", host=host)
    page.wait_for_selector(BOT_COMMENT)
    assert "502" in settled(page)
    assert page.locator(BOT_COMMENT).count() == 1


def test_a_redelivery_changes_nothing(page: Any) -> None:
    open_issue(page)
    settled(page)
    page.click("#redeliver")
    api.expect(page.locator("#status")).to_contain_text("nothing was queued")
    assert page.locator(BOT_COMMENT).count() == 1


def test_a_label_that_a_person_removed_stays_away(page: Any) -> None:
    removed = page.locator(LABELS).first.inner_text()
    page.click("#unlabel")
    api.expect(page.locator("#status")).to_contain_text("will not set it again")
    page.click("#redeliver")
    api.expect(page.locator("#status")).to_contain_text("nothing was queued")
    assert removed not in page.locator(LABELS).all_inner_texts()


def test_a_maintainer_accepts_a_suggestion_and_the_label_is_set(page: Any) -> None:
    open_issue(page)
    assert "type Bug" in settled(page)
    assert page.locator("#result .type").inner_text() == "Type Bug"
    panel = page.locator("#result .suggestions")
    assert "Add label area/ui" in panel.inner_text()
    assert "area/ui" not in page.locator(LABELS).all_inner_texts()
    panel.get_by_role("button", name="Accept area/ui").click()
    api.expect(page.locator("#status")).to_contain_text("accepted a suggestion")
    assert "area/ui" in page.locator(LABELS).all_inner_texts()
    assert panel.count() == 0


def test_a_type_is_dismissed_by_keyboard_and_not_set(page: Any) -> None:
    open_issue(page, about="question")
    settled(page)
    button = page.get_by_role("button", name="Dismiss Task")
    button.focus()
    page.keyboard.press("Enter")
    api.expect(page.locator("#status")).to_contain_text("dismissed the suggestion Task")
    assert page.locator("#result .suggestions, #result .type").count() == 0


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_a_maintainer_s_command_gets_a_reaction_and_changes_the_comment(
    page: Any, host: str
) -> None:
    open_issue(page, host=host)
    settled(page)
    answer = page.locator("#result article .post")
    before = answer.inner_text()
    page.click("#comment-send")
    api.expect(page.locator("#status")).to_contain_text("carried out the command (why: explained)")
    api.expect(page.locator("#result .reactions")).to_contain_text("eyes")
    assert before != answer.inner_text()
    assert "Decision record" in answer.inner_text()
    assert page.locator(BOT_COMMENT).count() == 1


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_a_stranger_s_command_is_ignored_without_a_reaction(page: Any, host: str) -> None:
    open_issue(page, host=host)
    settled(page)
    before = page.locator("#result article").inner_text()
    text = page.locator("#comment-text")
    text.fill(text.input_value().replace("why", "undo") + "\n\n<img src=//evil.example/x> **now**")
    page.check("input[name=author][value=stranger]", force=True)
    page.click("#comment-send")
    api.expect(page.locator("#status")).to_contain_text("its author may not change labels")
    assert page.locator("#result .reactions, #result img").count() == 0
    assert page.locator("#result article").inner_text() == before
    assert "<img src=//evil.example/x> now" in page.locator("#result .card .post").inner_text()


def test_a_poll_leaves_the_text_and_the_place_of_somebody_who_types(page: Any) -> None:
    open_issue(page)
    page.fill("#comment-text", "Half a sent")
    settled(page)
    page.wait_for_timeout(3500)  # enough for another poll
    page.keyboard.type("ence")
    assert page.locator("#comment-text").input_value() == "Half a sentence"


@pytest.mark.parametrize("about", ["feature", "question", "chinese", "log", "injection"])
def test_every_sample_ends_with_one_comment(page: Any, about: str) -> None:
    open_issue(page, about=about)
    assert "1 comment" in settled(page)
    comment = page.locator("#result .post")
    assert comment.locator("a[href*='example.invalid'], img").count() == 0
    assert "wontfix" not in page.locator(LABELS).all_inner_texts()
    assert page.locator("#steps .done").count() == 5
    assert page.locator("#result-title .mark").inner_text() == "scripted"
    assert page.locator("#result .refused").count() == (6 if about == "injection" else 0)
    assert page.locator("#result .taken").count() == 0


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_a_second_report_names_the_first_with_its_evidence(page: Any, host: str) -> None:
    open_issue(page, host=host)
    settled(page)
    open_issue(page, host=host)
    assert "1 comment" in settled(page)
    text = page.locator("#result .post").inner_text()
    assert re.search(r"Maybe related: \d+ Login .*\(open; nearly the same text\)", text), text


def test_a_late_answer_to_a_poll_does_not_bring_the_previous_issue_back(page: Any) -> None:
    held: list[Any] = []

    def hold_first(poll: Any) -> None:
        if held:
            poll.fallback()
        else:
            held.append(poll)

    page.route(re.compile(r"\?seen="), hold_first)
    number = int(open_issue(page).rpartition("/")[2])
    page.wait_for_selector("#poll.htmx-request", state="attached")
    page.click("#open")
    page.wait_for_timeout(1000)  # enough for the new issue, were it shown before that answer
    held[0].continue_()
    api.expect(page.locator("#issue-title")).to_contain_text(f"#{number + 1}")
    assert "1 comment" in settled(page)
    assert f"#{number + 1}" in page.locator("#issue-title").inner_text()
    page.unroute_all()


def test_on_a_wide_screen_the_answer_is_beside_the_top_of_the_issue(page: Any) -> None:
    open_issue(page)
    settled(page)
    issue, answer = (
        page.locator(f"{name} article").bounding_box() for name in ("#live", "#result")
    )
    assert answer["x"] >= issue["x"] + issue["width"]
    assert abs(answer["y"] - issue["y"]) < 2


def test_own_text_is_typed_and_sent_by_keyboard_alone(page: Any, address: str) -> None:
    page.goto(address)
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim()"))
    assert reached[0] == "Skip to the issue"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")  # from the first sample around to the last: own words
    page.keyboard.press("Tab")
    page.keyboard.type("Crash when a file is saved")
    page.keyboard.press("Tab")
    page.keyboard.type("The program crashes with an exception.")
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert (page.evaluate("document.activeElement.id"), outline) == ("open", "solid")
    page.keyboard.press("Enter")
    assert "1 comment" in settled(page)
    assert "Crash when a file is saved" in page.locator("#issue-title").inner_text()
    assert page.evaluate("document.activeElement.id") == "open"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_axe_finds_nothing(page: Any, scheme: str, host: str) -> None:
    page.emulate_media(color_scheme=scheme)
    open_issue(page, host=host)
    settled(page)
    page.click("#comment-send")
    page.locator("#result .reactions").wait_for()
    assert page.locator("#result .suggestions").count() == (host == "github")
    page.check("input[value=own]")
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [360, 900, 1280])
def test_type_suggestions_and_comments_fit_every_width(page: Any, width: int) -> None:
    open_issue(page)
    settled(page)
    page.click("#comment-send")
    page.locator("#result .reactions").wait_for()
    page.set_viewport_size({"width": width, "height": 900})
    shown = page.evaluate("document.documentElement.scrollWidth")
    columns = [page.locator(name).bounding_box() for name in ("#result", "#comment", ".right")]
    page.set_viewport_size({"width": 1400, "height": 1000})
    assert shown <= width
    for above, below in pairwise(columns):
        assert below["y"] >= above["y"] + above["height"]


def test_at_360_pixels_nothing_is_cut_off_and_the_result_is_in_sight(page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    open_issue(page, about="log", host="gitlab")
    settled(page)
    width = page.evaluate("document.documentElement.scrollWidth")
    top = page.locator("#status").bounding_box()["y"]
    page.set_viewport_size({"width": 1400, "height": 1000})
    assert width <= 360
    assert 0 <= top < 740


def test_without_script_a_visitor_sees_the_same(
    chromium: Any, address: str, watched: Watched
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = watch(context, watched)
    page.goto(address)
    page.click("#open")
    page.wait_for_selector(BOT_COMMENT, timeout=SOON_MS)
    page.click("#redeliver")
    assert "nothing was queued" in page.locator("#status").inner_text()
    page.get_by_role("button", name="Accept area/ui").click()
    assert "accepted a suggestion" in page.locator("#status").inner_text()
    page.click("#comment-send")
    page.locator("#result .reactions").wait_for(timeout=SOON_MS)
    context.close()


def test_the_killed_worker_s_job_is_resumed(page: Any, killed: str) -> None:
    page.goto(killed)
    assert "resumed" in settled(page, within=TAKEN_UP_MS)
    assert page.locator(BOT_COMMENT).count() == 1


def test_an_issue_that_fell_back_is_answered_later(page: Any, fallen_back: str) -> None:
    page.goto(fallen_back)
    assert "The model is back" in settled(page, within=TAKEN_UP_MS)
    assert page.locator(BOT_COMMENT).count() == 1
    assert "needs-review" not in page.locator(LABELS).all_inner_texts()


def test_reset_forgets_everything(page: Any) -> None:
    page.click("text=Reset")
    page.wait_for_selector(".start", timeout=30_000)
    page.wait_for_url(re.compile(r"/sandbox$"), timeout=5_000)
    assert page.locator("#list li").count() == 0
    assert re.search(r"/issues/github/1$", open_issue(page))
    page.wait_for_selector(BOT_COMMENT, timeout=SOON_MS)


def test_no_other_host_was_requested_and_no_error_occurred(watched: Watched) -> None:
    assert watched.outside == []
    assert watched.errors == []
