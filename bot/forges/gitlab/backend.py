"""python-gitlab over our own HTTP clients: time limits, size cap, no redirects, our errors.

Its default would sleep in the worker thread on a rate limit, and follow a redirect with the token.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec

from bot.core.config.yaml_nodes import MAX_BYTES
from bot.forges.gitlab.errors import classify
from bot.forges.requests import send_request
from bot.http import ClientPool, Request, Response

NOTE = re.compile(r"/notes(/\d+)?$")
MAX_FILE = MAX_BYTES + 1  # shows that a file is too long


class _Sendable:
    """What python-gitlab asks a backend to make of a request's data."""

    def __init__(self, json: object) -> None:
        self.json = json
        self.data = None
        self.content_type = "application/json"


class _Result:
    """An answer in the shape that python-gitlab reads."""

    def __init__(self, answer: Response) -> None:
        headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in answer.headers.items()]
        self.response = response = httpx.Response(
            answer.status, headers=headers, content=answer.content
        )
        self.status_code = response.status_code
        self.headers = response.headers
        self.content = response.content
        self.reason = response.reason_phrase

    def json(self) -> Any:
        return self.response.json()


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
        auth: Callable[[Request], object] | None = None,
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
