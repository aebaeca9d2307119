"""The `IssueHistorySource` port: the fake, and both clients over HTTP."""

from __future__ import annotations

from dataclasses import replace

from bot.core.text.condense import HEAD_CHARS, TAIL_CHARS
from bot.core.types import Issue
from tests.contracts.forge_case import BODY, Case, Fake, Platforms, Simulated, create_in


def read_history(case: Case) -> tuple[list[Issue], int]:
    """Return all issues of the past, and the number of items that the forge listed."""
    issues: list[Issue] = []
    cursor, read = "", 0
    while True:
        page = case.history.list_labelled_issues(replace(case.ref, number=0), cursor)
        issues, read, cursor = [*issues, *page.issues], read + page.read, page.next
        if not cursor:
            return issues, read


def test_the_labelled_issues_of_the_past_come_page_by_page_newest_first(case: Case) -> None:
    first = 1 if isinstance(case, Fake) else 2  # the simulated repository has an issue already
    case.add_past(230, ["bug"])
    case.handle_past(first)
    page = case.history.list_labelled_issues(replace(case.ref, number=0))
    assert (len(page.issues), page.read) == (100, 100)
    issues, _ = read_history(case)
    numbers = [issue.ref.number for issue in issues]
    assert numbers == list(range(first + 229, first - 1, -1))
    newest, oldest = issues[0], issues[-1]
    assert (newest.title, newest.body, newest.labels) == (f"Issue {numbers[0]}", BODY, ("bug",))
    assert (newest.is_open, newest.handled, oldest.handled) == (True, False, True)
    assert newest.ref == replace(case.ref, number=numbers[0])


def test_the_history_has_no_unlabelled_and_no_confidential_issues(case: Case) -> None:
    case.add_past(3, [])
    case.add_past(2, ["docs"])
    if not isinstance(case, Simulated) or case.host.host == "gitlab":  # GitHub has none
        case.add_past(2, ["bug"], confidential=True)
    assert [issue.labels for issue in read_history(case)[0]] == [("docs",), ("docs",)]


def test_the_past_also_has_issues_without_a_label_but_no_confidential_ones(case: Case) -> None:
    case.add_past(2, [])
    case.add_past(1, ["docs"])
    if not isinstance(case, Simulated) or case.host.host == "gitlab":
        case.add_past(1, [], confidential=True)
    if isinstance(case, Simulated) and case.host.host == "github":
        case.host.open_issue(case.ref.repo, "A pull request", pull_request=True)
    page = case.history.list_past_issues(replace(case.ref, number=0))
    assert [issue.labels for issue in page.issues][:3] == [("docs",), (), ()]
    assert not any(issue.confidential or issue.is_pull_request for issue in page.issues)


def test_an_issue_has_the_name_of_its_type_where_the_forge_gives_one(
    platforms: Platforms,
) -> None:
    case = create_in(platforms, "github")
    case.host.open_issue(case.ref.repo, "Typed", issue_type="Bug")
    case.host.open_issue(case.ref.repo, "Not typed")
    page = case.history.list_past_issues(case.ref)
    assert [(issue.title, issue.type) for issue in page.issues] == [
        ("Not typed", ""),
        ("Typed", "Bug"),
    ]


def test_a_page_of_very_long_issues_is_read_in_parts(
    platforms: Platforms,
) -> None:
    for name, length, number in (("github", 65_000, 80), ("gitlab", 1_000_000, 10)):
        case = create_in(platforms, name)
        case.add_past(3, ["bug"])
        case.add_past(number, ["bug"], body="long " * (length // 5))
        case.add_past(95, ["docs"])
        issues, read = read_history(case)
        assert [issue.ref.number for issue in issues] == list(range(98 + number, 0, -1))
        assert read == 98 + number
        assert max(len(issue.body) for issue in issues) <= HEAD_CHARS + TAIL_CHARS
