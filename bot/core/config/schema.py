"""The schema of a repository's `tagline.yml`: its keys, their types and their defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

Count = Annotated[int, Meta(ge=0, le=20)]
LANGUAGE, ALIAS = r"^(auto|[a-z]{2,3}(-[A-Za-z]{2,4})?)$", r"^(@?[\w-][\w.-]{0,100})?$"
# What people write for a text of each pattern.
PATTERNS = {
    LANGUAGE: "`auto` or a language code such as en or pt-BR",
    ALIAS: "a name without blanks, such as tagline",
}


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
    precision: Annotated[float, Meta(ge=0.5, le=1)] = 0.9


class TypeRules(Struct, frozen=True):
    set: bool = True
    map: dict[str, tuple[str, ...]] = {}


class WordRule(Struct, frozen=True, forbid_unknown_fields=True):
    label: str
    any: Annotated[tuple[str, ...], Meta(min_length=1)]
    none: tuple[str, ...] = field(name="not", default=())


class Fallback(Struct, frozen=True):
    rules: tuple[WordRule, ...] = ()
    builtin: bool = True
    needs_review: str = "needs-review"


class ModelRules(Struct, frozen=True):
    instructions: Annotated[str, Meta(max_length=2000)] = ""
    name: str | None = None


class Privacy(Struct, frozen=True):
    """What is redacted. Secrets always are, also where the file's list leaves them out."""

    redact: tuple[Literal["secrets", "emails"], ...] = ("secrets", "emails")

    def __post_init__(self) -> None:
        kinds = tuple(dict.fromkeys(("secrets", *self.redact)))
        msgspec.structs.force_setattr(self, "redact", kinds)


class Learn(Struct, frozen=True):
    from_history: bool = True
    from_corrections: bool = True


class Commands(Struct, frozen=True):
    alias: Annotated[str, Meta(pattern=ALIAS)] = ""


class Budget(Struct, frozen=True):
    per_day_usd: Annotated[float, Meta(ge=0, le=1_000_000)] = 1.0
    per_author_per_hour: Annotated[int, Meta(ge=0, le=1_000_000)] = 5


class RepoConfig(Struct, frozen=True):
    """The settings of a repository. The defaults apply where it has no file."""

    version: Literal[1] = 1
    mode: Literal["apply", "suggest", "dry-run", "off"] = "apply"
    language: Annotated[str, Meta(pattern=LANGUAGE)] = "auto"
    on: tuple[Literal["opened", "reopened", "edited"], ...] = ("opened",)
    ignore: Ignore = Ignore()
    comment: CommentRules = CommentRules()
    labels: LabelRules = LabelRules()
    types: TypeRules = TypeRules()
    fallback: Fallback = Fallback()
    model: ModelRules = ModelRules()
    privacy: Privacy = Privacy()
    learn: Learn = Learn()
    commands: Commands = Commands()
    budget: Budget = Budget()


SECTIONS = {
    f.encode_name: f.type
    for f in msgspec.structs.fields(RepoConfig)
    if isinstance(f.type, type) and issubclass(f.type, Struct)
}
# The type and the default of every key that is no section.
TYPES: dict[str, Any] = {}
DEFAULTS: dict[str, Any] = {}
for _name in ("", *SECTIONS):
    _section = getattr(RepoConfig(), _name) if _name else RepoConfig()
    for _field in msgspec.structs.fields(_section):
        _path = f"{_name}.{_field.encode_name}".lstrip(".")
        if _path not in SECTIONS:
            TYPES[_path] = _field.type
            DEFAULTS[_path] = getattr(_section, _field.name)
# The full key of each key in a section, for keys that are written without their section.
FULL_KEYS = {leaf: key for key in TYPES if (leaf := key.partition(".")[2])}
# At import, in one thread: msgspec prepares a type on its first use, and crashes if several
# threads do this at the same time.
msgspec.json.Decoder(RepoConfig)
