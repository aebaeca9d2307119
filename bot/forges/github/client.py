"""One request to GitHub's REST API: headers, URL, answer or one of our errors.

gidgethub's I/O-free half over our own HTTP.
"""

from __future__ import annotations

import http
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import msgspec
from gidgethub import GitHubBroken, HTTPException, sansio

from bot.core.config.yaml_nodes import MAX_BYTES
from bot.forges.github.errors import classify
from bot.forges.requests import send_request
from bot.http import ClientPool, Response

PUBLIC_API = "https://api.github.com"
VERSION = "2026-03-10"  # Enterprise Server may not know it yet and uses its own default
RAW = "application/vnd.github.raw+json"
MAX_FILE = MAX_BYTES + 1  # shows that a file is too long
JSON = "application/vnd.github+json"
COMMENT = re.compile(r"/comments(/\d+)?$")


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
        self._base_url = base_url
        self._clock = clock

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
        """Send one request and return the decoded answer.

        `path` names its `variables` in braces. With `RAW` the answer is the text of a file, at most
        `MAX_FILE` bytes of it, and None where a folder is at that path. Raises `Retry`, `Doubtful`,
        `Gone`, `Forbidden`, `Unauthorized`.
        """
        request = self._request(method, path, variables, credential, data, accept)
        return self._file(request) if accept == RAW else self._answer(request)[0]

    def page(
        self, path: str, variables: Mapping[str, str | int], credential: Credential
    ) -> tuple[list[Any], str]:
        """One page of a list, and the cursor of the next; "" after the last. Raises as `call`."""
        request = self._request("GET", path, variables, credential, None, JSON)
        items, following = self._answer(request)
        return items, dict(parse_qsl(urlsplit(following or "").query)).get("cursor", "")

    def _file(self, request: httpx.Request) -> str | None:
        answer = send_request("GitHub", self._clients.get(), request, MAX_FILE)
        if answer.status != 200:
            self._decoded(request, answer)
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        is_folder = kind == "application/json"
        return None if is_folder else answer.content.decode("utf-8", "replace")

    def _answer(self, request: httpx.Request) -> tuple[Any, str | None]:
        return self._decoded(request, send_request("GitHub", self._clients.get(), request))

    def _decoded(self, request: httpx.Request, answer: Response) -> tuple[Any, str | None]:
        try:
            return _decipher(answer)
        except HTTPException as error:
            wrote = request.method != "GET"
            comment = request.method in ("POST", "PATCH") and bool(COMMENT.search(request.url.path))
            raise classify(error, self._clock(), wrote=wrote, comment=comment) from None

    def _request(
        self,
        method: str,
        path: str,
        variables: Mapping[str, str | int],
        credential: Credential,
        data: Mapping[str, Any] | None,
        accept: str,
    ) -> httpx.Request:
        headers = sansio.create_headers(
            "tagline",
            accept=accept,
            oauth_token=credential.token or None,
            jwt=credential.jwt or None,
        )
        if self._base_url == PUBLIC_API:
            headers["x-github-api-version"] = VERSION
        if data is not None:
            headers["content-type"] = "application/json"
        encoded = {name: quote(str(value), safe="") for name, value in variables.items()}
        url = self._base_url + path.format_map(encoded)
        content = None if data is None else msgspec.json.encode(data)
        return self._clients.get().build_request(method, url, headers=headers, content=content)


def _decipher(answer: Response) -> tuple[Any, str | None]:
    """What is in an answer, and the address of the next page, which is never followed."""
    try:
        data, _, following = sansio.decipher_response(answer.status, answer.headers, answer.content)
        return data, following
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # An answer that nobody can read: as doubtful as none.
        raise GitHubBroken(http.HTTPStatus.BAD_GATEWAY, headers=answer.headers) from None
