"""The admin page: what happened, from Redis alone; it can pause workers and retry dead letters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot import log
from bot.core.text.numbers import format_count, format_share, format_usd
from bot.core.text.sources import format_source
from bot.flow.describe_activity import Activity
from bot.web.admin.plots import draw_plots
from bot.web.admin.session import COOKIE, AdminSessions
from bot.web.admin.times import format_seconds, format_time
from bot.web.forms import (
    add_headers,
    is_private,
    load_templates,
    open_session,
    read_form,
    refuse_foreign,
)
from bot.web.limits import RefusalLimiter

HERE = Path(__file__).parent
ROOT = "/admin"
MAX_WRONG_TOKENS = 10  # in a minute, from one address
TOO_MANY = (
    "Too many wrong tokens came from this address, so no token is read from it for a minute. Wait,"
    " then enter the value of TAGLINE_ADMIN_TOKEN."
)
WRONG = "This is not the token: enter the value of TAGLINE_ADMIN_TOKEN."
NOT_ENCRYPTED = (
    "This page is not encrypted, so the token was not read: open it over https://, or through a"
    " tunnel: ssh -L 8000:127.0.0.1:8000 HOST, then http://127.0.0.1:8000/admin. Choose another"
    " token, since this one was sent in the clear."
)
# What the page says after an action, by the word in its address.
MESSAGES = {
    "paused": "Workers take no new jobs from now on, within a second. Running jobs end.",
    "resumed": "Workers take jobs again.",
    "retried": "Queued again.",
    "gone": "That job is no dead letter any more.",
}
NO_REDIS = "Redis does not answer, so there is nothing to show ({}). Its address is in REDIS_URL."


class AdminActions(Protocol):
    """What the page reads and does. All raise `ConnectionError` if Redis does not answer."""

    def read(self, now: float) -> Activity: ...

    def retry(self, job: str) -> bool:
        """Queue a dead letter again; return whether it was one."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None: ...


class AdminPages:
    """The page and its forms. `clock` returns seconds since the epoch."""

    def __init__(
        self,
        actions: AdminActions,
        sessions: AdminSessions,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._actions, self._sessions, self._clock = actions, sessions, clock
        self._wrong_tokens = RefusalLimiter()
        self._templates = load_templates(HERE / "templates", "admin", ROOT)
        self._templates.filters.update(
            time=format_time,
            usd=format_usd,
            seconds=format_seconds,
            source=format_source,
            share=format_share,
            count=format_count,
        )

    def routes(self) -> list[BaseRoute]:
        actions = {"retry": self._retry, "pause": self._pause, "resume": self._resume}
        posts = {
            "login": self._log_in,
            "logout": self._log_out,
            **{name: self._act(action) for name, action in actions.items()},
        }
        return [
            *(Route(path, _with_headers(self._show)) for path in (ROOT, f"{ROOT}/")),
            *(
                Route(f"{ROOT}/{name}", _with_headers(endpoint), methods=["POST"])
                for name, endpoint in posts.items()
            ),
            Route(f"{ROOT}/static/admin.css", _with_headers(_send_stylesheet)),
        ]

    async def _show(self, request: Request) -> Response:
        form_token = self._find_form_token(request)
        if not form_token:
            return self._render("login", problem="")
        try:
            activity = await asyncio.to_thread(self._actions.read, self._clock())
        except ConnectionError as error:
            return self._render("unavailable", 503, problem=NO_REDIS.format(error))
        return self._render(
            "activity",
            form_token=form_token,
            activity=activity,
            plots=draw_plots(activity.days),
            message=MESSAGES.get(request.query_params.get("done", ""), ""),
        )

    async def _log_in(self, request: Request) -> Response:
        form = await read_form(request)
        if isinstance(form, Response):
            return form
        if not is_private(request):
            return self._render("login", 403, problem=NOT_ENCRYPTED)
        address = request.client.host if request.client else ""
        if self._wrong_tokens.read(address, self._clock()) >= MAX_WRONG_TOKENS:
            answer = self._render("login", 429, problem=TOO_MANY)
            answer.headers["Retry-After"] = "60"
            return answer
        cookie = self._sessions.open(form.get("token", "").strip())
        if not cookie:
            self._count_wrong(address)
            return self._render("login", 403, problem=WRONG)
        log.get().info("the admin page was opened", address=address)
        return open_session(request, ROOT, COOKIE, cookie, "strict")

    def _count_wrong(self, address: str) -> None:
        if self._wrong_tokens.count(address, self._clock()) == MAX_WRONG_TOKENS:
            log.get().warning(
                "this address sends many wrong tokens to /admin: no token is read from it for a"
                " minute",
                address=address,
            )

    async def _log_out(self, request: Request) -> Response:
        if isinstance(form := await self._read_own_form(request), Response):
            return form
        answer = RedirectResponse(ROOT, 303)
        answer.delete_cookie(COOKIE, path=ROOT, httponly=True, samesite="strict")
        return answer

    def _retry(self, form: Mapping[str, str]) -> str:
        return "retried" if self._actions.retry(form.get("job", "")) else "gone"

    def _pause(self, _form: Mapping[str, str]) -> str:
        self._actions.pause()
        return "paused"

    def _resume(self, _form: Mapping[str, str]) -> str:
        self._actions.resume()
        return "resumed"

    def _act(
        self, action: Callable[[Mapping[str, str]], str]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint of a form: it acts, then shows the page with what was done."""

        async def endpoint(request: Request) -> Response:
            form = await self._read_own_form(request)
            if isinstance(form, Response):
                return form
            try:
                done = await asyncio.to_thread(action, form)
            except ConnectionError as error:
                return self._render("unavailable", 503, problem=NO_REDIS.format(error))
            log.get().warning("admin page", done=done, job=form.get("job", "")[:64])
            return RedirectResponse(f"{ROOT}?done={done}", 303)

        return endpoint

    async def _read_own_form(self, request: Request) -> Mapping[str, str] | Response:
        """Return the fields of a form of the session, else the answer that refuses it."""
        form_token = self._find_form_token(request)
        if not form_token:
            return self._render("login", 403, problem="The session has ended: open a new one.")
        form = await read_form(request)
        if isinstance(form, Response):
            return form
        return form if form.get("form_token") == form_token else refuse_foreign()

    def _find_form_token(self, request: Request) -> str:
        return self._sessions.find_form_token(request.cookies.get(COOKIE, ""))

    def _render(self, name: str, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(self._templates.get_template(f"{name}.html").render(values), status)


def _with_headers(
    endpoint: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        response = await endpoint(request)
        add_headers(response.headers)
        return response

    return answer


async def _send_stylesheet(_request: Request) -> Response:
    return PlainTextResponse((HERE / "static" / "admin.css").read_text(), media_type="text/css")
