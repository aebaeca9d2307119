"""Assembles the faces and the control endpoints under /sandbox/ into one ASGI app."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from bot.sandbox.demo import DEMO_REPOS
from bot.sandbox.faults import Gate, Side
from bot.sandbox.github import api as github
from bot.sandbox.github import installation, issues
from bot.sandbox.host import Host, Opening
from bot.sandbox.model import api as model
from bot.sandbox.recorder import Recorder
from bot.sandbox.state import NotThere
from bot.sandbox.webhooks import WebhookDelivery

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

OPTIONS = tuple(Opening.__annotations__)


def build(box: Sandbox) -> Starlette:
    def api(name: str, side: Side, inner: ASGIApp) -> ASGIApp:
        clock = box.hosts[name].state.time if name in box.hosts else box.clock
        return Recorder(Gate(inner, side, box.faults), name, box.log, clock)

    shared = github.GitHub(box.state, box.access, box.hooks.serializer, box.hooks)
    rest = github.router(shared, [*issues.ROWS, *installation.ROWS])
    return Starlette(
        routes=[
            Mount("/github", api("github", "github", rest)),
            Mount("/gitlab", api("gitlab", "gitlab", box.gitlab.app())),
            Mount("/openai/v1", api("openai", "model", model.router(box.models, "openai"))),
            Mount("/anthropic", api("anthropic", "model", model.router(box.models, "anthropic"))),
            Mount("/sandbox", routes=Control(box).routes()),
        ],
        exception_handlers={NotThere: _missing, ValueError: _refused},
    )


async def _missing(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 404)


async def _refused(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 422)


class Control:
    """The sandbox's own endpoints, for a demo in another process. `?host=` names the forge."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box

    def routes(self) -> list[Route]:
        issue = "/issues/{owner}/{repo}/{number:int}"
        return [
            Route("/issues", self.open_issue, methods=["POST"]),
            Route(issue, self.show_issue, methods=["GET"]),
            Route(issue + "/labels/{name:path}", self.unlabel, methods=["DELETE"]),
            Route("/faults", self.list_faults, methods=["GET"]),
            Route("/faults", self.arm, methods=["POST"]),
            Route("/faults", self.clear, methods=["DELETE"]),
            Route("/redeliver/{id}", self.redeliver, methods=["POST"]),
            Route("/elsewhere", self.elsewhere, methods=["GET", "POST"]),
        ]

    async def open_issue(self, request: Request) -> Response:
        """Body: title and, if wanted, host, repo, body and the options of `Host.open_issue`."""
        wanted = await _asked(request, "title")
        host = self._named(wanted.get("host", "github"))
        options = {key: wanted[key] for key in OPTIONS if key in wanted}
        repo, title = wanted.get("repo", DEMO_REPOS[host.host]), wanted["title"]
        known = len(host.deliveries)
        number = await run_in_threadpool(
            host.open_issue, repo, title, wanted.get("body", ""), **options
        )
        sent = [_sent(d) for d in host.deliveries[known:] if _opened(d, number)]
        said = {"host": host.host, "repo": repo, "number": number, "deliveries": sent}
        return JSONResponse(said, 201)

    def _host(self, request: Request) -> Host:
        """The query's `host`, or GitHub. Raises ValueError."""
        return self._named(request.query_params.get("host", "github"))

    def _named(self, name: str) -> Host:
        if name not in self.box.hosts:
            raise ValueError(f"no host is called {name!r}; there are {', '.join(self.box.hosts)}")
        return self.box.hosts[name]

    async def show_issue(self, request: Request) -> Response:
        repo, number = _place(request)
        return JSONResponse(self._host(request).show(repo, number))

    async def unlabel(self, request: Request) -> Response:
        repo, number = _place(request)
        name = request.path_params["name"]
        host = self._host(request)
        await run_in_threadpool(host.unlabel_by_person, repo, number, name)
        return JSONResponse({"labels": host.labels(repo, number)})

    async def list_faults(self, _: Request) -> Response:
        table = self.box.faults.table.values()
        rows = [{"name": row.name, "side": row.side, "says": row.says} for row in table]
        armed = [
            {"name": a.fault.name, "left": a.left, "match": a.match} for a in self.box.faults.armed
        ]
        return JSONResponse({"faults": rows, "armed": armed})

    async def arm(self, request: Request) -> Response:
        """Body: name and, if wanted, times (null = until cleared) and match."""
        wanted = await _asked(request, "name")
        self.box.fault(wanted["name"], wanted.get("times", 1), wanted.get("match"))
        return await self.list_faults(request)

    async def clear(self, request: Request) -> Response:
        self.box.clear_faults()
        return await self.list_faults(request)

    async def redeliver(self, request: Request) -> Response:
        """`id` is a delivery's number or its guid."""
        try:
            host = self._host(request)
            await run_in_threadpool(host.redeliver, request.path_params["id"])
        except httpx.TransportError as error:
            return JSONResponse({"error": f"nobody answered: {error}"}, 502)
        return JSONResponse(_sent(host.deliveries[-1]))

    async def elsewhere(self, request: Request) -> Response:
        """Where `model-redirect` points: notes whether a key came along."""
        await asyncio.sleep(0)
        keys = [name for name in ("authorization", "x-api-key") if name in request.headers]
        self.box.leaks.append({"keys": keys, "method": request.method})
        return JSONResponse({"error": "nothing here"}, 404)


async def _asked(request: Request, needed: str) -> dict[str, Any]:
    """The body's JSON object. Raises ValueError."""
    body = await request.json()
    if not isinstance(body, dict) or not isinstance(body.get(needed), str):
        raise ValueError(f"the body must be a JSON object with {needed!r}")
    return body


def _place(request: Request) -> tuple[str, int]:
    path = request.path_params
    return f"{path['owner']}/{path['repo']}", path["number"]


def _opened(delivery: WebhookDelivery, number: int) -> bool:
    """Whether it told of that issue's opening; echoes of others may have come between."""
    return delivery.action == "opened" and delivery.number == number


def _sent(delivery: WebhookDelivery) -> dict[str, Any]:
    names = ("id", "guid", "event", "action", "status", "job", "redelivery")
    return {name: getattr(delivery, name) for name in names}
