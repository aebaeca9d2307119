"""Finds labels that are one label to a reader: by name, or by the concept that they mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from bot.core.labels.aliases import ALIASES
from bot.core.labels.keywords import label_for
from bot.core.labels.names import fold

# Prefixes of labels; those of a row name the same family.
_FAMILIES = (
    "kind type t category cat c issue is tag label",
    "area a topic scope module component comp domain subsystem",
    "priority prio p",
    "severity sev",
)
_FAMILY_OF = {prefix: n for n, row in enumerate(_FAMILIES) for prefix in row.split()}
_PREFIX = re.compile(r"([a-z]+) ?(?:::|[:/-]) ?(?=[^\s:/-])")
_SHORTCODE = re.compile(r"(?<!\w):[\w+-]+:(?!\w)")
_WORD = re.compile(r"[^\W_]+[+#]*")  # "c", "c++" and "c#" are three names
_SHORT_WORD = 3  # letters: "ios" and "dns" are no plurals
_PLURALS = ((re.compile(r"ies$"), "y"), (re.compile(r"(?<=ch|sh)es$|(?<=[sxz])es$"), ""))


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """Names of one meaning, and in what they differ, or the concept that all of them mean."""

    names: tuple[str, ...]
    why: str


def find_look_alikes(names: Sequence[str], by_concept: Sequence[str]) -> Iterator[LookAlikes]:
    """Yield sets of names that differ in spelling only, then those of one concept.

    Names keep their order; the first of a set also stands for it among those of one concept, which
    are chosen from `by_concept`.
    """
    repeated: set[str] = set()
    for group in _group_by_name(names):
        yield LookAlikes(tuple(group), _describe_difference(group))
        repeated.update(group[1:])
    for concept in ALIASES:
        meant = [x for x in by_concept if x not in repeated and label_for(concept, [x])]
        if len(meant) > 1:
            yield LookAlikes(tuple(meant), f"{'both' if len(meant) == 2 else 'all'} mean {concept}")


def _group_by_name(names: Sequence[str]) -> Iterator[list[str]]:
    """Yield groups of names that are equal without prefixes of one family.

    A name without a prefix belongs to the family with the same name, if there is only one.
    """
    position = {name: n for n, name in enumerate(names)}
    by_key: dict[str, dict[int, list[str]]] = {}
    for name in position:
        family, rest = _split_family(name)
        by_key.setdefault(_singularize(rest), {}).setdefault(family, []).append(name)
    for families in (families for key, families in by_key.items() if key):
        together = sorted(chain(*families.values()), key=position.__getitem__)
        is_one = len(families) == 2 and -1 in families
        yield from (x for x in ([together] if is_one else families.values()) if len(x) > 1)


def _describe_difference(names: Sequence[str]) -> str:
    stages: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("case", fold),
        ("emoji and punctuation", _join_words),
        ("plural", _singularize),
    )
    for what, simplify in stages:
        if len({simplify(name) for name in names}) == 1:
            return f"the same name but for {what}"
    return "the same name but for a prefix"


def _split_family(name: str) -> tuple[int, str]:
    """Return the number of a name's family, -1 for none, and the name without its prefix."""
    plain = _strip_emoji(name)
    prefix = _PREFIX.match(plain)
    if prefix is None or prefix[1] not in _FAMILY_OF:
        return -1, plain
    return _FAMILY_OF[prefix[1]], plain[prefix.end() :]


def _strip_emoji(name: str) -> str:
    text = _SHORTCODE.sub(" ", fold(name))
    return "".join(x for x in text if unicodedata.category(x) not in ("So", "Sk", "Cf")).strip()


def _join_words(name: str) -> str:
    """Return a name's words, without blanks unless it has digits: "1.0" is not "10"."""
    words = _WORD.findall(_strip_emoji(name).replace("'", "").replace("’", ""))
    has_digits = any(char.isdigit() for word in words for char in word)
    return (" " if has_digits else "").join(words)


def _singularize(name: str) -> str:
    """Return a name's words, the last without the ending of a plural."""
    text = _join_words(name)
    for pattern, ending in _PLURALS:
        if len(text) > _SHORT_WORD + 1 and pattern.search(text):
            return pattern.sub(ending, text)
    is_plural = len(text) > _SHORT_WORD and text.endswith("s") and text[-2] not in "sui"
    return text[:-1] if is_plural else text
