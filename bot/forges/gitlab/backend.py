"""python-gitlab's backend interface over `bot.http`: its limits, no redirects, Tagline's errors.

python-gitlab's own backend sleeps in the worker thread on a rate limit, and follows a redirect with
the token.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar

import gitlab
import httpx
import msgspec
from gitlab.exceptions import GitlabError, GitlabParsingError

from bot.core.errors import Retry, TaglineError
from bot.footprint import large_responses
from bot.forges.base_url import BaseUrl
from bot.forges.gitlab.errors import (
    RequestKind,
    classify,
    read_limit,
)
from bot.forges.history import ListedPage
from bot.forges.requests import MAX_BYTES, MAX_FILE, NotModified, read_date, send_request
from bot.forges.values import require_objects
from bot.http import ClientPool, Request, Response

T = TypeVar("T")
NOT_MODIFIED = 304
NOTE = re.compile(r"/notes(/\d+)?$")
RESOURCES = re.compile(r"/api/v4/(projects|groups)/")
ADVICE = "It is the address of GitLab's start page, without /api/v4."


def connect(url: str, token: str, clients: ClientPool, max_bytes: int = MAX_BYTES) -> gitlab.Gitlab:
    """Return python-gitlab's client of a server; no request is sent yet.

    Its calls raise `TooLong` for a response of more than `max_bytes`.
    """
    return gitlab.Gitlab(
        *(url, token or None),
        keep_base_url=True,
        backend=HttpxBackend,
        clients=clients,
        max_bytes=max_bytes,
        base=BaseUrl("GitLab", "GITLAB_URL", url, RESOURCES, ADVICE),
    )


def call(call: Callable[[], T], error_type: Callable[[str], TaglineError] = Retry) -> T:
    """Return the result of a call; raise `error_type` for a response that cannot be read."""
    try:
        with large_responses():
            return call()
    except (GitlabError, AttributeError, LookupError, TypeError) as error:
        raise error_type(f"GitLab's response cannot be read ({type(error).__name__})") from None


def fetch_page(
    client: gitlab.Gitlab, path: str, query: dict[str, Any], etag: str = ""
) -> ListedPage:
    """Return one page of a list. Raises the errors of `call`, and `NotModified` for one that still
    has the `etag`."""
    condition = {"if-none-match": etag} if etag else {}

    def read() -> tuple[Any, Mapping[str, str]]:
        result = client.http_request("get", path, query_data=query, extra_headers=condition)
        try:
            return result.json(), result.headers
        except (ValueError, RecursionError):
            raise GitlabParsingError from None

    data, headers = call(read)
    at = read_date(headers)
    now, limit = at or time.time(), read_limit(headers)
    following = headers.get("x-next-page")
    return ListedPage(
        require_objects("GitLab", data),
        following={"page": following} if following else {},
        wait=limit.find_pause(now),
        etag=headers.get("etag", ""),
        at=at,
        spacing=limit.find_spacing(now),
    )


class _Result:
    """A response in the form that python-gitlab reads; it is its own `response`."""

    reason = ""
    history = ()  # redirects
    links: Mapping[str, Any] = {}  # pages are requested by number

    def __init__(self, response: Response) -> None:
        self.status_code = response.status
        self.headers = response.headers
        self.content = response.content

    @property
    def response(self) -> _Result:
        # Not an attribute: a reference to itself would keep large content until garbage collection.
        return self

    def json(self) -> Any:
        return json.loads(self.content)


class HttpxBackend:
    """Sends requests by `bot.http`; raises Tagline's errors for responses outside 2xx."""

    def __init__(
        self,
        clients: ClientPool,
        base: BaseUrl,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.client = clients
        self._base = base
        self._max_bytes = max_bytes
        self._clock = clock

    @staticmethod
    def prepare_send_data(
        _files: object = None, post_data: object = None, _raw: bool = False
    ) -> SimpleNamespace:
        return SimpleNamespace(json=post_data, data=None, content_type="application/json")

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
        full_url = f"{url}?{httpx.QueryParams(params)}" if params else url
        content = None if json is None else msgspec.json.encode(json)
        request = Request(method.upper(), full_url, dict(headers or {}), content)
        if auth:
            auth(request)
        first_bytes = MAX_FILE if options.get("stream") else 0
        response = send_request(
            "GitLab", self.client.get(), request, first_bytes, max_bytes=self._max_bytes
        )
        read_limit(response.headers).report(partial(self.client.get().report_rate, "gitlab"))
        if response.status == NOT_MODIFIED and "if-none-match" in request.headers:
            raise NotModified("unchanged")
        error = classify(
            response.status,
            response.headers,
            response.content,
            self._clock(),
            kind=_find_kind(request.method, url),
            is_anonymous=auth is None,
        )
        if error:
            raise self._base.explain(error, request, response)
        if not first_bytes or self._base.is_page(response):
            self._base.check_success(request, response)
        return _Result(response)


def _find_kind(method: str, url: str) -> RequestKind:
    if method == "GET":
        return "read"
    return "note" if method in ("POST", "PUT") and NOTE.search(url) else "write"
