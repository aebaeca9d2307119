"""A repository's `tagline.yml` → its configuration and every problem in it.

The document is walked as composed YAML nodes, so each wrong leaf is reported with its own line
and the rest still counts.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as slot
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, field, inspect
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.core.errors import ConfigProblem
from bot.core.text import one_line

MAX_BYTES = 64 * 1024
MAX_BRACKETS = 100  # open at once; YAML takes seconds over a thousand
MAX_KEY = 100
RULE = "{label: bug, any: [crash], not: [typo]}"
TWICE = "is given twice; keep one"
# What a parser of YAML complains of, and what a maintainer does about it.
SYNTAX = {
    r"'\\t'": "indent with spaces, not with tabs",
    r"another document": "keep one document: take out the line of dashes",
    r"mapping values": "a `:` too many, or none in the line above; text with `: ` needs quotes",
    r"block end": "the indentation does not fit the lines above",
    r"end of stream|stream end": "a bracket or quote is opened here and never closed",
    r"alphabetic or numeric|cannot start": "text that starts with * or @ and the like needs quotes",
}

Count = Annotated[int, Meta(ge=0, le=20)]


class Ignore(Struct, frozen=True):
    authors: tuple[str, ...] = ()
    labels: tuple[str, ...] = ("no-bot",)
    title: tuple[str, ...] = ()


class CommentRules(Struct, frozen=True):
    post: Literal["always", "when-useful", "never"] = "always"
    max_words: Annotated[int, Meta(ge=10, le=200)] = 60
    similar: Count = 3
    missing_info: bool = False
    on_fallback: Literal["auto"] | bool = "auto"


class LabelRules(Struct, frozen=True):
    allow: tuple[str, ...] = ("*",)
    deny: tuple[str, ...] = ()
    max: Count = 5
    groups: dict[str, tuple[str, ...]] = {}
    describe: dict[str, str] = {}


class WordRule(Struct, frozen=True, forbid_unknown_fields=True):
    label: str
    any: tuple[str, ...]
    none: tuple[str, ...] = field(name="not", default=())


class Fallback(Struct, frozen=True):
    rules: tuple[WordRule, ...] = ()
    needs_review: str = "needs-review"


class ModelRules(Struct, frozen=True):
    instructions: Annotated[str, Meta(max_length=2000)] = ""
    name: str | None = None


class Privacy(Struct, frozen=True):
    redact: tuple[Literal["secrets", "emails"], ...] = ("secrets", "emails")


class Learn(Struct, frozen=True):
    from_corrections: bool = True


class Budget(Struct, frozen=True):
    per_day_usd: Annotated[float, Meta(ge=0, le=1_000_000)] = 1.0
    per_author_per_hour: Annotated[int, Meta(ge=0, le=1_000_000)] = 5


class RepoConfig(Struct, frozen=True):
    """What a maintainer can shape; the defaults are those of an absent file."""

    version: Literal[1] = 1
    mode: Literal["apply", "suggest", "dry-run", "off"] = "apply"
    language: Annotated[str, Meta(pattern=r"^(auto|[a-z]{2,3}(-[A-Za-z]{2,4})?)$")] = "auto"
    on: tuple[Literal["opened", "reopened", "edited"], ...] = ("opened",)
    ignore: Ignore = Ignore()
    comment: CommentRules = CommentRules()
    labels: LabelRules = LabelRules()
    fallback: Fallback = Fallback()
    model: ModelRules = ModelRules()
    privacy: Privacy = Privacy()
    learn: Learn = Learn()
    budget: Budget = Budget()


SECTIONS = {
    f.encode_name: f.type
    for f in msgspec.structs.fields(RepoConfig)
    if isinstance(f.type, type) and issubclass(f.type, Struct)
}
# Where a key belongs that somebody wrote without its section.
PLACES = {
    f.encode_name: f"{name}.{f.encode_name}"
    for name, section in SECTIONS.items()
    for f in msgspec.structs.fields(section)
}
# Made at import, by one thread: msgspec prepares a type when it is first used, and crashes where
# several threads do so at once.
msgspec.json.Decoder(RepoConfig)


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as it was understood. `lines` tells where each known key stands.

    `broken` = nothing of it could be read, so that an earlier one may be of more use.
    """

    config: RepoConfig = slot(default_factory=RepoConfig)
    problems: tuple[ConfigProblem, ...] = ()
    lines: Mapping[str, int] = slot(default_factory=dict)
    broken: bool = False


def parse(text: str | None) -> tuple[RepoConfig, tuple[ConfigProblem, ...]]:
    """The configuration of a file and every problem in it."""
    found = read(text)
    return found.config, found.problems


def read(text: str | None) -> Reading:
    """Read a configuration file; None or an empty one means the defaults.

    Every problem is reported with its line; what is wrong keeps its default. Of a syntax error
    only the first is known, and then all defaults hold.
    """
    if text is None:
        return Reading()
    if len(text.encode(errors="replace")) > MAX_BYTES:
        return _broken(0, f"keep the file under {MAX_BYTES // 1024} KiB")
    if _brackets(text) > MAX_BRACKETS:
        return _broken(0, "too many brackets are open at once")
    try:
        root = YAML(pure=True).compose(text)
    except MarkedYAMLError as error:
        return _no_yaml(error)
    except (YAMLError, RecursionError, ValueError):
        return _broken(0, "not valid YAML: is it text in UTF-8, without control characters?")
    if root is None:
        return Reading()
    if not isinstance(root, MappingNode) and not _is_empty(root):
        return _broken(_line(root), "write `key: value` lines here")
    found = _Found()
    config = msgspec.convert(_section(root, RepoConfig, "", found), RepoConfig)
    return Reading(config, tuple(found.problems), found.lines)


