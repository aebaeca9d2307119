"""Labels that only people set (decisions, machine triggers) unless `labels.allow` names them.

A name is compared by its words. Case, emoji, punctuation, hyphens, apostrophes, accents, invisible
characters and look-alike letters are taken away, and it is cut into segments at `/`, `:`, brackets
and the like. Then these rules hold:

- Words count whole: `released` is not `release`, `deployment` is not `deploy`.
- A segment is protected where it *is* a protected word, also after words that only say a state, a
  level or a kind of label (`needs-backport`, `high priority`, `type security`).
- A word that sets a level or starts a machine is protected with whatever follows (`deploy-prod`,
  `priority-high`, `ai-fix`), save where it only describes a noun that names a topic
  (`priority-queue`, `security-headers`).
- Of a plain adjective (`invalid`, `duplicate`, `stale`, `spam`) or level (`P1`) only words like
  "issue" or another level may follow: `stale-cache` and `p3-lib` are topics.
- A phrase that means nothing else counts anywhere (`cherry-pick-approved`, `cloud-deploy`).
- Nothing is protected below an area word: `area/deployment`, `pkg: security`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from bot.core.types import Label

HUMANS_ONLY = re.compile(
    r"\b(?:humans?|maintainers?|manually|people)\b.{0,40}\bonly\b"
    r"|\bonly\b.{0,40}\b(?:humans?|maintainers?|people|manually)\b"
    r"|\bdo not (?:use|set|apply) automatically\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Concept:
    """One protected meaning.

    `words` is a pattern in which `_` is a gap: nothing, a blank or the edge of a segment.
    `place` is where it counts: "anywhere" in the name; "leading" a segment, whatever follows;
    "alone" in a segment. `topics` are nouns that make an ordinary label when they come next.
    """

    words: str
    place: Literal["anywhere", "leading", "alone"]
    topics: str = ""


LEVELS = (
    "critical urgent immediate blocker blocking highest higher high top medium med mid moderate "
    "middle normal default lowest lower low minor major trivial important none unknown"
)
_LEVEL = "|".join(LEVELS.split())

CONCEPTS = (
    Concept("won_t_(?:fix|do)|will_not_(?:fix|do)", "anywhere"),
    Concept("(?:an? )?(?:dup|dupe|duplicate|invalid|stale|spam)", "alone"),
    Concept("good_(?:first|1st|1)_(?:issue|bug|pr|task|ticket|contribution)s?", "anywhere"),
    Concept("first_good_issues?|first_timers?_only", "anywhere"),
    Concept("help_wanted", "anywhere"),
    Concept("triaged?_accepted", "anywhere"),
    Concept(
        rf"(?:{_LEVEL})?(?:priority|prio|pri(?=[ /]?\d))(?:{_LEVEL}|p?\d+)?",
        "leading",
        "queue queues inversion inheritance class classes scheduling scheduler sort sorting order "
        "ordering field column filter levels list heap hint hints icon icons badge inbox "
        "support ui",
    ),
    Concept("priori(?:te|tat|teit|tet|ta|dad|dade)", "leading"),
    Concept("pri", "alone"),
    Concept(rf"p[ /]?[0-4]|p[ /](?:{_LEVEL})", "alone"),
    Concept(
        rf"(?:{_LEVEL})?(?:severity|sev)(?:{_LEVEL}|\d+)?",
        "leading",
        "levels field column filter sort sorting mapping color colors icon icons badge ui",
    ),
    Concept(
        "security",
        "leading",
        "header headers context contexts group groups policy policies key keys camera cameras "
        "system systems token tokens manager provider realm model scanner settings bundle page tab "
        "docs documentation txt ui",
    ),
    Concept(
        r"release(?:v?\d+)?",
        "leading",
        "notes process page pages archive archives calendar channel channels mode management "
        "manager engineering infrastructure automation script scripts tool tools tooling",
    ),
    Concept(r"back_port(?:v?\d+)?", "anywhere", "script scripts tool tools tooling"),
    Concept(
        "(?:auto_|re_)?deploy",
        "anywhere",
        "key keys script scripts button guide hook hooks log logs error errors failure failures "
        "cli command target targets tool tools tooling",
    ),
    Concept("lgtm|looks_good_to_me", "anywhere"),
    Concept("approved", "anywhere"),
    Concept("(?:ok|okay|safe)_(?:to|2)_test", "anywhere"),
    Concept(
        "auto_merge|merge_auto(?:matic(?:ally)?)?|merge_when_(?:ready|green|passing|pipeline_succeeds)",
        "anywhere",
        "conflict conflicts",
    ),
    Concept("(?:do_not|don_t)_merge|dnm", "anywhere"),
    Concept("ai(?=[ /](?!ml(?![^ /])))|claude[^ /]*|copilot[^ /]*", "leading"),
)

# Words before a protected one that say a state, a command, a kind of label or a level.
QUALIFIERS = (
    "type kind status state category class resolution resolved closed close triage flow ci cd bot "
    "agent label tag pr mr issue bug task feature project needs need needed requires require "
    "required requested please pls maybe possible possibly potential potentially likely probable "
    "probably suspected confirmed is be marked as to for in not no never non skip ignore exclude "
    "exempt auto automatic automatically enable disable allow ready pending awaiting waiting wait "
    "on hold force trigger run start do create make cut prepare publish request blocks fixed next "
    "new stable hotfix patch production prod staging preview canary nightly beta alpha test dev "
    f"very {LEVELS}"
)
# Words after a plain adjective or a level that leave its meaning.
FILLERS = (
    "issue issues bug bugs pr prs ticket report candidate of must should could nice have to fix "
    "soon now later next first or and closed closing regression crash feature task backlog outage "
    f"{LEVELS}"
)
AREAS = "area component module package pkg topic scope"

# What NFKD leaves: Cyrillic, Greek and small capital letters like Latin ones, letters in emoji.
_LOOKALIKES = str.maketrans(
    "АВЕІКМНОРСТУХЅЈԚԜаверсухіѕјһԁԛԝӏкмтноΑΒΕΖΗΙΚΜΝΟΡΤΥΧαειικνορτυχᴀᴄᴅᴇɢʜɪᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏ",
    "ABEIKMHOPCTYXSJQWabepcyxisjhdqwlkmthoABEZHIKMNOPTYXaeiikvoptuxacdeghiklmnoprstuvwy",
) | {first + n: chr(ord("a") + n) for first in (0x1F150, 0x1F170) for n in range(26)}
_INVISIBLE = frozenset({"Mn", "Me", "Cf"})
_INVISIBLE_LETTERS = frozenset("\u115f\u1160\u17b4\u17b5")

_APOSTROPHES = re.compile("['`\u00b4\u02b9\u02bb\u02bc\u2018\u2019\u201b\u2032\uff07]")
_SEPARATORS = re.compile(
    r"\s[-\u2013\u2014]+\s|[:/\\|<>=()\[\]{},;\u2044\u2215\u2236\ua789\u2192\u21d2\u00bb\u203a]"
)
_NO_WORDS = re.compile(r"(?:[^\w/]|_)+")
_EDGES = re.compile(r" */[ /]*")
_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_INITIALS = re.compile(r"(?<![^ /])[a-z](?: [a-z](?![^ /]))+")
_EMOJI_CODES = re.compile(r"^\s*(?::[\w+-]+:\s*)+(?=[^\s:])")


def _any_of(words: str) -> str:
    return f"(?:{'|'.join(words.split())})"


def _pattern(concept: Concept) -> str:
    words = f"(?:{concept.words.replace('_', '[ /]?')})(?![^ /])"
    if concept.place == "alone":
        return rf"{words}(?: (?:{_any_of(FILLERS)}|p?\d+)(?![^ /]))*(?=/|$)"
    return f"{words}(?! {_any_of(concept.topics)}(?![^ /]))" if concept.topics else words


def _patterns(*places: str) -> str:
    return "|".join(_pattern(concept) for concept in CONCEPTS if concept.place in places)


_AREA = re.compile(rf"(?:\d+ )?{_any_of(AREAS)}s?[ /]")
_PROTECTED = re.compile(
    rf"(?<![^ /])(?:{_patterns('anywhere')})"
    rf"|(?:^|/)(?:(?:{_any_of(QUALIFIERS)}|[b-z]|v?\d+) )*(?:{_patterns('leading', 'alone')})"
)


def is_protected(label: Label) -> bool:
    """Whether the meaning of a label's name, or its description, leaves it to people."""
    return bool(HUMANS_ONLY.search(label.description[:300])) or _has_protected_name(label.name)


@lru_cache(maxsize=4096)  # a repository's labels come again with each of its issues
def _has_protected_name(name: str) -> bool:
    text = _EMOJI_CODES.sub("", name if name.isascii() else _decomposed(name))
    plain, camel = _words(text), _CAMEL_CASE.sub(" ", text)
    forms = {plain, plain.replace(" ", ""), plain if camel == text else _words(camel)}
    return not any(map(_AREA.match, forms)) and any(map(_PROTECTED.search, forms))


def _decomposed(name: str) -> str:
    """Return a name in plain letters, without accents and invisible characters."""
    plain = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", name))
    seen = (
        char
        for char in plain
        if unicodedata.category(char) not in _INVISIBLE and char not in _INVISIBLE_LETTERS
    )
    return "".join(seen).translate(_LOOKALIKES)


def _words(text: str) -> str:
    """Return the words of a name, parted by blanks, and its segments, parted by slashes."""
    parted = _SEPARATORS.sub("/", _APOSTROPHES.sub("", text)).casefold()
    words = _EDGES.sub("/", _NO_WORDS.sub(" ", parted))
    return _INITIALS.sub(lambda letters: letters[0].replace(" ", ""), words.strip(" /"))
