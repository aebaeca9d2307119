"""GitLab's version, the caller's user and token, and projects."""

from __future__ import annotations

from starlette.responses import Response

from bot.sandbox.gitlab.access import UNAUTHORIZED
from bot.sandbox.gitlab.api import Call, Row, success
from bot.sandbox.gitlab.issues import PROJECT
from bot.sandbox.gitlab.payloads import VERSION
from bot.sandbox.gitlab.serializers import iso, number_of


def version(call: Call) -> Response:
    call.require_token()
    return success({"version": VERSION, "revision": "5a4d0b1"})


def get_user(call: Call) -> Response:
    call.require_token()
    return success(call.serializer.full_user(call.login))


def get_token(call: Call) -> Response:
    token = call.gitlab.access.token(call.request.headers)
    if token is None:
        raise UNAUTHORIZED
    return success(
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


def get_project(call: Call) -> Response:
    return success(call.serializer.project(call.repo(), call.login or None))


ROWS = [
    Row("GET", "/version", version),
    Row("GET", "/user", get_user),
    Row("GET", "/personal_access_tokens/self", get_token),
    Row("GET", PROJECT, get_project),
]
