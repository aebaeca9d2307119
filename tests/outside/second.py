"""Reads the second attack set: its cases, and their long values written out."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

Json = dict[str, Any]
HOSTS = ("github", "gitlab")
PLAIN_TITLE, PLAIN_BODY = "The login page fails", "The login page fails with an error."
LABELS = ("bug", "docs", "area/login")
GENEROUS_BUDGETS = "budget: {per_day_usd: 1000, per_author_per_hour: 100000}\n"
PRODUCT_DEFAULTS = {"WORKER_THREADS": "", "LLM_TIMEOUT": ""}  # in place of the tests' own


@dataclass(frozen=True, slots=True)
class Case:
    """One attack. `given` is its input, `wanted` the expected values by name of the check."""

    id: str
    kind: str
    given: Mapping[str, Any]
    wanted: Mapping[str, Any]

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(self.given.get("forges", HOSTS))

    @property
    def providers(self) -> tuple[str, ...]:
        """Return both wire formats if the reply is a text, which either can carry."""
        if self.environment.get("LLM_PROVIDER") == "none":
            return ("none",)
        return ("openai", "anthropic") if set(self.reply) == {"content"} else ("openai",)

    @property
    def environment(self) -> dict[str, str]:
        """Return the case's settings. A wave uses a worker with the product's defaults."""
        return {**(PRODUCT_DEFAULTS if self.kind == "wave" else {}), **self.given.get("env", {})}

    @property
    def title(self) -> str:
        return str(self.given.get("title_raw", self.given.get("title", PLAIN_TITLE)))

    @property
    def body(self) -> str:
        return str(self.given.get("body", PLAIN_BODY))

    @property
    def labels(self) -> list[str]:
        return list(self.given.get("labels", LABELS))

    @property
    def config(self) -> str | None:
        """Return the text of tagline.yml, None without such a file."""
        text = self.given.get("config", GENEROUS_BUDGETS)
        return None if text is None else str(text)

    @property
    def reply(self) -> Json:
        return dict(self.given.get("reply", {}))

    @property
    def alone(self) -> bool:
        """Return whether the case needs its own worker process."""
        return bool(self.given.get("alone"))

    @property
    def memory_mib(self) -> int:
        """Return the limit of the worker's address space, 0 without one."""
        return int(self.given.get("memory_mib", 0))

    def expand(self) -> Case:
        """Return the case with its long values in full: megabytes in some cases."""
        return replace(self, given=expand(self.given), wanted=expand(self.wanted))


def read(path: Path) -> Iterator[Case]:
    """Yield the cases of a file, with their long values still as recipes."""
    with path.open(encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            yield Case(row["id"], row["kind"], row["input"], row["expect"])


def expand(value: Any) -> Any:
    """Return the value with every recipe, {"gen": …}, replaced by what it describes."""
    if isinstance(value, list):
        return [expand(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {key: expand(item) for key, item in value.items()}
    return EXPANSIONS[inner["gen"]](inner) if "gen" in inner else inner


def _count(recipe: Json) -> str:
    form, text = recipe.get("form", "d"), recipe["text"]
    numbers = (text.replace("{}", format(number, form)) for number in range(recipe["times"]))
    return str(recipe.get("by", "")).join(numbers)


def _bomb(recipe: Json) -> str:
    """Return YAML lists, each of aliases to the one before: the size is `wide` to the `deep`."""
    wide, last = recipe["wide"], recipe["deep"] - 1
    items = ["a", *(f"*x{number}" for number in range(last))]
    lists = [f"x{n}: &x{n} [{', '.join([item] * wide)}]\n" for n, item in enumerate(items)]
    return "".join(lists) + str(recipe["tail"]).replace("{last}", str(last))


EXPANSIONS: dict[str, Callable[[Json], Any]] = {
    "repeat": lambda recipe: recipe["text"] * recipe["times"],
    "join": lambda recipe: recipe.get("by", "").join(recipe["parts"]),
    "count": _count,
    "chr": lambda recipe: "".join(map(chr, recipe["codes"])),
    "json": lambda recipe: json.dumps(recipe["value"], ensure_ascii=recipe.get("ascii", True)),
    "list": lambda recipe: [recipe["text"].replace("{}", str(n)) for n in range(recipe["times"])],
    "b64": lambda recipe: base64.b64encode(recipe["text"].encode()).decode(),
    "bomb": _bomb,
}
