"""Converts a value of `tagline.yml` to its type, or explains what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import inspect

from bot.core.config.schema import FULL_KEYS, PATTERNS, WordRule
from bot.core.config.yaml_nodes import ANCHOR, List, Map, Node, Scalar
from bot.core.text.sanitize import to_one_line

MAX_KEY = 100
MAX_COMPARED = 30  # characters; the time of a comparison grows with the length
RULE = "{label: bug, any: [crash], not: [typo]}"
DUPLICATE = "is given twice; keep one"
TAG = "text that starts with ! needs quotes"

Report = Callable[[Node, str, str], None]  # of a node, its key and what to write instead


def convert(node: Node, kind: Any) -> Any:
    """Return the value of a node as its type. Raises `ValueError` where it is not valid."""
    return msgspec.convert(_fold_choices(_read_node(node), kind), kind)


def explain(error: Exception, node: Node, kind: Any, where: str, report: Report) -> None:
    """Report the innermost invalid parts of a value. `where` is its key, `error` of `convert`."""
    if isinstance(error, _Unsupported):
        report(error.node, where, str(error))
    else:
        _report_invalid(node, kind, where, report)


def key_text(node: Node) -> str:
    """Return the text of a key for people, "?" for a key that is no scalar."""
    return to_one_line(node.text, MAX_KEY) if isinstance(node, Scalar) else "?"


@lru_cache(maxsize=256)
def nearest_key(key: str, fields: tuple[str, ...], path: str) -> str:
    """Return the full name of the known key that is most similar to an unknown one, or ""."""
    if not path and key in FULL_KEYS:
        return FULL_KEYS[key]
    similar = difflib.get_close_matches(key[:MAX_COMPARED].casefold(), fields, n=1, cutoff=0.5)
    return f"{path}.{similar[0]}".lstrip(".") if similar else ""


def explain_unknown(key: str, fields: tuple[str, ...], path: str) -> str:
    """Return what to write instead of an unknown key."""
    similar = nearest_key(key, fields, path)
    similar = similar.removeprefix(f"{path}.") if path else similar
    known = f"did you mean `{similar}`?" if similar else f"known are: {', '.join(fields)}"
    return f"unknown key; {known}"


class _Unsupported(ValueError):
    """YAML that is never read: an alias, a tag, a duplicate key."""

    def __init__(self, node: Node, advice: str) -> None:
        super().__init__(advice)
        self.node = node


def _read_node(node: Node) -> Any:
    if node.tag:
        raise _Unsupported(node, TAG)
    if isinstance(node, List):
        return [_read_node(item) for item in node.items]
    if isinstance(node, Map):
        return dict(_read_pairs(node))
    if node.kind == "alias":
        raise _Unsupported(node, ANCHOR)
    if node.kind == "bool":
        return node.text.lower() == "true"
    if node.kind == "int":
        return int(node.text.replace("_", ""), 0)
    if node.kind == "float":
        return float(node.text.replace("_", ""))
    return None if node.kind == "null" else node.text


def _read_pairs(node: Map) -> Iterator[tuple[str, Any]]:
    known: set[str] = set()
    for key, value in node.pairs:
        name = key.text if isinstance(key, Scalar) else "?"
        if name in known:
            raise _Unsupported(key, f"`{key_text(key)}` {DUPLICATE}")
        known.add(name)
        yield name, _read_node(value)


def _fold_choices(value: Any, kind: Any) -> Any:
    """Return the value with the words of a fixed choice in lower case, as the schema has them."""
    if isinstance(value, list):
        return [_fold_choices(item, kind) for item in value]
    if isinstance(value, str) and (folded := value.strip().casefold()) in _list_choices(kind):
        return folded
    return value


def _list_choices(kind: Any) -> tuple[Any, ...]:
    """Return the words of the Literals in a type."""
    args = get_args(kind)
    if get_origin(kind) is Literal:
        return args
    return tuple(choice for arg in args for choice in _list_choices(arg))


def _report_invalid(node: Node, kind: Any, where: str, report: Report) -> bool:
    """Report the innermost invalid parts of a value; return whether there are any."""
    with suppress(ValueError):
        convert(node, kind)
        return False
    if any([_report_invalid(*part, report) for part in _list_parts(node, kind, where)]):
        return True
    pairs = node.pairs if kind is WordRule and isinstance(node, Map) else []
    unknown = {name: key for key, _ in pairs if (name := key_text(key)) not in RULE_TYPES}
    for name, key in unknown.items():
        report(key, f"{where}.{name}", explain_unknown(name, tuple(RULE_TYPES), where))
    if not unknown:
        needs_quotes = kind is str and isinstance(node, Scalar)
        hint = " (a number or true needs quotes)" if needs_quotes else ""
        report(node, where, f"write {_describe(inspect.type_info(kind))}{hint}")
    return True


RULE_TYPES = {f.encode_name: f.type for f in msgspec.structs.fields(WordRule)}


def _list_parts(node: Node, kind: Any, where: str) -> Iterator[tuple[Node, Any, str]]:
    """Yield the items of a list or mapping, each with its type and its key."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    args = get_args(kind)
    if isinstance(node, List) and get_origin(kind) is tuple:
        yield from ((item, args[0], f"{where}[{n}]") for n, item in enumerate(node.items, 1))
    if isinstance(node, Map):
        for key, value in node.pairs:
            name = key_text(key)
            value_kind = args[1] if get_origin(kind) is dict else None
            if kind is WordRule:
                value_kind = RULE_TYPES.get(name)
            if value_kind is not None:
                yield value, value_kind, f"{where}.{name}"


def _describe(kind: inspect.Type) -> str:
    """Return what to write for a type."""
    match kind:
        case inspect.LiteralType(values=values):
            return "one of: " + ", ".join(map(str, values))
        case inspect.VarTupleType(item_type=inspect.StructType()):
            return f"a list of rules such as {RULE}"
        case inspect.StructType():
            return f"a rule such as {RULE}"
        case inspect.VarTupleType(item_type=item, min_length=low):
            some = "a list of one or more in" if low else "a list in"
            return f"{some} [ ], each of it {_describe(item)}"
        case inspect.DictType(value_type=value):
            return f"`name: value` pairs, each value {_describe(value)}"
        case inspect.UnionType(types=types):
            return " or ".join(_describe(t) for t in types if not isinstance(t, inspect.NoneType))
    return _describe_scalar(kind)


def _describe_scalar(kind: inspect.Type) -> str:
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=low, le=high) | inspect.FloatType(ge=low, le=high):
            number = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
            return f"{number} from {low:,g} to {high:,.0f}"
        case inspect.StrType(pattern=str(pattern)):
            return PATTERNS[pattern]
        case inspect.StrType(max_length=int(most)):
            return f"a text of at most {most} characters"
    return "a text"
