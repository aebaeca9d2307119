"""Reading a repository's history for a command."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.cli.history import read_history
from bot.core.errors import Forbidden, RateLimited
from tests.fakes import PAGE, REF, FakeForge, make_issue

REPOSITORY = replace(REF, number=0)


def make_forge(count: int) -> FakeForge:
    """Return a forge with past issues, every second one with a label, the newest first."""
    return FakeForge(
        make_issue("Now"),
        past=[
            replace(
                make_issue(f"Issue {number}", "", ["bug"] if number % 2 else []),
                ref=replace(REF, number=number),
            )
            for number in range(count, 0, -1)
        ],
    )


def numbers(forge: FakeForge, limit: int = 2_000) -> list[int]:
    return [issue.ref.number for issue in read_history(forge, REPOSITORY, limit)]


def test_all_labelled_issues_are_read_the_newest_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert numbers(make_forge(250)) == list(range(249, 0, -2))
    assert capsys.readouterr().err == "Read 250 issues, 125 with labels\n"


def test_no_more_pages_are_read_than_are_needed() -> None:
    forge = make_forge(1_000)
    assert numbers(forge, 60) == list(range(999, 879, -2))
    assert forge.pages_read == ["", str(PAGE)]


def test_a_history_with_few_labels_is_not_read_to_its_end() -> None:
    forge = make_forge(9_000)
    forge.past = [replace(issue, labels=()) for issue in forge.past]
    assert numbers(forge) == []
    assert len(forge.pages_read) == 80


def test_progress_is_shown_while_reading(capsys: pytest.CaptureFixture[str]) -> None:
    numbers(make_forge(1_100))
    assert capsys.readouterr().err.splitlines() == [
        "Read 500 issues, 250 with labels",
        "Read 1,000 issues, 500 with labels",
        "Read 1,100 issues, 550 with labels",
    ]


def test_an_issue_that_is_on_two_pages_comes_once() -> None:
    forge = make_forge(200)
    read = read_history(forge, REPOSITORY)
    found = [next(read).ref.number]
    forge.past.insert(0, replace(make_issue("New", "", ["bug"]), ref=replace(REF, number=201)))
    found += [issue.ref.number for issue in read]
    assert found == list(range(199, 0, -2))


def test_a_rate_limit_says_how_far_the_reading_came() -> None:
    forge = make_forge(300)
    read = read_history(forge, REPOSITORY)
    found = [next(read) for _ in range(50)]
    forge.fail("list_labelled_issues", RateLimited("GitHub asked to wait", 90.0))
    with pytest.raises(RateLimited, match="asked to wait after 100 issues were read") as raised:
        next(read)
    assert raised.value.after == 90.0
    assert len(found) == 50


def test_other_errors_are_those_of_the_forge() -> None:
    forge = make_forge(3)
    forge.fail("list_labelled_issues", Forbidden("no access"))
    with pytest.raises(Forbidden):
        numbers(forge)
