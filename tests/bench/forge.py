"""Stub forges and a stub model for the worker's benchmarks: prepared responses at a low cost.

Arguments: a port and, optionally, the name of an issue body in `BODIES` and the seconds after
which the model responds (`SECONDS` by default).
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
PROJECT = re.compile(rb"/projects/(\d+)$")
SEARCHED_PROJECT = re.compile(rb"/projects/(\d+)/issues$")
# No other list of issues: each would be taken for a new one.
LOOKED_UP = re.compile(rb"(?:^|&)(?:search|iids(?:\[\]|%5B%5D))=", re.IGNORECASE)
SEARCHED = re.compile(rb"repo(?::|%3A)acme(?:/|%2F)r(\d+)", re.IGNORECASE)
GITLAB = b"/api/v4/"
# The longest issue bodies that the platforms allow, in characters.
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
COMPLETION = _json(
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


OLDER = 30  # issues in a response to a search
SUBJECTS = (
    "Login page stays empty in Firefox",
    "Button of the form is hidden on small screens",
    "Export fails with a timeout for large tables",
    "Session ends after a minute without activity",
    "Search finds nothing with an accent in the word",
)
PLACE = "987654321987"  # stands for the number of the repository


def _older(number: int) -> dict[str, object]:
    """Return what both forges' older issues have, with a text of 1 to 2 KB."""
    subject = f"{SUBJECTS[number % len(SUBJECTS)]} ({number})"
    text = f"{subject}. I opened the settings, chose entry {number} and waited for the page. "
    return {
        "title": subject,
        "labels": [{"name": "bug", "description": ""}],
        "body": text * (8 + number % 8),
        "milestone": None,
        "created_at": "2024-05-01T12:00:00Z",
        "updated_at": "2024-05-02T12:00:00Z",
    }


def _older_on_github(number: int) -> dict[str, object]:
    base = f"acme/r{PLACE}"
    return _older(number) | {
        "number": number,
        "user": {"login": f"user{number}", "type": "User"},
        "comments": 3,
        "state": "closed",
        "state_reason": "completed",
        "locked": False,
        "repository_url": f"https://api.github.com/repos/{base}",
        "html_url": f"https://github.com/{base}/issues/{number}",
    }


def _older_on_gitlab(number: int) -> dict[str, object]:
    older = _older(number)
    return {key: value for key, value in older.items() if key != "body"} | {
        "iid": number,
        "project_id": int(PLACE),
        "description": older["body"],
        "labels": ["bug"],
        "author": {"id": 7, "username": f"user{number}"},
        "user_notes_count": 3,
        "state": "closed",
        "confidential": False,
        "discussion_locked": None,
        "web_url": f"https://gitlab.com/acme/r{PLACE}/-/issues/{number}",
    }


# Prepared once; a response only puts the repository's number in.
FOUND_ON_GITHUB = _json(
    {
        "total_count": OLDER,
        "incomplete_results": False,
        "search_type": "hybrid",
        "items": [_older_on_github(900_000_000 + number) for number in range(OLDER)],
    }
)
FOUND_ON_GITLAB = _json([_older_on_gitlab(900_000_000 + number) for number in range(OLDER)])


class Responses:
    """The body of every issue (GitLab's as JSON) and the model's response time."""

    def __init__(self) -> None:
        self.github, self.gitlab = BODY, _json(BODY)
        self.seconds = SECONDS

    def use_longest(self, name: str, seconds: float) -> None:
        """Repeat a text of `BODIES` up to each platform's limit."""
        self.github = _longest(name, LONGEST_GITHUB)
        self.gitlab = _json(_longest(name, LONGEST_GITLAB))
        self.seconds = seconds


responses = Responses()


def _issue(number: int) -> bytes:
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    user = {"login": f"user{number}", "type": "User"}
    return _json(
        {
            "number": number,
            "title": f"Login button does nothing, the {number}th time",
            "body": responses.github,
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
    return head[:-1] + b', "description": ' + responses.gitlab + b"}"


def _respond_gitlab(method: str, path: bytes, query: bytes) -> tuple[int, bytes]:
    if match := ISSUE.search(path):
        return 200, _gitlab_issue(int(match[1]))
    if path.endswith(b"/notes"):
        note = {"id": next(_ids), "body": "", "system": False, "author": {"id": 1}}
        return (201, _json(note)) if method == "POST" else (200, b"[]")
    if path.endswith(b"/labels"):
        return 200, LABELS
    if path.endswith(b"/user"):
        return 200, _json({"id": 1, "username": "bot"})
    if (match := SEARCHED_PROJECT.search(path)) and LOOKED_UP.search(query):
        return 200, FOUND_ON_GITLAB.replace(PLACE.encode(), match[1])
    if match := PROJECT.search(path):
        number = int(match[1])
        return 200, _json({"id": number, "path_with_namespace": f"acme/r{number}"})
    return 404, _json({"message": "404 Not found"})


def _respond(method: str, path: bytes, query: bytes) -> tuple[int, bytes]:
    if path.startswith(GITLAB):
        return _respond_gitlab(method, path, query)
    if path.endswith(b"/access_tokens"):
        return 201, _json({"token": "ghs_bench"})
    if path.endswith(b"/search/issues") and (match := SEARCHED.search(query)):
        return 200, FOUND_ON_GITHUB.replace(PLACE.encode(), match[1])
    if match := REPOSITORY.search(path):
        return 200, _json({"id": int(match[1]), "full_name": f"acme/r{int(match[1])}"})
    if match := ISSUE.search(path):
        return 200, _issue(int(match[1]))
    if path.endswith(b"/comments"):
        return (201, _json({"id": next(_ids)})) if method == "POST" else (200, b"[]")
    if path.endswith(b"/labels"):
        return 200, LABELS
    return 404, _json({"message": "Not Found"})


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve forges and model as a plain ASGI application."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    path: bytes = scope["raw_path"]
    if path.endswith(b"/chat/completions"):
        await asyncio.sleep(responses.seconds)
        status, body = 200, COMPLETION
    else:
        status, body = _respond(scope["method"], path, scope["query_string"])
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    if sys.argv[2:]:
        responses.use_longest(sys.argv[2], float(sys.argv[3]))
    uvicorn.run(app, port=int(sys.argv[1]), log_level="critical", access_log=False, backlog=4096)
