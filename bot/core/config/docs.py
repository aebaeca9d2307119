"""The configuration file explained: its schema, its defaults with remarks, keys without effect."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from bot.core.config.parser import ParsedConfig, RepoConfig

SCHEMA_PATH = "/schema/v1.json"
REMARKS = {
    "version": "of this file's format",
    "mode": "apply | suggest (labels only proposed in the comment) | dry-run | off",
    "language": "the summary's language: the issue's own, or en, de, ...",
    "on": "also: reopened, edited (title or body really changed)",
    "ignore.authors": "whose issues are left alone; globs such as renovate*",
    "ignore.labels": "an issue with one of these is left alone",
    "ignore.title": 'globs such as "chore:*"',
    "comment.post": "always | when-useful (not on issues of under 12 words) | never",
    "comment.max_words": "of the summary, 10 to 200",
    "comment.similar": "how many similar issues are named; 0 = off",
    "comment.missing_info": "ask for what a report lacks",
    "comment.on_fallback": "a comment although no model wrote it: auto | true | false",
    "labels.allow": "globs over the labels that exist",
    "labels.deny": "beside the built-in list of process and machine-trigger labels",
    "labels.max": "labels on one issue, 0 to 20",
    "labels.groups": "at most one of each: {type: [bug, enhancement]}",
    "labels.describe": "overrides a label's description in the prompt: {bug: Something broke}",
    "fallback.rules": '{label: bug, any: [crash, "error:"], not: [typo]}; replaces the built-in',
    "fallback.needs_review": "set beside labels that no model chose, where it exists",
    "model.instructions": "wishes for the summary's style; at most 2,000 characters",
    "model.name": "one of TAGLINE_ALLOWED_MODELS; null = LLM_MODEL",
    "privacy.redact": "what is masked before a model is asked: secrets, emails",
    "learn.from_corrections": "a label that a person changes teaches the bot",
    "budget.per_day_usd": "for this repository; beyond it labels come from rules",
    "budget.per_author_per_hour": "issues of one author that a model is asked about",
}
# Accepted, without effect in this version.
NOT_BUILT = (
    "comment.similar",
    "comment.missing_info",
    "learn.from_corrections",
)
PLAIN = re.compile(r"(?!(?:true|false|null|yes|no|on|off|y|n)$)[A-Za-z][\w-]*", re.IGNORECASE)
HEADER = """\
# Tagline's settings for this repository. Every key has its default here: keep those you change.
"""


def notes(reading: ParsedConfig) -> list[tuple[int, str]]:
    """Line and key of what the file sets without effect, in its order."""
    return sorted((line, key) for key, line in reading.lines.items() if key in NOT_BUILT)


def schema() -> dict[str, Any]:
    """The JSON Schema of the file."""
    _, parts = msgspec.json.schema_components([RepoConfig], ref_template="#/$defs/{name}")
    root = parts.pop("RepoConfig")
    for part in (root, *parts.values()):
        part["additionalProperties"] = False
    for key, remark in REMARKS.items():
        section, _, leaf = key.rpartition(".")
        holder = parts[root["properties"][section]["$ref"].rpartition("/")[2]] if section else root
        later = " (accepted, without effect yet)" if key in NOT_BUILT else ""
        holder["properties"][leaf]["description"] = remark + later
    decision = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": decision, **root, "title": "tagline.yml", "$defs": parts}


def commented() -> str:
    """A file with every default and what it is for; keys without effect are remarks."""
    return HEADER + "".join(f"{line}\n" for line in _lines(RepoConfig(), remarks=True))


def as_yaml(config: RepoConfig) -> str:
    """A configuration as a file that means it."""
    return "".join(f"{line}\n" for line in _lines(config, remarks=False))


def _lines(section: Struct, path: str = "", *, remarks: bool) -> Iterator[str]:
    indent = "  " if path else ""
    for field in msgspec.structs.fields(section):
        key, value = path + field.encode_name, getattr(section, field.name)
        if isinstance(value, Struct):
            inside = list(_lines(value, f"{key}.", remarks=remarks))
            idle = all(line.startswith("#") for line in inside)
            yield from [f"# {field.encode_name}:" if idle else f"{field.encode_name}:", *inside]
            continue
        text = f"{indent}{field.encode_name}: {_flow(msgspec.to_builtins(value))}"
        if remarks:
            text = f"# {text}" if key in NOT_BUILT else text
            text = f"{text:<26} # {'not built yet: ' if key in NOT_BUILT else ''}{REMARKS[key]}"
        yield text


def _flow(value: Any) -> str:
    """A value in YAML's flow style, which holds JSON's."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)
