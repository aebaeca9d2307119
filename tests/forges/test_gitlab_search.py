"""What GitLab's search for older issues is asked."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.core.related import SearchQuery
from bot.forges.registry import ForgeClient
from tests.contracts.related_case import Case, box, forges, make_case, read
from tests.simulation import Sandbox

__all__ = ["box", "forges"]  # fixtures


@pytest.fixture
def on_gitlab(box: Sandbox, forges: dict[str, ForgeClient]) -> Case:
    return make_case(box, forges, "gitlab")


@pytest.mark.parametrize(
    ("queries", "sent"),
    [
        ([SearchQuery(("upload", "to", "timeout"), "all")], ["upload timeout"]),
        ([SearchQuery(("upload", "timeout"), "any")], ["upload", "timeout"]),
        ([SearchQuery(("one", "two", "three", "four"), "any")], ["one", "two", "three"]),
        ([SearchQuery(("upload",), "all"), SearchQuery(("upload",), "any")], ["upload"]),
    ],
)
def test_gitlab_searches_for_each_of_several_words(
    on_gitlab: Case, queries: Sequence[SearchQuery], sent: Sequence[str]
) -> None:
    assert not on_gitlab.forge.related.takes_any
    on_gitlab.search(*queries)
    assert [read(one, "search") for one in on_gitlab.requests()] == sent
    assert {read(one, "in") for one in on_gitlab.requests()} == {"title,description"}
