"""GitLab's view of itself: version, users, tokens, projects, groups and their webhooks."""

from __future__ import annotations

from typing import Any

import httpx
from starlette.responses import Response

from bot.sandbox.gitlab import payloads
from bot.sandbox.gitlab.access import (
    FORBIDDEN,
    MAINTAINING,
    NOT_FOUND,
    UNAUTHORIZED,
    Denied,
)
from bot.sandbox.gitlab.api import Call, Row, good, paged
from bot.sandbox.gitlab.hooks import WANTS, Hook
from bot.sandbox.gitlab.issues import PROJECT
from bot.sandbox.gitlab.serializers import Json, iso, number_of
from bot.sandbox.state import Event, Repo
from bot.sandbox.webhooks import Webhook

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


def version(call: Call) -> Response:
    _known(call)
    return good({"version": payloads.VERSION, "revision": "5a4d0b1"})


def _known(call: Call) -> None:
    if not call.login:
        raise UNAUTHORIZED


def get_user(call: Call) -> Response:
    _known(call)
    return good(call.serializer.full_user(call.login))


def get_token(call: Call) -> Response:
    token = call.gitlab.access.token(call.request.headers)
    if token is None:
        raise UNAUTHORIZED
    return good(
        {
            "id": number_of("token", token.login),
            "name": "tagline",
            "description": None,
            "revoked": False,
            "active": True,
            "scopes": list(token.scopes),
            "user_id": call.state.person(token.login).id,
            "created_at": iso(call.state.clock()),
            "last_used_at": None,
            "expires_at": token.expires_at.date().isoformat(),
        }
    )


def get_project(call: Call) -> Response:
    return good(call.serializer.project(call.repo(), call.login or None))


def _group(call: Call) -> str:
    """A group's path. Raises Denied(404) unless one of its projects is seen."""
    wanted = call.arg("group")
    for repo in call.state.repos():
        path = repo.name.rpartition("/")[0]
        if wanted in (path, str(number_of("group", path))):
            if repo.private and not call.level(repo):
                continue
            return path
    raise Denied(404, "404 Group Not Found")


def _place(call: Call) -> int | str:
    """The project or group whose webhooks are meant. Raises Denied below a maintainer."""
    if "project" in call.request.path_params:
        return call.repo().id
    group = _group(call)
    homes = [r for r in call.state.repos() if r.name.rpartition("/")[0] == group]
    _known(call)
    if max(call.level(repo) for repo in homes) < MAINTAINING:
        raise FORBIDDEN
    return group


def list_hooks(call: Call) -> Response:
    page = paged(call, call.gitlab.hooks.of(_place(call)))
    return good([_shape(hook) for hook in page.items], headers=page.headers)


def _shape(hook: Hook) -> Json:
    """Secrets are never given back."""
    key = "project_id" if isinstance(hook.place, int) else "group_id"
    number = hook.place if isinstance(hook.place, int) else number_of("group", hook.place)
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
    given = call.params()
    if not str(given.get("url", "")).startswith(("http://", "https://")):
        raise Denied(400, "", error="url is missing" if "url" not in given else "url is invalid")
    place = _place(call)
    hooks = call.gitlab.hooks
    hook = Hook(next(hooks.ids), place, "", call.state.clock(), {"push_events": True})
    _fill(hook, given)
    hooks.made.append(hook)
    return good(_shape(hook), 201)


def _fill(hook: Hook, given: dict[str, Any]) -> None:
    hook.url = given.get("url", hook.url)
    hook.events |= {name: bool(given[name]) for name in EVENTS if name in given}
    hook.token = given.get("token", hook.token)
    hook.signing_token = given.get("signing_token", hook.signing_token)


def _hook(call: Call) -> Hook:
    for hook in call.gitlab.hooks.of(_place(call)):
        if hook.id == int(call.arg("hook")):
            return hook
    raise NOT_FOUND


def update_hook(call: Call) -> Response:
    hook = _hook(call)
    _fill(hook, call.params())
    return good(_shape(hook))


def delete_hook(call: Call) -> Response:
    call.gitlab.hooks.made.remove(_hook(call))
    return Response(status_code=204)


def test_hook(call: Call) -> Response:
    """Sends the newest issue or note as a sample. Raises Denied(422) where there is none."""
    hook, trigger = _hook(call), call.arg("trigger")
    if trigger not in WANTS.values():
        raise Denied(400, "", error="trigger does not have a valid value")
    event = _sample(call.repo(), trigger)
    found = payloads.payload(event, call.serializer) if event else None
    if found is None:
        raise Denied(422, f"Ensure the project has {'notes' if 'note' in trigger else 'issues'}.")
    try:
        answer = call.gitlab.hooks.post(Webhook.of(*found, hook.id))
    except httpx.TransportError as error:
        raise Denied(422, str(error)) from error
    if not answer.is_success:
        raise Denied(422, answer.text)
    return good({"message": "201 Created"}, 201)


def _sample(repo: Repo, trigger: str) -> Event | None:
    for issue in reversed(repo.issues.values()):
        if "note" not in trigger:
            return Event("opened", repo, issue, issue.author)
        for comment in reversed(issue.comments):
            return Event("commented", repo, issue, comment.author, comment=comment)
    return None


def _hooks(place: str) -> list[Row]:
    one = place + "/hooks/{hook:int}"
    return [
        Row("GET", place + "/hooks", list_hooks, MAINTAINING),
        Row("POST", place + "/hooks", create_hook, MAINTAINING),
        Row("PUT", one, update_hook, MAINTAINING),
        Row("DELETE", one, delete_hook, MAINTAINING),
    ]


GROUP = "/groups/{group}"
ROWS = [
    Row("GET", "/version", version),
    Row("GET", "/user", get_user),
    Row("GET", "/personal_access_tokens/self", get_token),
    Row("GET", PROJECT, get_project),
    *_hooks(PROJECT),
    *_hooks(GROUP),
    Row("POST", PROJECT + "/hooks/{hook:int}/test/{trigger}", test_hook, MAINTAINING),
]
