"""Parse the forms in which people write an issue or a repository."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.types import IssueRef

PULL_REQUEST = re.compile(r"/(?:pull|merge_requests)/\d+")
GITLAB_PAGE = "/-/"  # before the name of a page within a project
NUMBER = r"(\d{1,18})"
HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"


@dataclass(frozen=True, slots=True)
class UrlForm:
    """How a forge writes addresses. `host` includes the sub-path of a server that has one.

    `path` matches the path of a repository, `middle` what separates it from an issue's number.
    `web_host` is the host of links if it is not `host`. With `any_host` links may have a host that
    is not known here: the reference then has the link's host, and the forge has to confirm it.
    """

    forge: str
    host: str
    path: str
    middle: str
    example: str
    web_host: str = ""
    any_host: bool = False


def parse(text: str, forms: Sequence[UrlForm]) -> IssueRef:
    """Return the issue of a URL or of a short form such as `github:owner/repository#1`.

    Raises ValueError with the accepted forms.
    """
    end = rf"{NUMBER}(?:[?#].*)?"
    found = _find(text, forms, rf"#{NUMBER}", end)
    if found is None and _find(f"https://{text}", forms, "", end):
        raise ValueError("write https:// before the address")
    if found is None:
        is_pull = PULL_REQUEST.search(text)
        what = "pull requests and merge requests are not processed; " if is_pull else ""
        raise ValueError(what + _format_advice("issue", forms, "#1"))
    return found


def repository(text: str, forms: Sequence[UrlForm]) -> IssueRef:
    """Return the repository of a URL or of its short form; `number` is 0. Raises ValueError."""
    address = text.rstrip("/").removesuffix(".git")
    found = _find(address, forms, "()", "")
    if found is None or GITLAB_PAGE in f"{found.repo}/":
        raise ValueError(_explain(address, forms))
    return found


def _explain(address: str, forms: Sequence[UrlForm]) -> str:
    """Return what an address is that is no repository's, and what to write instead."""
    advice = _format_advice("repository", forms, "")
    if PULL_REQUEST.search(address):
        return f"that is a pull request or merge request; {advice}"
    if issue := _find(address, forms, rf"#{NUMBER}", rf"{NUMBER}(?:[?#].*)?"):
        short = issue.repo_name
        return f"that is an issue, which `tagline enrich` shows; its repository is {short}"
    if _find_host(f"https://{address}"):
        return "write https:// before the address"
    host = _find_host(address)
    known = {x.partition("/")[0] for form in forms for x in (form.host, form.web_host)}
    if not host or host in known:
        return advice
    api = f"api.{host}" if host.endswith(".ghe.com") else f"{host}/api/v3"
    return (
        f"no setting names {host}: set GITLAB_URL to https://{host} if that is a GitLab, or"
        f" GITHUB_API_URL to https://{api} if it is a GitHub Enterprise; else {advice}"
    )


def _find_host(address: str) -> str:
    """Return the host of a web address with a path in lower case, "" for anything else."""
    match = re.match(rf"(?i)https?://({HOST}\.[A-Za-z]{{2,63}})(?::\d+)?/.", address)
    return match[1].lower() if match else ""


def _find(text: str, forms: Sequence[UrlForm], short: str, number: str) -> IssueRef | None:
    """Return the reference that the text matches; links to known hosts come first.

    `short` matches the end of a short form, `number` that of an issue's URL, "" for a repository.
    """
    for form in forms:
        end = f"{form.middle}{number}" if number else "()"
        known = (form.host, *filter(None, [form.web_host]))
        patterns = (
            rf"{form.forge}:({form.path}){short}",
            *(rf"{_match_start(host)}({form.path}){end}" for host in known),
        )
        for pattern in patterns:
            if match := re.fullmatch(pattern, text):
                return IssueRef(form.forge, form.host, match[1], int(match[2] or 0))
    for form in forms:
        end = f"{form.middle}{number}" if number else "()"
        match = re.fullmatch(rf"(?i:https?)://({HOST})(?::\d+)?/({form.path}){end}", text)
        if match and form.any_host:
            return IssueRef(form.forge, match[1].lower(), match[2], int(match[3] or 0))
    return None


def _match_start(address: str) -> str:
    """Return the pattern of a URL's start, up to the slash before a repository's path."""
    host, slash, path = address.partition("/")
    return rf"(?i:https?://{re.escape(host)})(?::\d+)?{re.escape(slash + path)}/"


def _format_advice(kind: str, forms: Sequence[UrlForm], number: str) -> str:
    hosts = " or ".join(form.web_host or form.host for form in forms)
    short = "".join(f", or {form.forge}:{form.example}{number}" for form in forms)
    return f"write the {kind}'s address on {hosts}{short}"
