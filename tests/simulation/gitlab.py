"""The simulated GitLab with webhooks created over its API, and with system notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
from starlette.responses import Response
from starlette.types import ASGIApp

from bot.sandbox.gitlab import issues, payloads
from bot.sandbox.gitlab.access import BOT, FORBIDDEN, MAINTAINER_LEVEL, NOT_FOUND, Denied
from bot.sandbox.gitlab.api import Call, Row, list_response, router, success
from bot.sandbox.gitlab.hooks import GitLabHooks
from bot.sandbox.gitlab.host import GitLabHost
from bot.sandbox.gitlab.issues import ISSUE, PROJECT
from bot.sandbox.gitlab.serializers import Json, iso, number_of
from bot.sandbox.state import MAINTAINER, Change, Event, Missing, Repo, RepoId, State, StoredComment
from bot.sandbox.webhooks import Webhook
from tests.simulation import checks, polling
from tests.simulation.host import Host
from tests.simulation.quick_actions import QuickAction, QuickActions
from tests.simulation.recorder import Log

OWN_HOOK, GROUP_HOOK = 0, 1
EVENTS = (
    "push_events",
    "issues_events",
    "confidential_issues_events",
    "note_events",
    "confidential_note_events",
    "merge_requests_events",
    "tag_push_events",
    "pipeline_events",
    "job_events",
    "wiki_page_events",
    "releases_events",
    "emoji_events",
    "resource_access_token_events",
)
TRIGGERS = {
    "Issue Hook": "issues_events",
    "Confidential Issue Hook": "confidential_issues_events",
    "Note Hook": "note_events",
    "Confidential Note Hook": "confidential_note_events",
}
SYSTEM_NOTES: dict[Change, str] = {
    "locked": "locked the discussion in this issue",
    "confidential": "made the issue confidential",
    "transferred": "moved to another project",
}


@dataclass(slots=True)
class Hook:
    """A webhook created over the API. `owner` is a project's id or a group's path."""

    id: int
    owner: int | str
    url: str
    created_at: datetime
    events: dict[str, bool]
    token: str | None = None
    signing_token: str | None = None


@dataclass(slots=True)
class ManagedHooks(GitLabHooks):
    """Where `group` returns true, a group's webhook gets each event, too, with another key."""

    group: Callable[[], bool]
    created: list[Hook] = field(default_factory=list)
    ids: count[int] = field(default_factory=lambda: count(101))

    def webhooks(self, event: Event) -> list[Webhook]:
        named = payloads.payload(event, self.serializer)
        if named is None:
            return []
        hooks = [
            hook.id
            for hook in self.of(event.repo.id, event.repo.owner)
            if hook.events.get(TRIGGERS[named[0]])
        ]
        if self.address() is not None:
            hooks = [OWN_HOOK, *([GROUP_HOOK] if self.group() else []), *hooks]
        return [Webhook.of(*named, hook) for hook in hooks]

    def signed(self, webhook: Webhook) -> tuple[str | None, dict[str, str]]:
        if webhook.hook in (OWN_HOOK, GROUP_HOOK):
            return GitLabHooks.signed(self, webhook)
        for hook in self.created:
            if hook.id == webhook.hook:
                return hook.url, self.headers(webhook, hook.token, hook.signing_token)
        raise Missing(f"hook {webhook.hook}")

    def of(self, *owners: int | str) -> list[Hook]:
        return [hook for hook in self.created if hook.owner in owners]


def _group(call: Call) -> str:
    """Return a group's path. Raises Denied(404) unless the caller sees one of its projects."""
    wanted = call.arg("group")
    for repo in call.state.repos():
        path = repo.owner
        if wanted in (path, str(number_of("group", path))):
            if repo.private and not call.level(repo):
                continue
            return path
    raise Denied(404, "404 Group Not Found")


def _owner(call: Call) -> int | str:
    """Return the project or group of the path. Raises Denied below a maintainer."""
    if "project" in call.request.path_params:
        call.require(MAINTAINER_LEVEL)
        return call.repo().id
    group = _group(call)
    repos = [r for r in call.state.repos() if r.owner == group]
    call.require_token()
    if max(call.level(repo) for repo in repos) < MAINTAINER_LEVEL:
        raise FORBIDDEN
    return group


def list_hooks(call: Call) -> Response:
    page = call.page(_hooks(call).of(_owner(call)))
    return list_response(page, [_serialize(hook) for hook in page.items])


def _serialize(hook: Hook) -> Json:
    """Return a hook without its secrets."""
    key = "project_id" if isinstance(hook.owner, int) else "group_id"
    number = hook.owner if isinstance(hook.owner, int) else number_of("group", hook.owner)
    return {
        "id": hook.id,
        "url": hook.url,
        "name": None,
        "description": None,
        "created_at": iso(hook.created_at),
        **{name: hook.events.get(name, False) for name in EVENTS},
        "enable_ssl_verification": True,
        "alert_status": "executable",
        "disabled_until": None,
        "url_variables": [],
        "custom_headers": [],
        "custom_webhook_template": None,
        key: number,
    }


def create_hook(call: Call) -> Response:
    owner, hooks, params = _owner(call), _hooks(call), call.params()
    if not str(params.get("url", "")).startswith(("http://", "https://")):
        raise Denied(400, "", error="url is missing" if "url" not in params else "url is invalid")
    hook = Hook(next(hooks.ids), owner, "", call.state.clock(), {"push_events": True})
    _fill(hook, params)
    hooks.created.append(hook)
    return success(_serialize(hook), 201)


