"""Correctly signed deliveries whose names belong to another repository than their id.

A secret may serve many repositories, and its owner can sign any payload. The id decides.
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

CONFIG_REPOSITORIES = {"github": ".github", "gitlab": ".gitlab"}
PARTS = ("path", "name", "owner")
WRONG_PARTS = [some for size in range(len(PARTS) + 1) for some in combinations(PARTS, size)]
UNKNOWN = 987_654_321
_numbers = count(1)
_deliveries = count(1)


class Owner:
    """An account with one repository, configured by the account's file."""

    def __init__(self, app: App, kind: str, config: str, *, installed: bool = False) -> None:
        self.app, self.login = app, f"{kind}{next(_numbers)}"
        self.repo = f"{self.login}/widget"
        self.installation = app.box.installation_id
        if installed and app.on == "github":
            self.installation = app.box.install(self.login)
        self.id = app.host.add_repo(self.repo, LABELS).id
        app.host.add_repo(
            f"{self.login}/{CONFIG_REPOSITORIES[app.on]}", files={app.host.config_path: config}
        )

    def open_issue(self) -> int:
        """Open an issue without a delivery; return its number."""
        body = f"{BODY} Seen {next(_deliveries)} times."
        return self.app.host.open_issue(self.repo, TITLE, body, deliver=False)

    def payload(self, number: int) -> tuple[str, dict[str, Any]]:
        """Return the event and payload of an issue's `opened` delivery."""
        state = self.app.host.state
        repo, issue = state.repo(self.repo), state.issue(self.repo, number)
        webhook, *_ = self.app.host.hooks.webhooks(Event("opened", repo, issue, issue.author))
        return webhook.event, json.loads(webhook.body)

    def state(self, number: int) -> tuple[int, list[str]]:
        """Return the number of the bot's comments, and the labels."""
        host = self.app.host
        return len(host.bot_comments(self.repo, number)), host.labels(self.repo, number)


class Pair:
    """Two owners who share a secret: the victim's labels are suggested, the other's applied."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.victim = Owner(app, "victim", "mode: suggest", installed=True)
        self.other = Owner(app, "other", "mode: apply", installed=True)

    def send(
        self, of: Owner, number: int, wrong: tuple[str, ...] = (), **ids: int
    ) -> JobRecord | None:
        """Deliver an issue with wrong parts of the other owner's names, and other ids."""
        event, payload = of.payload(number)
        another = self.other if of is self.victim else self.victim
        rewrite = _rewrite_github if self.app.on == "github" else _rewrite_gitlab
        rewrite(payload, another, wrong, ids)
        answer = self.app.host.deliver(event, payload)
        assert answer.status_code == 202
        job = answer.headers.get("x-tagline-job")
        return self.app.wait_for_end(job) if job else None

    def check_victim(self) -> None:
        """Check that a genuine issue of the victim is treated by the victim's file."""
        number = self.victim.open_issue()
        self.send(self.victim, number)
        self.check_suggested(number)

    def check_suggested(self, number: int) -> None:
        assert self.victim.state(number) == (1, [])
        (comment,) = self.app.host.bot_comments(self.victim.repo, number)
        assert "Suggested, not applied" in comment.body


def _rewrite_github(
    payload: dict[str, Any], another: Owner, wrong: tuple[str, ...], ids: dict[str, int]
) -> None:
    repository = payload["repository"]
    if "path" in wrong:
        repository["full_name"] = another.repo
        repository["url"] = f"https://api.github.com/repos/{another.repo}"
        payload["issue"]["repository_url"] = repository["url"]
    if "name" in wrong:
        repository["name"] = another.repo.partition("/")[2]
    if "owner" in wrong:
        repository["owner"]["login"] = payload["organization"]["login"] = another.login
    repository["id"] = ids.get("repo", repository["id"])
    payload["installation"]["id"] = ids.get("installation", payload["installation"]["id"])


def _rewrite_gitlab(
    payload: dict[str, Any], another: Owner, wrong: tuple[str, ...], ids: dict[str, int]
) -> None:
    project = payload["project"]
    if "path" in wrong:
        project["path_with_namespace"] = another.repo
        project["web_url"] = project["homepage"] = f"https://gitlab.example/{another.repo}"
    if "name" in wrong:
        project["name"] = another.repo
    if "owner" in wrong:
        project["namespace"] = another.login
    project["id"] = ids.get("repo", project["id"])
    payload["object_attributes"]["updated_at"] = f"2026-01-01 00:00:{next(_deliveries)} UTC"


@pytest.fixture
def pair(app: App) -> Pair:
    return Pair(app)


NO_APP = {"GITHUB_APP_ID": "", "GITHUB_PRIVATE_KEY": ""}


@pytest.fixture(scope="module")
def _token_app(box: Sandbox, server: EmbeddedRedis) -> Iterator[App]:
    environment = {**NO_APP, "GITHUB_TOKEN": box.token}
    app = App(box, f"{server.url[:-1]}4", environment=environment)
    with app.open():
        yield app


