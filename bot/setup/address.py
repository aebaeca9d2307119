"""The step “Address”: where GitHub or GitLab reaches this server."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

from bot.core import url_policy
from bot.core.diagnostics import excerpt
from bot.core.setup import SetupProblem
from bot.http import FAILURES, ClientPool, Request, Response, deadline
from bot.settings import urls

SECONDS = 10.0
MAX_BYTES = 4096
PROOF_PATH = "/setup/reachable"


def read_url(text: str, port: int) -> str:
    """Return a public URL in its usual form. Raises `SetupProblem`."""
    url = text.strip().rstrip("/")
    if not url:
        raise SetupProblem("Enter the address of this server, or choose to look for issues.")
    problem = urls.check_base_url(url, only_loopback=False)
    if problem == urls.NOT_ENCRYPTED:
        raise SetupProblem(
            f"{excerpt(url)} is not encrypted, and GitHub and GitLab would send issues there: put a"
            f" proxy with TLS in front of port {port} and write https://."
        )
    if problem:
        raise SetupProblem(f"The address {problem}.")
    for path in ("/setup", "/webhooks"):
        if path in urlsplit(url).path:
            raise SetupProblem(f"The address ends before {path}: remove that and what follows.")
    return url


def check_reachable(url: str, port: int, prove: Callable[[str], str], clients: ClientPool) -> None:
    """Raise `SetupProblem` unless this process answers at the URL; `prove` makes its answer."""
    nonce = secrets.token_hex(16)
    request = Request("GET", f"{url}{PROOF_PATH}/{nonce}", {}, None, SECONDS)
    try:
        with deadline(SECONDS):
            response = clients.get().send(request, MAX_BYTES, truncate=True)
    except FAILURES as error:
        raise SetupProblem(
            f"{url} cannot be reached from here ({type(error).__name__}): start the proxy or tunnel"
            f" that leads to port {port}, or go on if only others can reach it.",
            may_ignore=True,
        ) from None
    if problem := _find_problem(url, port, response, prove(nonce)):
        raise SetupProblem(problem)


def _find_problem(url: str, port: int, response: Response, proof: str) -> str:
    status = response.status
    if 300 <= status < 400:
        target = excerpt(response.headers.get("location", "").partition("?")[0])
        target = target.removesuffix(PROOF_PATH).partition(PROOF_PATH)[0]
        return f"{url} redirects to {target}, and webhooks follow no redirect: write that address."
    if status >= 500:
        return f"{url} answers with status {status}: let the proxy there lead to port {port}."
    if status != 200 or response.content.decode("utf-8", "replace").strip() != proof:
        return (
            f"Another program answers at {url} (status {status}): it must lead to this server, port"
            f" {port}."
        )
    return ""


def is_local(url: str) -> bool:
    """Return whether a URL names this host or an address of a private network."""
    host = urlsplit(url).hostname or ""
    return url_policy.is_loopback(host) or url_policy.is_near(host)


def require_public(forge: str, forge_url: str, public_url: str) -> None:
    """Raise `SetupProblem` where a forge on the internet would have to reach a local address."""
    if is_local(public_url) and not is_local(forge_url):
        raise SetupProblem(
            f"{forge} cannot reach {public_url}, an address of this machine or network: go back to"
            " “Address” and write a public one, such as that of a tunnel, or look for issues."
        )
