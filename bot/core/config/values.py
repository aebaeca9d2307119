"""One value of `tagline.yml`: whether it fits its type, and what to write where it does not."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import inspect

from bot.core.config.schema import PLACES, WordRule
from bot.core.config.yaml_nodes import ANCHOR, List, Map, Node, Scalar
from bot.core.text.sanitize import one_line

MAX_KEY = 100
MAX_NEAR = 30  # the time to compare grows with the length
RULE = "{label: bug, any: [crash], not: [typo]}"
TWICE = "is given twice; keep one"
TAG = "text that starts with ! needs quotes"

Report = Callable[[Node, str, str], None]  # a node, its key and what to write instead


def convert(node: Node, kind: Any) -> Any:
    """Return the value of a node as it has to be. Raises `ValueError` where it does not fit."""
    return msgspec.convert(_lower(_value(node), kind), kind)


def explain(node: Node, kind: Any, where: str, report: Report) -> None:
    """Report the innermost parts of a value that are not what they should be."""
    try:
        _value(node)
    except _Odd as odd:
        report(odd.node, where, str(odd))
        return
    except ValueError:
        pass
    _misfits(node, kind, where, report)


def key_text(node: Node) -> str:
    """Return a key as it is shown; "?" for one that is no scalar."""
    return one_line(node.text, MAX_KEY) if isinstance(node, Scalar) else "?"


@lru_cache(maxsize=256)
def nearest(key: str, fields: tuple[str, ...], path: str) -> str:
    """Return the full name of the known key that an unknown one seems to mean, or ""."""
    if not path and key in PLACES:
        return PLACES[key]
    near = difflib.get_close_matches(key[:MAX_NEAR].casefold(), fields, n=1, cutoff=0.5)
    return f"{path}.{near[0]}".lstrip(".") if near else ""


def unknown(key: str, fields: tuple[str, ...], path: str) -> str:
    """Return what to write instead of an unknown key."""
    near = nearest(key, fields, path)
    near = near.removeprefix(f"{path}.") if path else near
    known = f"did you mean `{near}`?" if near else f"known are: {', '.join(fields)}"
    return f"unknown key; {known}"


class _Odd(ValueError):
    """YAML that is never read here, whatever stands in it."""

    def __init__(self, node: Node, advice: str) -> None:
        super().__init__(advice)
        self.node = node


def _value(node: Node) -> Any:
    if node.tag:
        raise _Odd(node, TAG)
    if isinstance(node, List):
        return [_value(item) for item in node.items]
    if isinstance(node, Map):
        return dict(_pairs(node))
    if node.kind == "alias":
        raise _Odd(node, ANCHOR)
    if node.kind == "bool":
        return node.text.lower() == "true"
    if node.kind == "int":
        return int(node.text.replace("_", ""), 0)
    if node.kind == "float":
        return float(node.text.replace("_", ""))
    return None if node.kind == "null" else node.text


def _pairs(node: Map) -> Iterator[tuple[str, Any]]:
    known: set[str] = set()
    for key, value in node.pairs:
        name = key.text if isinstance(key, Scalar) else "?"
        if name in known:
            raise _Odd(key, f"`{key_text(key)}` {TWICE}")
        known.add(name)
        yield name, _value(value)


def _lower(value: Any, kind: Any) -> Any:
    """The value with the words of a fixed choice as the schema spells them."""
    if isinstance(value, list):
        return [_lower(item, kind) for item in value]
    if isinstance(value, str) and (low := value.strip().casefold()) in _choices(kind):
        return low
    return value


def _choices(kind: Any) -> tuple[Any, ...]:
    inside = get_args(kind)
    if get_origin(kind) is Literal:
        return inside
    return tuple(choice for part in inside for choice in _choices(part))


def _fits(node: Node, kind: Any) -> bool:
    try:
        convert(node, kind)
    except ValueError:
        return False
    return True


def _misfits(node: Node, kind: Any, where: str, report: Report) -> None:
    wrong = [part for part in _parts(node, kind, where) if not _fits(part[0], part[1])]
    for part, its_kind, place in wrong:
        _misfits(part, its_kind, place, report)
    is_rule = kind is WordRule and isinstance(node, Map)
    if not wrong and not (is_rule and _unknown_in_rule(node, where, report)):
        is_bare = kind is str and isinstance(node, Scalar)
        quotes = " (a number or true needs quotes)" if is_bare else ""
        report(node, where, f"write {_wanted(inspect.type_info(kind))}{quotes}")


def _unknown_in_rule(node: Node, where: str, report: Report) -> bool:
    assert isinstance(node, Map)
    found = [key for key, _ in node.pairs if key_text(key) not in RULE_TYPES]
    for key in found:
        name = key_text(key)
        report(key, f"{where}.{name}", unknown(name, tuple(RULE_TYPES), where))
    return bool(found)


RULE_TYPES = {f.encode_name: f.type for f in msgspec.structs.fields(WordRule)}


def _parts(node: Node, kind: Any, where: str) -> Iterator[tuple[Node, Any, str]]:
    """What a list or a mapping holds, with its kind and its place."""
    inner = get_args(kind)
    if isinstance(node, List) and get_origin(kind) is tuple:
        yield from ((item, inner[0], f"{where}[{n}]") for n, item in enumerate(node.items, 1))
    if isinstance(node, Map):
        for key, value in node.pairs:
            name = key_text(key)
            its_kind = inner[1] if get_origin(kind) is dict else None
            if kind is WordRule:
                its_kind = RULE_TYPES.get(name)
            if its_kind is not None:
                yield value, its_kind, f"{where}.{name}"


def _wanted(kind: inspect.Type) -> str:
    """What to write for a type, in a maintainer's words."""
    match kind:
        case inspect.LiteralType(values=values):
            return "one of: " + ", ".join(map(str, values))
        case inspect.VarTupleType(item_type=inspect.StructType()):
            return f"a list of rules such as {RULE}"
        case inspect.StructType():
            return f"a rule such as {RULE}"
        case inspect.VarTupleType(item_type=item):
            return f"a list in [ ], each of it {_wanted(item)}"
        case inspect.DictType(value_type=value):
            return f"`name: value` pairs, each value {_wanted(value)}"
        case inspect.UnionType(types=types):
            return " or ".join(_wanted(t) for t in types if not isinstance(t, inspect.NoneType))
    return _wanted_scalar(kind)


def _wanted_scalar(kind: inspect.Type) -> str:
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=low, le=high) | inspect.FloatType(ge=low, le=high):
            number = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
            return f"{number} from {low:,g} to {high:,.0f}"
        case inspect.StrType(pattern=str()):
            return "`auto` or a language code such as en or pt-BR"
        case inspect.StrType(max_length=int(most)):
            return f"a text of at most {most} characters"
    return "a text"
