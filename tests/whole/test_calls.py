"""Every kind of request that the product makes of a forge, by method, path, query and body.

A call that is not in these tables is a new right that the product uses: it is added here by hand.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from itertools import count
from urllib.parse import parse_qs

import pytest

from bot import wiring
from bot.core.types import IssueRef, Job, JobKind
from bot.forges import registry
from bot.forges.gitlab.hooks import Hooks, new_signing_token
from bot.http import ClientPool
from tests.memory_store import MemoryStore
from tests.simulation import Exchange, Sandbox
from tests.whole.app import BODY, LABELS, TITLE, App
from tests.whole.conftest import Build

# Method, path, names in the query, names in the body (those of an object within as a.b).
Call = tuple[str, str, str, str]

REPO, ISSUE = "/repos/{owner}/{repo}", "/repos/{owner}/{repo}/issues/{number}"
PROJECT = "/api/v4/projects/{project}"
NOTES = PROJECT + "/issues/{number}/notes"
TOKEN = "/app/installations/{number}/access_tokens"
RIGHTS = "permissions.contents permissions.issues repository_ids"

JOBS: dict[str, set[Call]] = {
    "github": {
        ("POST", TOKEN, "", RIGHTS),
        ("GET", "/repositories/{number}", "", ""),  # its present name, once an hour
        ("GET", ISSUE, "", ""),
        ("GET", REPO + "/contents/.github%2Ftagline.yml", "", ""),
        ("GET", REPO + "/labels", "page per_page", ""),
        ("GET", ISSUE + "/comments", "page per_page", ""),
        ("GET", REPO + "/collaborators/{user}/permission", "", ""),
        ("POST", ISSUE + "/labels", "", "labels"),
        ("POST", ISSUE + "/comments", "", "body"),
        ("PATCH", REPO + "/issues/comments/{number}", "", "body"),
    },
    "gitlab": {
        ("GET", "/api/v4/user", "", ""),
        ("GET", PROJECT + "/issues/{number}", "", ""),
        ("GET", PROJECT + "/repository/files/.gitlab%2Ftagline.yml/raw", "ref", ""),
        ("GET", PROJECT + "/labels", "include_ancestor_groups page per_page", ""),
        ("GET", NOTES, "activity_filter page per_page sort", ""),
        ("GET", PROJECT + "/members/all", "per_page query", ""),
        ("PUT", PROJECT + "/issues/{number}", "", "add_labels"),
        ("POST", NOTES, "", "body"),
        ("PUT", NOTES + "/{number}", "", "body"),
    },
}
# One issue more of a repository whose settings are known, in the order in which they are made.
ONE_MORE = {
    "github": [
        ("GET", ISSUE),
        ("GET", ISSUE),  # after the model: what a person did meanwhile
        ("GET", REPO + "/labels"),
        ("POST", ISSUE + "/labels"),
        ("POST", ISSUE + "/comments"),
        ("GET", ISSUE + "/comments"),  # whether another worker was first
    ],
    "gitlab": [
        ("GET", PROJECT + "/issues/{number}"),
        ("GET", PROJECT + "/issues/{number}"),
        ("GET", PROJECT + "/labels"),
        ("GET", PROJECT + "/issues/{number}"),  # a scoped label of a person's is not replaced
        ("PUT", PROJECT + "/issues/{number}"),
        ("POST", NOTES),
        ("GET", NOTES),
    ],
}
COMMANDS: dict[str, set[Call]] = {
    "github": {
        ("GET", REPO + "/installation", "", ""),
        ("GET", REPO, "", ""),
        ("POST", TOKEN, "", "permissions.contents permissions.issues repositories"),
    },
    "gitlab": {("GET", PROJECT, "", "")},
}
HOOK = (
    "confidential_issues_events enable_ssl_verification issues_events note_events push_events"
    " signing_token url"
)
ADD_HOOK: set[Call] = {
    ("GET", "/api/v4/version", "", ""),
    ("GET", "/api/v4/personal_access_tokens/self", "", ""),
    ("GET", "/api/v4/user", "", ""),
    ("GET", PROJECT + "/members/all/{number}", "", ""),
    ("GET", PROJECT + "/labels", "per_page", ""),
    ("GET", PROJECT + "/hooks", "per_page", ""),
    ("POST", PROJECT + "/hooks", "", HOOK),
    ("PUT", PROJECT + "/hooks/{number}", "", HOOK),
    ("POST", PROJECT + "/hooks/{number}/test/issues_events", "", ""),
    ("DELETE", PROJECT + "/hooks/{number}", "", ""),
}
PLACES = (
    (r"^/repos/[^/]+/[^/]+", REPO),
    (r"^/api/v4/projects/[^/]+", PROJECT),
    (r"/collaborators/[^/]+/", "/collaborators/{user}/"),
    (r"(?<=/)\d+(?=/|$)", "{number}"),
)
_numbers = count(1)


def kind(exchange: Exchange) -> Call:
    path = exchange.path
    for pattern, name in PLACES:
        path = re.sub(pattern, name, path)
    query = parse_qs(exchange.query, keep_blank_values=True)
    return exchange.method, path, " ".join(sorted(query)), " ".join(sorted(_keys(exchange)))


def _keys(exchange: Exchange) -> Iterator[str]:
    body = exchange.request_json
    assert isinstance(body, dict) or not exchange.request_body
    for key, value in (body or {}).items():
        yield from (f"{key}.{inner}" for inner in value) if isinstance(value, dict) else (key,)


def kinds(exchanges: Iterable[Exchange]) -> set[Call]:
    return {kind(exchange) for exchange in exchanges}


@pytest.fixture(scope="module")
def clients() -> Iterator[ClientPool]:
    made = wiring.clients()
    yield made
    made.close()


class Product:
    """The product as it starts, with nothing cached, on a new repository."""

    def __init__(self, app: App, clients: ClientPool) -> None:
        self.app, self.host, self.repo = app, app.host, app.repo
        self.run = wiring.runner(app.settings, clients, MemoryStore())
        self.known = len(app.host.exchanges)

    def ref(self, number: int) -> IssueRef:
        forge = self.app.on
        repo_id = self.host.state.repo(self.repo).id
        account = str(self.app.box.installation_id) if forge == "github" else ""
        host = registry.FORGES[forge].url_form(self.app.settings).host
        return IssueRef(forge, host, self.repo, number, repo_id, account)

    def opened(self, author: str = "ann") -> int:
        body = f"{BODY} {next(_numbers)}"
        number = self.host.open_issue(self.repo, TITLE, body, author=author, deliver=False)
        assert self.job(number, "opened") == "answered"
        return number

    def job(self, number: int, why: JobKind) -> str:
        delivery = Job(f"calls-{next(_numbers)}", why, self.ref(number), time.time())
        return self.run(delivery, 1).record.status

    @property
    def calls(self) -> set[Call]:
        return kinds(self.host.exchanges[self.known :])


def test_a_job_makes_no_request_that_is_not_listed(build: Build, clients: ClientPool) -> None:
    app = build()
    app.configure(
        "on: [opened, edited]\ncomment: {on_fallback: true}\nbudget: {per_author_per_hour: 2}"
    )
    product = Product(app, clients)
    number = product.opened()
    app.host.edit_issue(app.repo, number, body=f"{BODY} Again and again.", deliver=False)
    assert product.job(number, "edited") == "answered"
    product.opened()  # over the author's budget
    app.box.fault("model-500", times=None)
    product.opened(author="bob")
    assert product.calls == JOBS[app.on]


def test_a_new_issue_costs_only_the_requests_that_it_needs(
    build: Build, clients: ClientPool
) -> None:
    app = build()
    product = Product(app, clients)
    product.opened()
    known = len(app.host.exchanges)
    product.opened()
    made = [kind(exchange)[:2] for exchange in app.host.exchanges[known:]]
    assert made == ONE_MORE[app.on]


def test_a_repository_s_name_is_asked_for_once_an_hour(build: Build, clients: ClientPool) -> None:
    """On GitLab only a project without a file of its own needs it, to find its groups."""
    app = build()
    product = Product(app, clients)
    for _ in range(3):
        product.opened()
    place = {"github": ("GET", "/repositories/{number}"), "gitlab": ("GET", PROJECT)}[app.on]
    made = [kind(exchange)[:2] for exchange in app.host.exchanges[product.known :]]
    assert made.count(place) == 1


def test_a_command_that_names_an_issue_makes_no_request_that_is_not_listed(
    build: Build, clients: ClientPool
) -> None:
    app = build()
    product = Product(app, clients)
    number = app.host.open_issue(app.repo, TITLE, BODY, deliver=False)
    typed = IssueRef(app.on, product.ref(number).host, app.repo, number)
    found = registry.FORGES[app.on].client(app.settings, clients).locate(typed)
    assert found == product.ref(number)
    assert product.calls == COMMANDS[app.on]


def test_a_personal_token_asks_github_only_who_it_is_beside_that(
    box: Sandbox, clean: str, clients: ClientPool
) -> None:
    nobody = {"GITHUB_APP_ID": "", "GITHUB_PRIVATE_KEY": ""}
    app = App(box, clean, environment={**nobody, "GITHUB_TOKEN": box.token})
    product = Product(app, clients)
    number = product.opened()
    assert product.job(number, "manual") == "answered"
    assert product.calls - JOBS["github"] == {("GET", "/user", "", "")}


def test_gitlab_add_hook_makes_no_request_that_is_not_listed(
    box: Sandbox, clean: str, clients: ClientPool
) -> None:
    path, url = f"acme/hooks{next(_numbers)}", f"{box.url}/nowhere"
    box.gitlab.add_repo(path, LABELS)
    token, known = box.gitlab.maintainer_token, len(box.gitlab.exchanges)
    hooks = Hooks(box.gitlab_url, token, clients, path, group=False)
    assert [*hooks.report(url)]
    assert hooks.signs()
    secret = {"signing_token": new_signing_token()}
    hook = hooks.put(url, secret)
    assert hooks.put(url, secret) == hook
    hooks.test(hook)
    assert hooks.remove(url)
    assert kinds(box.gitlab.exchanges[known:]) == ADD_HOOK
