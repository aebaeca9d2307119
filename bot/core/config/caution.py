"""Settings that limit the bot: the stricter of two values, and the reading of an invalid one.

These settings fail closed. An invalid list keeps its readable items as text, so 404 is the label
"404". An invalid number means a smaller number in its text, else the default. Any other invalid
value means the most restrictive one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, get_args

import msgspec

from bot.core.config.schema import DEFAULTS, TYPES, RepoConfig
from bot.core.config.yaml_nodes import List, Map, Node, Scalar, is_null
from bot.core.text import globs

# From the least restrictive value to the most, as in the schema.
MODES: tuple[str, ...] = get_args(TYPES["mode"])
POSTS: tuple[str, ...] = get_args(TYPES["comment.post"])
ON_FALLBACK = (True, "auto", False)
REDACTED = ("secrets", "emails")
ON = ("opened", "reopened", "edited")
EVERYTHING = ("*",)
NUMBER = re.compile(r"(?<![\w.,-])[$€]?(\d{1,400}(?:[.,]\d{1,400})?)(?![\d.,]|[eE][-+\d])")

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Restriction:
    """`stricter` returns the stricter of two values, or both in one. `read` returns what an invalid
    node of a key means, as values by key."""

    stricter: Callable[[Any, Any], Any]
    read: Callable[[str, Node], Values]


def restrictive_values(key: str, node: Node) -> Values:
    """Return what an invalid node of a setting or section means; nothing for an alias."""
    if isinstance(node, Scalar) and node.kind == "alias":
        return {}
    if key == "ignore":
        return _read_ignored_section(node)
    if key == "labels":
        return {"labels.deny": EVERYTHING}
    if key == "learn":
        return {"learn.from_history": False, "learn.from_corrections": False}
    key = SECTION_KEYS.get(key, key)
    return RESTRICTIONS[key].read(key, node) if key in RESTRICTIONS else {}


def tighten(config: RepoConfig, values: Values) -> RepoConfig:
    """Return `config` with each limiting value that is stricter than its own.

    A broken file has no other effect: it may limit the configuration in force, never widen it.
    """
    for key, value in values.items():
        if key in RESTRICTIONS:
            stricter = RESTRICTIONS[key].stricter(attrgetter(key)(config), value)
            config = with_value(config, key, stricter)
    return config


def with_value(config: RepoConfig, key: str, value: Any) -> RepoConfig:
    """Return `config` with one setting replaced."""
    section, _, leaf = key.rpartition(".")
    if not section:
        return msgspec.structs.replace(config, **{leaf: value})
    inside = msgspec.structs.replace(getattr(config, section), **{leaf: value})
    return msgspec.structs.replace(config, **{section: inside})


def texts(node: Node) -> list[str]:
    """Return the scalars and pairs of a node as text; a tagged scalar with and without its tag."""
    if isinstance(node, Scalar):
        forms = [node.text, f"{node.tag} {node.text}".strip()] if node.tag else [node.text]
        return [text for text in forms if text.strip()]
    if isinstance(node, List):
        return [text for item in node.items for text in texts(item)]
    pairs = [(texts(key), texts(value)) for key, value in node.pairs]
    return [f"{key}: {value}" for keys, values in pairs for key in keys for value in values] + [
        key for keys, values in pairs if not values for key in keys
    ]


def _return_always(value: Any) -> Callable[[str, Node], Values]:
    return lambda key, _: {key: value}


def _compare_by(order: Sequence[Any]) -> Callable[[Any, Any], Any]:
    return lambda one, other: max(one, other, key=order.index)


def _unite(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def _intersect(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """Return the globs of each list that match only what the other list matches too."""
    kept = [glob for glob in one if _is_covered(glob, other)]
    return tuple(dict.fromkeys([*kept, *(glob for glob in other if _is_covered(glob, one))]))


def _is_covered(glob: str, others: tuple[str, ...]) -> bool:
    if glob in others or "*" in others:
        return True
    is_exact = not globs.SPECIAL.search(glob)
    return is_exact and globs.matches(glob.casefold(), tuple(map(str.casefold, others)))


def _read_number(key: str, node: Node) -> Values:
    """Return a number in a scalar's text that is smaller than the default."""
    default = DEFAULTS[key]
    number = NUMBER.search(node.text) if isinstance(node, Scalar) else None
    value = float(number[1].replace(",", ".")) if number else math.inf
    return {key: type(default)(value)} if value < default else {}


def _read_denied(key: str, node: Node) -> Values:
    if is_null(node):
        return {}
    return {key: tuple(texts(node)) if isinstance(node, List) else EVERYTHING}


def _read_allowed(key: str, node: Node) -> Values:
    return {key: tuple(texts(node)) if isinstance(node, List) else ()}


def _read_ignored(key: str, node: Node) -> Values:
    """Return names; a mapping of several pairs makes the bot ignore all issues."""
    if is_null(node):
        return {}
    if isinstance(node, Map) and len(node.pairs) != 1:
        return {"ignore.title": EVERYTHING}
    return {key: _list_items(node)}


def _list_items(node: Node) -> tuple[str, ...]:
    """Return the texts of a node, of a scalar also the parts between commas."""
    items = texts(node)
    if isinstance(node, Scalar):
        items += [part.strip() for part in node.text.split(",") if part.strip()]
    return tuple(dict.fromkeys(items))


def _read_ignored_section(node: Node) -> Values:
    """Return each item as an author, a label and a title, because it may be any of them."""
    return {key: _list_items(node) for key in ("ignore.authors", "ignore.labels", "ignore.title")}


def _read_events(key: str, node: Node) -> Values:
    events = {text.casefold() for text in texts(node)}
    kept = tuple(event for event in ON if event in events)
    return {key: kept} if kept else {}


RESTRICTIONS = {
    "mode": Restriction(_compare_by(MODES), _return_always("off")),
    "on": Restriction(lambda a, b: tuple(event for event in a if event in b), _read_events),
    "ignore.authors": Restriction(_unite, _read_ignored),
    "ignore.labels": Restriction(_unite, _read_ignored),
    "ignore.title": Restriction(_unite, _read_ignored),
    "comment.post": Restriction(_compare_by(POSTS), _return_always("never")),
    "comment.similar": Restriction(min, _read_number),
    "comment.missing_info": Restriction(min, _return_always(False)),
    "comment.on_fallback": Restriction(_compare_by(ON_FALLBACK), _return_always(False)),
    "labels.allow": Restriction(_intersect, _read_allowed),
    "labels.deny": Restriction(_unite, _read_denied),
    "labels.max": Restriction(min, _read_number),
    "types.set": Restriction(min, _return_always(False)),
    "fallback.builtin": Restriction(min, _return_always(False)),
    "privacy.redact": Restriction(_unite, _return_always(REDACTED)),
    "labels.precision": Restriction(max, _return_always(1.0)),
    "learn.from_history": Restriction(min, _return_always(False)),
    "learn.from_corrections": Restriction(min, _return_always(False)),
    "budget.per_day_usd": Restriction(min, _read_number),
    "budget.per_author_per_hour": Restriction(min, _read_number),
}
# A section that is no mapping means the same as such a value of this key.
SECTION_KEYS = {
    "comment": "comment.post",
    "types": "types.set",
    "privacy": "privacy.redact",
    "budget": "budget.per_day_usd",
}
