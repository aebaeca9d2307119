"""How people write an issue on the command line."""

from __future__ import annotations

import re

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


GHE_COM = url_forms(load({"GITHUB_API_URL": "https://api.octocorp.ghe.com"}))


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
    ("text", "advice"),
    [
        ("github.com/acme/widget/issues/41", "write https:// before"),
        ("gitlab.com/a/b/-/issues/4", "write https:// before"),
        ("https://github.com/acme/widget/pull/3", "pull requests and merge requests are not"),
        ("github.com/acme/widget/pull/3/files", "pull requests and merge requests are not"),
        ("https://gitlab.com/a/b/-/merge_requests/4", "pull requests and merge requests are not"),
        ("acme/widget", "write the issue's address on github.com"),
    ],
)
def test_an_address_that_is_nearly_one_is_explained(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        parse(text, HOSTS)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (
            "https://github.com/a/b/issues/4",
            "which `tagline enrich` shows; its repository is github:a/b",
        ),
        ("github:a/b#4", "its repository is github:a/b"),
        ("https://gitlab.com/a/b/c/-/issues/4#note_1", "its repository is gitlab:a/b/c"),
        ("https://github.com/a/b/pull/3/files", "that is a pull request or merge request"),
        ("https://gitlab.com/a/b/-/merge_requests/4", "that is a pull request or merge request"),
        ("https://gitlab.com/a/b/-/issues", "write the repository's address on github.com"),
        ("https://github.com/a", "write the repository's address on github.com"),
        ("github.com/a/b", "write https:// before"),
        (
            "https://git.example/a/b",
            "set GITLAB_URL to https://git.example if that is a GitLab, or",
        ),
        ("https://git.example/a/b", "GITHUB_API_URL to https://git.example/api/v3 if it is"),
        ("https://octocorp.ghe.com/a/b", "GITHUB_API_URL to https://api.octocorp.ghe.com if it is"),
        ("a/b", "write the repository's address on github.com"),
        ("https:///a/b", "write the repository's address on github.com"),
    ],
)
def test_what_is_no_repository_is_explained(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match=re.escape(advice)):
        repository(text, HOSTS)


@pytest.mark.parametrize("host", ["octocorp.ghe.com", "OctoCorp.GHE.com", "api.octocorp.ghe.com"])
def test_on_ghe_com_links_have_the_company_s_host(host: str) -> None:
    ref = github("acme/widget", 1, "api.octocorp.ghe.com")
    assert parse(f"https://{host}/acme/widget/issues/1", GHE_COM) == ref
    assert repository(f"https://{host}/acme/widget.git", GHE_COM).repo == "acme/widget"
    assert parse("github:acme/widget#1", GHE_COM) == ref


@pytest.mark.parametrize(
    "text", ["https://other.ghe.com/a/b/issues/1", "https://github.com/a/b/issues/1"]
)
def test_on_ghe_com_other_hosts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"address on octocorp\.ghe\.com or"):
        parse(text, GHE_COM)


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("https://git.example/a/b/issues/4", github("a/b", 4, "git.example")),
        ("https://Git.Example:8443/a/b/issues/4#x", github("a/b", 4, "git.example")),
    ],
)
def test_an_own_server_s_links_may_have_another_host(text: str, ref: IssueRef) -> None:
    """The forge confirms the host: see `complete_ref`."""
    assert parse(text, OWN) == ref


def test_an_api_at_a_name_of_its_own_is_known_by_the_name_of_the_pages() -> None:
    forms = url_forms(load({"GITHUB_API_URL": "https://api.git.example"}))
    ref = github("a/b", 4, "api.git.example")
    assert parse("https://git.example/a/b/issues/4", forms) == ref


def test_a_gitlab_server_at_an_internal_address_is_known_by_its_links() -> None:
    forms = url_forms(load({"GITLAB_URL": "http://10.0.0.5"}))
    ref = gitlab("a/b", 4, "gitlab.example")
    assert parse("https://gitlab.example/a/b/-/issues/4", forms) == ref


@pytest.mark.parametrize(
    "text",
    [
        "https://user@git.example/a/b/issues/4",
        "https://git.example/x/a/b/issues/4",
        "https://git_example/a/b/issues/4",
        "https://.example/a/b/issues/4",
        "ftp://git.example/a/b/issues/4",
    ],
)
def test_another_host_does_not_open_other_forms(text: str) -> None:
    with pytest.raises(ValueError, match="write the issue's address"):
        parse(text, OWN)


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
