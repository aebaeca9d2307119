"""A forge and a model for the worker's figures: canned answers, as cheap as can be.

The model answers after `SECONDS`; everything else at once.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from itertools import count

import uvicorn
from starlette.types import Receive, Scope, Send

SECONDS = 2.0
REPOSITORY = re.compile(rb"/repositories/(\d+)$")
ISSUE = re.compile(rb"/issues/(\d+)$")
_ids = count(1)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


REPLY = {
    "summary": "The login button does nothing.",
    "labels": [{"name": "bug", "certainty": "sure", "reason": "does nothing"}],
}
ANSWER = _json(
    {
        "choices": [{"message": {"content": json.dumps(REPLY)}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 700, "completion_tokens": 60},
    }
)
LABELS = _json([{"name": name, "description": ""} for name in ("bug", "area/login", "question")])
BODY = "The login button does nothing in Firefox 131. " * 40


def _issue(number: int) -> bytes:
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    user = {"login": f"user{number}", "type": "User"}
    return _json(
        {
            "number": number,
            "title": f"Login button does nothing, the {number}th time",
            "body": BODY,
            "user": user,
            "labels": [],
            "comments": 0,
            "state": "open",
            "created_at": created,
        }
    )


def _answer(method: str, path: bytes) -> tuple[int, bytes]:
    if path.endswith(b"/access_tokens"):
        return 201, _json({"token": "ghs_bench"})
    if found := REPOSITORY.search(path):
        return 200, _json({"id": int(found[1]), "full_name": "acme/widget"})
    if found := ISSUE.search(path):
        return 200, _issue(int(found[1]))
    if path.endswith(b"/comments"):
        return (201, _json({"id": next(_ids)})) if method == "POST" else (200, b"[]")
    if path.endswith(b"/labels"):
        return 200, LABELS
    return 404, _json({"message": "Not Found"})


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The whole of it, as bare ASGI."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    path: bytes = scope["raw_path"]
    if path.endswith(b"/chat/completions"):
        await asyncio.sleep(SECONDS)
        status, body = 200, ANSWER
    else:
        status, body = _answer(scope["method"], path)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="critical", access_log=False, backlog=4096)
