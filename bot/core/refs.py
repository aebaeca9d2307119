"""How people write an issue: a URL, or `github:owner/repository#1`."""

from __future__ import annotations

import re

from bot.core.model import IssueRef

URL = re.compile(r"https?://([\w.-]+)(?::\d+)?/([\w.-]+/[\w.-]+)/issues/(\d{1,18})(?:[?#].*)?")
SHORT = re.compile(r"(github):([\w.-]+/[\w.-]+)#(\d{1,18})")


def parse(text: str, github_host: str) -> IssueRef:
    """Read a reference. Raises ValueError, with what to write instead."""
    if short := SHORT.fullmatch(text):
        return IssueRef(short[1], github_host, short[2], int(short[3]))
    url = URL.fullmatch(text)
    if url and url[1].lower() == github_host:
        return IssueRef("github", github_host, url[2], int(url[3]))
    raise ValueError(
        f"write the issue's address, such as https://{github_host}/owner/repository/issues/1,"
        " or github:owner/repository#1"
    )
