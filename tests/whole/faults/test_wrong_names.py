"""Authentic deliveries that name another repository, owner or installation than that of their id.

Where one secret serves many repositories, whoever knows it can write any payload. The id decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations, count
from typing import Any

import pytest

from bot.core.jobs import JobRecord
from bot.embedded.valkey import EmbeddedRedis
from bot.sandbox.state import Event
from tests.simulation import Exchange, Sandbox
from tests.whole.app import BODY, LABELS, TITLE, App

HOLDERS = {"github": ".github", "gitlab": ".gitlab"}
PARTS = ("path", "name", "owner")
LIES = [some for size in range(len(PARTS) + 1) for some in combinations(PARTS, size)]
UNKNOWN = 987_654_321
_numbers = count(1)
_deliveries = count(1)


class Owner:
    """An account with one repository, whose configuration is in the file for all of its own."""

    def __init__(self, app: App, kind: str, config: str, *, installed: bool = False) -> None:
        self.app, self.login = app, f"{kind}{next(_numbers)}"
        self.repo = f"{self.login}/widget"
        self.installation = app.box.installation_id
        if installed and app.on == "github":
            self.installation = app.box.install(self.login)
        self.id = app.host.add_repo(self.repo, LABELS).id
        app.host.add_repo(f"{self.login}/{HOLDERS[app.on]}", files={app.host.config_path: config})

    def issue(self) -> int:
        """Opened, and no delivery told of it."""
        body = f"{BODY} Seen {next(_deliveries)} times."
        return self.app.host.open_issue(self.repo, TITLE, body, deliver=False)

    def payload(self, number: int) -> tuple[str, dict[str, Any]]:
        """What the host would send of it."""
        state = self.app.host.state
        home, issue = state.repo(self.repo), state.issue(self.repo, number)
        webhook, *_ = self.app.host.hooks.webhooks(Event("opened", home, issue, issue.author))
        return webhook.event, json.loads(webhook.body)

    def state(self, number: int) -> tuple[int, list[str]]:
        """How many comments of ours there are, and the labels."""
        host = self.app.host
        return len(host.bot_comments(self.repo, number)), host.labels(self.repo, number)


class Pair:
    """Two owners whose repositories share a secret. The victim's file wants labels only suggested,
    the other one's wants them set."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.victim = Owner(app, "victim", "mode: suggest", installed=True)
        self.other = Owner(app, "other", "mode: apply", installed=True)

    def send(
        self, of: Owner, number: int, lies: tuple[str, ...] = (), **ids: int
    ) -> JobRecord | None:
        """A delivery of an issue with parts of the other owner's names, and other ids."""
        event, payload = of.payload(number)
        another = self.other if of is self.victim else self.victim
        change = _github if self.app.on == "github" else _gitlab
        change(payload, another, lies, ids)
        answer = self.app.host.deliver(event, payload)
        assert answer.status_code == 202
        job = answer.headers.get("x-tagline-job")
        return self.app.over(job) if job else None

    def honest(self) -> None:
        """A further honest issue of the victim gets what the victim's own file says."""
        number = self.victim.issue()
        self.send(self.victim, number)
        self.suggested(number)

    def suggested(self, number: int) -> None:
        assert self.victim.state(number) == (1, [])
        (comment,) = self.app.host.bot_comments(self.victim.repo, number)
        assert "Suggested, not applied" in comment.body


def _github(
    payload: dict[str, Any], another: Owner, lies: tuple[str, ...], ids: dict[str, int]
) -> None:
    repository = payload["repository"]
    if "path" in lies:
        repository["full_name"] = another.repo
        repository["url"] = f"https://api.github.com/repos/{another.repo}"
        payload["issue"]["repository_url"] = repository["url"]
    if "name" in lies:
        repository["name"] = another.repo.partition("/")[2]
    if "owner" in lies:
        repository["owner"]["login"] = payload["organization"]["login"] = another.login
    repository["id"] = ids.get("repo", repository["id"])
    payload["installation"]["id"] = ids.get("installation", payload["installation"]["id"])


def _gitlab(
    payload: dict[str, Any], another: Owner, lies: tuple[str, ...], ids: dict[str, int]
) -> None:
    project = payload["project"]
    if "path" in lies:
        project["path_with_namespace"] = another.repo
        project["web_url"] = project["homepage"] = f"https://gitlab.example/{another.repo}"
    if "name" in lies:
        project["name"] = another.repo
    if "owner" in lies:
        project["namespace"] = another.login
    project["id"] = ids.get("repo", project["id"])
    payload["object_attributes"]["updated_at"] = f"2026-01-01 00:00:{next(_deliveries)} UTC"


@pytest.fixture
def pair(app: App) -> Pair:
    return Pair(app)


NOBODY = {"GITHUB_APP_ID": "", "GITHUB_PRIVATE_KEY": ""}


@pytest.fixture(scope="module")
def _by_token(box: Sandbox, server: EmbeddedRedis) -> Iterator[App]:
    environment = {**NOBODY, "GITHUB_TOKEN": box.token}
    app = App(box, f"{server.url[:-1]}4", environment=environment)
    with app.open():
        yield app