def _fill(hook: Hook, params: dict[str, Any]) -> None:
    hook.url = params.get("url", hook.url)
    hook.events |= {name: bool(params[name]) for name in EVENTS if name in params}
    hook.token = params.get("token", hook.token)
    hook.signing_token = params.get("signing_token", hook.signing_token)


def _hook(call: Call) -> Hook:
    for hook in _hooks(call).of(_owner(call)):
        if hook.id == int(call.arg("hook")):
            return hook
    raise NOT_FOUND


def update_hook(call: Call) -> Response:
    hook = _hook(call)
    _fill(hook, call.params())
    return success(_serialize(hook))


def delete_hook(call: Call) -> Response:
    _hooks(call).created.remove(_hook(call))
    return Response(status_code=204)


def test_hook(call: Call) -> Response:
    """Send the newest issue or note as a sample. Raises Denied(422) where there is none."""
    hook, trigger = _hook(call), call.arg("trigger")
    if trigger not in TRIGGERS.values():
        raise Denied(400, "", error="trigger does not have a valid value")
    event = _sample(call.repo(), trigger)
    named = payloads.payload(event, call.serializer) if event else None
    if named is None:
        raise Denied(422, f"Ensure the project has {'notes' if 'note' in trigger else 'issues'}.")
    try:
        answer = call.gitlab.hooks.post(Webhook.of(*named, hook.id))
    except httpx.TransportError as error:
        raise Denied(422, str(error)) from error
    if not answer.is_success:
        raise Denied(422, answer.text)
    return success({"message": "201 Created"}, 201)


def _sample(repo: Repo, trigger: str) -> Event | None:
    for issue in reversed(repo.issues.values()):
        if "note" not in trigger:
            return Event("opened", repo, issue, issue.author)
        for comment in reversed(issue.comments):
            return Event("commented", repo, issue, comment.author, comment=comment)
    return None


def _hooks(call: Call) -> ManagedHooks:
    assert isinstance(call.gitlab.hooks, ManagedHooks)
    return call.gitlab.hooks


def _rows(owner: str) -> list[Row]:
    one = owner + "/hooks/{hook:int}"
    return [
        Row("GET", owner + "/hooks", list_hooks),
        Row("POST", owner + "/hooks", create_hook),
        Row("PUT", one, update_hook),
        Row("DELETE", one, delete_hook),
    ]


def write_system_note(state: State, event: Event) -> list[Event]:
    """Write the note with which GitLab reports a change, if it has one; return its event."""
    text = SYSTEM_NOTES.get(event.change, "")
    if event.change == "edited":
        text = "changed the description"
        if "title" in event.before:
            text = f"changed title from **{event.before['title']}** to **{event.issue.title}**"
    if not text:
        return []
    note = state.comment(event.repo.name, event.issue.number, text, event.actor, None)
    assert note.comment is not None
    note.comment.system = True
    return [note]


class GitLab(Host, GitLabHost):
    """`maintainer_token` is that of a user who may create webhooks.

    With `group_hook` every event is sent a second time. `replaced_labels` has project, number and
    names of every update with `labels`, which drops other labels.
    """

    config_path = ".gitlab/tagline.yml"
    rows: ClassVar[list[Row]] = [
        *GitLabHost.rows,
        *checks.GITLAB_ROWS,
        *polling.GITLAB_ROWS,
        *_rows(PROJECT),
        *_rows("/groups/{group}"),
        Row("POST", PROJECT + "/hooks/{hook:int}/test/{trigger}", test_hook),
    ]

    def __init__(self, url: str, clock: Callable[[], datetime]) -> None:
        self.log = Log()
        self.group_hook = False
        self._quick_actions = QuickActions()
        self.replaced_labels: list[tuple[str, int, list[str]]] = []
        super().__init__(url, clock)
        self.maintainer_token = self.access.issue("glpat-sandbox-maintainer", MAINTAINER).text

    def make_hooks(self) -> ManagedHooks:
        return ManagedHooks(
            clock=self.state.time,
            address=lambda: self.webhook_url,
            serializer=self.serializer,
            secret=lambda: self.webhook_secret,
            signing_token=lambda: self.signing_token,
            group=lambda: self.group_hook,
        )

    @property
    def bot_accounts(self) -> tuple[str, ...]:
        return (BOT,)

    def make_confidential(self, repo: RepoId, number: int, *, deliver: bool = True) -> None:
        self._set(repo, number, "confidential", deliver)

    @property
    def quick_actions(self) -> list[QuickAction]:
        """The quick actions in notes that were written over the API."""
        return self._quick_actions.found

    def app(self) -> ASGIApp:
        recording = [Row("PUT", ISSUE, self._update_issue), *self._quick_actions.rows()]
        return router(self.gitlab, [*recording, *self.rows])

    def _update_issue(self, call: Call) -> Response:
        answer, params = issues.update_issue(call), call.params()
        if "labels" in params:
            self.replaced_labels.append((call.repo().name, call.issue().number, params["labels"]))
        return answer

    def system_notes(self, repo: RepoId, number: int) -> list[StoredComment]:
        with self.state.lock:
            return [c for c in self.state.issue(repo, number).comments if c.system]

    def _path_prefixes(self, repo: Repo | None) -> tuple[str, ...]:
        base = "/api/v4/projects/"
        if repo is None:
            return (base,)
        return (f"{base}{repo.id}/", f"{base}{quote(repo.name, safe='')}/")

    def _send(self, event: Event, deliver: bool) -> None:
        for one in (event, *write_system_note(self.state, event)):
            super()._send(one, deliver)
