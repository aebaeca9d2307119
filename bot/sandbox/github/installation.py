"""GitHub's installation tokens, webhook deliveries, repositories and files."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from bot.sandbox.files import list_folder
from bot.sandbox.github.access import SUSPENDED, Denied, Installation
from bot.sandbox.github.api import REPO, Call, Row, error, invalid, success
from bot.sandbox.github.serializers import Json, stamp
from bot.sandbox.state import Missing, Repo
from bot.sandbox.webhooks import WebhookDelivery

NO_ANSWER = {False: "failed to connect to host", True: "timed out"}
# https://docs.github.com/rest/collaborators/collaborators: what `permission` shows of each role
PERMISSIONS = {"write": "write", "maintain": "write", "admin": "admin"}


def get_repo(call: Call) -> Response:
    return success(show_repo(call, call.repo()))


def show_repo(call: Call, repo: Repo) -> Json:
    """Return a repository, with the rights of a user who calls."""
    content = call.serializer.repo(repo)
    if call.caller.kind == "user":
        write = not repo.read_only
        rights = {"admin": False, "maintain": False, "push": write, "triage": write, "pull": True}
        content["permissions"] = rights
    return content


def _installation(call: Call) -> Installation:
    return call.github.access.installation(int(call.arg("id")))


def repos_of(call: Call, installation: Installation) -> list[Repo]:
    installation_of = call.github.access.installation_of
    return [repo for repo in call.state.repos() if installation_of(repo) is installation]


def create_token(call: Call) -> Response:
    installation, body = _installation(call), call.json() or {}
    if installation.suspended_at:
        raise Denied(403, SUSPENDED)
    repos = _requested_repos(call, installation, body)
    ids = frozenset(repo.id for repo in repos) if repos is not None else None
    token = call.github.access.create_token(installation, body.get("permissions"), ids)
    content: Json = {
        "token": token.text,
        "expires_at": stamp(token.expires_at),
        "permissions": dict(token.caller.permissions),
        "repository_selection": "selected",
    }
    if repos:
        content["repositories"] = [call.serializer.repo(repo) for repo in repos]
    return success(content, 201)


def _requested_repos(
    call: Call, installation: Installation, body: dict[str, Any]
) -> list[Repo] | None:
    """Return the only repositories of a token, None for all. Raises Denied(422) for others."""
    ids, names = body.get("repository_ids"), body.get("repositories")
    if ids is None and names is None:
        return None
    requested = [
        repo
        for repo in repos_of(call, installation)
        if repo.id in (ids or ()) or repo.short_name in (names or ())
    ]
    if len(requested) != len(set(ids or ())) + len(set(names or ())):
        raise Denied(
            422,
            "There is at least one repository that does not exist or is not accessible "
            "to the parent installation.",
        )
    return requested


def contents(call: Call) -> Response:
    """Return a raw file, or the entries of a folder, to which GitHub answers with JSON in any case.

    https://docs.github.com/rest/repos/contents#get-repository-content
    """
    path, repo = call.arg("path"), call.repo()
    text = repo.files.get(path)
    if text is None:
        if entries := list_folder(repo.files, path):
            return success([call.serializer.content(repo, *entry) for entry in entries])
        raise Missing(path)
    if "raw" not in call.request.headers.get("accept", ""):
        return error(415, "This sandbox returns raw files only")
    return Response(text, media_type="application/vnd.github.raw+json; charset=utf-8")


def permission(call: Call) -> Response:
    if call.caller.kind == "nobody":
        raise Denied(401, "Requires authentication")
    login = call.arg("username")
    if login not in call.state.users:
        raise Missing(login)
    repo = call.repo()
    role = "write" if login in repo.writers else repo.roles.get(login, "read")
    return success({"permission": PERMISSIONS.get(role, "read"), "role_name": role, "user": None})


def hook_deliveries(call: Call) -> Response:
    """Return the newest `per_page` (30) deliveries, with `cursor` those before that id.

    The status `failure` is that of the codes from 400 on: a timeout has none.
    """
    query = call.request.query_params
    status, cursor = query.get("status"), query.get("cursor")
    size = min(int(query.get("per_page", "30")), 100)
    matching = [
        delivery
        for delivery in reversed(call.github.hooks.deliveries)
        if status in (None, _status_of(delivery)) and not (cursor and delivery.id >= int(cursor))
    ]
    shown = matching[:size]
    headers = None
    if len(matching) > size:
        url = f"{call.serializer.api}/app/hook/deliveries?per_page={size}&cursor={shown[-1].id}"
        url += f"&status={status}" if status else ""
        headers = {"Link": f'<{url}>; rel="next"'}
    return success([_delivery(delivery) for delivery in shown], headers=headers)


def _code_of(delivery: WebhookDelivery) -> int:
    return delivery.status or (0 if delivery.timed_out else 502)


def _status_of(delivery: WebhookDelivery) -> str:
    code = _code_of(delivery)
    return "success" if code // 100 in (2, 3) else "failure" if code else ""


def _delivery(delivery: WebhookDelivery) -> Json:
    """Return a delivery; GitHub shows 502 where no answer came."""
    message = "OK" if delivery.status // 100 == 2 else f"Invalid HTTP Response: {delivery.status}"
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": stamp(delivery.at),
        "redelivery": delivery.redelivery,
        "duration": round(delivery.seconds, 2),
        "status": message if delivery.status else NO_ANSWER[delivery.timed_out],
        "status_code": _code_of(delivery),
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": delivery.installation,
        "repository_id": delivery.repo,
        "throttled_at": None,
    }


def redeliver(call: Call) -> Response:
    delivery_id = int(call.arg("id"))
    if not any(delivery.id == delivery_id for delivery in call.github.hooks.deliveries):
        return invalid("Delivery", "delivery_id", "missing")
    call.github.hooks.redeliver_later(delivery_id)
    return success({}, 202)


ROWS = [
    Row("POST", "/app/installations/{id:int}/access_tokens", create_token, "jwt"),
    Row("GET", "/app/hook/deliveries", hook_deliveries, "jwt"),
    Row("POST", "/app/hook/deliveries/{id:int}/attempts", redeliver, "jwt"),
    Row("GET", REPO, get_repo, "metadata:read"),
    Row("GET", REPO + "/contents/{path:path}", contents, "contents:read"),
    Row("GET", REPO + "/collaborators/{username}/permission", permission, "metadata:read"),
]
