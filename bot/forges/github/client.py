"""Send requests to GitHub's REST API; gidgethub's `sansio` makes headers and reads responses."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec
from gidgethub import HTTPException, sansio

from bot.core.errors import NotFound
from bot.forges.base_url import BaseUrl
from bot.forges.github.errors import classify, read_limit
from bot.forges.history import ListedPage
from bot.forges.requests import MAX_BYTES, MAX_FILE, NotModified, read_date, send_request
from bot.http import ClientPool, Request, Response

PUBLIC_API = "https://api.github.com"
VERSION = "2026-03-10"  # Enterprise Server may be older, and uses its own default
NOT_MODIFIED = 304
GHE_COM = re.compile(r"https://api\.[\w-]+\.ghe\.com$")
RAW = "application/vnd.github.raw+json"
JSON = "application/vnd.github+json"
DOT_SEGMENTS = frozenset({".", ".."})  # a URL's parts that name another URL
COMMENT = re.compile(r"/comments(/\d+)?$")
RESOURCES = re.compile(r"/(repos|repositories)/")
ADVICE = (
    "On GitHub Enterprise Server the address ends in /api/v3, on GHE.com it begins with"
    " https://api."
)


@dataclass(frozen=True, slots=True)
class Credential:
    """An installation or personal token, a JWT of the App, or neither."""

    token: str = ""
    jwt: str = ""


class GitHubClient:
    def __init__(
        self, clients: ClientPool, base_url: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._clients = clients
        self._base = BaseUrl("GitHub", "GITHUB_API_URL", base_url, RESOURCES, ADVICE)
        self._clock = clock

    @property
    def is_public(self) -> bool:
        """Whether it is known where the pages of the server are: GitHub.com and GHE.com."""
        return self._base.url == PUBLIC_API or bool(GHE_COM.match(self._base.url))

    @property
    def web_url(self) -> str:
        """The address of the server's pages, without a slash at the end."""
        api = urlsplit(self._base.url)
        host = api.netloc.removeprefix("api.") if self.is_public else api.netloc
        return f"{api.scheme}://{host}"

    def call(
        self,
        method: str,
        path: str,
        variables: Mapping[str, str | int],
        credential: Credential,
        *,
        data: Mapping[str, Any] | None = None,
        accept: str = JSON,
    ) -> Any:
        """Send a request and return the decoded response.

        `path` names `variables` in braces. With `RAW`, returns at most `MAX_FILE` bytes of a file
        as text, or None for a folder. Raises the errors of `classify` and `send_request`.
        """
        request = self._request(method, path, variables, credential, data, accept)
        if accept != RAW:
            return self._send(request)[0]
        response = send_request("GitHub", self._clients.get(), request, MAX_FILE)
        if response.status != 200 or self._base.is_page(response):
            self._decode(request, response)
        content_type = response.headers.get("content-type", "").partition(";")[0].strip()
        is_folder = content_type == "application/json"
        return None if is_folder else response.content.decode("utf-8", "replace")

    def page(
        self,
        path: str,
        variables: Mapping[str, str | int],
        credential: Credential,
        max_bytes: int = MAX_BYTES,
        etag: str = "",
    ) -> ListedPage:
        """Return a page of a list. Raises `TooLong` for one of more than `max_bytes`, and
        `NotModified` for one that still has the `etag`."""
        request = self._request("GET", path, variables, credential, None, JSON)
        if etag:
            request.headers["if-none-match"] = etag
        response = send_request("GitHub", self._clients.get(), request, max_bytes=max_bytes)
        if etag and response.status == NOT_MODIFIED:
            raise NotModified("unchanged")
        items, link = self._decode(request, response)
        now, headers = self._clock(), response.headers
        limit = read_limit(headers)
        return ListedPage(
            items,
            following=dict(parse_qsl(urlsplit(link or "").query)),
            wait=limit.find_pause(now),
            etag=headers.get("etag", ""),
            at=read_date(headers),
            spacing=limit.find_spacing(now),
        )

    def read(self, path: str, credential: Credential) -> tuple[Any, Mapping[str, str]]:
        """Return the decoded response to a GET, and its headers."""
        request = self._request("GET", path, {}, credential, None, JSON)
        response = send_request("GitHub", self._clients.get(), request)
        return self._decode(request, response)[0], response.headers

    def query(self, text: str, variables: Mapping[str, Any], credential: Credential) -> Any:
        """Return the data of a GraphQL query; None for one that the server does not know.

        On GitHub Enterprise Server it has the address /api/graphql beside /api/v3.
        """
        body = {"query": text, "variables": variables}
        request = self._request("POST", "", {}, credential, body, JSON)
        request = replace(request, url=f"{self._base.url.removesuffix('/v3')}/graphql")
        answer = self._send(request)[0]
        return answer.get("data") if isinstance(answer, Mapping) else None

    def _send(self, request: Request) -> tuple[Any, str | None]:
        return self._decode(request, send_request("GitHub", self._clients.get(), request))

    def _decode(self, request: Request, response: Response) -> tuple[Any, str | None]:
        """Return a response's data and the URL of the next page, which is never requested."""
        status, headers = response.status, response.headers
        read_limit(headers).report(partial(self._clients.get().report_rate, "github"))
        if 200 <= status < 300:
            self._base.check_success(request, response)
        try:
            data, _, next_url = sansio.decipher_response(status, headers, response.content)
        except HTTPException as raised:
            error = raised.with_traceback(None)  # no cycle with this frame
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise self._base.unreadable(request, response) from None
        else:
            return data, next_url
        is_write = request.method != "GET"
        is_comment = request.method in ("POST", "PATCH") and bool(COMMENT.search(request.url))
        known = classify(
            error,
            self._clock(),
            is_write=is_write,
            is_comment=is_comment,
            is_anonymous="authorization" not in request.headers,
        )
        raise self._base.explain(known, request, response)

    def _request(
        self,
        method: str,
        path: str,
        variables: Mapping[str, str | int],
        credential: Credential,
        data: Mapping[str, Any] | None,
        accept: str,
    ) -> Request:
        token, jwt = credential.token or None, credential.jwt or None
        headers = sansio.create_headers("tagline", accept=accept, oauth_token=token, jwt=jwt)
        if self._base.url == PUBLIC_API:
            headers["x-github-api-version"] = VERSION
        if data is not None:
            headers["content-type"] = "application/json"
        if not DOT_SEGMENTS.isdisjoint(variables.values()):
            raise NotFound("no URL can hold a name of dots")
        encoded = {name: quote(str(value), safe="") for name, value in variables.items()}
        url = self._base.url + path.format_map(encoded)
        content = None if data is None else msgspec.json.encode(data)
        return Request(method, url, headers, content)


def format_query(names: Iterable[str]) -> str:
    """Return a query with a variable in braces for each parameter."""
    return "&".join(f"{name}={{{name}}}" for name in names)
