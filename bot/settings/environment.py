"""Reads and checks single environment variables, and collects their problems."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from bot.core import url_policy
from bot.settings.placeholders import is_placeholder

MIN_SECRET = 16  # bytes
TOKEN = re.compile(r"[!-~]*")


class Environment:
    """Variables and what was found in them. `problems` name variables, never their values.

    `notices` are lines for the start-up log. `empty_files` are the secrets whose files are empty.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables
        self.problems: list[str] = []
        self.notices: list[str] = []
        self.empty_files: set[str] = set()

    def check_names(self, names: Collection[str], unused: Collection[str]) -> None:
        """Report TAGLINE_ variables that are none of `names`; give notice of `unused` ones."""
        for name in sorted(self.variables):
            if name.startswith("TAGLINE_") and name not in names:
                near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
                self.problems.append(f"{name} is not a setting; did you mean {near[0]}?")
        for name in unused:
            if self.variables.get(name):
                self.notices.append(f"{name} is set, but this version does not use it yet.")

    def text(self, name: str, default: str = "") -> str:
        """Return the value without outer blanks; `default` where it is empty or not set."""
        return self.variables.get(name, "").strip() or default

    def secret(self, name: str) -> str:
        """Return the value of NAME, or the content of the file that NAME_FILE names."""
        value, path = self.text(name), self.text(f"{name}_FILE")
        if value and path:
            self.problems.append(f"{name} and {name}_FILE are both set; keep one.")
        if not path:
            return value
        try:
            value = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not a text file"
            self.problems.append(f"{name}_FILE cannot be read: {why}.")
            return ""
        if not value:
            self.empty_files.add(name)
        return value

    def token(self, name: str) -> str:
        """Return a secret that is sent in a header."""
        token = self.secret(name)
        if self._is_published(name, token):
            return ""
        if not TOKEN.fullmatch(token):
            self.problems.append(
                f"{name} contains a blank or a character that no token has: copy it again."
            )
        return token

    def secrets(self, name: str) -> tuple[str, ...]:
        """Return a comma list: the old and the new secret, while it is rotated."""
        is_set = name in self.variables or f"{name}_FILE" in self.variables
        text = self.secret(name)
        secrets = tuple(part.strip() for part in text.split(","))
        if not is_set or self._is_published(name, text, *secrets):
            return ()
        if any(secret.split() != [secret] for secret in secrets if secret):
            self.problems.append(f"{name} contains a blank in a secret: copy it again.")
        elif any(len(secret.encode()) < MIN_SECRET for secret in secrets):
            self.problems.append(
                f"{name} is empty or too short: each secret needs {MIN_SECRET} characters or more."
            )
        return secrets

    def _is_published(self, name: str, *texts: str) -> bool:
        """Report and return whether one of the texts is a placeholder or an example."""
        if not any(map(is_placeholder, texts)):
            return False
        self.problems.append(
            f"{name} is a description, an example or a placeholder instead of a secret:"
            " set it to a secret of your own."
        )
        return True

    def url(self, name: str, default: str = "") -> str:
        """Return a base URL without a trailing slash."""
        url = self.text(name, default).rstrip("/")
        if url and (why := _check_url(url, only_loopback=name == "GITHUB_API_URL")):
            self.problems.append(f"{name} {why}.")
        return url

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        return int(self.number(name, default, low, high))

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """Return a number of the default's type, int or float."""
        text = self.text(name)
        try:
            value = type(default)(text) if text else default
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            self.problems.append(f"{name} must be a number from {low:g} to {high:g}.")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Return one of the choices in lower case; the first is the default."""
        value = self.text(name, choices[0]).lower()
        if value not in choices:
            self.problems.append(f"{name} must be one of: {', '.join(choices)}.")
        return value


def _check_url(url: str, *, only_loopback: bool) -> str:
    """Return the problem of a base URL, or "". `bot.http` checks the address of a name again.

    Without TLS are allowed: loopback, and unless `only_loopback`, names and private addresses.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").lower()
        parts.port  # noqa: B018 - raises on a wrong port
    except ValueError:
        return "is not a valid URL"
    if parts.scheme not in ("http", "https") or not host:
        return "must start with http:// or https:// and name a host"
    if not host.isascii():
        return "must have a host name in ASCII; an international name starts with xn--"
    if parts.username or parts.password:
        return "must not contain a user name or password"
    if parts.query or parts.fragment:
        return "must not contain ? or #"
    if url_policy.is_forbidden(host):
        return "names a link-local or metadata address, which is never allowed"
    is_local = url_policy.parse(host) is None or url_policy.is_near(host)
    may_be_plain = url_policy.is_loopback(host) or (is_local and not only_loopback)
    if parts.scheme == "http" and not may_be_plain:
        return "must start with https://, because its token would be sent unencrypted"
    return ""
