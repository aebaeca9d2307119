"""The `Forge` port and `IssueHistorySource`: the fake, and both clients over HTTP against the
simulated platforms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from bot import wiring
from bot.core.errors import Forbidden, NotFound
from bot.core.labels.common_labels import NewLabel
from bot.core.ports import Forge, IssueHistorySource
from bot.core.text.condense import HEAD_CHARS, TAIL_CHARS
from bot.core.types import HeldSuggestion, Issue, IssueRef, Label, OwnComment
from bot.forges.registry import FORGES, ForgeClient
from bot.sandbox import decisions
from bot.sandbox.state import MAINTAINER
from bot.sandbox.suggestions import Intent
from bot.settings.load import load
from tests.fakes import REF, FakeForge, make_issue
from tests.simulation import Host, Sandbox

TITLE, BODY = "Login fails", "It fails since the update."
LABELS = {"bug": "Something is broken", "docs": "", "needs review": ""}
LATER = 4_000_000_000  # seconds since the epoch
_numbers = count(1)


class Fake:
    """The fake, and what people do on it."""

    def __init__(self) -> None:
        labels = tuple(Label(name, text) for name, text in LABELS.items())
        self.ref = REF
        self.fake = FakeForge(make_issue(TITLE, BODY), labels, config=None)
        self.forge: Forge = self.fake
        self.history: IssueHistorySource = self.fake

    def label(self, name: str) -> None:
        self.fake.person_adds(name)

    def unlabel(self, name: str) -> None:
        self.fake.person_removes(name)

    def lose_label(self, name: str) -> None:
        self.fake.deleted.add(name)

    def write_config(self, text: str) -> None:
        self.fake.config = text

    def delete_comment(self, comment_id: int) -> None:
        self.fake.person_deletes_comment()

    def comment_by_other_bot(self, body: str) -> None:
        self.fake.other_bots_comments.append(OwnComment(7, body))

    def reply(self) -> None:
        self.fake.people_replied = True

    def suggest_by_other_bot(self, label: str) -> None:
        assert self.fake.suggestions is not None
        self.fake.suggestions.append(HeldSuggestion(99, label))

    def decide(self, suggestion: HeldSuggestion, is_accepted: bool) -> None:
        if is_accepted:
            self.fake.person_approves(suggestion.name)
        else:
            self.fake.person_dismisses(suggestion.name)

    def add_past(self, count: int, labels: Sequence[str], **more: Any) -> None:
        """Add issues, each newer than the one before."""
        for number in range(len(self.fake.past) + 1, len(self.fake.past) + count + 1):
            ref = replace(REF, number=number)
            issue = replace(make_issue(f"Issue {number}", BODY, labels), ref=ref, **more)
            self.fake.past.insert(0, issue)

    def handle_past(self, number: int) -> None:
        index = len(self.fake.past) - number
        self.fake.past[index] = replace(self.fake.past[index], handled=True)


@dataclass
class Simulated:
    """A client of a simulated platform, and what people do there."""

    forge: ForgeClient
    host: Host
    ref: IssueRef

    @property
    def history(self) -> IssueHistorySource:
        return self.forge

    def label(self, name: str) -> None:
        self.host.label_by_person(self.ref.repo, self.ref.number, name, deliver=False)

    def unlabel(self, name: str) -> None:
        self.host.unlabel_by_person(self.ref.repo, self.ref.number, name, deliver=False)

    def lose_label(self, name: str) -> None:
        del self.host.state.repo(self.ref.repo).labels[name]

    def write_config(self, text: str) -> None:
        self.host.set_config(self.ref.repo, text)

    def delete_comment(self, comment_id: int) -> None:
        repo, number = self.ref.repo, self.ref.number
        self.host.delete_comment_by_person(repo, number, comment_id, deliver=False)

    def comment_by_other_bot(self, body: str) -> None:
        login = {"github": "other[bot]", "gitlab": "group_9_bot_77"}[self.ref.forge]
        self.host.state.user(login, is_bot=True)
        self.host.state.comment(self.ref.repo, self.ref.number, body, login, None)

    def suggest_by_other_bot(self, label: str) -> None:
        state, login = self.host.state, self.host.state.user("other[bot]", is_bot=True).login
        repo, number = self.ref.repo, self.ref.number
        decisions.suggest(state, repo, number, "add_label", Intent(label), login)

    def decide(self, suggestion: HeldSuggestion, is_accepted: bool) -> None:
        repo, number = self.ref.repo, self.ref.number
        self.host.decide_by_person(repo, number, suggestion.id, accept=is_accepted)

    def reply(self) -> None:
        repo, number = self.ref.repo, self.ref.number
        self.host.comment_by_person(repo, number, "I can confirm it.", deliver=False)

    def add_past(self, count: int, labels: Sequence[str], **more: Any) -> None:
        """Add issues, each newer than the one before."""
        for _ in range(count):
            number = len(self.host.state.repo(self.ref.repo).issues) + 1
            self.host.open_issue(
                *(self.ref.repo, f"Issue {number}", more.get("body", BODY)),
                labels=list(labels),
                created_at=LATER + number,
                confidential=more.get("confidential", False),
                deliver=False,
            )

    def handle_past(self, number: int) -> None:
        self.host.close_issue(self.ref.repo, number, deliver=False)


Case = Fake | Simulated


@pytest.fixture(scope="module")
def platforms() -> Iterator[tuple[Sandbox, dict[str, ForgeClient]]]:
    with Sandbox().running() as box:
        settings = load(
            {
                "GITHUB_APP_ID": str(box.app_id),
                "GITHUB_PRIVATE_KEY": box.private_key,
                "GITHUB_API_URL": box.github_url,
                "GITLAB_URL": box.gitlab_url,
                "GITLAB_TOKEN": box.gitlab.token,
            }
        )
        clients = wiring.clients()
        yield box, {name: entry.client(settings, clients) for name, entry in FORGES.items()}
        clients.close()


@pytest.fixture(params=["fake", "github", "workflow", "gitlab"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    if request.param == "fake":
        yield Fake()
        return
    box, forges = request.getfixturevalue("platforms")
    name = "github" if request.param == "workflow" else request.param
    host, forge, clients = box.hosts[name], forges[name], wiring.clients()
    repo = f"acme/contract{next(_numbers)}"
    host.add_repo(repo, LABELS)
    if request.param == "workflow":
        permissions = {"issues": "write", "contents": "read"}
        token = box.access.create_workflow_token(host.state.repo(repo), permissions)
        settings = load({"GITHUB_TOKEN": token, "GITHUB_API_URL": box.github_url})
        forge = FORGES[name].client(settings, clients)
    number = host.open_issue(repo, TITLE, BODY, deliver=False)
    ref = forge.complete_ref(IssueRef(name, "", repo, number))
    yield Simulated(forge, host, ref)
    clients.close()


@pytest.fixture(params=["github", "gitlab"])
def created_in(
    request: pytest.FixtureRequest, platforms: tuple[Sandbox, dict[str, ForgeClient]]
) -> Simulated:
    """A client of each platform; creating labels is no part of the `Forge` port."""
    box, forges = platforms
    repo = f"acme/contract{next(_numbers)}"
    box.hosts[request.param].add_repo(repo, LABELS)
    ref = forges[request.param].complete_ref(IssueRef(request.param, "", repo, 0))
    return Simulated(forges[request.param], box.hosts[request.param], ref)


def test_an_issue_is_read_as_it_is(case: Case) -> None:
    issue = case.forge.get_issue(case.ref)
    assert (issue.ref, issue.title, issue.body) == (case.ref, TITLE, BODY)
    flags = (issue.is_bot, issue.locked, issue.confidential, issue.is_pull_request)
    assert (issue.is_open, *flags) == (True, False, False, False, False)
    assert issue.labels == ()


def test_an_issue_that_does_not_exist_is_not_found(case: Case) -> None:
    if isinstance(case, Fake):
        case.fake.fail("get_issue", NotFound("gone (status 404)"))
    else:
        case.host.delete_issue(case.ref.repo, case.ref.number, deliver=False)
    with pytest.raises(NotFound):
        case.forge.get_issue(case.ref)


def test_the_labels_are_those_of_the_repository(case: Case) -> None:
    assert {label.name: label.description for label in case.forge.list_labels(case.ref)} == LABELS


def test_a_repository_without_a_configuration_file_has_none(case: Case) -> None:
    assert case.forge.get_config_text(case.ref) is None


def test_the_configuration_file_is_read_as_text(case: Case) -> None:
    case.write_config("version: 1\n")
    assert case.forge.get_config_text(case.ref) == "version: 1\n"


def test_labels_are_added_to_those_on_the_issue(case: Case) -> None:
    case.label("docs")
    assert case.forge.add_labels(case.ref, ("bug", "needs review")) == ("bug", "needs review")
    assert set(case.forge.get_issue(case.ref).labels) == {"docs", "bug", "needs review"}


def test_a_label_that_the_repository_has_lost_is_not_created(case: Case) -> None:
    case.forge.list_labels(case.ref)
    case.lose_label("bug")
    assert case.forge.add_labels(case.ref, ("bug", "docs")) == ("docs",)
    assert case.forge.get_issue(case.ref).labels == ("docs",)


@pytest.mark.parametrize("name", ["ui/ux", "naïve 🐛", "help: me"])
def test_a_label_is_created_as_it_is_given_once(created_in: Simulated, name: str) -> None:
    label = NewLabel(name, "How it looks", "f9d0c4")
    created_in.forge.list_labels(created_in.ref)
    assert created_in.forge.create_label(created_in.ref, label)
    assert Label(name, "How it looks") in created_in.forge.list_labels(created_in.ref)
    assert created_in.host.state.repo(created_in.ref.repo).colors == {name: "f9d0c4"}
    assert not created_in.forge.create_label(created_in.ref, label)


def test_a_label_that_another_one_created_meanwhile_is_left_alone(created_in: Simulated) -> None:
    created_in.forge.list_labels(created_in.ref)
    assert not created_in.forge.create_label(created_in.ref, NewLabel("bug", "New", "d73a4a"))
    labels = {x.name: x.description for x in created_in.forge.list_labels(created_in.ref)}
    assert labels == LABELS


def test_a_label_that_the_forge_refuses_is_an_error(created_in: Simulated) -> None:
    with pytest.raises(Forbidden):
        created_in.forge.create_label(created_in.ref, NewLabel("x" * 300, "", "d73a4a"))
    with pytest.raises(Forbidden):
        created_in.forge.create_label(created_in.ref, NewLabel("ok", "", "red"))


def test_only_the_named_labels_are_removed(case: Case) -> None:
    case.forge.add_labels(case.ref, ("bug", "docs"))
    case.forge.remove_labels(case.ref, ("bug", "needs review"))
    assert case.forge.get_issue(case.ref).labels == ("docs",)


def test_a_label_was_set_by_the_bot_until_a_person_sets_it(case: Case) -> None:
    case.forge.add_labels(case.ref, ("bug", "docs"))
    case.unlabel("docs")
    case.label("docs")
    case.label("needs review")
    names = ("bug", "docs", "needs review")
    assert case.forge.filter_set_by_bot(case.ref, names) == ("bug",)


def test_label_changes_are_listed_with_who_made_them(case: Case) -> None:
    case.forge.add_labels(case.ref, ("bug",))
    case.unlabel("bug")
    case.label("docs")
    changes = case.forge.list_label_changes(case.ref)
    assert [(one.name, one.added, one.own, one.by_bot) for one in changes] == [
        ("bug", True, True, True),
        ("bug", False, False, False),
        ("docs", True, False, False),
    ]
    assert [one.at for one in changes] == sorted(one.at for one in changes)
    assert changes[0].at >= case.forge.get_issue(case.ref).created_at


def test_a_comment_is_listed_and_edited_in_place(case: Case) -> None:
    assert case.forge.list_own_comments(case.ref) == ()
    comment = case.forge.post_comment(case.ref, "First.")
    assert case.forge.list_own_comments(case.ref) == (OwnComment(comment.id, "First."),)
    assert case.forge.edit_comment(case.ref, comment.id, "Second.")
    assert case.forge.list_own_comments(case.ref) == (OwnComment(comment.id, "Second."),)


def test_a_comment_that_a_person_deleted_cannot_be_edited(case: Case) -> None:
    comment = case.forge.post_comment(case.ref, "First.")
    case.delete_comment(comment.id)
    assert not case.forge.edit_comment(case.ref, comment.id, "Second.")
    assert case.forge.list_own_comments(case.ref) == ()


def test_a_comment_is_deleted_once(case: Case) -> None:
    first, second = (case.forge.post_comment(case.ref, text) for text in ("First.", "Second."))
    case.forge.delete_comment(case.ref, first.id)
    case.forge.delete_comment(case.ref, first.id)
    assert case.forge.list_own_comments(case.ref) == (OwnComment(second.id, "Second."),)


def test_only_a_reply_of_a_member_counts_as_one(case: Case) -> None:
    case.forge.post_comment(case.ref, "From the bot.")
    assert not case.forge.has_member_reply(case.ref)
    case.reply()
    assert case.forge.has_member_reply(case.ref)


def test_an_author_may_write_to_the_repository_only_as_a_member(case: Case) -> None:
    issue = case.forge.get_issue(case.ref)
    assert not case.forge.author_can_write(issue)
    if isinstance(case, Fake):
        case.fake.writers.add(issue.author)
    else:
        repo = case.ref.repo
        number = case.host.open_issue(repo, TITLE, BODY, author=MAINTAINER, deliver=False)
        issue = case.forge.get_issue(replace(case.ref, number=number))
    assert case.forge.author_can_write(issue)


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
    platforms: tuple[Sandbox, dict[str, ForgeClient]],
) -> None:
    box, forges = platforms
    repo = f"acme/contract{next(_numbers)}"
    box.add_repo(repo, LABELS)
    box.open_issue(repo, "Typed", issue_type="Bug")
    box.open_issue(repo, "Not typed")
    ref = forges["github"].complete_ref(IssueRef("github", "", repo, 0))
    page = forges["github"].list_past_issues(ref)
    assert [(issue.title, issue.type) for issue in page.issues] == [
        ("Not typed", ""),
        ("Typed", "Bug"),
    ]


def test_a_page_of_very_long_issues_is_read_in_parts(
    platforms: tuple[Sandbox, dict[str, ForgeClient]],
) -> None:
    for name, length, number in (("github", 65_000, 80), ("gitlab", 1_000_000, 10)):
        box, forges = platforms
        repo = f"acme/contract{next(_numbers)}"
        box.hosts[name].add_repo(repo, LABELS)
        ref = forges[name].complete_ref(IssueRef(name, "", repo, 0))
        case = Simulated(forges[name], box.hosts[name], ref)
        case.add_past(3, ["bug"])
        case.add_past(number, ["bug"], body="long " * (length // 5))
        case.add_past(95, ["docs"])
        issues, read = read_history(case)
        assert [issue.ref.number for issue in issues] == list(range(98 + number, 0, -1))
        assert read == 98 + number
        assert max(len(issue.body) for issue in issues) <= HEAD_CHARS + TAIL_CHARS
