"""Comments with commands in the `Forge` port: the fake, and both clients over HTTP."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.command_port import UserComment
from bot.core.errors import NotFound
from bot.sandbox.state import MAINTAINER
from tests.contracts.forge_case import BODY, TITLE, Case, Simulated


def write(case: Case, body: str, author: str = MAINTAINER) -> int:
    """Return the id of a person's new comment."""
    if isinstance(case, Simulated):
        repo, number = case.ref.repo, case.ref.number
        return case.host.comment_by_person(repo, number, body, login=author, deliver=False)
    written = case.fake.commands.written
    comment_id = len(written) + 1
    written[comment_id] = UserComment(comment_id, body, author)
    return comment_id


def count_reactions(case: Case, comment_id: int) -> int:
    if isinstance(case, Simulated):
        return len(case.host.reactions(case.ref.repo, comment_id))
    return case.fake.commands.reactions.count(comment_id)


def read_comment(case: Case, comment_id: int) -> UserComment:
    comment = case.forge.commands.get_comment(case.ref, comment_id)
    assert comment is not None
    return comment


def test_a_person_s_comment_is_read_with_what_its_author_may_do(case: Case) -> None:
    for author, may in ((MAINTAINER, True), ("stranger", False)):
        comment = read_comment(case, write(case, "/tagline redo", author))
        assert comment.body == "/tagline redo"
        assert case.forge.commands.may_command(case.ref, comment.author) is may


def test_a_comment_gets_one_reaction(case: Case) -> None:
    comment_id = write(case, "/tagline redo")
    for _ in range(2):
        case.forge.commands.acknowledge(case.ref, comment_id)
        assert count_reactions(case, comment_id) == 1
    assert count_reactions(case, write(case, "Another")) == 0


def test_a_comment_that_is_gone_is_not_found(case: Case) -> None:
    with pytest.raises(NotFound):
        case.forge.commands.get_comment(case.ref, 4711)
    if isinstance(case, Simulated):
        case.forge.commands.acknowledge(case.ref, 4711)


ROLES = {
    "github": {"read": False, "triage": True, "maintain": True, "admin": True, "reviewer": False},
    "gitlab": {"guest": False, "planner": False, "reporter": True, "developer": True},
}


@pytest.mark.parametrize(
    ("created_in", "role", "may"),
    [(forge, role, may) for forge, roles in ROLES.items() for role, may in roles.items()],
    indirect=["created_in"],
)
def test_a_role_that_may_change_labels_may_command(
    created_in: Simulated, role: str, may: bool
) -> None:
    host, repo = created_in.host, created_in.ref.repo
    number = host.open_issue(repo, TITLE, BODY, deliver=False)
    case = replace(created_in, ref=replace(created_in.ref, number=number))
    host.state.repo(repo).roles["robin"] = role
    comment = read_comment(case, write(case, "Words", "robin"))
    assert case.forge.commands.may_command(case.ref, comment.author) is may


def test_comments_by_bots_and_internal_ones_are_not_returned(created_in: Simulated) -> None:
    host, repo = created_in.host, created_in.ref.repo
    number = host.open_issue(repo, TITLE, BODY, deliver=False)
    case = replace(created_in, ref=replace(created_in.ref, number=number))
    own = case.forge.post_comment(case.ref, "/tagline redo").id
    assert case.forge.commands.get_comment(case.ref, own) is None
    if host.host == "gitlab":
        internal = host.comment_by_person(repo, number, "Words", internal=True, deliver=False)
        assert case.forge.commands.get_comment(case.ref, internal) is None


def test_a_comment_on_another_issue_is_not_returned(created_in: Simulated) -> None:
    host, repo = created_in.host, created_in.ref.repo
    one, other = (host.open_issue(repo, TITLE, BODY, deliver=False) for _ in range(2))
    comment_id = host.comment_by_person(repo, other, "Words", deliver=False)
    try:
        found = created_in.forge.commands.get_comment(
            replace(created_in.ref, number=one), comment_id
        )
    except NotFound:
        found = None
    assert found is None


def test_commands_are_addressed_in_the_form_of_the_host(created_in: Simulated) -> None:
    commands = created_in.forge.commands
    if created_in.host.host == "github":
        assert commands.list_prefixes("tagline") == ("/tagline",)
        return
    (own,) = created_in.host.bot_accounts
    assert commands.list_prefixes("") == (f"@{own}",)
    assert commands.list_prefixes("tagline") == commands.list_prefixes("@tagline")
    assert commands.list_prefixes("tagline") == ("@tagline", f"@{own}")
