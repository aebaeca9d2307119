"""Pages of a history: smaller ones where items are long, by number or by the forge's cursor."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from bot.core.errors import Retry
from bot.core.training import HistoryPage
from bot.core.types import Issue
from bot.forges.github.errors import read_limit
from bot.forges.history import ListedPage, PageRequest, read_history_page
from bot.forges.registry import FORGES
from bot.forges.requests import TooLong
from bot.settings.load import load
from tests.fakes import NOW, REF, make_issue
from tests.scripted_web import ScriptedWeb


@dataclass
class FakeList:
    """A forge's list of `total` items. Pages with one of the `long` items have more bytes than
    pages of that size may have; with `cursors`, the forge has a cursor for each next page."""

    total: int
    long: dict[int, int] = field(default_factory=dict)  # item → largest page that may have it
    cursors: bool = False
    requests: list[PageRequest] = field(default_factory=list)

    def fetch(self, page: PageRequest) -> ListedPage:
        self.requests.append(page)
        start = int(page.after[1:]) if page.after else (page.number - 1) * page.size
        items = range(start, min(start + page.size, self.total))
        if any(page.size > self.long.get(n, 100) for n in items):
            raise TooLong("too long")
        end = start + len(items)
        following = {"after": f"c{end}"} if self.cursors else {"page": str(page.number + 1)}
        return ListedPage([{"number": n} for n in items], following if end < self.total else {})

    def read_all(self) -> list[int]:
        numbers: list[int] = []
        page = HistoryPage((), 0, "")
        while True:
            page = read_history_page(page.next, self.fetch, parse)
            numbers += [issue.ref.number for issue in page.issues]
            assert page.read == len(page.issues)
            if not page.next:
                return numbers


def parse(item: dict[str, Any]) -> Issue:
    return replace(make_issue("Title", "", ["bug"]), ref=replace(REF, number=item["number"]))


@pytest.mark.parametrize("cursors", [False, True])
@pytest.mark.parametrize("long", [{}, {5: 10}, {5: 1}, {150: 10, 151: 1, 249: 1}])
def test_every_item_is_read_once(long: dict[int, int], cursors: bool) -> None:
    assert FakeList(250, long, cursors).read_all() == list(range(250))


def test_pages_become_as_large_as_before_after_long_items() -> None:
    listed = FakeList(400, {5: 1})
    listed.read_all()
    sizes = [page.size for page in listed.requests]
    assert sizes[:3] == [100, 10, 1]
    assert sizes[-3:] == [100, 100, 100]
    assert len(sizes) < 40


def test_a_page_of_several_items_has_fewer_bytes_than_a_single_one() -> None:
    assert PageRequest("", 1, 10).max_bytes < PageRequest("", 1, 1).max_bytes


def test_a_single_item_that_is_too_long_ends_the_reading() -> None:
    with pytest.raises(Retry, match="a single issue is longer"):
        FakeList(9, {0: 0}).read_all()


@pytest.mark.parametrize(
    "hidden",
    [{"is_pull_request": True}, {"confidential": True}, {"other_type": "task"}, {"labels": ()}],
)
def test_what_is_no_labelled_issue_counts_as_read_only(hidden: dict[str, Any]) -> None:
    page = read_history_page("", FakeList(3).fetch, lambda item: replace(parse(item), **hidden))
    assert page == HistoryPage((), 3, "")


@pytest.mark.parametrize(
    ("link", "following"),
    [
        ("https://api.github.com/repositories/7/issues?after=Y3Vyc29y%3D%3D&page=2", "Y3Vyc29y=="),
        ("https://ghe.example/api/v3/repos/acme/widget/issues?page=2&per_page=100", "100"),
        ("https://evil.example/collect?page=7", "100"),
        (None, ""),
    ],
)
def test_the_next_page_on_github_is_requested_from_github_alone(
    link: str | None, following: str
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/repositories/7001":
            return httpx.Response(200, json={"id": 7001, "full_name": "acme/widget"})
        headers = {"Link": f'<{link}>; rel="next"'} if link else {}
        return httpx.Response(200, json=[], headers=headers)

    web = ScriptedWeb(answer)
    settings = load({"GITHUB_API_URL": "https://api.github.com", "GITHUB_TOKEN": "ghp_x"})
    client = FORGES["github"].client(settings, web)
    page = client.list_labelled_issues(replace(REF, number=0))
    assert page.next == following
    if following:
        client.list_labelled_issues(replace(REF, number=0), page.next)
        query = web.requests[-1].url.params
        assert (query.get("after"), query.get("page")) in ((following, None), (None, "2"))
    assert {request.url.host for request in web.requests} == {"api.github.com"}


@pytest.mark.parametrize(
    ("left", "wait"), [("1000", 0.0), ("999", 900.0), ("0", 900.0), (None, 0.0), ("many", 0.0)]
)
def test_the_last_fifth_of_github_s_hourly_limit_is_left_to_issues(
    left: str | None, wait: float
) -> None:
    headers = {"x-ratelimit-limit": "5000", "x-ratelimit-reset": str(NOW + 900)}
    headers |= {"x-ratelimit-remaining": left} if left else {}
    assert read_limit(headers).find_pause(NOW) == wait
    assert read_limit({}).find_pause(NOW) == 0.0


@pytest.mark.parametrize(
    ("left", "used", "wait"),
    [
        ("400", "1600", 0.0),
        ("399", "1601", 40.0),
        ("0", "2000", 40.0),
        (None, "2000", 0.0),
        ("0", None, 0.0),
    ],
)
def test_the_last_fifth_of_gitlab_s_limit_is_left_to_issues(
    left: str | None, used: str | None, wait: float
) -> None:
    headers = {"RateLimit-Limit": "120", "RateLimit-Reset": str(time.time() + 40)}
    headers |= {"RateLimit-Remaining": left} if left else {}
    headers |= {"RateLimit-Observed": used} if used else {}
    web = ScriptedWeb(lambda _: httpx.Response(200, json=[], headers=headers))
    settings = load({"GITLAB_TOKEN": "glpat-x"})
    page = FORGES["gitlab"].client(settings, web).list_labelled_issues(replace(REF, number=0))
    assert page.wait == pytest.approx(wait, abs=1)
