"""The answer that a JSON schema asks for, as a server with constrained output gives it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]

WORD = "blue"
LEFT_OUT = object()  # no value fits: the entry of a list is dropped
TYPES = {"integer": (int,), "number": (int, float), "boolean": (bool,)}
DEFAULTS = {"integer": 0, "number": 0, "boolean": False}


def shaped(schema: Schema, wish: Any) -> Any:
    """Return the value nearest to `wish` that follows the schema.

    Knows what callers send: objects, lists, strings with `enum`, `const` and lengths, numbers,
    `anyOf` (its first branch) and lists of types (the first one).
    """
    fitted = _fitted(schema, wish)
    return _default(schema) if fitted is LEFT_OUT else fitted


def schema_in(texts: Iterable[str]) -> Schema | None:
    """Return the first schema that stands in the words of a request, else None.

    A text that begins with an object is data, in which a schema means nothing.
    """
    decoder = json.JSONDecoder()
    for text in texts:
        start = -1 if text.startswith("{") else text.find("{")
        while start >= 0:
            try:
                found, end = decoder.raw_decode(text, start)
            except (ValueError, RecursionError):
                found, end = None, start + 1
            if isinstance(found, dict) and isinstance(found.get("properties"), dict):
                return found
            start = text.find("{", end)
    return None


def _fitted(schema: Schema, wish: Any) -> Any:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return wish if wish in schema["enum"] else LEFT_OUT
    if branches := schema.get("anyOf"):
        return _fitted(branches[0], wish)
    kind = _kind(schema)
    if kind == "object":
        return _object(schema, wish)
    if kind == "array":
        return _list(schema, wish)
    if kind == "string":
        return _text(schema, wish)
    return _plain(kind, wish)


def _kind(schema: Schema) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return str(kind[0] if isinstance(kind, list) else kind)


def _object(schema: Schema, wish: Any) -> Any:
    wishes = wish if isinstance(wish, dict) else {}
    required, value = schema.get("required", ()), {}
    for name, part in schema.get("properties", {}).items():
        if name in wishes:
            fitted = _fitted(part, wishes[name])
            if fitted is LEFT_OUT and name in required:
                return LEFT_OUT
            if fitted is not LEFT_OUT:
                value[name] = fitted
        elif name in required:
            value[name] = _default(part)
    return value


def _list(schema: Schema, wish: Any) -> list[Any]:
    part = schema.get("items", {})
    entries = [_fitted(part, entry) for entry in (wish if isinstance(wish, list) else [])]
    kept = [entry for entry in entries if entry is not LEFT_OUT][: schema.get("maxItems")]
    missing = schema.get("minItems", 0) - len(kept)
    return kept + [_default(part) for _ in range(missing)]


def _text(schema: Schema, wish: Any) -> str:
    text = wish if isinstance(wish, str) else WORD
    return text[: schema.get("maxLength")].ljust(schema.get("minLength", 0), ".")


def _plain(kind: str, wish: Any) -> Any:
    """A number, truth value or null: the wish where it is exactly of that type."""
    fits = type(wish) in TYPES.get(kind, ())
    return wish if fits else DEFAULTS.get(kind)


def _default(schema: Schema) -> Any:
    if schema.get("enum"):
        return schema["enum"][0]
    fitted = _fitted(schema, None)
    return None if fitted is LEFT_OUT else fitted
