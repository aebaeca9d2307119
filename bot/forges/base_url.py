"""Detect a wrong base URL: redirects to another address, and web pages in place of JSON.

Without this, such a response looks as if a repository or an issue did not exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urljoin, urlsplit

from bot.core.diagnostics import excerpt
from bot.core.errors import OperatorError, PermanentError, Retry, TaglineError, WriteUncertain
from bot.http import Request, Response

PERMANENT = (301, 308)  # other redirects may end by themselves


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """The address of a forge's API, and the `variable` with its setting.

    `resources` matches the paths to which the API itself redirects; `advice` is a sentence about
    the right address.
    """

    forge: str
    variable: str
    url: str
    resources: re.Pattern[str]
    advice: str

    def check_success(self, request: Request, response: Response) -> None:
        """Raise an error for a response with a status of 2xx that is not JSON."""
        if not response.content or _is_json(response):
            return
        why = self._explain_page(response)
        raise Retry(why) if request.method == "GET" else WriteUncertain(why)

    def explain(self, error: TaglineError, request: Request, response: Response) -> TaglineError:
        """Return the error of a response, or another one if the response is not of the API."""
        if not isinstance(error, PermanentError):
            return error
        if 300 <= response.status < 400:
            return self._explain_redirect(request, response) or error
        if response.content and not _is_json(response):
            return Retry(self._explain_page(response))
        return error

    def unreadable(self, request: Request, response: Response) -> TaglineError:
        """Return the error of a response that cannot be decoded: as uncertain as none."""
        why = f"{self.variable}: {self.forge}'s response cannot be read (status {response.status})"
        return Retry(why) if request.method == "GET" else WriteUncertain(why)

    def is_page(self, response: Response) -> bool:
        """Return whether the response is a web page, which no file's text is."""
        return _media_type(response) in ("text/html", "application/xhtml+xml")

    def _explain_page(self, response: Response) -> str:
        form = "a web page" if self.is_page(response) else "something else"
        return (
            f"{self.variable}: the server answered with {form} instead of {self.forge}'s JSON"
            f" (status {response.status}). {self.advice}"
        )

    def _explain_redirect(self, request: Request, response: Response) -> TaglineError | None:
        """Return the error of a redirect, None for one within the API: something has moved."""
        location = response.headers.get("location", "")
        target = _strip(request.url, location) if location else ""
        if not target:
            return None
        path = _strip(request.url, "").removeprefix(self.url)
        base = target.removesuffix(path)
        if base == target:
            base = unquote(target).removesuffix(unquote(path))
        if base == self.url:
            return Retry(f"{self.variable}: the server redirects to the same address")
        if base != unquote(target):
            why = (
                f"{self.variable}: the server redirects to {excerpt(base)}:"
                f" set {self.variable} to that address"
            )
            return OperatorError(why) if response.status in PERMANENT else Retry(why)
        if self.resources.search(urlsplit(target).path):
            return None
        return Retry(
            f"{self.variable}: the server redirects to {excerpt(target)}, which is not"
            f" {self.forge}'s API. {self.advice}"
        )


def _strip(base: str, location: str) -> str:
    """Return a location without user, query and final slash; "" for none that is http."""
    try:
        parts = urlsplit(urljoin(base, location))
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")


def _media_type(response: Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_json(response: Response) -> bool:
    return _media_type(response).endswith("json")
