"""Forges and a model for the worker's figures: canned answers, as cheap as can be.

The model answers after `SECONDS`, everything else at once, unless the command line says otherwise:
a port, a name of `BODIES`, seconds.
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
GITLAB = b"/api/v4/"
# The longest that the platforms allow, in characters.
LONGEST_GITHUB, LONGEST_GITLAB = 65_536, 1_048_576
BODIES = {
    "emoji": "\U0001f4a5",
    "ascii": "The login button does nothing in Firefox 131.\n",
    "cyrillic": "Кнопка входа ничего не делает в браузере.\n",
    "cjk": "登录按钮在浏览器中没有任何反应。\n",
    "marks": "e\u0301\u0323o\u0308 ",
    "controls": "\x01\x1b[31m\u200bred\x1b[0m ",
    "hidden emoji": "\U0001f4a5\u200b",
    "lines": "\U0001f4a5\n",
    "words": "\U0001f4a5 ",
}
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


def _longest(name: str, characters: int) -> str:
    piece = BODIES[name]
    return (piece * (characters // len(piece) + 1))[:characters]


class Canned:
    """The body of every issue, GitLab's as JSON, and the seconds that the model takes."""

    def __init__(self) -> None:
        self.github, self.gitlab = BODY, _json(BODY)
        self.seconds = SECONDS

    def make_longest(self, name: str, seconds: float) -> None:
        """As long as each platform allows, of one of `BODIES`."""
        self.github = _longest(name, LONGEST_GITHUB)
        self.gitlab = _json(_longest(name, LONGEST_GITLAB))
        self.seconds = seconds


canned = Canned()


def _issue(number: int) -> bytes:
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    user = {"login": f"user{number}", "type": "User"}
    return _json(
        {
            "number": number,
            "title": f"Login button does nothing, the {number}th time",
            "body": canned.github,
            "user": user,
            "labels": [],
            "comments": 0,
            "state": "open",
            "created_at": created,
        }
    )


def _gitlab_issue(number: int) -> bytes:
    head = _json(
        {
            "iid": number,
            "title": f"Login button does nothing, the {number}th time",
            "author": {"id": 7, "username": f"user{number}"},
            "labels": [],
            "state": "opened",
            "confidential": False,
            "discussion_locked": None,
            "user_notes_count": 0,
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
    )
    return head[:-1] + b', "description": ' + canned.gitlab + b"}"


def _gitlab(method: str, path: bytes) -> tuple[int, bytes]:
    if found := ISSUE.search(path):
        return 200, _gitlab_issue(int(found[1]))
    if path.endswith(b"/notes"):
        note = {"id": next(_ids), "body": "", "system": False, "author": {"id": 1}}
        return (201, _json(note)) if method == "POST" else (200, b"[]")
    if path.endswith(b"/labels"):
        return 200, LABELS
    if path.endswith(b"/user"):
        return 200, _json({"id": 1, "username": "bot"})
    return 404, _json({"message": "404 Not found"})


def _answer(method: str, path: bytes) -> tuple[int, bytes]:
    if path.startswith(GITLAB):
        return _gitlab(method, path)
    if path.endswith(b"/access_tokens"):
        return 201, _json({"token": "ghs_bench"})
    if found := REPOSITORY.search(path):
        return 200, _json({"id": int(found[1]), "full_name": f"acme/r{int(found[1])}"})
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
        await asyncio.sleep(canned.seconds)
        status, body = 200, ANSWER
    else:
        status, body = _answer(scope["method"], path)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    if sys.argv[2:]:
        canned.make_longest(sys.argv[2], float(sys.argv[3]))
    uvicorn.run(app, port=int(sys.argv[1]), log_level="critical", access_log=False, backlog=4096)
