"""What a report should contain, in the `Forge` port: the fake, and both clients over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot import wiring
from bot.core.report_port import MAX_TEMPLATES, TemplateFile
from bot.core.types import IssueRef
from bot.forges.registry import FORGES
from bot.sandbox.gitlab.serializers import Serializer
from bot.sandbox.state import MAINTAINER, StoredComment
from bot.settings.load import load
from tests.contracts.forge_case import BODY, TITLE, Case, Platforms, Simulated

FOLDERS = {"github": ".github/ISSUE_TEMPLATE", "gitlab": ".gitlab/issue_templates"}


def add(case: Case, files: Mapping[str, str]) -> None:
    """Add files to the repository; a `*` in a path stands for the forge's folder of templates."""
    paths = {path.replace("*", FOLDERS[case.ref.forge]): text for path, text in files.items()}
    if isinstance(case, Simulated):
        case.host.state.repo(case.ref.repo).files.update(paths)
    else:
        case.fake.reports.templates += [TemplateFile(*pair) for pair in sorted(paths.items())]


def names(case: Case) -> list[str]:
    return [one.path.rpartition("/")[2] for one in case.forge.reports.list_templates(case.ref)]


def comment(case: Case, body: str, author: str) -> None:
    if isinstance(case, Simulated):
        repo, number = case.ref.repo, case.ref.number
        case.host.comment_by_person(repo, number, body, login=author, deliver=False)
    else:
        case.fake.reports.comments.append((author, body))


def requests(case: Simulated) -> list[str]:
    return [
        x.path for x in case.host.exchanges if case.ref.repo in x.path or "/projects/" in x.path
    ]


def test_a_repository_without_templates_has_none(case: Case) -> None:
    assert case.forge.reports.list_templates(case.ref) == ()


def test_templates_are_read_with_their_text(case: Case) -> None:
    add(case, {"*/bug.md": "## Steps\n", "*/idea.md": "## Idea ✨\n"})
    found = case.forge.reports.list_templates(case.ref)
    assert [(one.path.rpartition("/")[2], one.text) for one in found] == [
        ("bug.md", "## Steps\n"),
        ("idea.md", "## Idea ✨\n"),
    ]


def test_the_author_s_comments_are_read_and_nobody_else_s(case: Case) -> None:
    issue = case.forge.get_issue(case.ref)
    assert case.forge.reports.list_author_comments(issue) == ()
    for body, author in (("one", issue.author), ("two", MAINTAINER), ("three", issue.author)):
        comment(case, body, author)
    case.forge.post_comment(case.ref, "by the bot")
    assert case.forge.reports.list_author_comments(issue) == ("one", "three")


def test_other_files_and_long_ones_are_left_out(created_in: Simulated) -> None:
    others = {"*/config.yml": "a: 1", "*/logo.png": "x", "*/long.md": "x" * 65_537}
    add(created_in, {**others, "*/deep/bug.md": "no", "*/bug.md": "## Steps"})
    assert names(created_in) == ["bug.md"]


def test_of_many_templates_the_first_are_read(created_in: Simulated) -> None:
    add(created_in, {f"*/t{n:02}.md": "## Steps" for n in range(30)})
    assert names(created_in) == [f"t{n:02}.md" for n in range(MAX_TEMPLATES)]
    created_in.host.state.repo(created_in.ref.repo).files.clear()
    add(created_in, {f"*/t{n:02}.md": "x" * 60_000 for n in range(3)})
    assert len(names(created_in)) == MAX_TEMPLATES  # from the cache


def test_a_cold_state_takes_two_requests_and_one_per_template_and_a_warm_one_none(
    created_in: Simulated,
) -> None:
    add(created_in, {f"*/t{n}.md": "## Steps" for n in range(3)})
    created_in.forge.get_config_text(created_in.ref)  # what other work has read before
    before = len(requests(created_in))
    for _ in range(3):
        names(created_in)
    assert len(requests(created_in)) - before <= 2 + 3


@pytest.mark.parametrize("path", [".github/issue_template.md", "ISSUE_TEMPLATE.md"])
@pytest.mark.parametrize("created_in", ["github"], indirect=True)
def test_a_template_of_the_old_form_is_read_on_github(created_in: Simulated, path: str) -> None:
    add(created_in, {path: "## Steps"})
    assert names(created_in) == [path.rpartition("/")[2]]


@pytest.mark.parametrize("created_in", ["gitlab"], indirect=True)
def test_the_default_template_of_a_gitlab_project_is_read(created_in: Simulated) -> None:
    created_in.host.state.repo(created_in.ref.repo).issues_template = "## Steps"
    assert names(created_in) == ["default.md"]


@pytest.mark.parametrize("field", ["internal", "confidential"])  # GitLab before 15.5 has the latter
@pytest.mark.parametrize("created_in", ["gitlab"], indirect=True)
def test_internal_notes_of_the_author_are_not_read(
    created_in: Simulated, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_note = Serializer.note

    def make_old_note(serializer: Serializer, comment: StoredComment) -> dict[str, Any]:
        note = make_note(serializer, comment)
        return note | {field: note.pop("internal")}

    monkeypatch.setattr(Serializer, "note", make_old_note)
    repo, host = created_in.ref.repo, created_in.host
    number = host.open_issue(repo, TITLE, BODY, author=MAINTAINER, deliver=False)
    issue = created_in.forge.get_issue(replace(created_in.ref, number=number))
    host.comment_by_person(repo, number, "Words", internal=True, deliver=False)
    assert created_in.forge.reports.list_author_comments(issue) == ()


@pytest.mark.parametrize("created_in", ["github"], indirect=True)
def test_without_the_right_to_contents_there_are_no_templates_after_one_request(
    platforms: Platforms, created_in: Simulated
) -> None:
    (box, _), repo, clients = platforms, created_in.ref.repo, wiring.clients()
    add(created_in, {"*/bug.md": "## Steps"})
    token = box.access.create_workflow_token(box.github.state.repo(repo), {"issues": "write"})
    settings = load({"GITHUB_TOKEN": token, "GITHUB_API_URL": box.github_url})
    forge = FORGES["github"].client(settings, clients)
    ref = forge.complete_ref(IssueRef("github", "", repo, 0))
    before = len(requests(created_in))
    assert [forge.reports.list_templates(ref) for _ in range(3)] == [(), (), ()]
    assert len(requests(created_in)) - before == 1
    clients.close()
