"""How people write an issue on the command line."""

from __future__ import annotations

import pytest

from bot.core.refs import parse, repository
from bot.core.types import IssueRef
from bot.settings.load import load
from bot.wiring import url_forms

PUBLIC = "github.com"
HOSTS = url_forms(load({}))
OWN = url_forms(
    load({"GITHUB_API_URL": "https://ghe.example/api/v3", "GITLAB_URL": "https://example.org/git"})
)


def github(repo: str, number: int, host: str = PUBLIC) -> IssueRef:
    return IssueRef("github", host, repo, number)


def gitlab(repo: str, number: int, host: str = "gitlab.com") -> IssueRef:
    return IssueRef("gitlab", host, repo, number)


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("github:acme/widget#41", github("acme/widget", 41)),
        ("github:a.b/c_d-e.f#1", github("a.b/c_d-e.f", 1)),
        ("https://github.com/acme/widget/issues/41", github("acme/widget", 41)),
        ("http://GitHub.com/acme/widget/issues/41", github("acme/widget", 41)),
        ("https://github.com/a/b/issues/4#issuecomment-9", github("a/b", 4)),
        ("https://github.com/a/b/issues/4?notification=1", github("a/b", 4)),
        ("gitlab:acme/widget#41", gitlab("acme/widget", 41)),
        ("gitlab:acme/tools/widget#41", gitlab("acme/tools/widget", 41)),
        ("https://gitlab.com/a/b/-/issues/4", gitlab("a/b", 4)),
        ("https://GitLab.com/a/b/c/d/-/work_items/4#note_1", gitlab("a/b/c/d", 4)),
    ],
)
def test_an_issue_is_written_as_its_address_or_in_short(text: str, ref: IssueRef) -> None:
    assert parse(text, HOSTS) == ref


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("https://ghe.example/a/b/issues/4", github("a/b", 4, "ghe.example")),
        ("github:a/b#4", github("a/b", 4, "ghe.example")),
        ("https://example.org/git/a/b/-/issues/4", gitlab("a/b", 4, "example.org/git")),
        ("gitlab:a/b#4", gitlab("a/b", 4, "example.org/git")),
    ],
)
def test_an_own_server_is_known_by_its_host_and_sub_path(text: str, ref: IssueRef) -> None:
    assert parse(text, OWN) == ref


@pytest.mark.parametrize(
    "text",
    [
        "",
        "41",
        "https://github.com/acme/widget/pull/41",
        "https://github.com/acme/widget/issues",
        "https://github.com/acme/widget/issues/new",
        "https://github.com/acme/widget/x/issues/4",
        "https://github.com.evil.example/a/b/issues/4",
        "https://githubxcom/a/b/issues/4",
        "https://evil.example/github.com/a/b/issues/4",
        "https://ghe.example/a/b/issues/4",
        "https://gitlab.com/a/b/-/merge_requests/4",
        "https://gitlab.com/a/-/issues/4",
        "github:acme/widget",
        "github:acme#1",
        "github:acme/widget/x#1",
        "github:acme/widget#-1",
        "github:acme/widget#" + "9" * 19,
        "bitbucket:acme/widget#1",
        "github:a/b#1\n",
    ],
)
def test_the_error_for_anything_else_names_the_accepted_forms(text: str) -> None:
    with pytest.raises(ValueError, match=r"write the issue's address on .*github:owner/repos"):
        parse(text, HOSTS)


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("github:acme/widget", github("acme/widget", 0)),
        ("https://github.com/acme/widget", github("acme/widget", 0)),
        ("https://github.com/acme/widget.git", github("acme/widget", 0)),
        ("gitlab:a/b/c", gitlab("a/b/c", 0)),
        ("https://gitlab.com/a/b/c/", gitlab("a/b/c", 0)),
    ],
)
def test_a_repository_is_written_as_its_address_or_in_short(text: str, ref: IssueRef) -> None:
    assert repository(text, HOSTS) == ref


@pytest.mark.parametrize("text", ["", "acme/widget", "github:acme", "https://example.com/a/b"])
def test_the_error_for_no_repository_names_the_accepted_forms(text: str) -> None:
    with pytest.raises(ValueError, match=r"write the repository's address on .*github:owner/repos"):
        repository(text, HOSTS)


@pytest.mark.parametrize("ref", [github("acme/widget", 41), gitlab("a/b/c", 4)])
def test_a_reference_is_shown_as_it_can_be_written(ref: IssueRef) -> None:
    assert parse(str(ref), HOSTS) == ref


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
