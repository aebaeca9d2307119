"""GitHub's view of the App itself: installation, tokens, hook deliveries; repositories, files."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from bot.sandbox.deliver import Delivery
from bot.sandbox.github.access import BOT, Denied
from bot.sandbox.github.face import FORBIDDEN, Call, Row, error, good, invalid, paged
from bot.sandbox.github.issues import REPO
from bot.sandbox.github.shapes import Json, stamp
from bot.sandbox.world import Missing, Repo


def get_app(call: Call) -> Response:
    return good(call.shapes.app(call.github.access.app_id, BOT))


def get_user(call: Call) -> Response:
    if call.caller.kind != "user":
        return error(403, FORBIDDEN)
    return good(call.shapes.user(call.caller.login))


def get_repo(call: Call) -> Response:
    return good(call.shapes.full_repo(call.repo()))


def repo_installation(call: Call) -> Response:
    if not call.repo().installed:
        raise Missing(call.repo_name)
    return good(_installation(call, call.repo()))


def get_installation(call: Call) -> Response:
    _check_installation(call)
    return good(_installation(call, call.world.repos()[0]))


def list_installations(call: Call) -> Response:
    return good([_installation(call, call.world.repos()[0])])


def _installation(call: Call, repo: Repo) -> Json:
    access, owner = call.github.access, call.shapes.owner(repo)
    url = f"{call.shapes.api}/app/installations/{access.installation_id}"
    return {
        "id": access.installation_id,
        "account": owner,
        "repository_selection": "selected",
        "access_tokens_url": f"{url}/access_tokens",
        "repositories_url": f"{call.shapes.api}/installation/repositories",
        "html_url": f"{call.shapes.html}/settings/installations/{access.installation_id}",
        "app_id": access.app_id,
        "app_slug": BOT.removesuffix("[bot]"),
        "target_id": owner["id"],
        "target_type": "Organization",
        "permissions": dict(access.granted),
        "events": ["issues", "issue_comment"],
        "created_at": stamp(repo.created_at),
        "updated_at": stamp(repo.created_at),
        "single_file_name": None,
        "suspended_by": None,
        "suspended_at": None,
    }


def _check_installation(call: Call) -> None:
    if int(call.arg("id")) != call.github.access.installation_id:
        raise Missing("installation")


def mint(call: Call) -> Response:
    _check_installation(call)
    wanted = call.json() or {}
    repos = _chosen(call, wanted)
    ids = frozenset(repo.id for repo in repos) if repos is not None else None
    token = call.github.access.mint(wanted.get("permissions"), ids)
    shape = {
        "token": token.text,
        "expires_at": stamp(token.expires_at),
        "permissions": dict(token.caller.permissions),
        "repository_selection": "selected",
    }
    listed = {"repositories": [call.shapes.repo(repo) for repo in repos]} if repos else {}
    return good(shape | listed, 201)


def _chosen(call: Call, wanted: dict[str, Any]) -> list[Repo] | None:
    """The repositories a token is narrowed to. Raises Denied(422) for one not installed."""
    ids, names = wanted.get("repository_ids"), wanted.get("repositories")
    if ids is None and names is None:
        return None
    chosen = [
        repo
        for repo in call.world.repos()
        if repo.installed and (repo.id in (ids or ()) or repo.name.split("/")[1] in (names or ()))
    ]
    if len(chosen) != len(set(ids or ())) + len(set(names or ())):
        raise Denied(
            422,
            "There is at least one repository that does not exist or is not accessible "
            "to the parent installation.",
        )
    return chosen


def revoke(call: Call) -> Response:
    call.github.access.expire(call.request.headers.get("authorization"))
    return Response(status_code=204)


def installed_repos(call: Call) -> Response:
    if not call.caller.via_app:
        return error(403, "You must authenticate with an installation access token")
    narrowed = call.caller.repos
    repos = [
        repo
        for repo in call.world.repos()
        if repo.installed and (narrowed is None or repo.id in narrowed)
    ]
    page = paged(call, repos)
    shape = {
        "total_count": len(repos),
        "repository_selection": "selected",
        "repositories": [call.shapes.repo(repo) for repo in page.items],
    }
    return good(shape, headers=page.headers)


def contents(call: Call) -> Response:
    path, repo = call.arg("path"), call.repo()
    text = repo.files.get(path)
    if text is None:
        raise Missing(path)
    if "raw" in call.request.headers.get("accept", ""):
        return Response(text, media_type="application/vnd.github.raw+json; charset=utf-8")
    data = text.encode()
    sha = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    url = f"{call.shapes.repo_url(repo)}/contents/{quote(path)}"
    git, page = f"{call.shapes.repo_url(repo)}/git/blobs/{sha}", f"{call.shapes.html}/{repo.name}"
    return good(
        {
            "type": "file",
            "encoding": "base64",
            "size": len(data),
            "name": path.rpartition("/")[2],
            "path": path,
            "content": base64.encodebytes(data).decode(),
            "sha": sha,
            "url": url,
            "git_url": git,
            "html_url": f"{page}/blob/main/{quote(path)}",
            "download_url": f"{page}/raw/main/{quote(path)}",
            "_links": {"self": url, "git": git, "html": f"{page}/blob/main/{quote(path)}"},
        }
    )


def permission(call: Call) -> Response:
    login = call.arg("username")
    if login not in call.world.people:
        raise Missing(login)
    role = "write" if login in call.repo().writers else "read"
    return good({"permission": role, "role_name": role, "user": None})


def hook_deliveries(call: Call) -> Response:
    """Newest first. One page: `per_page` (30), older ones behind `cursor` = an id."""
    query = call.request.query_params
    failed, cursor = query.get("status") == "failure", query.get("cursor")
    size = min(int(query.get("per_page", "30")), 100)
    known = [
        delivery
        for delivery in reversed(call.github.hooks.deliveries)
        if not (failed and delivery.status // 100 == 2)
        and not (cursor and delivery.id >= int(cursor))
    ]
    shown = known[:size]
    headers = None
    if len(known) > size:
        url = f"{call.shapes.api}/app/hook/deliveries?per_page={size}&cursor={shown[-1].id}"
        url += "&status=failure" if failed else ""
        headers = {"Link": f'<{url}>; rel="next"'}
    return good([_delivery(call, delivery) for delivery in shown], headers=headers)


def _delivery(call: Call, delivery: Delivery) -> Json:
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": stamp(delivery.at),
        "redelivery": delivery.redelivery,
        "duration": round(delivery.seconds, 2),
        "status": "OK" if delivery.status // 100 == 2 else "Invalid HTTP Response",
        "status_code": delivery.status,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": call.github.access.installation_id,
        "repository_id": None,
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
    Row("GET", "/app/installations/{id:int}", get_installation, "jwt"),
    Row("POST", "/app/installations/{id:int}/access_tokens", mint, "jwt"),
    Row("GET", "/app/hook/config", hook_config, "jwt"),
    Row("GET", "/app/hook/deliveries", hook_deliveries, "jwt"),
    Row("POST", "/app/hook/deliveries/{id:int}/attempts", redeliver, "jwt"),
    Row("GET", "/installation/repositories", installed_repos, "token"),
    Row("DELETE", "/installation/token", revoke, "token"),
    Row("GET", REPO, get_repo, "metadata:read"),
    Row("GET", REPO + "/installation", repo_installation, "jwt"),
    Row("GET", REPO + "/contents/{path:path}", contents, "contents:read"),
    Row("GET", REPO + "/collaborators/{username}/permission", permission, "metadata:read"),
]
