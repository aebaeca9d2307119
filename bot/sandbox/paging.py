"""Pages of a list, as both forges' REST APIs number and link them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

MOST_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `links` maps prev, next, first and last to their page numbers."""

    items: list[Any]
    number: int
    size: int
    total: int
    links: dict[str, int]
    headers: dict[str, str]


def paginate(
    request: Request,
    base: str,
    items: list[Any],
    default_size: int,
    *,
    link_current: bool,
    ignore_number: bool = False,
) -> Page:
    """Return the page that the query asks for; `base` is the API's address.

    `link_current`: whether the first and the last page are linked on themselves, too.
    `ignore_number`: return the first page, because `items` begin at the query's cursor.
    """
    query = request.query_params
    size = min(max(_number(query.get("per_page"), default_size), 1), MOST_PER_PAGE)
    page = 1 if ignore_number else max(_number(query.get("page"), 1), 1)
    last = max(math.ceil(len(items) / size), 1)
    numbers = {"prev": page - 1, "next": page + 1 if page < last else 0, "first": 1, "last": last}
    links = {rel: n for rel, n in numbers.items() if n and (link_current or n != page)}
    others = [(k, v) for k, v in query.multi_items() if k not in ("after", "page", "per_page")]
    url = base + request.url.path.removeprefix(request.scope["root_path"])
    header = ", ".join(
        f'<{url}?{urlencode([*others, ("page", n), ("per_page", size)])}>; rel="{rel}"'
        for rel, n in links.items()
    )
    headers = {"Link": header} if header else {}
    return Page(items[(page - 1) * size : page * size], page, size, len(items), links, headers)


def link_cursor(page: Page, cursor: str) -> dict[str, str]:
    """Return the page's headers with a cursor in the link to the next page."""
    header = page.headers.get("Link", "")
    links = [
        link.replace("?", f"?{urlencode({'after': cursor})}&", 1) if 'rel="next"' in link else link
        for link in header.split(", ")
    ]
    return {"Link": ", ".join(links)} if header else {}


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default
