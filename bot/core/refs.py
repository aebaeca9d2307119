"""Parses references to issues: a URL, `github:owner/repository#1` or `gitlab:group/project#1`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bot.core.types import IssueRef

PATHS = {"github": r"[\w.-]+/[\w.-]+", "gitlab": r"[\w.-]+(?:/[\w.-]+)+"}
NUMBER = r"(\d{1,18})"
SHORT = {forge: re.compile(rf"{forge}:({path})#{NUMBER}") for forge, path in PATHS.items()}
# The path between a repository and an issue's number in a URL.
MIDDLE = {"github": "/issues/", "gitlab": "/-/(?:issues|work_items)/"}


def parse(text: str, hosts: Mapping[str, str]) -> IssueRef:
    """Parse a reference. `hosts` maps a forge's name to its host, with the sub-path if it has one.

    Raises ValueError, with the accepted forms.
    """
    for forge, base in hosts.items():
        if short := SHORT[forge].fullmatch(text):
            return IssueRef(forge, base, short[1], int(short[2]))
        host, slash, path = base.partition("/")
        start = rf"(?i:https?://{re.escape(host)})(?::\d+)?{re.escape(slash + path)}/"
        if url := re.fullmatch(rf"{start}({PATHS[forge]}){MIDDLE[forge]}{NUMBER}(?:[?#].*)?", text):
            return IssueRef(forge, base, url[1], int(url[2]))
    places = " or ".join(hosts.values())
    raise ValueError(
        f"write the issue's address on {places}, or github:owner/repository#1, or"
        " gitlab:group/project#1"
    )


def repository(text: str, hosts: Mapping[str, str]) -> IssueRef:
    """Parse a reference to a repository; its `number` is 0. Raises ValueError, as `parse`."""
    name = text.rstrip("/").removesuffix(".git")
    for middle in ("#", "/issues/", "/-/issues/"):
        try:
            return replace(parse(f"{name}{middle}1", hosts), number=0)
        except ValueError:
            continue
    places = " or ".join(hosts.values())
    raise ValueError(
        f"write the repository's address on {places}, or github:owner/repository, or"
        " gitlab:group/project"
    )
