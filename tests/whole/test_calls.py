"""Every kind of request that the product sends to a forge, by method, path, query and body.

A kind that is missing in these tables may need another permission: add it by hand.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator
from itertools import count
from urllib.parse import parse_qs

from bot import wiring
from bot.core.types import IssueRef, Job, JobKind
from bot.forges import registry
from bot.forges.gitlab.hooks import Hooks, new_signing_token
from bot.http import ClientPool
from tests.memory_store import MemoryStore
from tests.simulation import Exchange, Sandbox
from tests.whole.app import BODY, LABELS, TITLE, App, Build

# Method, path, names in the query, names in the body (nested as a.b).
Call = tuple[str, str, str, str]

REPO, ISSUE = "/repos/{owner}/{repo}", "/repos/{owner}/{repo}/issues/{number}"
PROJECT = "/api/v4/projects/{project}"
NOTES = PROJECT + "/issues/{number}/notes"
SEARCH = "/search/issues"  # for older issues
TOKEN = "/app/installations/{number}/access_tokens"
RIGHTS = "permissions.contents permissions.issues repository_ids"

JOBS: dict[str, set[Call]] = {
    "github": {
        ("POST", TOKEN, "", RIGHTS),
        ("GET", "/repositories/{number}", "", ""),  # its current name, once an hour
        ("GET", ISSUE, "", ""),
        ("GET", REPO + "/contents/.github%2Ftagline.yml", "", ""),
        ("GET", REPO + "/labels", "page per_page", ""),
        ("GET", REPO + "/issue-types", "", ""),
        ("GET", ISSUE + "/suggestions", "", ""),  # whether it takes any, once a day
        ("GET", SEARCH, "per_page q search_type", ""),
        ("GET", SEARCH, "advanced_search per_page q", ""),
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
        ("GET", PROJECT + "/issues", "confidential in order_by per_page search sort state", ""),
        ("GET", PROJECT + "/issues", "iids[] per_page", ""),  # the issue and those to name, now
        ("GET", PROJECT, "", ""),  # its path, once an hour
        ("GET", NOTES, "activity_filter page per_page sort", ""),
        ("GET", PROJECT + "/members/all", "per_page query", ""),
        ("PUT", PROJECT + "/issues/{number}", "", "add_labels"),
        ("POST", NOTES, "", "body"),
        ("PUT", NOTES + "/{number}", "", "body"),
    },
}
# The further requests where a repository has no file of its own.
WITHOUT_CONFIG: dict[str, set[Call]] = {
    "github": {
        ("GET", REPO + "/contents/.github%2Ftagline.yaml", "", ""),
        # For the organisation's file, with fewer permissions if the first request is refused.
        ("POST", TOKEN, "", "permissions.contents permissions.issues repositories"),
        ("POST", TOKEN, "", "permissions.issues repositories"),
    },
    "gitlab": {
        ("GET", PROJECT + "/repository/files/.gitlab%2Ftagline.yaml/raw", "ref", ""),
    },
}
# The requests for a further issue of a repository with cached settings, in order.
FURTHER_ISSUE = {
    "github": [
        ("GET", ISSUE),
        ("GET", SEARCH),
        ("GET", SEARCH),
        ("GET", ISSUE),  # changes while the model answered
        ("GET", REPO + "/labels"),
        ("POST", ISSUE + "/labels"),
        ("POST", ISSUE + "/comments"),
        ("GET", ISSUE + "/comments"),  # a comment of another worker
    ],
    "gitlab": [
        ("GET", PROJECT + "/issues/{number}"),
        ("GET", PROJECT + "/issues"),
        ("GET", PROJECT + "/issues"),
        ("GET", PROJECT + "/issues"),
        ("GET", PROJECT + "/issues"),  # changes of it and of an older one while the model answered
        ("GET", PROJECT + "/labels"),
        ("GET", PROJECT + "/issues/{number}"),  # a person's scoped labels, which are kept
        ("PUT", PROJECT + "/issues/{number}"),
        ("POST", NOTES),
        ("GET", NOTES),
    ],
}
# The requests after a change of labels, in order.
LABEL_CHANGE = {
    "github": [
        ("GET", ISSUE, "", ""),
        ("GET", ISSUE + "/events", "page per_page", ""),
    ],
    "gitlab": [
        ("GET", PROJECT + "/issues/{number}", "", ""),
        ("GET", PROJECT + "/issues/{number}/resource_label_events", "page per_page", ""),
    ],
}
# The requests for a command in a comment that has no work to do, in order.
COMMENT_COMMAND = {
    "github": [
        ("GET", REPO + "/issues/comments/{number}", "", ""),
        ("GET", REPO + "/collaborators/{user}/permission", "", ""),
        ("GET", ISSUE, "", ""),
        ("POST", REPO + "/issues/comments/{number}/reactions", "", "content"),
    ],
    "gitlab": [
        ("GET", NOTES + "/{number}", "", ""),
        ("GET", PROJECT + "/members/all/{number}", "", ""),
        ("GET", PROJECT + "/issues/{number}", "", ""),
        ("POST", NOTES + "/{number}/award_emoji", "", "name"),
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
    "confidential_issues_events confidential_note_events enable_ssl_verification issues_events"
    " note_events push_events signing_token url"
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
PATTERNS = (
    (r"^/repos/[^/]+/[^/]+", REPO),
    (r"^/api/v4/projects/[^/]+", PROJECT),
    (r"/collaborators/[^/]+/", "/collaborators/{user}/"),
    (r"(?<=/)\d+(?=/|$)", "{number}"),
)
SUGGESTS = json.dumps(
    {
        "summary": "The login button does nothing.",
        "labels": [
            {"name": "Bug", "certainty": "sure", "reason": "crashed"},
            {"name": "area/login", "certainty": "sure", "reason": "login"},
            {"name": "documentation", "certainty": "unsure", "reason": "steps"},
        ],
    }
)
_numbers = count(1)


def call_of(exchange: Exchange) -> Call:
    path = exchange.path
    for pattern, name in PATTERNS:
        path = re.sub(pattern, name, path)
    query = parse_qs(exchange.query, keep_blank_values=True)
    return exchange.method, path, " ".join(sorted(query)), " ".join(sorted(_keys(exchange)))


def _keys(exchange: Exchange) -> Iterator[str]:
    body = exchange.request_json
    assert isinstance(body, dict) or not exchange.request_body
    for key, value in (body or {}).items():
        yield from (f"{key}.{inner}" for inner in value) if isinstance(value, dict) else (key,)


def calls_of(exchanges: Iterable[Exchange]) -> set[Call]:
    return {call_of(exchange) for exchange in exchanges}


class Product:
    """The product with empty caches, on a new repository."""

    def __init__(self, app: App, clients: ClientPool) -> None:
        self.app, self.host, self.repo = app, app.host, app.repo
        self.run = wiring.runner(app.settings, clients, MemoryStore())
        self.start = len(app.host.exchanges)

    def ref(self, number: int) -> IssueRef:
        forge = self.app.on
        repo_id = self.host.state.repo(self.repo).id
        account = str(self.app.box.installation_id) if forge == "github" else ""
        host = registry.FORGES[forge].url_form(self.app.settings).host
        return IssueRef(forge, host, self.repo, number, repo_id, account)

    def open_issue(self, author: str = "ann") -> int:
        # Another title: a report that is nearly the same reuses the answer.
        title = f"{TITLE}, part {next(_numbers)}"
        number = self.host.open_issue(self.repo, title, BODY, author=author, deliver=False)
        assert self.job(number, "opened") == "answered"
        return number

    def job(self, number: int, kind: JobKind) -> str:
        delivery = Job(f"calls-{next(_numbers)}", kind, self.ref(number), time.time())
        return self.run(delivery, 1).record.status

    @property
    def calls(self) -> set[Call]:
        return calls_of(self.host.exchanges[self.start :])


def test_a_job_makes_no_request_that_is_not_listed(build: Build, clients: ClientPool) -> None:
    app = build()
    app.configure(
        "on: [opened, edited]\ncomment: {on_fallback: true}\nbudget: {per_author_per_hour: 2}"
    )
    product = Product(app, clients)
    number = product.open_issue()
    app.host.edit_issue(app.repo, number, body=f"{BODY} Again and again.", deliver=False)
    assert product.job(number, "edited") == "answered"
    product.open_issue()  # over the author's budget
    app.box.fault("model-500", times=None)
    product.open_issue(author="bob")
    assert product.calls == JOBS[app.on]


def test_a_repository_without_a_file_needs_few_requests_more(
    build: Build, clients: ClientPool
) -> None:
    app = build()
    product = Product(app, clients)
    product.open_issue()
    assert product.calls - JOBS[app.on] == WITHOUT_CONFIG[app.on]


def test_a_further_issue_needs_eight_requests_on_github_and_ten_on_gitlab(
    build: Build, clients: ClientPool
) -> None:
    app = build()
    product = Product(app, clients)
    product.open_issue()
    start = len(app.host.exchanges)
    product.open_issue()
    calls = [call_of(exchange)[:2] for exchange in app.host.exchanges[start:]]
    assert calls == FURTHER_ISSUE[app.on]


def test_suggestions_need_two_requests_more(build: Build, clients: ClientPool) -> None:
    """A type of which the model is sure, and a label of which it is not."""
    app = build()
    app.host.state.repo(app.repo).types = {"Bug": ""}
    app.host.state.repo(app.repo).automation = "cautious"
    app.box.replies.extend([SUGGESTS] * 2)
    product = Product(app, clients)
    product.open_issue()
    start = len(app.host.exchanges)
    product.open_issue()
    calls = [call_of(exchange) for exchange in app.host.exchanges[start:]]
    assert len(calls) == len(FURTHER_ISSUE["github"]) + 2
    further = {call for call in calls if call[:2] not in FURTHER_ISSUE["github"]}
    assert further == {
        ("PATCH", ISSUE, "", "type"),
        ("GET", ISSUE + "/suggestions", "page per_page state", ""),
    }


def test_a_type_needs_one_request_more(build: Build, clients: ClientPool) -> None:
    app = build()
    app.host.state.repo(app.repo).types = {"Bug": ""}
    product = Product(app, clients)
    product.open_issue()
    start = len(app.host.exchanges)
    product.open_issue()
    calls = [call_of(exchange) for exchange in app.host.exchanges[start:]]
    assert [call[:2] for call in calls] == [
        *FURTHER_ISSUE["github"][:4],
        ("PATCH", ISSUE),
        *FURTHER_ISSUE["github"][4:],
    ]
    assert ("PATCH", ISSUE, "", "type") in calls


def test_a_change_of_labels_needs_two_requests_and_none_on_an_issue_without_a_record(
    app: App,
) -> None:
    number, unknown = app.issue(), app.host.open_issue(app.repo, "Old", "Words", deliver=False)
    for one, expected in ((number, LABEL_CHANGE[app.on]), (unknown, [])):
        start = len(app.host.exchanges)
        app.host.label_by_person(app.repo, one, "documentation")
        app.wait_for_end()
        assert [call_of(exchange) for exchange in app.host.exchanges[start:]] == expected


def test_a_command_in_a_comment_needs_four_requests_and_a_stranger_s_two(app: App) -> None:
    number = app.issue()
    name = {"github": "/tagline", "gitlab": f"@{app.host.bot_accounts[0]}"}[app.on]
    for login, expected in (("maintainer", 4), ("stranger", 2)):
        start = len(app.host.exchanges)
        app.host.comment_by_person(app.repo, number, f"{name} on", login=login)
        app.wait_for_end()
        calls = [call_of(exchange) for exchange in app.host.exchanges[start:]]
        assert calls == COMMENT_COMMAND[app.on][:expected]


def test_a_repository_s_name_is_requested_once_an_hour(build: Build, clients: ClientPool) -> None:
    """On GitLab only for a project without its own file, to find its groups."""
    app = build()
    product = Product(app, clients)
    for _ in range(3):
        product.open_issue()
    call = {"github": ("GET", "/repositories/{number}"), "gitlab": ("GET", PROJECT)}[app.on]
    calls = [call_of(exchange)[:2] for exchange in app.host.exchanges[product.start :]]
    assert calls.count(call) == 1


def test_a_command_that_names_an_issue_makes_no_request_that_is_not_listed(
    build: Build, clients: ClientPool
) -> None:
    app = build()
    product = Product(app, clients)
    number = app.host.open_issue(app.repo, TITLE, BODY, deliver=False)
    ref = IssueRef(app.on, product.ref(number).host, app.repo, number)
    found = registry.FORGES[app.on].client(app.settings, clients).complete_ref(ref)
    assert found == product.ref(number)
    assert product.calls == COMMANDS[app.on]


def test_a_personal_token_adds_only_a_request_for_its_user(
    box: Sandbox, clean: str, clients: ClientPool
) -> None:
    no_app = {"GITHUB_APP_ID": "", "GITHUB_PRIVATE_KEY": ""}
    app = App(box, clean, environment={**no_app, "GITHUB_TOKEN": box.token})
    product = Product(app, clients)
    number = product.open_issue()
    assert product.job(number, "manual") == "answered"
    further = product.calls - JOBS["github"] - WITHOUT_CONFIG["github"]
    assert further == {("GET", "/user", "", "")}


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
    hook = hooks.put(hooks.find(url), url, secret)
    assert hooks.find(url) == hook
    assert hooks.put(hook, url, secret) == hook
    hooks.test(hook)
    hooks.remove(hook)
    assert hooks.find(url) == 0
    assert calls_of(box.gitlab.exchanges[known:]) == ADD_HOOK
