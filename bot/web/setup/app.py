"""The setup page: one page per step, for one person with the one-time link."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles

from bot.core.setup import ManualHook, Registration, SetupPreview, SetupProblem, SetupState
from bot.flow.setup import NAMES, TITLES, find_next, list_steps
from bot.web.forms import add_headers, find_scheme, is_private, load_templates, open_session
from bot.web.setup.guard import Guard, form_action
from bot.web.setup.session import COOKIE, Sessions
from bot.web.setup.tasks import Result, Tasks

HERE = Path(__file__).parent
ROOT = "/setup"
# Fields that are shown again after an error; keys and tokens are not.
SHOWN_AGAIN = (
    "url",
    "owner",
    "name",
    "project",
    "provider",
    "base_url",
    "model",
    "mode",
    "repository",
)
NOT_ENCRYPTED = (
    "This page is not encrypted, so nothing was read from the form: open it over https://, or"
    " through a tunnel: ssh -L 8000:127.0.0.1:8000 HOST, then http://127.0.0.1:8000/setup."
)
STEPS_OF_FORMS = {"gitlab": "host", "preview": "mode"}
Form = Mapping[str, str]


class SetupActions(Protocol):
    """What the page can do. The actions raise `SetupProblem`, and may take a minute."""

    @property
    def is_open(self) -> bool: ...

    def read_state(self) -> SetupState: ...

    def propose_url(self, origin: str) -> str: ...

    def set_address(self, url: str, *, unchecked: bool, keeps: bool) -> str: ...

    def poll(self, *, keeps: bool) -> str: ...

    def start_github(self, owner: str, name: str, setup_url: str) -> Registration: ...

    def finish_github(self, code: str, state: str) -> str: ...

    def connect_gitlab(
        self, url: str, project: str, token: str
    ) -> tuple[str, ManualHook | None]: ...

    def choose_model(self, provider: str, key: str, base_url: str, name: str) -> str: ...

    def preview(self, repository: str) -> SetupPreview: ...

    def finish(self, mode: str) -> str: ...

    def take_block(self) -> str: ...


class SetupPages:
    """The pages below /setup; `owner` is the organisation to propose."""

    def __init__(self, actions: SetupActions, sessions: Sessions, owner: str = "") -> None:
        self._actions, self._sessions, self._owner = actions, sessions, owner
        self._tasks = Tasks()
        self._templates = load_templates(HERE / "templates", "setup", ROOT)
        self._templates.globals.update(names=NAMES, titles=TITLES)

    def routes(self) -> list[BaseRoute]:
        """Return the routes; `Guard` refuses all but two without the session's cookie."""
        actions = {
            "address": self._set_address,
            "gitlab": self._connect_gitlab,
            "model": self._choose_model,
            "preview": self._preview,
            "mode": self._finish,
        }
        router = Router(
            [
                Route("/", self.start),
                Route("/reachable/{nonce}", self.reachable),
                Route("/seen/{step}", self.seen),
                Route("/github", self.start_github, methods=["POST"]),
                Route("/github/created", self.finish_github),
                Route("/github/installed", self.start),
                *(
                    Route(f"/{name}", self._act(name, action), methods=["POST"])
                    for name, action in actions.items()
                ),
                Mount("/static", StaticFiles(directory=HERE / "static")),
                Route("/{step}", self.show),
            ],
            redirect_slashes=False,
            middleware=[Middleware(Guard, self._actions, self._sessions)],
        )
        return [Route(ROOT, self.open), Mount(ROOT, router)]

    async def open(self, request: Request) -> Response:
        """Exchange the link's token for the session's cookie; with a cookie show the next step."""
        answer = self._open(request)
        add_headers(answer.headers)
        return answer

    def _open(self, request: Request) -> Response:
        if not self._actions.is_open:
            return PlainTextResponse("Not Found\n", 404)
        token = request.query_params.get("token", "")
        cookie = self._sessions.open(token) if token else ""
        if not cookie and self._sessions.has_opened(request.cookies.get(COOKIE, "")):
            return self._redirect(find_next(self._actions.read_state()))
        if not cookie:
            return self._render("locked", 403)
        # GitHub leads back to this page, which needs the cookie then.
        return open_session(request, ROOT, COOKIE, cookie, "lax")

    async def start(self, _request: Request) -> Response:
        return self._redirect(find_next(self._actions.read_state()))

    async def reachable(self, request: Request) -> Response:
        return PlainTextResponse(self._sessions.prove(request.path_params["nonce"]) + "\n")

    async def seen(self, request: Request) -> Response:
        """Return what the page of a step would show now, in short: it reloads when that changes."""
        return PlainTextResponse(self._digest(request.path_params["step"]))

    async def show(self, request: Request) -> Response:
        step = request.path_params["step"]
        if step not in TITLES:
            return PlainTextResponse("Not Found\n", 404)
        if block := self._actions.take_block():
            return self._render("block", block=block, here=f"{ROOT}/{step}")
        state, result = self._actions.read_state(), self._tasks.result(step)
        origin = f"{find_scheme(request)}://{request.headers.get('host', '')}"
        return self._render(
            step,
            step=step,
            state=state,
            steps=list_steps(state, step),
            result=result,
            manual=result.take_manual(),
            form={**dict.fromkeys(SHOWN_AGAIN, ""), **result.form},
            running=self._tasks.running,
            proposed=self._actions.propose_url(origin),
            owner=self._owner,
            seen=self._digest(step),
            following=_find_following(step),
        )

    def _digest(self, step: str) -> str:
        state, result = self._actions.read_state(), self._tasks.result(step)
        shown = repr((state, result.text, self._tasks.running))
        return hashlib.sha256(shown.encode()).hexdigest()[:16]

    def _render(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        values.setdefault("form_token", self._sessions.form_token)
        text = self._templates.get_template(f"{name}.html").render(values)
        return HTMLResponse(text, status)

    def _redirect(self, step: str) -> Response:
        return RedirectResponse(f"{ROOT}/{step}", 303)

    def _act(self, name: str, action: Callable[[Form], Result]) -> Callable[[Request], Any]:
        """Return the endpoint of a form: it acts, then shows the next step or the same one."""
        step = STEPS_OF_FORMS.get(name, name)

        async def endpoint(request: Request) -> Response:
            form = request.scope["setup_form"]
            kept = _keep(form)
            if problem := _find_plain_text(request):
                await self._tasks.run(step, lambda: _raise(problem), kept)
                return self._redirect(step)
            result = await self._tasks.run(step, lambda: action(form), kept)
            if not self._actions.is_open:
                return self._finished()
            return self._redirect(self._find_target(step, result))

        return endpoint

    def _find_target(self, step: str, result: Result | None) -> str:
        """Return the step to show after an action; None is the result of one that still runs."""
        if result is None or not result.is_good or result.stays:
            return step
        target = find_next(self._actions.read_state())
        self._tasks.move(step, target)
        return target

    def _finished(self) -> Response:
        if block := self._actions.take_block():
            return self._render("block", block=block, here="/")
        return RedirectResponse("/", 303)

    async def start_github(self, request: Request) -> Response:
        """Show the form that sends the App's manifest to GitHub."""
        form = request.scope["setup_form"]
        setup_url = f"{request.headers['origin']}{ROOT}"
        owner, name = form.get("owner", ""), form.get("name", "")
        registrations: list[Registration] = []

        def act() -> Result:
            if problem := _find_plain_text(request):
                raise SetupProblem(problem)
            registrations.append(self._actions.start_github(owner, name, setup_url))
            return Result("")

        await self._tasks.run("host", act, _keep(form))
        if not registrations:
            return self._redirect("host")
        answer = self._render("bridge", registration=registrations[0], owner=owner)
        parts = urlsplit(registrations[0].url)
        answer.headers.update(form_action(f"{parts.scheme}://{parts.netloc}"))
        return answer

    async def finish_github(self, request: Request) -> Response:
        """Take the code with which GitHub sends the browser back."""
        query = request.query_params
        code, state = query.get("code", ""), query.get("state", "")
        result = await self._tasks.run(
            "host", lambda: Result(self._actions.finish_github(code, state)), {}
        )
        if result is None or not result.is_good:
            return self._redirect("host")
        # Not `find_next`: GitHub's first webhook may have come already, before the installation.
        self._tasks.move("host", "delivery")
        return self._redirect("delivery")

    def _set_address(self, form: Form) -> Result:
        keeps = "once" not in form
        if form.get("how") == "poll":
            return Result(self._actions.poll(keeps=keeps))
        unchecked = form.get("how") == "unchecked"
        url = form.get("url", "")
        return Result(self._actions.set_address(url, unchecked=unchecked, keeps=keeps))

    def _connect_gitlab(self, form: Form) -> Result:
        fields = (form.get(name, "") for name in ("url", "project", "token"))
        text, manual = self._actions.connect_gitlab(*fields)
        return Result(text, manual=manual)

    def _choose_model(self, form: Form) -> Result:
        fields = (form.get(name, "") for name in ("provider", "key", "base_url", "model"))
        return Result(self._actions.choose_model(*fields))

    def _preview(self, form: Form) -> Result:
        preview = self._actions.preview(form.get("repository", ""))
        return Result(preview.sentence, preview=preview)

    def _finish(self, form: Form) -> Result:
        return Result(self._actions.finish(form.get("mode", "")))


def _keep(form: Form) -> Form:
    """Return the fields that the page may show again."""
    return {name: form[name] for name in SHOWN_AGAIN if name in form}


def _find_following(step: str) -> str:
    """Return the step behind this one."""
    names = list(TITLES)
    return names[min(names.index(step) + 1, len(names) - 1)]  # type: ignore[arg-type]


def _find_plain_text(request: Request) -> str:
    """Return the problem of a form that was sent over an unencrypted public connection, else ""."""
    return "" if is_private(request) else NOT_ENCRYPTED


def _raise(problem: str) -> Result:
    raise SetupProblem(problem)
