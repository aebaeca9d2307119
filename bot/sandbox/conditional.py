"""Conditional requests: a GET with the ETag of the present answer is answered with status 304."""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response


def answer_conditionally(request: Request, response: Response, of: str = "") -> Response:
    """Return an answer with its ETag, or status 304. Answers of different `of` have different tags.

    https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match
    """
    if request.method != "GET" or response.status_code != 200:
        return response
    etag = f'W/"{hashlib.sha256(of.encode() + bytes(response.body)).hexdigest()}"'
    response.headers["ETag"] = etag
    given = [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]
    return Response(status_code=304, headers={"ETag": etag}) if etag in given else response