def permitted(reading: Reading, models: Collection[str]) -> Reading:
    """The same, where the first of the `models` holds instead of one that is not among them.

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


def _no_yaml(error: MarkedYAMLError) -> Reading:
    said = str(error.problem)
    advice = next((text for sign, text in SYNTAX.items() if re.search(sign, said)), said)
    opened = error.context_mark if "opened" in advice else None
    mark = opened or error.problem_mark
    return _broken(mark.line + 1 if mark else 0, f"not valid YAML: {advice}")


def _broken(line: int, advice: str) -> Reading:
    return Reading(problems=(ConfigProblem(line, "", advice),), broken=True)


@dataclass(slots=True)
class _Found:
    """What comes to light while the document is walked."""

    problems: list[ConfigProblem] = slot(default_factory=list)
    lines: dict[str, int] = slot(default_factory=dict)

    def problem(self, node: Node, key: str, advice: str) -> None:
        self.problems.append(ConfigProblem(_line(node), key, advice))


def _brackets(text: str) -> int:
    """How many brackets are open at once, at most."""
    steps = ((char in "[{") - (char in "]}") for char in text)
    return max(itertools.accumulate(steps), default=0)


def _section(node: Node, kind: type[Struct], path: str, found: _Found) -> dict[str, Any]:
    if _is_empty(node):
        return {}
    if not isinstance(node, MappingNode):
        found.problem(node, path, "write `key: value` lines here")
        return {}
    fields = {f.encode_name: f for f in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = _key(key_node)
        where = f"{path}.{key}" if path else key
        if key not in fields:
            found.problem(key_node, where, _unknown(key, fields, path))
            continue
        if where in found.lines:
            found.problem(key_node, where, TWICE)
            continue
        found.lines[where] = _line(key_node)
        if path == "" and key in SECTIONS:
            values[key] = _section(value_node, SECTIONS[key], where, found)
        else:
            _leaf(value_node, fields[key], where, values, found)
    return values


def _key(node: Node) -> str:
    return one_line(str(node.value), MAX_KEY) if isinstance(node, ScalarNode) else "?"


def _leaf(
    node: Node,
    spec: msgspec.structs.FieldInfo,
    where: str,
    values: dict[str, Any],
    found: _Found,
) -> None:
    try:
        value = _value(node)
        msgspec.convert(value, spec.type)
    except _Odd as odd:
        found.problem(odd.node, where, str(odd))
    except (msgspec.ValidationError, ValueError, RecursionError):
        _misfits(node, spec.type, where, found)
    else:
        values[spec.encode_name] = value


def _misfits(node: Node, kind: Any, where: str, found: _Found) -> None:
    """Tells the innermost parts of a value that are not what they should be."""
    before = len(found.problems)
    for part, its_kind, place in _parts(node, kind, where):
        if not _fits(part, its_kind):
            _misfits(part, its_kind, place, found)
    if kind is WordRule and isinstance(node, MappingNode):
        _section(node, WordRule, where, found)
    if len(found.problems) == before:
        quotes = " (a number or true needs quotes)" if _is_bare(node, kind) else ""
        found.problem(node, where, f"write {_wanted(inspect.type_info(kind))}{quotes}")


def _parts(node: Node, kind: Any, where: str) -> Iterator[tuple[Node, Any, str]]:
    """What a list or a mapping holds, with its kind and its place."""
    inner = get_args(kind)
    if isinstance(node, SequenceNode) and get_origin(kind) is tuple:
        yield from ((item, inner[0], f"{where}[{n}]") for n, item in enumerate(node.value, 1))
    if isinstance(node, MappingNode) and get_origin(kind) is dict:
        yield from ((value, inner[1], f"{where}.{_key(key)}") for key, value in node.value)


def _fits(node: Node, kind: Any) -> bool:
    try:
        msgspec.convert(_value(node), kind)
    except (msgspec.ValidationError, ValueError):
        return False
    return True


def _is_bare(node: Node, kind: Any) -> bool:
    return kind is str and isinstance(node, ScalarNode)


class _Odd(ValueError):
    """YAML that is never read here, whatever stands in it."""

    def __init__(self, node: Node, advice: str) -> None:
        super().__init__(advice)
        self.node = node


def _value(node: Node) -> Any:
    if node.anchor:
        raise _Odd(node, "write it out: anchors (&) and aliases (*) are not read")
    if isinstance(node, SequenceNode):
        return [_value(item) for item in node.value]
    if isinstance(node, MappingNode):
        return dict(_pairs(node))
    assert isinstance(node, ScalarNode)
    if str(node.tag).startswith("!"):
        raise _Odd(node, "text that starts with ! needs quotes")
    kind, text = str(node.tag).rpartition(":")[2], str(node.value)
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text.replace("_", ""), 0)
    if kind == "float":
        return float(text.replace("_", ""))
    return None if kind == "null" else text


def _pairs(node: MappingNode) -> Iterator[tuple[str, Any]]:
    known: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        if name in known:
            raise _Odd(key, f"`{_key(key)}` {TWICE}")
        known.add(name)
        yield name, _value(value)


def _is_empty(node: Node) -> bool:
    """A section of which nothing is left but remarks."""
    return isinstance(node, ScalarNode) and str(node.tag).endswith(":null")


def _unknown(key: str, fields: dict[str, Any], path: str) -> str:
    if not path and key in PLACES:
        return f"unknown key; did you mean `{PLACES[key]}`?"
    near = difflib.get_close_matches(key, fields, n=1, cutoff=0.5)
    known = f"did you mean `{near[0]}`?" if near else f"known are: {', '.join(fields)}"
    return f"unknown key; {known}"


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


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
