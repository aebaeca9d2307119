"""GitHub's view of the App itself: installation, tokens, hook deliveries; repositories, files."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from bot.sandbox.github.access import BOT, SUSPENDED, Denied, Installation
from bot.sandbox.github.api import FORBIDDEN, REPO, Call, Row, error, good, invalid, paged
from bot.sandbox.github.serializers import Json, stamp
from bot.sandbox.state import NotThere, Repo
from bot.sandbox.webhooks import WebhookDelivery


def get_app(call: Call) -> Response:
    return good(call.serializer.app(call.github.access.app_id, BOT))


def get_user(call: Call) -> Response:
    if call.caller.kind != "user":
        return error(403, FORBIDDEN)
    return good(call.serializer.user(call.caller.login))


def get_repo(call: Call) -> Response:
    return good(call.serializer.full_repo(call.repo()))


def repo_installation(call: Call) -> Response:
    covering = call.github.access.installation_of(call.repo())
    if covering is None:
        raise NotThere(call.place)
    return good(_shape(call, covering))


def list_installations(call: Call) -> Response:
    page = paged(call, call.github.access.installations)
    return good([_shape(call, one) for one in page.items], headers=page.headers)


def _named(call: Call) -> Installation:
    return call.github.access.installation(int(call.arg("id")))


def _covered(call: Call, installation: int) -> list[Repo]:
    of = call.github.access.installation_of
    return [repo for repo in call.state.repos() if (i := of(repo)) and i.id == installation]


def _shape(call: Call, installation: Installation) -> Json:
    access, repos = call.github.access, _covered(call, installation.id) or call.state.repos()
    owner = call.serializer.organization(installation.owner or repos[0].name.split("/")[0])
    url = f"{call.serializer.api}/app/installations/{installation.id}"
    made, suspended = stamp(repos[0].created_at), installation.suspended_at
    return {
        "id": installation.id,
        "account": owner,
        "repository_selection": "selected",
        "access_tokens_url": f"{url}/access_tokens",
        "repositories_url": f"{call.serializer.api}/installation/repositories",
        "html_url": f"{call.serializer.html}/settings/installations/{installation.id}",
        "app_id": access.app_id,
        "app_slug": BOT.removesuffix("[bot]"),
        "target_id": owner["id"],
        "target_type": "Organization",
        "permissions": dict(access.granted),
        "events": ["issues", "issue_comment"],
        "created_at": made,
        "updated_at": made,
        "single_file_name": None,
        "suspended_by": owner if suspended else None,
        "suspended_at": stamp(suspended) if suspended else None,
    }


def mint(call: Call) -> Response:
    installation, wanted = _named(call), call.json() or {}
    if installation.suspended_at:
        raise Denied(403, SUSPENDED)
    repos = _chosen(call, installation, wanted)
    ids = frozenset(repo.id for repo in repos) if repos is not None else None
    token = call.github.access.mint(installation, wanted.get("permissions"), ids)
    shape = {
        "token": token.text,
        "expires_at": stamp(token.expires_at),
        "permissions": dict(token.caller.permissions),
        "repository_selection": "selected",
    }
    listed = {"repositories": [call.serializer.repo(repo) for repo in repos]} if repos else {}
    return good(shape | listed, 201)


def _chosen(call: Call, installation: Installation, wanted: dict[str, Any]) -> list[Repo] | None:
    """The repositories a token is narrowed to. Raises Denied(422) for one not installed."""
    ids, names = wanted.get("repository_ids"), wanted.get("repositories")
    if ids is None and names is None:
        return None
    chosen = [
        repo
        for repo in _covered(call, installation.id)
        if repo.id in (ids or ()) or repo.name.split("/")[1] in (names or ())
    ]
    if len(chosen) != len(set(ids or ())) + len(set(names or ())):
        raise Denied(
            422,
            "There is at least one repository that does not exist or is not accessible "
            "to the parent installation.",
        )
    return chosen


def contents(call: Call) -> Response:
    path, repo = call.arg("path"), call.repo()
    text = repo.files.get(path)
    if text is None:
        raise NotThere(path)
    if "raw" not in call.request.headers.get("accept", ""):
        return error(415, "This GitHub gives files raw only")
    return Response(text, media_type="application/vnd.github.raw+json; charset=utf-8")


def permission(call: Call) -> Response:
    login = call.arg("username")
    if login not in call.state.people:
        raise NotThere(login)
    role = "write" if login in call.repo().writers else "read"
    return good({"permission": role, "role_name": role, "user": None})


def hook_deliveries(call: Call) -> Response:
    """Newest first. One page: `per_page` (30), older ones behind `cursor` = an id."""
    query = call.request.query_params
    status, cursor = query.get("status"), query.get("cursor")
    size = min(int(query.get("per_page", "30")), 100)
    known = [
        delivery
        for delivery in reversed(call.github.hooks.deliveries)
        if status in (None, "success" if delivery.status // 100 == 2 else "failure")
        and not (cursor and delivery.id >= int(cursor))
    ]
    shown = known[:size]
    headers = None
    if len(known) > size:
        url = f"{call.serializer.api}/app/hook/deliveries?per_page={size}&cursor={shown[-1].id}"
        url += f"&status={status}" if status else ""
        headers = {"Link": f'<{url}>; rel="next"'}
    return good([_delivery(delivery) for delivery in shown], headers=headers)


def _delivery(delivery: WebhookDelivery) -> Json:
    """No answer at all is shown as 502."""
    says = "OK" if delivery.status // 100 == 2 else f"Invalid HTTP Response: {delivery.status}"
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": stamp(delivery.at),
        "redelivery": delivery.redelivery,
        "duration": round(delivery.seconds, 2),
        "status": says if delivery.status else "failed to connect to host",
        "status_code": delivery.status or 502,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": delivery.facts.installation,
        "repository_id": delivery.facts.repo,
        "throttled_at": None,
    }


def hook_config(call: Call) -> Response:
    url = call.github.hooks.address() or ""
    return good({"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": url})


def redeliver(call: Call) -> Response:
    wanted = int(call.arg("id"))
    if not any(delivery.id == wanted for delivery in call.github.hooks.deliveries):
        return invalid("Delivery", "delivery_id", "missing")
    call.github.hooks.redeliver_later(wanted)
    return good({}, 202)


ROWS = [
    Row("GET", "/app", get_app, "jwt"),
    Row("GET", "/user", get_user, "token"),
    Row("GET", "/app/installations", list_installations, "jwt"),
    Row("POST", "/app/installations/{id:int}/access_tokens", mint, "jwt"),
    Row("GET", "/app/hook/config", hook_config, "jwt"),
    Row("GET", "/app/hook/deliveries", hook_deliveries, "jwt"),
    Row("POST", "/app/hook/deliveries/{id:int}/attempts", redeliver, "jwt"),
    Row("GET", REPO, get_repo, "metadata:read"),
    Row("GET", REPO + "/installation", repo_installation, "jwt"),
    Row("GET", REPO + "/contents/{path:path}", contents, "contents:read"),
    Row("GET", REPO + "/collaborators/{username}/permission", permission, "metadata:read"),
]
