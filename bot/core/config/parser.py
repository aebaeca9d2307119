"""A repository's `tagline.yml` → its configuration and every problem in it.

The document is walked as YAML nodes, so each wrong value is reported with its own line and the rest
still counts. What limits the bot fails closed: see `config_caution`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as slot
from typing import Any

import msgspec
from msgspec import Struct

from bot.core.config import yaml_nodes
from bot.core.config.caution import RESTRICTIONS, cautious, tightened, with_value
from bot.core.config.schema import (
    DEFAULTS,
    SECTIONS,
    TYPES,
    Budget,
    CommentRules,
    Fallback,
    Ignore,
    LabelRules,
    Learn,
    ModelRules,
    Privacy,
    RepoConfig,
    WordRule,
)
from bot.core.config.values import RULE, TWICE, convert, explain, key_text, nearest, unknown
from bot.core.config.yaml_nodes import MAX_BYTES, Map, Node, Scalar, Unreadable
from bot.core.errors import ConfigProblem

__all__ = [
    "MAX_BYTES",
    "RULE",
    "Budget",
    "CommentRules",
    "Fallback",
    "Ignore",
    "LabelRules",
    "Learn",
    "ModelRules",
    "ParsedConfig",
    "Privacy",
    "RepoConfig",
    "WordRule",
    "parse",
    "permitted",
    "read",
    "tightened",
]
WANTED_SECTION = "write `key: value` lines here"
BROKEN = RepoConfig(mode="suggest")  # holds where a file is broken and there was none before
# Of a broken file: how many parts are tried, and how much they may hold together.
MAX_PARTS = 30
MAX_PART_NODES = 300
MAX_PART_CHARS = 6000
MAX_FIRST_LINES = 20


@dataclass(frozen=True, slots=True)
class ParsedConfig:
    """A file as it was understood. `lines` tells where each known key stands.

    `given` holds the file's own values by their keys. `broken` = the file is not read as a whole;
    then `given` has what its readable parts limit, for `tightened`.
    """

    config: RepoConfig = slot(default_factory=RepoConfig)
    problems: tuple[ConfigProblem, ...] = ()
    lines: Mapping[str, int] = slot(default_factory=dict)
    broken: bool = False
    given: Mapping[str, Any] = slot(default_factory=dict)


def parse(text: str | None) -> tuple[RepoConfig, tuple[ConfigProblem, ...]]:
    """Return the configuration of a file and every problem in it."""
    found = read(text)
    return found.config, found.problems


def read(text: str | None) -> ParsedConfig:
    """Return what a configuration file means; None or an empty one means the defaults.

    Every problem is reported with its line. What is wrong keeps its default, or its most cautious
    value where it would limit the bot. Of a file that is no valid YAML only the first problem is
    known; it means `mode: suggest`, and what its readable parts limit.
    """
    if text is None:
        return ParsedConfig()
    try:
        document = yaml_nodes.compose(text)
    except Unreadable as error:
        return _broken(_readable_limits(text[:MAX_BYTES]), error)
    root = document.root
    if root is None or _is_empty(root):
        return ParsedConfig()
    found = _Collector()
    if isinstance(root, Map):
        _section(root, RepoConfig, "", found)
    elif not document.refused:
        return _broken({}, Unreadable(root.line, WANTED_SECTION))
    if document.refused:
        return _broken(found.given, document.refused)
    return ParsedConfig(found.config, tuple(found.problems), found.lines, given=found.given)


def permitted(reading: ParsedConfig, models: Collection[str]) -> ParsedConfig:
    """Return the same, where the first of the `models` holds instead of one that is not among them.

    Without any there is nothing to choose from.
    """
    config, name = reading.config, reading.config.model.name
    if not models or name is None or name in models:
        return reading
    advice = f"this host allows: {', '.join(models)}"
    problem = ConfigProblem(reading.lines.get("model.name", 0), "model.name", advice)
    default = msgspec.structs.replace(config.model, name=None)
    return replace(
        reading,
        config=msgspec.structs.replace(config, model=default),
        problems=(*reading.problems, problem),
    )


def _broken(given: Mapping[str, Any], error: Unreadable) -> ParsedConfig:
    problems = (ConfigProblem(error.line, "", str(error)),)
    return ParsedConfig(tightened(BROKEN, given), problems, broken=True, given=given)


def _readable_limits(text: str) -> dict[str, Any]:
    """Return the limiting values of a broken file's parts that are valid YAML by themselves.

    A part is a `key:` at the outermost level with all that is indented below it. Where that is not
    valid, each `key:` one level deeper is a part, and the same without its wrong line, once all
    others were tried. The shortest come first, within a fixed effort.
    """
    found = _Collector()
    parts = _limiting(yaml_nodes.blocks(yaml_nodes.tidied(text)))
    tries, nodes, chars = MAX_PARTS, MAX_PART_NODES, MAX_PART_CHARS
    seen: set[str] = set()
    while parts and tries > 0 and nodes > 0:
        key, part = parts.pop(0)
        if part in seen:
            continue
        seen.add(part)
        if len(part) > chars:
            parts += _limiting(_smaller(key, part, 0))
            continue
        tries, chars = tries - 1, chars - len(part)
        try:
            document = yaml_nodes.compose(part, nodes // 2)
        except Unreadable as error:
            nodes -= error.size
            parts += _limiting(_smaller(key, part, error.line))
            continue
        nodes -= document.size
        if isinstance(document.root, Map):
            again = _Collector()
            _section(document.root, RepoConfig, "", again)
            found.limit(again.given)
    return found.given


def _smaller(key: str, part: str, wrong: int) -> Iterator[tuple[str, str]]:
    """What may be readable of a part that is not: its inner parts, its first lines, those before
    the wrong one, and all but that one. `wrong` is 0 where no line is known."""
    if key in SECTIONS:
        yield from ((f"{key}.{leaf}", inside) for leaf, inside in yaml_nodes.blocks(part, 1))
    lines, first = part.split("\n"), 1 + ("." in key)
    for count in (first, wrong - 1 if wrong else MAX_FIRST_LINES):
        if first <= count < len(lines):
            yield key, "\n".join(lines[:count])
    if wrong > first:
        yield key, "\n".join([*lines[: wrong - 1], *lines[wrong:]])


def _limiting(parts: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parts whose key limits the bot, each once, the shortest first."""
    folded = ((key.casefold(), part) for key, part in parts)
    known = dict.fromkeys((key, part) for key, part in folded if key in RESTRICTIVE)
    return sorted(known, key=lambda found: len(found[1]))