@pytest.fixture
def by_token(_by_token: App, clean: str) -> Pair:
    _by_token.refresh("github")
    return Pair(_by_token)


def _right_id_decides(pair: Pair, lies: tuple[str, ...]) -> None:
    """However wrong the names: the issue of that id is answered by its own file."""
    app, victim, other = pair.app, pair.victim, pair.other
    number, known = victim.issue(), len(app.host.exchanges)
    other_number = other.issue()
    pair.send(victim, number, lies)
    pair.suggested(number)
    assert other.state(other_number) == (0, [])
    assert [x for x in app.host.exchanges[known:] if _names(x, other)] == []
    pair.honest()


def _names(exchange: Exchange, owner: Owner) -> bool:
    return owner.login in exchange.path or f"/{owner.id}/" in f"{exchange.path}/"


def _another_id_decides(pair: Pair, lies: tuple[str, ...]) -> None:
    """An issue under the id of another repository: that one's is answered, by its own file."""
    victim, other = pair.victim, pair.other
    number, theirs = victim.issue(), other.issue()
    assert number == theirs
    pair.send(victim, number, lies, repo=other.id, installation=other.installation)
    assert victim.state(number) == (0, [])
    comments, labels = other.state(theirs)
    assert comments == 1
    assert "bug" in labels
    pair.send(victim, number)
    pair.suggested(number)
    pair.honest()


def _unknown_id_is_left_alone(pair: Pair, lies: tuple[str, ...]) -> None:
    victim, number = pair.victim, pair.victim.issue()
    job = pair.send(victim, number, lies, repo=UNKNOWN)
    assert job is not None
    assert (job.state, job.outcome) == ("done", "skipped")
    assert victim.state(number) == (0, [])
    pair.send(victim, number)
    pair.suggested(number)


@pytest.mark.parametrize("lies", LIES, ids="+".join)
def test_the_id_decides_whatever_names_a_delivery_gives(pair: Pair, lies: tuple[str, ...]) -> None:
    _right_id_decides(pair, lies)


@pytest.mark.parametrize("lies", LIES, ids="+".join)
def test_the_id_of_another_repository_leaves_the_named_one_alone(
    pair: Pair, lies: tuple[str, ...]
) -> None:
    _another_id_decides(pair, lies)


@pytest.mark.parametrize("lies", LIES, ids="+".join)
def test_an_unknown_id_is_left_alone_whatever_names_stand_beside_it(
    pair: Pair, lies: tuple[str, ...]
) -> None:
    _unknown_id_is_left_alone(pair, lies)


@pytest.mark.parametrize("lies", LIES, ids="+".join)
def test_the_id_decides_with_a_personal_token(by_token: Pair, lies: tuple[str, ...]) -> None:
    _right_id_decides(by_token, lies)


@pytest.mark.parametrize("lies", LIES, ids="+".join)
def test_the_id_of_another_repository_decides_with_a_personal_token(
    by_token: Pair, lies: tuple[str, ...]
) -> None:
    _another_id_decides(by_token, lies)


def test_an_unknown_id_is_left_alone_with_a_personal_token(by_token: Pair) -> None:
    _unknown_id_is_left_alone(by_token, PARTS)


@pytest.mark.parametrize("lies", LIES, ids="+".join)
@pytest.mark.parametrize("whose", ["another one's", "unknown"])
def test_an_installation_without_the_repository_is_skipped_and_remembers_nothing(
    pair: Pair, lies: tuple[str, ...], whose: str
) -> None:
    """GitHub mints no token for the pair; the issue's own delivery is answered as ever."""
    app, victim, number = pair.app, pair.victim, pair.victim.issue()
    wrong = pair.other.installation if whose == "another one's" else UNKNOWN
    job = pair.send(victim, number, lies, installation=wrong)
    assert job is not None
    assert (job.state, job.outcome) == ("done", "skipped")
    assert victim.state(number) == (0, [])
    assert app.store.record(f"github:127.0.0.1:{victim.id}:{number}") is None
    assert app.redis.keys("tagline:pace:*") == []
    pair.send(victim, number)
    pair.suggested(number)


def test_a_wrong_installation_does_not_undo_what_is_remembered_of_an_issue(pair: Pair) -> None:
    app, victim, number = pair.app, pair.victim, pair.victim.issue()
    pair.send(victim, number)
    key = f"github:127.0.0.1:{victim.id}:{number}"
    before = app.store.record(key)
    assert before is not None
    pair.send(victim, number, PARTS, installation=pair.other.installation)
    assert app.store.record(key) == before


def test_a_limit_on_minting_pauses_no_installation(pair: Pair) -> None:
    """It strikes the App: the installation in the delivery need not be the repository's."""
    app, victim, other = pair.app, pair.victim, pair.other
    number = victim.issue()
    app.box.faults.arm("github-403-secondary", 1, "/access_tokens")
    event, payload = victim.payload(number)
    payload["installation"]["id"] = other.installation
    job = app.host.deliver(event, payload).headers["x-tagline-job"]
    assert app.end_of(job).state == "waiting"
    theirs = other.issue()
    pair.send(other, theirs)
    assert other.state(theirs)[0] == 1