@pytest.fixture
def token_pair(_token_app: App, clean: str) -> Pair:
    _token_app.refresh("github")
    return Pair(_token_app)


def _check_right_id(pair: Pair, wrong: tuple[str, ...]) -> None:
    """The issue of the id is answered by its own file, whatever the names are."""
    app, victim, other = pair.app, pair.victim, pair.other
    number, start = victim.open_issue(), len(app.host.exchanges)
    other_number = other.open_issue()
    pair.send(victim, number, wrong)
    pair.check_suggested(number)
    assert other.state(other_number) == (0, [])
    assert [x for x in app.host.exchanges[start:] if _names(x, other)] == []
    pair.check_victim()


def _names(exchange: Exchange, owner: Owner) -> bool:
    return owner.login in exchange.path or f"/{owner.id}/" in f"{exchange.path}/"


def _check_other_id(pair: Pair, wrong: tuple[str, ...]) -> None:
    """With the id of another repository, that repository's issue is answered by its file."""
    victim, other = pair.victim, pair.other
    number, other_number = victim.open_issue(), other.open_issue()
    assert number == other_number
    pair.send(victim, number, wrong, repo=other.id, installation=other.installation)
    assert victim.state(number) == (0, [])
    comments, labels = other.state(other_number)
    assert comments == 1
    assert "bug" in labels
    pair.send(victim, number)
    pair.check_suggested(number)
    pair.check_victim()


def _check_unknown_id(pair: Pair, wrong: tuple[str, ...]) -> None:
    victim, number = pair.victim, pair.victim.open_issue()
    job = pair.send(victim, number, wrong, repo=UNKNOWN)
    assert job is not None
    assert (job.state, job.outcome) == ("done", "skipped")
    assert victim.state(number) == (0, [])
    pair.send(victim, number)
    pair.check_suggested(number)


@pytest.mark.parametrize("wrong", WRONG_PARTS, ids="+".join)
def test_the_id_decides_whatever_names_a_delivery_contains(
    pair: Pair, wrong: tuple[str, ...]
) -> None:
    _check_right_id(pair, wrong)


@pytest.mark.parametrize("wrong", WRONG_PARTS, ids="+".join)
def test_the_id_of_another_repository_does_not_affect_the_named_one(
    pair: Pair, wrong: tuple[str, ...]
) -> None:
    _check_other_id(pair, wrong)


@pytest.mark.parametrize("wrong", WRONG_PARTS, ids="+".join)
def test_an_unknown_id_is_skipped_whatever_names_stand_beside_it(
    pair: Pair, wrong: tuple[str, ...]
) -> None:
    _check_unknown_id(pair, wrong)


@pytest.mark.parametrize("wrong", WRONG_PARTS, ids="+".join)
def test_the_id_decides_with_a_personal_token(token_pair: Pair, wrong: tuple[str, ...]) -> None:
    _check_right_id(token_pair, wrong)


@pytest.mark.parametrize("wrong", WRONG_PARTS, ids="+".join)
def test_the_id_of_another_repository_decides_with_a_personal_token(
    token_pair: Pair, wrong: tuple[str, ...]
) -> None:
    _check_other_id(token_pair, wrong)


def test_an_unknown_id_is_skipped_with_a_personal_token(token_pair: Pair) -> None:
    _check_unknown_id(token_pair, PARTS)


@pytest.mark.parametrize("wrong", WRONG_PARTS, ids="+".join)
@pytest.mark.parametrize("whose", ["another one's", "unknown"])
def test_an_installation_without_the_repository_is_skipped_without_a_record(
    pair: Pair, wrong: tuple[str, ...], whose: str
) -> None:
    """GitHub creates no token for the pair; a correct delivery is still answered."""
    app, victim, number = pair.app, pair.victim, pair.victim.open_issue()
    installation = pair.other.installation if whose == "another one's" else UNKNOWN
    job = pair.send(victim, number, wrong, installation=installation)
    assert job is not None
    assert (job.state, job.outcome) == ("done", "skipped")
    assert victim.state(number) == (0, [])
    assert app.store.record(f"github:127.0.0.1:{victim.id}:{number}") is None
    assert app.redis.keys("tagline:pace:*") == []
    pair.send(victim, number)
    pair.check_suggested(number)


def test_a_limit_on_creating_tokens_pauses_no_installation(pair: Pair) -> None:
    """The limit is the App's: the installation in the delivery may not be the repository's."""
    app, victim, other = pair.app, pair.victim, pair.other
    number = victim.open_issue()
    app.box.faults.arm("github-403-secondary", 1, "/access_tokens")
    event, payload = victim.payload(number)
    payload["installation"]["id"] = other.installation
    job = app.host.deliver(event, payload).headers["x-tagline-job"]
    assert app.wait_for_job(job).state == "waiting"
    other_number = other.open_issue()
    pair.send(other, other_number)
    assert other.state(other_number)[0] == 1
