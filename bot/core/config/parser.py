"""Parses a repository's `tagline.yml` into its configuration and every problem in it.

The document is walked as YAML nodes: each wrong value is reported with its own line, and the other
values still apply. Values that limit the bot fail closed, see `caution`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as slot
from typing import Any

import msgspec
from msgspec import Struct

from bot.core.config import yaml_nodes
from bot.core.config.caution import RESTRICTIONS, restrictive_values, tighten, with_value
from bot.core.config.schema import DEFAULTS, SECTIONS, TYPES, RepoConfig
from bot.core.config.values import (
    DUPLICATE,
    convert,
    explain,
    explain_unknown,
    key_text,
    nearest_key,
)
from bot.core.config.yaml_nodes import MAX_BYTES, InvalidYaml, Map, Node, is_null
from bot.core.errors import ConfigProblem

SECTION_ADVICE = "write `key: value` lines here"
BROKEN = RepoConfig(mode="suggest")  # where the first file of a repository is broken
# Limits of the search for readable parts of a broken file.
MAX_PARTS = 30
MAX_PART_NODES = 300
MAX_PART_CHARS = 6000
MAX_FIRST_LINES = 20


@dataclass(frozen=True, slots=True)
class ParsedConfig:
    """The configuration of a file. `lines` has the line of each known key.

    `values` has what the file itself sets, by key. `broken` means that the file as a whole is not
    valid; then `values` has the limits that its readable parts set, for `tighten`.
    """

    config: RepoConfig = slot(default_factory=RepoConfig)
    problems: tuple[ConfigProblem, ...] = ()
    lines: Mapping[str, int] = slot(default_factory=dict)
    broken: bool = False
    values: Mapping[str, Any] = slot(default_factory=dict)


def read(text: str | None) -> ParsedConfig:
    """Return the configuration of a file; None and an empty text mean the defaults.

    A wrong value keeps its default, or its most restrictive value where it would limit the bot. A
    file that is no valid YAML has one problem and means `mode: suggest`, with the limits that its
    readable parts set.
    """
    if text is None:
        return ParsedConfig()
    try:
        document = yaml_nodes.compose(text)
    except InvalidYaml as error:
        return _build_broken(_read_limits(text[:MAX_BYTES]), error)
    root = document.root
    if root is None or is_null(root):
        return ParsedConfig()
    collector = _Collector()
    if isinstance(root, Map):
        _read_section(root, RepoConfig, "", collector)
    elif not document.refused:
        return _build_broken({}, InvalidYaml(root.line, SECTION_ADVICE))
    if document.refused:
        return _build_broken(collector.values, document.refused)
    config, problems = collector.config, tuple(collector.problems)
    return ParsedConfig(config, problems, collector.lines, values=collector.values)


def restrict_models(parsed: ParsedConfig, models: Collection[str]) -> ParsedConfig:
    """Return the same without a `model.name` that is none of `models`, which is a problem then.

    With no `models` at all, no language model is configured, and any name is accepted.
    """
    config, name = parsed.config, parsed.config.model.name
    if not models or name is None or name in models:
        return parsed
    advice = f"this host allows: {', '.join(models)}"
    problem = ConfigProblem(parsed.lines.get("model.name", 0), "model.name", advice)
    return replace(
        parsed,
        config=with_value(config, "model.name", None),
        problems=(*parsed.problems, problem),
    )


def _build_broken(values: Mapping[str, Any], error: InvalidYaml) -> ParsedConfig:
    problems = (ConfigProblem(error.line, "", str(error)),)
    return ParsedConfig(tighten(BROKEN, values), problems, broken=True, values=values)


def _read_limits(text: str) -> dict[str, Any]:
    """Return the limits that valid parts of a broken file set.

    A part is a top-level `key:` with the lines indented below it. If that is not valid YAML, its
    inner keys and the part without its wrong lines are tried after all others. The shortest parts
    come first, within a fixed effort.
    """
    collector = _Collector()
    parts = _select_limiting(yaml_nodes.blocks(yaml_nodes.tidy(text)))
    tries, nodes, chars = MAX_PARTS, MAX_PART_NODES, MAX_PART_CHARS
    seen: set[str] = set()
    while parts and tries > 0 and nodes > 0:
        key, part = parts.pop(0)
        if part in seen:
            continue
        seen.add(part)
        if len(part) > chars:
            parts += _select_limiting(_split_part(key, part, 0))
            continue
        tries, chars = tries - 1, chars - len(part)
        try:
            document = yaml_nodes.compose(part, nodes // 2)
        except InvalidYaml as error:
            nodes -= error.size
            parts += _select_limiting(_split_part(key, part, error.line))
            continue
        nodes -= document.size
        if isinstance(document.root, Map):
            of_part = _Collector()
            _read_section(document.root, RepoConfig, "", of_part)
            collector.limit(of_part.values)
    return collector.values


def _split_part(key: str, part: str, wrong_line: int) -> Iterator[tuple[str, str]]:
    """Yield the inner parts of an invalid part, its first lines, the lines before the wrong one,
    and all lines but the wrong one. `wrong_line` is 0 where it is unknown."""
    if key in SECTIONS:
        yield from ((f"{key}.{leaf}", inner) for leaf, inner in yaml_nodes.blocks(part, 1))
    lines, first = part.split("\n"), 1 + ("." in key)
    for count in (first, wrong_line - 1 if wrong_line else MAX_FIRST_LINES):
        if first <= count < len(lines):
            yield key, "\n".join(lines[:count])
    if wrong_line > first:
        yield key, "\n".join([*lines[: wrong_line - 1], *lines[wrong_line:]])


def _select_limiting(parts: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the parts whose keys limit the bot, each once, the shortest first."""
    folded = ((key.casefold(), part) for key, part in parts)
    unique = dict.fromkeys((key, part) for key, part in folded if key in RESTRICTIVE)
    return sorted(unique, key=lambda pair: len(pair[1]))


