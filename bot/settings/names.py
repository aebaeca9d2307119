"""Finds variables whose names are nearly those of settings, and leaves those of other tools."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

OWN_PREFIX = "TAGLINE_"
MAX_SHOWN = 40  # characters of a name
SHORT_NAME = 8  # letters; a shorter name is near another one with one edit only
# First words of settings, and of nothing else in an ordinary environment than `OTHER_TOOLS`.
VENDORS = ("GITHUB", "GITLAB", "OPENAI", "ANTHROPIC", "LLM", "REDIS")
CREDENTIALS = {"KEY", "TOKEN", "SECRET", "PASSWORD"}
# A name without a part of a value: one forgotten line end or `=` makes a secret part of a name.
SHOWN = re.compile(r"(?:[A-Z]{1,12}(?:_|$)|[a-z]{1,12}(?:_|$))+")
# Variables of other programs that would count as misspelt settings.
OTHER_TOOLS = frozenset(
    {
        "PORTS",  # Marathon
        # Codespaces, gh, GoReleaser, Terraform
        *("GITHUB_CODESPACE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GITHUB_API_TOKEN"),
        *("GITHUB_OAUTH_TOKEN", "GITHUB_APP_INSTALLATION_ID"),
        # glab, python-gitlab, GitLab Runner
        *("GITLAB_URI", "GITLAB_ACCESS_TOKEN", "GITLAB_PRIVATE_TOKEN", "GITLAB_JOB_TOKEN"),
        *("GITLAB_OAUTH_TOKEN", "GITLAB_RUNNER_TOKEN"),
        # The vendors' libraries and command lines
        *("OPENAI_API_KEY_PATH", "ANTHROPIC_BEDROCK_BASE_URL", "ANTHROPIC_VERTEX_BASE_URL"),
        *("ANTHROPIC_FOUNDRY_BASE_URL", "ANTHROPIC_FOUNDRY_API_KEY"),
        # Heroku, Railway
        *("REDIS_TLS_URL", "REDIS_PRIVATE_URL", "REDIS_PUBLIC_URL", "REDIS_CACHE_URL"),
    }
)
# What Kubernetes and Docker links set for a service, and Marathon for further ports.
SERVICE_LINK = re.compile(
    r"\w+_SERVICE_(?:HOST|PORT)(?:_\w+)?|\w+_PORT_\d+_(?:TCP|UDP)(?:_\w+)?|PORT_?\d+"
)
ADDRESS = re.compile(r"(?:tcp|udp)://")


def find_problems(variables: Mapping[str, str], known: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each variable that starts as ours and is none of the `known`."""
    for name, value in sorted(variables.items()):
        if name.startswith(OWN_PREFIX) and name not in known and not _is_link(name, value):
            near = _nearest(name, (x for x in known if x.startswith(OWN_PREFIX)))
            yield f"{_show(name, known)} is not a setting; did you mean {near}?"


def find_near_misses(variables: Mapping[str, str], known: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each other variable whose name is nearly one of the `known`."""
    by_end: dict[tuple[int, str], list[str]] = {}  # first (0) or last (-1) letter → settings
    for setting, end in itertools.product(known, (0, -1)):
        by_end.setdefault((end, setting[end]), []).append(setting)
    used = {name for name in known if variables.get(name, "").strip()}
    for name, value in sorted(variables.items()):
        upper = name.upper()
        is_other = name in known or upper in OTHER_TOOLS or name.startswith(OWN_PREFIX)
        if is_other or not value.strip() or _is_link(upper, value) or len(name) > MAX_SHOWN:
            continue
        similar = {*by_end.get((0, upper[:1]), ()), *by_end.get((-1, upper[-1:]), ())}
        if near := _near(upper, similar, used):
            yield f"{_show(name, known)} is not a setting; did you mean {near}?"


def distance(a: str, b: str) -> int:
    """Return the number of letters to insert, delete, replace or swap with the next one."""
    rows: list[list[int]] = [[*range(len(b) + 1)]]
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]


def _near(name: str, settings: Collection[str], used: Collection[str]) -> str:
    """Return the setting of which the name is a misspelling, or lacks or adds a word; or ""."""
    words = name.split("_")
    same = [one for one in settings if one.partition("_")[0] == words[0]]
    typos = [
        (d, one) for one in sorted(same or settings) if (d := _count_typos(name, one)) is not None
    ]
    if typos:
        return min(typos)[1]
    if words[0] not in VENDORS:
        return ""
    unset = [one for one in sorted(same) if one.removesuffix("_FILE") not in used]
    others = ((_count_words(words, one.split("_")), one) for one in unset)
    return min((found for found in others if found[0]), default=(0, ""))[1]


def _count_typos(name: str, setting: str) -> int | None:
    """Return how many letters differ, None for too many. Underscores do not count."""
    a, b = name.replace("_", ""), setting.replace("_", "")
    if abs(len(a) - len(b)) > 2 or len({*a} ^ {*b}) > 4:  # as for most pairs, at little cost
        return None
    count = distance(a, b)
    if count > 1:
        first = distance(name.partition("_")[0], setting.partition("_")[0])
        return count if count == 2 and first <= 1 and len(b) >= SHORT_NAME else None
    return count if a[:1] == b[:1] or len(b) >= SHORT_NAME else None


def _count_words(a: list[str], b: list[str]) -> int:
    """Return 1 for another word for a credential, 2 for a missing or added word, 0 otherwise."""
    if 2 < len(a) == len(b) and a[:-1] == b[:-1] and {a[-1], b[-1]} <= CREDENTIALS:
        return 1
    short, long = sorted((a, b), key=len)
    shorter = (long[:i] + long[i + 1 :] for i in range(len(long)))
    return 2 if len(short) > 1 and short in shorter else 0


def _nearest(name: str, settings: Iterable[str]) -> str:
    return min(sorted(settings), key=lambda one: distance(name, one))


def _is_link(name: str, value: str) -> bool:
    is_port = name.endswith("_PORT") and ADDRESS.match(value.strip())
    return bool(is_port or SERVICE_LINK.fullmatch(name))


def _show(name: str, known: Collection[str]) -> str:
    """Return the name, or its start where the rest may be a part of a value."""
    if len(name) <= MAX_SHOWN and SHOWN.fullmatch(name):
        return name
    starts = [one for one in (*known, OWN_PREFIX) if name.startswith(one)]
    return f"{max(starts, key=len, default=name[:4])}..."
