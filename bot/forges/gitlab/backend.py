"""python-gitlab over our own HTTP clients: time limits, size cap, no redirects, our errors.

Its default would sleep in the worker thread on a rate limit, and follow a redirect with the token.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec

from bot.core.config.yaml_nodes import MAX_BYTES
from bot.forges.gitlab.errors import classify
from bot.forges.requests import send_request
from bot.http import ClientPool, Response

NOTE = re.compile(r"/notes(/\d+)?$")
MAX_FILE = MAX_BYTES + 1  # shows that a file is too long


class _Sendable:
    """What python-gitlab asks a backend to make of a request's data."""

    def __init__(self, json: object) -> None:
        self.json = json
        self.data = None
        self.content_type = "application/json"


class _Result:
    """A response in the shape that python-gitlab reads; it is its own `response`."""

    reason = ""
    history = ()  # redirects
    links: Mapping[str, Any] = {}  # pages are requested by number

    def __init__(self, response: Response) -> None:
        self.response = self
        self.status_code = response.status
        self.headers = response.headers
        self.content = response.content

    def json(self) -> Any:
        return json.loads(self.content)


class HttpxBackend:
    """A backend for `gitlab.Gitlab(backend=...)`. Raises our errors for answers outside 2xx."""

    def __init__(self, clients: ClientPool, clock: Callable[[], float] = time.time) -> None:
        self.client = clients
        self._clock = clock

    @staticmethod
    def prepare_send_data(
        _files: object = None, post_data: object = None, _raw: bool = False
    ) -> _Sendable:
        return _Sendable(post_data)

    def http_request(
        self,
        method: str,
        url: str,
        json: object = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Callable[[httpx.Request], object] | None = None,
        **options: object,
    ) -> _Result:
        client = self.client.get()
        wrote = method.lower() != "get"
        content = None if json is None else msgspec.json.encode(json)
        address = f"{url}?{httpx.QueryParams(params)}" if params else url
        request = client.build_request(method.upper(), address, headers=headers, content=content)
        if auth:
            auth(request)
        answer = send_request("GitLab", client, request, MAX_FILE if options.get("stream") else 0)
        note = method.lower() in ("post", "put") and bool(NOTE.search(url))
        failure = classify(
            answer.status, answer.headers, answer.content, self._clock(), wrote=wrote, note=note
        )
        if failure:
            raise failure
        return _Result(answer)
