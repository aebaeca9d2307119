"""Reads and checks single environment variables, and collects their problems."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from bot.settings import names, urls
from bot.settings.placeholders import is_placeholder

MIN_SECRET = 16  # bytes
TOKEN = re.compile(r"[!-~]*")
HOST = re.compile(r"[A-Za-z0-9._:%-]{1,253}")
OFF, ON = ("0", "false", "no", "off"), ("1", "true", "yes", "on")
REFERENCE = re.compile(r"\$\{[^}]*\}")


class Environment:
    """Variables and what was found in them. `problems` name variables, never their values.

    `notices` are lines for the start-up log, `model_notices` those of the parts that call models.
    `empty_files` are the secrets whose files are empty.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables
        self.problems: list[str] = []
        self.notices: list[str] = []
        self.model_notices: list[str] = []
        self.empty_files: set[str] = set()

    def check_names(self, known: Collection[str], unused: Collection[str]) -> None:
        """Report unknown TAGLINE_ variables; give notice of near misses and of `unused` ones."""
        self.problems.extend(names.find_problems(self.variables, known))
        self.notices.extend(names.find_near_misses(self.variables, known))
        for name in unused:
            if self.variables.get(name):
                self.notices.append(f"{name} is set, but this version does not use it yet.")

    def check_quotes(self, known: Collection[str]) -> None:
        """Give notice of the settings around whose values quotes are removed."""
        quoted = [name for name in sorted(known) if is_quoted(self.variables.get(name, ""))]
        if quoted:
            self.notices.append(
                f"The quotes around the value of {', '.join(quoted)} were removed: `docker run"
                " --env-file` passes them as a part of the value. Write it without quotes."
            )

    def text(self, name: str, default: str = "") -> str:
        """Return the value without outer blanks and quotes; `default` where it is empty."""
        value = unquote(self.variables.get(name, ""))
        if not value.isascii() and not _is_text(value):
            self.problems.append(f"{name} contains bytes that are not UTF-8: write it again.")
            return default
        return value or default

    def plain(self, name: str, default: str = "") -> str:
        """Return the value of a setting that is no secret and contains no `${NAME}`."""
        value = self.text(name)
        if REFERENCE.search(value):
            self.problems.append(
                f"{name} contains ${{...}}, which is not expanded: write the value itself."
            )
            return default
        return value or default

    def secret(self, name: str) -> str:
        """Return the value of NAME, or the content of the file that NAME_FILE names."""
        value, path = self.text(name), self.plain(f"{name}_FILE")
        if value and path:
            self.problems.append(f"{name} and {name}_FILE are both set; keep one.")
        if not path:
            return value
        try:
            value = Path(path).expanduser().read_text().strip()
        except (OSError, ValueError, RuntimeError) as error:  # of `~name` without that user
            why = getattr(error, "strerror", None) or "not a text file"
            self.problems.append(
                f"{name}_FILE cannot be read ({why}): correct the path or the file."
            )
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
        url = self.plain(name, default).rstrip("/")
        if url and (why := urls.check_base_url(url, only_loopback=name == "GITHUB_API_URL")):
            self.problems.append(f"{name} {why}.")
        return url

    def host(self, name: str, default: str) -> str:
        """Return the address or name of a host to listen on."""
        host = self.plain(name, default)
        if not HOST.fullmatch(host):
            self.problems.append(f"{name} must be an address such as 127.0.0.1, without a port.")
        return host

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        return int(self.number(name, default, low, high))

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """Return a number of the default's type, int or float."""
        text = self.text(name)  # not `plain`: one problem for one value
        try:
            value = type(default)(text) if text else default
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            top = f"{high:g}" if high < 1_000_000 else f"{high:,}"
            self.problems.append(f"{name} must be a number from {low:g} to {top}.")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Return one of the choices in lower case; the first is the default."""
        value = self.text(name, choices[0]).lower()
        if value not in choices:
            self.problems.append(f"{name} must be one of: {', '.join(choices)}.")
        return value

    def switch(self, name: str, notice: str) -> bool:
        """Return whether a switch is on; give that notice if it is."""
        is_on = self.choice(name, (*OFF, *ON)) in ON
        self.notices += [notice] if is_on else []
        return is_on


def is_quoted(value: str) -> bool:
    """Return whether one matching pair of quotes is around a value."""
    text = value.strip()
    return len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"


def unquote(value: str) -> str:
    """Return the value without outer blanks and one matching pair of quotes."""
    return value.strip()[1:-1].strip() if is_quoted(value) else value.strip()


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
