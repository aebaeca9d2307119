"""GitLab's projects and the caller's user."""

from __future__ import annotations

from starlette.responses import Response

from bot.sandbox.gitlab.api import Call, Row, success
from bot.sandbox.gitlab.issues import PROJECT


def get_user(call: Call) -> Response:
    call.require_token()
    return success(call.serializer.full_user(call.login))


def get_project(call: Call) -> Response:
    return success(call.serializer.project(call.repo(), call.login or None))


ROWS = [
    Row("GET", "/user", get_user),
    Row("GET", PROJECT, get_project),
]
