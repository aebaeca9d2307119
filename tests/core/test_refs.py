"""How people write an issue on the command line."""

from __future__ import annotations

import pytest

from bot.core.model import IssueRef
from bot.core.refs import parse

PUBLIC = "github.com"


def github(repo: str, number: int, host: str = PUBLIC) -> IssueRef:
    return IssueRef("github", host, repo, number)


@pytest.mark.parametrize(
    ("text", "host", "ref"),
    [
        ("github:acme/widget#41", PUBLIC, github("acme/widget", 41)),
        ("github:a.b/c_d-e.f#1", PUBLIC, github("a.b/c_d-e.f", 1)),
        ("https://github.com/acme/widget/issues/41", PUBLIC, github("acme/widget", 41)),
        ("http://GitHub.com/acme/widget/issues/41", PUBLIC, github("acme/widget", 41)),
        ("https://github.com/a/b/issues/4#issuecomment-9", PUBLIC, github("a/b", 4)),
        ("https://github.com/a/b/issues/4?notification=1", PUBLIC, github("a/b", 4)),
        ("https://ghe.example/a/b/issues/4", "ghe.example", github("a/b", 4, "ghe.example")),
        ("github:a/b#4", "ghe.example", github("a/b", 4, "ghe.example")),
        ("https://[::1]:8080/a/b/issues/4", PUBLIC, None),
        ("https://github.com/acme/widget/pull/41", PUBLIC, None),
        ("https://github.com/acme/widget/issues", PUBLIC, None),
        ("https://github.com/acme/widget/issues/new", PUBLIC, None),
        ("https://github.com.evil.example/a/b/issues/4", PUBLIC, None),
        ("https://evil.example/github.com/a/b/issues/4", PUBLIC, None),
        ("https://github.com/a/b/issues/4", "ghe.example", None),
        ("github:acme/widget", PUBLIC, None),
        ("github:acme#1", PUBLIC, None),
        ("github:acme/widget/x#1", PUBLIC, None),
        ("github:acme/widget#-1", PUBLIC, None),
        ("github:acme/widget#" + "9" * 19, PUBLIC, None),
        ("bitbucket:acme/widget#1", PUBLIC, None),
        ("41", PUBLIC, None),
        ("", PUBLIC, None),
        ("github:a/b#1\n", PUBLIC, None),
    ],
)
def test_an_issue_is_written_as_its_address_or_in_short(
    text: str, host: str, ref: IssueRef | None
) -> None:
    if ref:
        assert parse(text, host) == ref
        return
    with pytest.raises(ValueError, match=f"https://{host}/owner/repository/issues/1"):
        parse(text, host)


def test_a_reference_is_shown_as_it_can_be_written() -> None:
    ref = github("acme/widget", 41)
    assert parse(str(ref), PUBLIC) == ref


def test_an_issue_keeps_its_key_when_its_repository_is_renamed() -> None:
    before = IssueRef("github", PUBLIC, "acme/widget", 41, repo_id=7001)
    after = IssueRef("github", PUBLIC, "acme/gadget", 41, repo_id=7001)
    assert before.key == after.key


@pytest.mark.parametrize(
    "other",
    [
        IssueRef("github", PUBLIC, "acme/widget", 42, repo_id=7001),
        IssueRef("github", PUBLIC, "acme/widget", 41, repo_id=7002),
        IssueRef("github", "ghe.example", "acme/widget", 41, repo_id=7001),
        IssueRef("gitlab", PUBLIC, "acme/widget", 41, repo_id=7001),
    ],
)
def test_other_issues_have_other_keys(other: IssueRef) -> None:
    assert IssueRef("github", PUBLIC, "acme/widget", 41, repo_id=7001).key != other.key
