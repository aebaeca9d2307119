"""How a wrong value of a setting that limits the bot is read, and which of two values is stricter.

What limits the bot fails closed. A list keeps its readable items as they are written, so 404 is the
label "404". A number that cannot be read gives way to a smaller one in the same text, else to the
default. Anything else is taken at its most cautious.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from bot.core.config.schema import DEFAULTS, SECTIONS, RepoConfig
from bot.core.config.yaml_nodes import List, Map, Node, Scalar

MODES = ("apply", "suggest", "dry-run", "off")
POSTS = ("always", "when-useful", "never")
SPEAKS = (True, "auto", False)
REDACTED = ("secrets", "emails")
ON = ("opened", "reopened", "edited")
EVERY = ("*",)
NUMBER = re.compile(r"(?<![\w.,-])[$€]?(\d{1,400}(?:[.,]\d{1,400})?)(?![\d.,]|[eE][-+\d])")

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Restriction:
    """`stricter` combines two values of a setting; `read` gives the values, by their keys, that
    hold where the node of a setting does not fit the schema."""

    stricter: Callable[[Any, Any], Any]
    read: Callable[[Node], Values]


def cautious(key: str, node: Node) -> Values:
    """Return the values that hold for a setting or section whose node does not fit the schema.

    An alias is no value: its file is broken, and what was in force before stays.
    """
    if is_alias(node):
        return {}
    if key in SECTION_READINGS:
        return SECTION_READINGS[key](node)
    return RESTRICTIONS[key].read(node) if key in RESTRICTIONS else {}


def tightened(config: RepoConfig, values: Values) -> RepoConfig:
    """Return `config` with each of the limiting `values` that is stricter than its own.

    A file that cannot be parsed as a whole only ever acts through this: its readable values may
    limit what is in force, and never widen it.
    """
    for key, value in values.items():
        if key in RESTRICTIONS:
            config = with_value(config, key, RESTRICTIONS[key].stricter(_get(config, key), value))
    return config


def with_value(config: RepoConfig, key: str, value: Any) -> RepoConfig:
    """Return `config` with one setting replaced."""
    section, _, leaf = key.rpartition(".")
    if not section:
        return msgspec.structs.replace(config, **{leaf: value})
    inside = msgspec.structs.replace(getattr(config, section), **{leaf: value})
    return msgspec.structs.replace(config, **{section: inside})


def _get(config: RepoConfig, key: str) -> Any:
    section, _, leaf = key.rpartition(".")
    return getattr(getattr(config, section) if section else config, leaf)


def texts(node: Node) -> list[str]:
    """Return what an item of a list may have meant: a scalar or a pair as it is written."""
    if isinstance(node, Scalar):
        found = [node.text, f"{node.tag} {node.text}".strip()] if node.tag else [node.text]
        return [text for text in found if text.strip()]
    if isinstance(node, List):
        return [text for item in node.items for text in texts(item)]
    pairs = [(texts(key), texts(value)) for key, value in node.pairs]
    return [f"{key}: {value}" for keys, values in pairs for key in keys for value in values] + [
        key for keys, values in pairs if not values for key in keys
    ]


def is_alias(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind == "alias"


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind == "null"


def _fixed(**values: Any) -> Callable[[Node], Values]:
    named = {key.replace("__", "."): value for key, value in values.items()}
    return lambda _: named


def _later(order: Sequence[Any]) -> Callable[[Any, Any], Any]:
    return lambda one, other: max(one, other, key=order.index)


def _both(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """The globs of either that allow nothing that the other does not."""
    kept = [glob for glob in one if _is_within(glob, other)]
    return tuple(dict.fromkeys([*kept, *(glob for glob in other if _is_within(glob, one))]))


def _is_within(glob: str, others: tuple[str, ...]) -> bool:
    if glob in others or "*" in others:
        return True
    is_exact = not re.search(r"[*?\[]", glob)
    return is_exact and any(fnmatchcase(glob.casefold(), other.casefold()) for other in others)


def _number(key: str) -> Callable[[Node], Values]:
    """A smaller number than the default that stands in the text; of a list, none."""
    default = DEFAULTS[key]

    def read(node: Node) -> Values:
        found = NUMBER.search(node.text) if isinstance(node, Scalar) else None
        value = float(found[1].replace(",", ".")) if found else math.inf
        return {key: type(default)(value)} if value < default else {}

    return read


def _denied(node: Node) -> Values:
    if _is_nothing(node):
        return {}
    return {"labels.deny": tuple(texts(node)) if isinstance(node, List) else EVERY}


def _allowed(node: Node) -> Values:
    return {"labels.allow": tuple(texts(node)) if isinstance(node, List) else ()}


def _ignored(key: str) -> Callable[[Node], Values]:
    """A mapping of several pairs tells nothing: then all issues are ignored."""

    def read(node: Node) -> Values:
        if _is_nothing(node):
            return {}
        if isinstance(node, Map) and len(node.pairs) != 1:
            return {"ignore.title": EVERY}
        return {key: _items(node)}

    return read


def _items(node: Node) -> tuple[str, ...]:
    """Of a scalar where a list is due also the parts between commas."""
    found = texts(node)
    if isinstance(node, Scalar):
        found += [part.strip() for part in node.text.split(",") if part.strip()]
    return tuple(dict.fromkeys(found))


def _ignored_section(node: Node) -> Values:
    """Items that do not say what they are may be authors, labels or titles."""
    return {key: _items(node) for key in ("ignore.authors", "ignore.labels", "ignore.title")}


def _started_on(node: Node) -> Values:
    found = {text.casefold() for text in texts(node)}
    kept = tuple(kind for kind in ON if kind in found)
    return {"on": kept} if kept else {}


def _budget_section(node: Node) -> Values:
    return _number("budget.per_day_usd")(node)


RESTRICTIONS = {
    "mode": Restriction(_later(MODES), _fixed(mode="off")),
    "on": Restriction(lambda a, b: tuple(kind for kind in a if kind in b), _started_on),
    "ignore.authors": Restriction(_both, _ignored("ignore.authors")),
    "ignore.labels": Restriction(_both, _ignored("ignore.labels")),
    "ignore.title": Restriction(_both, _ignored("ignore.title")),
    "comment.post": Restriction(_later(POSTS), _fixed(comment__post="never")),
    "comment.similar": Restriction(min, _number("comment.similar")),
    "comment.missing_info": Restriction(min, _fixed(comment__missing_info=False)),
    "comment.on_fallback": Restriction(_later(SPEAKS), _fixed(comment__on_fallback=False)),
    "labels.allow": Restriction(_common, _allowed),
    "labels.deny": Restriction(_both, _denied),
    "labels.max": Restriction(min, _number("labels.max")),
    "privacy.redact": Restriction(_both, _fixed(privacy__redact=REDACTED)),
    "learn.from_corrections": Restriction(min, _fixed(learn__from_corrections=False)),
    "budget.per_day_usd": Restriction(min, _number("budget.per_day_usd")),
    "budget.per_author_per_hour": Restriction(min, _number("budget.per_author_per_hour")),
}
# What holds where a section is no mapping.
SECTION_READINGS: dict[str, Callable[[Node], Values]] = {
    "ignore": _ignored_section,
    "comment": _fixed(comment__post="never"),
    "labels": _fixed(labels__deny=EVERY),
    "privacy": _fixed(privacy__redact=REDACTED),
    "learn": _fixed(learn__from_corrections=False),
    "budget": _budget_section,
}
assert {*SECTION_READINGS} <= {*SECTIONS}
