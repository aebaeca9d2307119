"""Parse the forms in which people write an issue or a repository."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.types import IssueRef

NUMBER = r"(\d{1,18})"


@dataclass(frozen=True, slots=True)
class UrlForm:
    """How a forge writes addresses. `host` includes the sub-path of a server that has one.

    `path` matches the path of a repository, `middle` what separates it from an issue's number.
    """

    forge: str
    host: str
    path: str
    middle: str
    example: str


def parse(text: str, forms: Sequence[UrlForm]) -> IssueRef:
    """Return the issue of a URL or of a short form such as `github:owner/repository#1`.

    Raises ValueError with the accepted forms.
    """
    for form in forms:
        short, url = rf"#{NUMBER}", rf"{form.middle}{NUMBER}(?:[?#].*)?"
        if match := _match(text, form, short, url):
            return IssueRef(form.forge, form.host, match[1], int(match[2]))
    raise ValueError(_format_advice("issue", forms, "#1"))


def repository(text: str, forms: Sequence[UrlForm]) -> IssueRef:
    """Return the repository of a URL or of its short form; `number` is 0. Raises ValueError."""
    for form in forms:
        if match := _match(text.rstrip("/").removesuffix(".git"), form, "", ""):
            return IssueRef(form.forge, form.host, match[1], 0)
    raise ValueError(_format_advice("repository", forms, ""))


def _match(text: str, form: UrlForm, short_end: str, url_end: str) -> re.Match[str] | None:
    host, slash, path = form.host.partition("/")
    start = rf"(?i:https?://{re.escape(host)})(?::\d+)?{re.escape(slash + path)}/"
    short = re.fullmatch(rf"{form.forge}:({form.path}){short_end}", text)
    return short or re.fullmatch(rf"{start}({form.path}){url_end}", text)


def _format_advice(kind: str, forms: Sequence[UrlForm], number: str) -> str:
    hosts = " or ".join(form.host for form in forms)
    short = "".join(f", or {form.forge}:{form.example}{number}" for form in forms)
    return f"write the {kind}'s address on {hosts}{short}"
