"""What an issue was closed as a duplicate of, by both clients over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from bot.core.errors import NotFound
from bot.core.related import Duplicate
from bot.core.types import IssueRef
from bot.sandbox.changes import Closing
from bot.sandbox.state import MAINTAINER
from tests.contracts.forge_case import BODY, TITLE, Simulated
from tests.simulation import Sandbox


@pytest.fixture
def pair(created_in: Simulated) -> tuple[Simulated, IssueRef]:
    """A client, and the second of two issues."""
    host, repo = created_in.host, created_in.ref.repo
    host.open_issue(repo, TITLE, BODY, deliver=False)
    number = host.open_issue(repo, TITLE, BODY, deliver=False)
    return created_in, replace(created_in.ref, number=number)


def find(pair: tuple[Simulated, IssueRef]) -> Duplicate | None:
    case, ref = pair
    return case.forge.related.find_duplicate(ref)


def test_the_original_and_who_closed_it_are_found(pair: tuple[Simulated, IssueRef]) -> None:
    case, ref = pair
    assert find(pair) is None
    case.host.close_issue(ref.repo, 2, duplicate_of=1, deliver=False)
    found = find(pair)
    assert found
    assert found.original == 1
    assert case.forge.commands.may_command(ref, found.closed_by)


def test_another_reason_and_a_reopened_issue_are_no_duplicate(
    pair: tuple[Simulated, IssueRef],
) -> None:
    case, ref = pair
    case.host.close_issue(ref.repo, 2, deliver=False)
    assert find(pair) is None
    case.host.reopen_issue(ref.repo, 2, deliver=False)
    case.host.close_issue(ref.repo, 2, duplicate_of=1, deliver=False)
    case.host.reopen_issue(ref.repo, 2, deliver=False)
    assert find(pair) is None


def test_the_author_has_no_role(pair: tuple[Simulated, IssueRef]) -> None:
    case, ref = pair
    case.host.close_issue(ref.repo, 2, duplicate_of=1, login="octocat", deliver=False)
    found = find(pair)
    assert found
    assert not case.forge.commands.may_command(ref, found.closed_by)


def test_a_program_is_nobody(pair: tuple[Simulated, IssueRef]) -> None:
    case, ref = pair
    login = {"github": "stale[bot]", "gitlab": "project_9_bot_77"}[ref.forge]
    case.host.state.user(login, is_bot=True)
    case.host.close_issue(ref.repo, 2, duplicate_of=1, login=login, deliver=False)
    assert find(pair) == Duplicate(1, "")


def test_an_original_in_another_repository_is_not_known(pair: tuple[Simulated, IssueRef]) -> None:
    case, ref = pair
    other = case.host.add_repo(f"{ref.repo}-other")
    case.host.open_issue(other.name, TITLE, BODY, deliver=False)
    case.host.close_issue(ref.repo, 2, duplicate_of=1, deliver=False)
    case.host.state.issue(ref.repo, 2).closing = Closing("duplicate", (other.id, 1))
    found = find(pair)
    assert found
    assert found.original == 0


def test_an_original_that_is_gone_is_still_named(pair: tuple[Simulated, IssueRef]) -> None:
    case, ref = pair
    case.host.close_issue(ref.repo, 2, duplicate_of=1, deliver=False)
    case.host.delete_issue(ref.repo, 1, deliver=False)
    found = find(pair)
    assert found
    assert found.original == 1


def test_an_issue_that_is_gone_is_an_error(pair: tuple[Simulated, IssueRef]) -> None:
    case, ref = pair
    case.host.delete_issue(ref.repo, 2, deliver=False)
    with pytest.raises(NotFound):
        find(pair)


def close_on_github(case: Simulated, ref: IssueRef, comment: str, login: str = MAINTAINER) -> None:
    """Close an issue as a duplicate without a choice of the other one."""
    case.host.comment_by_person(ref.repo, 2, comment, login=login, deliver=False)
    case.host.close_issue(ref.repo, 2, reason="duplicate", deliver=False)


@contextmanager
def older_server(box: Sandbox) -> Iterator[None]:
    box.github.unknown_fields = frozenset({"duplicateOf"})
    yield
    box.github.unknown_fields = frozenset()


@pytest.mark.parametrize("created_in", ["github"], indirect=True)
@pytest.mark.parametrize("comment", ["Duplicate of #1", "Closing as a duplicate of #1, thanks."])
def test_on_github_a_comment_may_name_it(pair: tuple[Simulated, IssueRef], comment: str) -> None:
    close_on_github(*pair, comment)
    assert find(pair) == Duplicate(1, MAINTAINER)


@pytest.mark.parametrize("created_in", ["github"], indirect=True)
def test_on_github_a_stranger_s_comment_names_nothing(pair: tuple[Simulated, IssueRef]) -> None:
    close_on_github(*pair, "Duplicate of #1", "octocat")
    assert find(pair) == Duplicate(0, MAINTAINER)


@pytest.mark.parametrize("created_in", ["github"], indirect=True)
def test_an_older_github_server_knows_it_by_a_comment_only(
    pair: tuple[Simulated, IssueRef], platforms: tuple[Sandbox, object]
) -> None:
    case, ref = pair
    with older_server(platforms[0]):
        case.host.close_issue(ref.repo, 2, duplicate_of=1, deliver=False)
        assert find(pair) == Duplicate(0, MAINTAINER)
        case.host.comment_by_person(ref.repo, 2, "duplicate of #1", deliver=False)
        assert find(pair) == Duplicate(1, MAINTAINER)
