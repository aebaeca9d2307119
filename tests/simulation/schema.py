"""Fits an answer to a JSON schema, as a server with constrained output does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from bot.sandbox.model.api import plain_text, user_texts

Schema = dict[str, Any]

WORD = "blue"


def fit(schema: Schema, value: Any) -> Any:
    """Return the value nearest to `value` that follows the schema.

    Supported are objects, lists of objects with `maxItems`, and strings with `enum` or
    `maxLength`: what the product's schemas contain. Entries of a list that name no member of an
    `enum` are left out. Raises KeyError or ValueError for other schemas.
    """
    match schema["type"]:
        case "object":
            values = value if isinstance(value, dict) else {}
            return {
                name: fit(part, values.get(name)) for name, part in schema["properties"].items()
            }
        case "array":
            entries = value if isinstance(value, list) else []
            kept = [entry for entry in entries if _has_members(schema["items"], entry)]
            return [fit(schema["items"], entry) for entry in kept[: schema.get("maxItems")]]
        case "string" if "enum" in schema:
            return value if value in schema["enum"] else schema["enum"][0]
        case "string":
            text = value if isinstance(value, str) else WORD
            return text[: schema.get("maxLength")]
    raise ValueError(f"{schema['type']} is not supported")


def _has_members(schema: Schema, entry: Any) -> bool:
    """Return whether each part with an `enum` has one of its members, or is missing."""
    parts = schema["properties"].items()
    return all(entry.get(n, p["enum"][0]) in p["enum"] for n, p in parts if "enum" in p)


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
