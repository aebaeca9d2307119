"""How people write an issue: a URL, or `github:owner/repository#1`, or `gitlab:group/project#1`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.core.model import IssueRef

PATH = r"[\w.-]+(?:/[\w.-]+)+"
NUMBER = r"(\d{1,18})"
SHORT = re.compile(rf"(github|gitlab):({PATH})#{NUMBER}")
# What stands between a repository and an issue's number in an address.
MIDDLE = {"github": "/issues/", "gitlab": "/-/(?:issues|work_items)/"}


def parse(text: str, hosts: Mapping[str, str]) -> IssueRef:
    """Read a reference. `hosts` maps a forge's name to its host, with the sub-path if it has one.

    Raises ValueError, with what to write instead.
    """
    if short := SHORT.fullmatch(text):
        return IssueRef(short[1], hosts[short[1]], short[2], int(short[3]))
    for forge, place in hosts.items():
        host, slash, path = place.partition("/")
        start = rf"https?://{re.escape(host)}(?::\d+)?{re.escape(slash + path)}/"
        if url := re.fullmatch(rf"{start}({PATH}){MIDDLE[forge]}{NUMBER}(?:[?#].*)?", text):
            return IssueRef(forge, place, url[1], int(url[2]))
    raise ValueError(
        "write the issue's address on "
        + " or ".join(hosts.values())
        + ", or github:owner/repository#1, or gitlab:group/project#1"
    )