RESTRICTIVE = {*RESTRICTIONS, *(key.partition(".")[0] for key in RESTRICTIONS)}


@dataclass(slots=True)
class _Collector:
    """Problems, lines and values that are collected from a document."""

    problems: list[ConfigProblem] = slot(default_factory=list)
    lines: dict[str, int] = slot(default_factory=dict)
    values: dict[str, Any] = slot(default_factory=dict)

    def report(self, node: Node, key: str, advice: str) -> None:
        self.problems.append(ConfigProblem(node.line, key, advice))

    def limit(self, values: Mapping[str, Any]) -> None:
        """Add those values that limit the bot; the stricter one counts where there are two."""
        for key, value in values.items():
            if key in RESTRICTIONS:
                known = self.values.get(key, value)
                self.values[key] = RESTRICTIONS[key].stricter(known, value)

    @property
    def config(self) -> RepoConfig:
        config = RepoConfig()
        for key, value in self.values.items():
            config = with_value(config, key, value)
        return config


def _read_section(node: Node, kind: type[Struct], path: str, collector: _Collector) -> None:
    if is_null(node):
        return
    if not isinstance(node, Map):
        collector.report(node, path, SECTION_ADVICE)
        collector.limit(restrictive_values(path, node))
        return
    fields = tuple(f.encode_name for f in msgspec.structs.fields(kind))
    for key_node, value in node.pairs:
        key = key_text(key_node)
        full_key = f"{path}.{key}".lstrip(".")
        name = full_key.casefold()
        if key.casefold() not in fields:
            collector.report(key_node, full_key, explain_unknown(key, fields, path))
            _limit_by_similar_key(value, nearest_key(key, fields, path), collector)
        elif name in collector.lines:
            collector.report(key_node, full_key, DUPLICATE)
            collector.limit(_read_alone(value, name).values)
        else:
            collector.lines[name] = key_node.line
            _read_value(value, name, collector)


def _read_alone(node: Node, key: str) -> _Collector:
    collector = _Collector()
    _read_value(node, key, collector)
    return collector


def _limit_by_similar_key(node: Node, key: str, collector: _Collector) -> None:
    """Apply a misspelled key where its value limits the bot more than the default."""
    similar = _read_alone(node, key) if key else _Collector()
    if not similar.problems:
        limits = {key: value for key, value in similar.values.items() if key in RESTRICTIONS}
        collector.limit({k: RESTRICTIONS[k].stricter(DEFAULTS[k], v) for k, v in limits.items()})


def _read_value(node: Node, key: str, collector: _Collector) -> None:
    if key in SECTIONS:
        _read_section(node, SECTIONS[key], key, collector)
        return
    try:
        value = convert(node, TYPES[key])
    except (ValueError, RecursionError) as error:
        explain(error, node, TYPES[key], key, collector.report)
        collector.limit(restrictive_values(key, node))
    else:
        if key in RESTRICTIONS:
            collector.limit({key: value})
        else:
            collector.values[key] = value
