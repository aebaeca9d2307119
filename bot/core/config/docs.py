"""Documents the configuration file: JSON Schema, a file with all defaults."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from bot.core.config.schema import RepoConfig

SCHEMA_PATH = "/schema/v1.json"
DESCRIPTIONS = {
    "version": "version of this file's format",
    "mode": "apply | suggest (labels only proposed) | dry-run | off",
    "language": "language of summaries: auto (the issue's), or en, de, ...",
    "on": "also: reopened, edited (title or body changed)",
    "ignore.authors": "authors whose issues are ignored; globs such as renovate*",
    "ignore.labels": "an issue with one of these labels is ignored",
    "ignore.title": 'titles of ignored issues; globs such as "chore:*"',
    "comment.post": "always | when-useful (not on issues of under 12 words) | never",
    "comment.max_words": "words of the summary, 10 to 200",
    "comment.similar": "older issues like a new one that the comment names at most; 0 = off",
    "comment.missing_info": "one line names what the issue template asks for and the report lacks",
    "comment.on_fallback": "a comment when no model answered: auto | true | false",
    "labels.allow": "globs of existing labels that may be set",
    "labels.deny": "globs of labels never set, beside those for decisions and automation",
    "labels.max": "labels per issue, 0 to 20",
    "labels.groups": "at most one of each: {type: [bug, enhancement]}",
    "labels.describe": "overrides a label's description in the prompt: {bug: Something broke}",
    "labels.precision": "share of right ones that a learned label must reach to be applied",
    "types.set": "set the issue type where there is none, in place of a label of its meaning",
    "types.map": "labels that mean a type: {Bug: [defect]}; equal meanings are found",
    "fallback.rules": '{label: bug, any: [crash, "error:"], not: [typo]}; beside built-in rules',
    "fallback.builtin": "false: only the rules above",
    "fallback.needs_review": "added to labels that no model chose, if it exists",
    "model.instructions": "the summary's style; at most 2,000 characters",
    "model.name": "one of TAGLINE_ALLOWED_MODELS; null = LLM_MODEL",
    "privacy.redact": "emails: removed before a model sees the text, as secrets always are",
    "learn.from_history": "learn labels from this repository's labelled issues",
    "learn.from_corrections": "learn from labels that people change",
    "commands.alias": "on GitLab, a name for commands beside the bot's: @alias redo",
    "budget.per_day_usd": "limit for this repository; beyond it labels come from rules",
    "budget.per_author_per_hour": "issues of one author that are sent to a model",
}
PLAIN = re.compile(r"(?!(?:true|false|null|yes|no|on|off|y|n)$)[A-Za-z][\w-]*", re.IGNORECASE)
HEADER = """\
# yaml-language-server: $schema={schema_url}
# Tagline's settings for this repository, with their defaults. Keep only the keys that you change.
"""


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the file."""
    _, parts = msgspec.json.schema_components([RepoConfig], ref_template="#/$defs/{name}")
    root = parts.pop("RepoConfig")
    for part in (root, *parts.values()):
        part["additionalProperties"] = False
    for key, description in DESCRIPTIONS.items():
        section, _, leaf = key.rpartition(".")
        holder = parts[root["properties"][section]["$ref"].rpartition("/")[2]] if section else root
        holder["properties"][leaf]["description"] = description
    dialect = "https://json-schema.org/draft/2020-12/schema"
    root["type"] = ["object", "null"]  # an empty file has the defaults
    return {"$schema": dialect, **root, "title": "tagline.yml", "$defs": parts}


def commented(public_url: str) -> str:
    """Return a file with every default and its description.

    Editors get the schema from the receiver at `public_url`.
    """
    header = HEADER.format(schema_url=f"{public_url.rstrip('/')}{SCHEMA_PATH}")
    return header + "".join(f"{line}\n" for line in _format_lines(RepoConfig(), comments=True))


def as_yaml(config: RepoConfig) -> str:
    """Return a file with this configuration."""
    return "".join(f"{line}\n" for line in _format_lines(config, comments=False))


def _format_lines(section: Struct, path: str = "", *, comments: bool) -> Iterator[str]:
    indent = "  " if path else ""
    for field in msgspec.structs.fields(section):
        key, value = path + field.encode_name, getattr(section, field.name)
        if isinstance(value, Struct):
            yield f"{field.encode_name}:"
            yield from _format_lines(value, f"{key}.", comments=comments)
            continue
        line = f"{indent}{field.encode_name}: {_format_flow(msgspec.to_builtins(value))}"
        yield f"{line:<26} # {DESCRIPTIONS[key]}" if comments else line


def _format_flow(value: Any) -> str:
    """Return a value in YAML's flow style, of which JSON is a part."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_format_flow, value)) + "]"
    if isinstance(value, dict):
        pairs = (f"{_format_flow(k)}: {_format_flow(v)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)
