"""`ChangeSource` of both forges, over HTTP against the simulated platforms."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from bot import wiring
from bot.core import refs
from bot.core.errors import Forbidden, NotFound, OperatorError, RateLimited
from bot.core.polling import ChangedPage
from bot.core.polling_ports import ChangeSource
from bot.core.types import IssueRef
from bot.forges.registry import FORGES
from bot.http import ClientPool
from bot.settings.load import Settings, load
from tests.simulation import Host, Sandbox

# A GitHub App, a GitHub user's token, a GitLab token.
CREDENTIALS = ("app", "token", "gitlab")
_numbers = count(1)


@dataclass
class Platform:
    """A simulated platform with one repository, and the source of its changes."""

    box: Sandbox
    host: Host
    source: ChangeSource
    settings: Settings
    clients: ClientPool
    repo: str
    ref: IssueRef

    @property
    def is_app(self) -> bool:
        return bool(self.ref.account)

    def changed(self, since: float = 0.0, **more: str) -> ChangedPage:
        return self.source.list_changed_issues(self.ref, since, **more)

    def numbers(self, since: float = 0.0) -> list[int]:
        page = self.changed(since)
        found = [issue.ref.number for issue in page.issues]
        while page.following:
            page = self.changed(since, cursor=page.following)
            found += [issue.ref.number for issue in page.issues]
        return found

    def open(self, title: str = "Login fails", age: float = 0.0, **more: object) -> int:
        at = time.time() - age
        return self.host.open_issue(
            self.repo,
            title,
            "It fails.",
            deliver=False,
            created_at=at,
            **more,  # type: ignore[arg-type]
        )

    def connect(self, **environment: str) -> ChangeSource:
        """Return a source with other settings."""
        settings = load({**self.settings.source, **environment})
        return FORGES[self.ref.forge].changes(settings, self.clients)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    with sandbox.running():
        yield sandbox


@pytest.fixture(scope="module")
def clients() -> Iterator[ClientPool]:
    pool = wiring.clients()
    yield pool
    pool.close()


@pytest.fixture(params=CREDENTIALS)
def platform(request: pytest.FixtureRequest, box: Sandbox, clients: ClientPool) -> Platform:
    environment = box.environment()
    if request.param == "token":
        del environment["GITHUB_APP_ID"], environment["GITHUB_PRIVATE_KEY"]
        environment["GITHUB_TOKEN"] = box.token
    settings = load(environment)
    forge = "gitlab" if request.param == "gitlab" else "github"
    host, repo = box.hosts[forge], f"acme/changes{next(_numbers)}"
    host.add_repo(repo, {"bug": ""})
    source = FORGES[forge].changes(settings, clients)
    ref = source.find_repository(refs.repository(f"{forge}:{repo}", wiring.url_forms(settings)))
    return Platform(box, host, source, settings, clients, repo, ref)


def test_issues_in_any_state_are_listed_by_their_last_change(platform: Platform) -> None:
    numbers = [platform.open(age=100 - n) for n in range(3)]
    platform.host.close_issue(platform.repo, numbers[1], deliver=False)
    page = platform.changed()
    assert [issue.ref.number for issue in page.issues] == [numbers[1], numbers[2], numbers[0]]
    assert [issue.is_open for issue in page.issues] == [False, True, True]
    assert page.issues[1].ref == replace(platform.ref, number=numbers[2])
    assert (page.read, page.following, page.is_unchanged) == (3, "", False)
    assert abs(page.newest - time.time()) < 5
    assert abs(page.at - time.time()) < 5
    assert all(issue.body == "" for issue in page.issues)


def test_issues_that_changed_before_are_left_out(platform: Platform) -> None:
    platform.open(age=7200)
    new = platform.open(age=10)
    assert platform.numbers(since=time.time() - 3600) == [new]


def test_all_pages_are_listed(platform: Platform) -> None:
    for n in range(230):
        platform.open(age=1000 - n)
    found = platform.numbers()
    assert found == list(range(230, 0, -1))


def test_an_unchanged_list_is_not_sent_again_and_not_counted(platform: Platform) -> None:
    platform.open(age=10)
    first = platform.changed()
    again = platform.changed(etag=first.etag)
    assert again == ChangedPage(is_unchanged=True)
    assert platform.host.exchanges[-1].status == 304
    platform.open()
    changed = platform.changed(etag=first.etag)
    assert (len(changed.issues), changed.is_unchanged) == (2, False)
    assert changed.spacing > 0


def test_a_label_an_edit_and_a_comment_are_changes(platform: Platform) -> None:
    number = platform.open(age=10)
    host, repo = platform.host, platform.repo
    for change in (
        lambda: host.label_by_person(repo, number, "bug", deliver=False),
        lambda: host.edit_issue(repo, number, title="Login fails again", deliver=False),
        lambda: host.comment_by_person(repo, number, "I see it too.", deliver=False),
    ):
        etag = platform.changed().etag
        change()
        assert not platform.changed(etag=etag).is_unchanged
    (issue,) = platform.changed().issues
    assert (issue.title, issue.labels) == ("Login fails again", ("bug",))


def test_issues_of_bots_and_what_is_no_public_issue_are_left_out(platform: Platform) -> None:
    number = platform.open(age=10)
    if platform.ref.forge == "github":
        platform.open(pull_request=True)
        platform.open(author="renovate[bot]")
    else:
        platform.open(confidential=True)
        platform.open(type="Task")
        platform.open(author="project_1_bot_ab12")
    assert platform.numbers() == [number]


def test_a_list_that_lags_behind_shows_a_change_later(platform: Platform) -> None:
    number = platform.open()
    try:
        platform.host.state.list_lag = timedelta(seconds=30)
        assert platform.numbers() == []
        platform.host.state.clock = lambda: datetime.now(UTC) + timedelta(seconds=31)
        assert platform.numbers() == [number]
    finally:
        platform.host.state.list_lag = timedelta()
        platform.host.state.clock = platform.box.clock


def test_the_repositories_that_may_be_labelled_are_listed(platform: Platform) -> None:
    prefix = f"acme/listed{next(_numbers)}"
    for n in range(120):
        platform.host.add_repo(f"{prefix}-{n}", {})
    platform.host.add_repo(f"{prefix}-archived", {}).archived = True
    platform.host.add_repo(f"{prefix}-without-issues", {}).has_issues = False
    if not platform.is_app:
        platform.host.add_repo(f"{prefix}-read-only", {}).read_only = True
    found = platform.source.list_repositories()
    assert platform.ref in found
    assert {r.repo for r in found if prefix in r.repo} == {f"{prefix}-{n}" for n in range(120)}


def test_a_renamed_repository_is_found_by_its_former_name(platform: Platform) -> None:
    platform.host.rename_repo(platform.repo, new := f"{platform.repo}-new")
    try:
        found = platform.source.find_repository(replace(platform.ref, repo_id=0, account=""))
        assert found == replace(platform.ref, repo=new)
    finally:
        platform.host.rename_repo(new, platform.repo)


def test_changes_of_a_renamed_repository_are_listed(platform: Platform) -> None:
    number = platform.open(age=10)
    platform.host.rename_repo(platform.repo, f"{platform.repo}-new")
    assert platform.numbers() == [number]


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("archived", True, "it is archived"),
        ("has_issues", False, "its issues are turned off"),
        ("read_only", True, "its issues cannot be labelled with"),
    ],
)
def test_a_repository_that_cannot_be_answered_is_refused_with_the_reason(
    platform: Platform, field: str, value: bool, why: str
) -> None:
    setattr(platform.host.state.repo(platform.repo), field, value)
    if field == "read_only" and platform.is_app:
        pytest.skip("an App has no role in a repository")
    with pytest.raises(Forbidden, match=why):
        platform.source.find_repository(platform.ref)


def test_an_unknown_repository_is_not_found(platform: Platform) -> None:
    with pytest.raises(NotFound):
        platform.source.find_repository(
            replace(platform.ref, repo="acme/nothing", repo_id=0, account="")
        )


def test_refused_credentials_are_the_operator_s(platform: Platform) -> None:
    wrong = {"GITHUB_APP_ID": "1", "GITHUB_TOKEN": "ghp_expired", "GITLAB_TOKEN": "glpat-expired"}
    given = {name: value for name, value in wrong.items() if platform.settings.source.get(name)}
    source = platform.connect(**given)
    with pytest.raises(OperatorError, match="refused the"):
        source.list_repositories()
    with pytest.raises(OperatorError, match="refused the"):
        source.list_changed_issues(platform.ref, 0.0)


def test_a_rate_limit_says_how_long_to_wait(platform: Platform) -> None:
    platform.box.fault("forge-429", times=1)
    with pytest.raises(RateLimited) as limit:
        platform.changed()
    assert limit.value.after
    platform.box.clear_faults()


def test_a_suspended_installation_is_left_out(box: Sandbox, clients: ClientPool) -> None:
    source = FORGES["github"].changes(load(box.environment()), clients)
    (installation,) = box.access.installations
    installation.suspended_at = datetime.now(UTC)
    assert source.list_repositories() == ()
    installation.suspended_at = None
    assert source.list_repositories()


def test_new_comments_of_people_are_listed_by_their_commands(platform: Platform) -> None:
    name = {"github": "/tagline", "gitlab": "@tagline"}[platform.ref.forge]
    number = platform.open()
    ref = replace(platform.ref, number=number)

    def comment(body: str) -> int:
        return platform.host.comment_by_person(platform.repo, number, body, deliver=False)

    old = comment(f"{name} undo")
    comment("Nothing to do.")
    assert [issue.comments for issue in platform.changed().issues] == [2]
    first, second = comment(f"{name} why\n{name} redo"), comment(f"> {name} off\n\n{name} On")
    found = platform.source.list_commands(ref, 0.0)
    assert [(one.id, one.commands) for one in found] == [
        (old, ("undo",)),
        (first, ("why", "redo")),
        (second, ("on",)),
    ]
    assert platform.source.list_commands(ref, time.time() + 5) == ()
    with pytest.raises(NotFound):
        platform.source.list_commands(replace(ref, number=9_999), 0.0)


def test_a_command_that_an_edit_adds_to_an_old_comment_is_not_listed(platform: Platform) -> None:
    number = platform.open()
    ref = replace(platform.ref, number=number)
    add = platform.host.comment_by_person
    comment = add(platform.repo, number, "Please look.", deliver=False)
    with platform.host.state.lock:
        stored = platform.host.state.find_comment(platform.repo, comment)[1]
        stored.created_at -= timedelta(hours=1)
    name = {"github": "/tagline", "gitlab": "@tagline"}[platform.ref.forge]
    platform.host.edit_comment_by_person(platform.repo, comment, f"{name} redo", deliver=False)
    assert platform.source.list_commands(ref, time.time() - 60) == ()
