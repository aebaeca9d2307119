"""Finds the area labels that a title names: `area/kubectl`, `component: login`, `db::sql`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bot.core.labels.keywords import is_type_name

_SEGMENTS = re.compile(r"\s*(?:::|[:/])\s*")
_HYPHENATED_AREA = re.compile(
    r"(?i)^(?:area|a|component|comp|module|pkg|package|topic|scope)-(?=.)"
)
_GAPS = re.compile(r"[\s_-]+")
_WORDS = re.compile(r"[^\W_]+")
_MAX_TITLE = 300

# Segments that say what kind of issue it is or where it stands, not what it is about.
_FAMILY_NAMES = (
    "kind type category priority prio severity sev status state stage resolution triage needs need"
    " impact effort size difficulty lifecycle workflow process release milestone version sprint"
    " estimate points good first contribution"
)
_OTHER_FAMILIES = frozenset(_FAMILY_NAMES.split())
# Last segments that occur in titles without naming an area.
_COMMON_NAMES = (
    "a an and any all by in is it new no none not of on or other to up use general common core"
    " main base default misc miscellaneous unknown app application code data file files user users"
    " project system tool tools feature features request issue issues error errors support help"
    " question add change changes update text image images option options missing work"
)
_COMMON_WORDS = frozenset(_COMMON_NAMES.split())


def find_areas(title: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each label of an area whose last segment is in the title, with that segment."""
    text = title[:_MAX_TITLE].casefold()
    for name in names:
        area = _read_area(name)
        if area and _is_named(area, text) and not is_type_name(name):
            yield name, area


def _read_area(name: str) -> str:
    """Return the last segment of an area's label, "" for other labels."""
    *families, last = _SEGMENTS.split(_HYPHENATED_AREA.sub("area/", name, count=1))
    words = {word for family in families for word in _WORDS.findall(family.casefold())}
    area = last.casefold().strip()
    is_area = words and words.isdisjoint(_OTHER_FAMILIES) and area not in _COMMON_WORDS
    return area if is_area and len(area) > 1 else ""


def _is_named(area: str, text: str) -> bool:
    """Return whether a title has the words of an area, as a whole word or identifier."""
    words = _GAPS.split(area)
    if words[0] not in text:  # avoids compiling a pattern for each label
        return False
    pattern = r"[\s_-]?".join(map(re.escape, words))
    return re.search(rf"(?<![\w.]){pattern}(?![\w+#]|\.\w)", text) is not None