RESTRICTIVE = {*RESTRICTIONS, *(key.partition(".")[0] for key in RESTRICTIONS)}


@dataclass(slots=True)
class _Collector:
    """What comes to light while the document is walked."""

    problems: list[ConfigProblem] = slot(default_factory=list)
    lines: dict[str, int] = slot(default_factory=dict)
    given: dict[str, Any] = slot(default_factory=dict)

    def problem(self, node: Node, key: str, advice: str) -> None:
        self.problems.append(ConfigProblem(node.line, key, advice))

    def limit(self, values: Mapping[str, Any]) -> None:
        """Take those values that limit the bot, beside what was given before."""
        for key, value in values.items():
            if key in RESTRICTIONS:
                known = self.given.get(key, value)
                self.given[key] = RESTRICTIONS[key].stricter(known, value)

    @property
    def config(self) -> RepoConfig:
        config = RepoConfig()
        for key, value in self.given.items():
            config = with_value(config, key, value)
        return config


def _section(node: Node, kind: type[Struct], path: str, found: _Collector) -> None:
    if _is_empty(node):
        return
    if not isinstance(node, Map):
        found.problem(node, path, WANTED_SECTION)
        found.limit(cautious(path, node))
        return
    fields = tuple(f.encode_name for f in msgspec.structs.fields(kind))
    for key_node, value in node.pairs:
        key = key_text(key_node)
        where = f"{path}.{key}".lstrip(".")
        name = where.casefold()
        if key.casefold() not in fields:
            found.problem(key_node, where, unknown(key, fields, path))
            _guess(value, nearest(key, fields, path), found)
        elif name in found.lines:
            found.problem(key_node, where, TWICE)
            found.limit(_alone(value, name).given)
        else:
            found.lines[name] = key_node.line
            _take(value, name, found)


def _alone(node: Node, key: str) -> _Collector:
    found = _Collector()
    _take(node, key, found)
    return found


def _guess(node: Node, key: str, found: _Collector) -> None:
    """An unknown key that seems to mean a limiting one limits, and never widens."""
    meant = _alone(node, key) if key else _Collector()
    if not meant.problems:
        limits = {key: value for key, value in meant.given.items() if key in RESTRICTIONS}
        found.limit({k: RESTRICTIONS[k].stricter(DEFAULTS[k], v) for k, v in limits.items()})


def _take(node: Node, key: str, found: _Collector) -> None:
    """Read the value of a known key."""
    if key in SECTIONS:
        _section(node, SECTIONS[key], key, found)
        return
    try:
        value = convert(node, TYPES[key])
    except (ValueError, RecursionError):
        explain(node, TYPES[key], key, found.problem)
        found.limit(cautious(key, node))
    else:
        if key in RESTRICTIONS:
            found.limit({key: value})
        else:
            found.given[key] = value


def _is_empty(node: Node) -> bool:
    """A section of which nothing is left but remarks."""
    return isinstance(node, Scalar) and node.kind == "null"
