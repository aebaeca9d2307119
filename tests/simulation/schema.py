"""Fits an answer to a JSON schema, as a server with constrained output does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from bot.sandbox.model.api import plain_text, user_texts

Schema = dict[str, Any]

WORD = "blue"
OMITTED = object()  # no value fits: the entry of a list is dropped
TYPES = {"integer": (int,), "number": (int, float), "boolean": (bool,)}
DEFAULTS = {"integer": 0, "number": 0, "boolean": False}


def fit(schema: Schema, value: Any) -> Any:
    """Return the value nearest to `value` that follows the schema.

    Supported are objects, lists, strings with `enum`, `const` and lengths, numbers,
    `anyOf` (its first branch) and lists of types (the first one).
    """
    fitted = _fit(schema, value)
    return _default(schema) if fitted is OMITTED else fitted


def schema_in(texts: Iterable[str]) -> Schema | None:
    """Return the first schema in the texts of a request, else None.

    A text that begins with an object is data; a schema in it is ignored.
    """
    decoder = json.JSONDecoder()
    for text in texts:
        start = -1 if text.startswith("{") else text.find("{")
        while start >= 0:
            try:
                schema, end = decoder.raw_decode(text, start)
            except (ValueError, RecursionError):
                schema, end = None, start + 1
            if isinstance(schema, dict) and isinstance(schema.get("properties"), dict):
                return schema
            start = text.find("{", end)
    return None


def _fit(schema: Schema, value: Any) -> Any:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return value if value in schema["enum"] else OMITTED
    if branches := schema.get("anyOf"):
        return _fit(branches[0], value)
    kind = _kind(schema)
    if kind == "object":
        return _object(schema, value)
    if kind == "array":
        return _list(schema, value)
    if kind == "string":
        return _text(schema, value)
    return _plain(kind, value)


def _kind(schema: Schema) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return str(kind[0] if isinstance(kind, list) else kind)


def _object(schema: Schema, value: Any) -> Any:
    values = value if isinstance(value, dict) else {}
    required, result = schema.get("required", ()), {}
    for name, part in schema.get("properties", {}).items():
        if name in values:
            fitted = _fit(part, values[name])
            if fitted is OMITTED and name in required:
                return OMITTED
            if fitted is not OMITTED:
                result[name] = fitted
        elif name in required:
            result[name] = _default(part)
    return result


def _list(schema: Schema, value: Any) -> list[Any]:
    part = schema.get("items", {})
    entries = [_fit(part, entry) for entry in (value if isinstance(value, list) else [])]
    kept = [entry for entry in entries if entry is not OMITTED][: schema.get("maxItems")]
    missing = schema.get("minItems", 0) - len(kept)
    return kept + [_default(part) for _ in range(missing)]


def _text(schema: Schema, value: Any) -> str:
    text = value if isinstance(value, str) else WORD
    return text[: schema.get("maxLength")].ljust(schema.get("minLength", 0), ".")


def _plain(kind: str, value: Any) -> Any:
    """Return a number, boolean or null: the value where it is exactly of that type."""
    fits = type(value) in TYPES.get(kind, ())
    return value if fits else DEFAULTS.get(kind)


def _default(schema: Schema) -> Any:
    if schema.get("enum"):
        return schema["enum"][0]
    fitted = _fit(schema, None)
    return None if fitted is OMITTED else fitted


def schema_of(vendor: str, body: dict[str, Any]) -> Schema | None:
    """Return the schema of the answer: a parameter, else one in the messages."""
    if vendor == "openai":
        texts = [plain_text(message.get("content")) for message in body["messages"]]
        schema = _schema_at(body.get("response_format"), "json_schema", "schema")
    else:
        texts = [plain_text(body.get("system")), *user_texts(body)]
        schema = _schema_at((body.get("output_config") or {}).get("format"), "schema")
    return schema or schema_in(texts)


def _schema_at(form: object, *path: str) -> Schema | None:
    """Return the schema at `path` of an output format of type json_schema, else None."""
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        return None
    schema: Any = form
    for name in path:
        schema = schema.get(name) if isinstance(schema, dict) else None
    return schema if isinstance(schema, dict) else None
