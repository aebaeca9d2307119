"""Endpoints that `tagline check` and other commands call, but no worker."""

from __future__ import annotations

from starlette.responses import Response

from bot.sandbox.github import api as github
from bot.sandbox.github.access import Installation
from bot.sandbox.github.api import FORBIDDEN, REPO
from bot.sandbox.github.installation import repos_of
from bot.sandbox.github.serializers import stamp
from bot.sandbox.gitlab import api as gitlab
from bot.sandbox.gitlab.access import UNAUTHORIZED
from bot.sandbox.gitlab.payloads import VERSION
from bot.sandbox.gitlab.serializers import Json, iso, number_of
from bot.sandbox.state import Missing


def get_app(call: github.Call) -> Response:
    return github.success(call.serializer.app(call.github.access.app_id, call.github.access.bot))


def get_user(call: github.Call) -> Response:
    if call.caller.kind != "user":
        return github.error(403, FORBIDDEN)
    access = call.github.access
    headers = {} if access.scopes is None else {"X-OAuth-Scopes": access.scopes}
    if access.token_expires_at:
        at = access.token_expires_at.strftime("%Y-%m-%d %H:%M:%S UTC")
        headers["GitHub-Authentication-Token-Expiration"] = at
    return github.success(call.serializer.user(call.caller.login), headers=headers)


def repo_installation(call: github.Call) -> Response:
    installation = call.github.access.installation_of(call.repo())
    if installation is None:
        raise Missing(call.repo_id)
    return github.success(_serialize(call, installation))


def list_installations(call: github.Call) -> Response:
    page = call.page(call.github.access.installations)
    return github.success([_serialize(call, one) for one in page.items], headers=page.headers)


def _serialize(call: github.Call, installation: Installation) -> Json:
    access, repos = call.github.access, repos_of(call, installation) or call.state.repos()
    owner = call.serializer.organization(installation.owner or repos[0].owner)
    url = f"{call.serializer.api}/app/installations/{installation.id}"
    created, suspended = stamp(repos[0].created_at), installation.suspended_at
    return {
        "id": installation.id,
        "account": owner,
        "repository_selection": "selected",
        "access_tokens_url": f"{url}/access_tokens",
        "repositories_url": f"{call.serializer.api}/installation/repositories",
        "html_url": f"{call.serializer.html}/settings/installations/{installation.id}",
        "app_id": access.app_id,
        "app_slug": access.bot.removesuffix("[bot]"),
        "target_id": owner["id"],
        "target_type": "Organization",
        "permissions": dict(access.granted),
        "events": ["issues", "issue_comment"],
        "created_at": created,
        "updated_at": created,
        "single_file_name": None,
        "suspended_by": owner if suspended else None,
        "suspended_at": stamp(suspended) if suspended else None,
    }


def hook_config(call: github.Call) -> Response:
    url = call.github.hooks.address() or ""
    return github.success(
        {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": url}
    )


def version(call: gitlab.Call) -> Response:
    call.require_token()
    return gitlab.success({"version": VERSION, "revision": "5a4d0b1"})


def get_token(call: gitlab.Call) -> Response:
    token = call.gitlab.access.token(call.request.headers)
    if token is None:
        raise UNAUTHORIZED
    return gitlab.success(
        {
            "id": number_of("token", token.login),
            "name": "tagline",
            "description": None,
            "revoked": False,
            "active": True,
            "scopes": list(token.scopes),
            "user_id": call.state.user(token.login).id,
            "created_at": iso(call.state.clock()),
            "last_used_at": None,
            "expires_at": token.expires_at.date().isoformat(),
        }
    )


GITHUB_ROWS = [
    github.Row("GET", "/app", get_app, "jwt"),
    github.Row("GET", "/user", get_user, "token"),
    github.Row("GET", "/app/installations", list_installations, "jwt"),
    github.Row("GET", "/app/hook/config", hook_config, "jwt"),
    github.Row("GET", REPO + "/installation", repo_installation, "jwt"),
]
GITLAB_ROWS = [
    gitlab.Row("GET", "/version", version),
    gitlab.Row("GET", "/personal_access_tokens/self", get_token),
]
