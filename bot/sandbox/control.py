"""The sandbox's own endpoints under /sandbox/, for a demo in another process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.demo import DEMO_REPOS
from bot.sandbox.faults import Faults
from bot.sandbox.host import Host
from bot.sandbox.state import MAINTAINER
from bot.sandbox.webhooks import WebhookDelivery

DECISIONS = {"approve": True, "dismiss": False}  # GitHub's words → accepted


class Control:
    """Endpoints that act on a host, named by `?host=`, and on the faults."""

    def __init__(self, hosts: Mapping[str, Host], faults: Faults) -> None:
        self.hosts, self.faults = hosts, faults

    def routes(self) -> list[Route]:
        issue = "/issues/{owner}/{repo}/{number:int}"
        return [
            Route("/issues", self.open_issue, methods=["POST"]),
            Route(issue, self.show_issue, methods=["GET"]),
            Route(issue + "/labels", self.label, methods=["POST"]),
            Route(issue + "/comments", self.comment, methods=["POST"]),
            Route(issue + "/suggestions/{id:int}/{decision}", self.decide, methods=["POST"]),
            Route(issue + "/labels/{name:path}", self.unlabel, methods=["DELETE"]),
            Route("/faults", self.list_faults, methods=["GET"]),
            Route("/faults", self.arm, methods=["POST"]),
            Route("/faults", self.clear, methods=["DELETE"]),
            Route("/redeliver/{id}", self.redeliver, methods=["POST"]),
        ]

    async def open_issue(self, request: Request) -> Response:
        """Open an issue. The body has a title and may have host, repo, body and author."""
        body = await _json_body(request, "title")
        host = self._named(body.get("host", "github"))
        author = body.get("author", "octocat")
        repo, title = body.get("repo", DEMO_REPOS[host.host]), body["title"]
        sent = len(host.deliveries)
        number = await run_in_threadpool(
            host.open_issue, repo, title, body.get("body", ""), author=author
        )
        # Webhooks of other issues may have been sent meanwhile.
        deliveries = [
            _serialize(delivery)
            for delivery in host.deliveries[sent:]
            if (delivery.action, delivery.number) == ("opened", number)
        ]
        content = {"host": host.host, "repo": repo, "number": number, "deliveries": deliveries}
        return JSONResponse(content, 201)

    def _host(self, request: Request) -> Host:
        """Return the query's `host`, GitHub by default. Raises ValueError."""
        return self._named(request.query_params.get("host", "github"))

    def _named(self, name: str) -> Host:
        if name not in self.hosts:
            raise ValueError(f"no host is called {name!r}; there are {', '.join(self.hosts)}")
        return self.hosts[name]

    async def show_issue(self, request: Request) -> Response:
        return JSONResponse(self._host(request).show(*_issue(request)))

    async def label(self, request: Request) -> Response:
        """Add a label as a maintainer. The body has its name."""
        host, issue = self._host(request), _issue(request)
        body = await _json_body(request, "name")
        await run_in_threadpool(host.label_by_person, *issue, body["name"])
        return JSONResponse({"labels": host.labels(*issue)}, 201)

    async def comment(self, request: Request) -> Response:
        """Comment as a maintainer, or as the `login` in the body, which has the comment's body.

        Return the comment's id and the job of its webhook, "" for none.
        """
        host, issue = self._host(request), _issue(request)
        body = await _json_body(request, "body")
        login, text, sent = body.get("login") or MAINTAINER, body["body"], len(host.deliveries)
        if not text.strip():
            raise ValueError("the comment is empty")
        comment_id = await run_in_threadpool(host.comment_by_person, *issue, text, login=str(login))
        # The bot's own comments may have been delivered meanwhile.
        jobs = (
            delivery.job
            for delivery in host.deliveries[sent:]
            if (delivery.action, delivery.number) == ("created", issue[1])
        )
        return JSONResponse({"id": comment_id, "job": next(filter(None, jobs), "")}, 201)

    async def decide(self, request: Request) -> Response:
        """Accept or dismiss a suggestion as a maintainer."""
        host, issue, path = self._host(request), _issue(request), request.path_params
        if path["decision"] not in DECISIONS:
            raise ValueError(f"{path['decision']!r} is none of {', '.join(DECISIONS)}")
        accept = DECISIONS[path["decision"]]
        await run_in_threadpool(host.decide_by_person, *issue, path["id"], accept=accept)
        return JSONResponse(host.show(*issue))

    async def unlabel(self, request: Request) -> Response:
        host, issue = self._host(request), _issue(request)
        await run_in_threadpool(host.unlabel_by_person, *issue, request.path_params["name"])
        return JSONResponse({"labels": host.labels(*issue)})

    async def list_faults(self, _: Request) -> Response:
        rows = [
            {"name": row.name, "side": row.side, "says": row.description}
            for row in self.faults.table.values()
        ]
        armed = [
            {"name": a.fault.name, "left": a.left, "match": a.match} for a in self.faults.armed
        ]
        return JSONResponse({"faults": rows, "armed": armed})

    async def arm(self, request: Request) -> Response:
        """Arm a fault. The body has a name and may have times (null = until cleared), match."""
        body = await _json_body(request, "name")
        self.faults.arm(body["name"], body.get("times", 1), body.get("match"))
        return await self.list_faults(request)

    async def clear(self, request: Request) -> Response:
        self.faults.clear()
        return await self.list_faults(request)

    async def redeliver(self, request: Request) -> Response:
        """Redeliver a webhook; `id` is the delivery's number or its guid."""
        host = self._host(request)
        try:
            answer = await run_in_threadpool(host.redeliver, request.path_params["id"])
        except httpx.TransportError as error:
            return JSONResponse({"error": f"the receiver did not answer: {error}"}, 502)
        # The last delivery may be another one by now: a worker's writes are delivered too.
        return JSONResponse({"job": answer.headers.get("x-tagline-job", "")})


async def missing(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 404)


async def invalid(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 422)


async def _json_body(request: Request, required: str) -> dict[str, Any]:
    """Return the body's JSON object. Raises ValueError."""
    body = await request.json()
    if not isinstance(body, dict) or not isinstance(body.get(required), str):
        raise ValueError(f"the body must be a JSON object with {required!r}")
    return body


def _issue(request: Request) -> tuple[str, int]:
    path = request.path_params
    return f"{path['owner']}/{path['repo']}", path["number"]


def _serialize(delivery: WebhookDelivery) -> dict[str, Any]:
    names = ("id", "guid", "event", "action", "status", "job", "redelivery")
    return {name: getattr(delivery, name) for name in names}
