"""Labels that only people set (decisions, automation triggers) unless `labels.allow` names them.

Names are compared without case, emoji, punctuation, accents, invisible characters and look-alike
letters, and are split into segments at `/`, `:`, brackets and similar characters. Then:

- Only complete words match: `released` is not `release`, `deployment` is not `deploy`.
- A segment is protected if it is a protected term, also after words for a state, a level or a
  kind of label (`needs-backport`, `high priority`, `type security`).
- A term that sets a level or triggers automation is protected whatever follows (`deploy-prod`,
  `priority-high`, `ai-fix`), except before a noun that makes it a topic (`priority-queue`,
  `security-headers`).
- After an adjective (`invalid`, `duplicate`, `stale`, `spam`) or a level (`P1`) only words such as
  "issue" or another level may follow: `stale-cache` and `p3-lib` are topics.
- An unambiguous term matches at any position (`cherry-pick-approved`, `cloud-deploy`).
- Nothing is protected after an area word: `area/deployment`, `pkg: security`.
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
class Term:
    """A protected term.

    `pattern` is a regular expression in which `_` means nothing, a blank or a segment boundary.
    `position` says where the term matches: "anywhere" in a name, "leading" a segment with any text
    after it, or "alone" in a segment. `topics` are nouns after which the label is an ordinary one.
    """

    pattern: str
    position: Literal["anywhere", "leading", "alone"]
    topics: str = ""


LEVELS = (
    "critical urgent immediate blocker blocking highest higher high top medium med mid moderate "
    "middle normal default lowest lower low minor major trivial important none unknown"
)
_LEVEL = "|".join(LEVELS.split())

TERMS = (
    Term("won_t_(?:fix|do)|will_not_(?:fix|do)", "anywhere"),
    Term("(?:an? )?(?:dup|dupe|duplicate|invalid|stale|spam)", "alone"),
    Term("good_(?:first|1st|1)_(?:issue|bug|pr|task|ticket|contribution)s?", "anywhere"),
    Term("first_good_issues?|first_timers?_only", "anywhere"),
    Term("help_wanted", "anywhere"),
    Term("triaged?_accepted", "anywhere"),
    Term(
        rf"(?:{_LEVEL})?(?:priority|prio|pri(?=[ /]?\d))(?:{_LEVEL}|p?\d+)?",
        "leading",
        "queue queues inversion inheritance class classes scheduling scheduler sort sorting order "
        "ordering field column filter levels list heap hint hints icon icons badge inbox "
        "support ui",
    ),
    Term("priori(?:te|tat|teit|tet|ta|dad|dade)", "leading"),
    Term("pri", "alone"),
    Term(rf"p[ /]?[0-4]|p[ /](?:{_LEVEL})", "alone"),
    Term(
        rf"(?:{_LEVEL})?(?:severity|sev)(?:{_LEVEL}|\d+)?",
        "leading",
        "levels field column filter sort sorting mapping color colors icon icons badge ui",
    ),
    Term(
        "security",
        "leading",
        "header headers context contexts group groups policy policies key keys camera cameras "
        "system systems token tokens manager provider realm model scanner settings bundle page tab "
        "docs documentation txt ui",
    ),
    Term(
        r"release(?:v?\d+)?",
        "leading",
        "notes process page pages archive archives calendar channel channels mode management "
        "manager engineering infrastructure automation script scripts tool tools tooling",
    ),
    Term(r"back_port(?:v?\d+)?", "anywhere", "script scripts tool tools tooling"),
    Term(
        "(?:auto_|re_)?deploy",
        "anywhere",
        "key keys script scripts button guide hook hooks log logs error errors failure failures "
        "cli command target targets tool tools tooling",
    ),
    Term("lgtm|looks_good_to_me", "anywhere"),
    Term("approved", "anywhere"),
    Term("(?:ok|okay|safe)_(?:to|2)_test", "anywhere"),
    Term(
        "auto_merge|merge_auto(?:matic(?:ally)?)?|merge_when_(?:ready|green|passing|pipeline_succeeds)",
        "anywhere",
        "conflict conflicts",
    ),
    Term("(?:do_not|don_t)_merge|dnm", "anywhere"),
    Term("ai(?=[ /](?!ml(?![^ /])))|claude[^ /]*|copilot[^ /]*", "leading"),
)

# Words before a term that name a state, a command, a kind of label or a level.
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
# Words after an adjective or a level that do not change its meaning.
FILLERS = (
    "issue issues bug bugs pr prs ticket report candidate of must should could nice have to fix "
    "soon now later next first or and closed closing regression crash feature task backlog outage "
    f"{LEVELS}"
)
AREAS = "area component module package pkg topic scope"

# Not mapped by NFKD: Cyrillic, Greek and small capital letters like Latin ones, letter emoji.
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
_NON_WORDS = re.compile(r"(?:[^\w/]|_)+")
_BOUNDARIES = re.compile(r" */[ /]*")
_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_INITIALS = re.compile(r"(?<![^ /])[a-z](?: [a-z](?![^ /]))+")
_EMOJI_CODES = re.compile(r"^\s*(?::[\w+-]+:\s*)+(?=[^\s:])")


def _match_any(words: str) -> str:
    return f"(?:{'|'.join(words.split())})"


def _expand(term: Term) -> str:
    pattern = f"(?:{term.pattern.replace('_', '[ /]?')})(?![^ /])"
    if term.position == "alone":
        return rf"{pattern}(?: (?:{_match_any(FILLERS)}|p?\d+)(?![^ /]))*(?=/|$)"
    return f"{pattern}(?! {_match_any(term.topics)}(?![^ /]))" if term.topics else pattern


def _expand_all(*positions: str) -> str:
    return "|".join(_expand(term) for term in TERMS if term.position in positions)


_AREA = re.compile(rf"(?:\d+ )?{_match_any(AREAS)}s?[ /]")
_PROTECTED = re.compile(
    rf"(?<![^ /])(?:{_expand_all('anywhere')})"
    rf"|(?:^|/)(?:(?:{_match_any(QUALIFIERS)}|[b-z]|v?\d+) )*(?:{_expand_all('leading', 'alone')})"
)


def is_protected(label: Label) -> bool:
    """Return whether a label's name or description reserves it for people."""
    return bool(HUMANS_ONLY.search(label.description[:300])) or _has_protected_name(label.name)


@lru_cache(maxsize=4096)  # the labels of a repository recur with each of its issues
def _has_protected_name(name: str) -> bool:
    text = _EMOJI_CODES.sub("", name if name.isascii() else _to_plain_letters(name))
    plain, camel = _split_words(text), _CAMEL_CASE.sub(" ", text)
    forms = {plain, plain.replace(" ", ""), plain if camel == text else _split_words(camel)}
    return not any(map(_AREA.match, forms)) and any(map(_PROTECTED.search, forms))


def _to_plain_letters(name: str) -> str:
    """Return a name without accents, invisible characters and look-alike letters."""
    decomposed = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", name))
    visible = (
        char
        for char in decomposed
        if unicodedata.category(char) not in _INVISIBLE and char not in _INVISIBLE_LETTERS
    )
    return "".join(visible).translate(_LOOKALIKES)


def _split_words(text: str) -> str:
    """Return the words of a name separated by blanks, its segments separated by slashes."""
    segments = _SEPARATORS.sub("/", _APOSTROPHES.sub("", text)).casefold()
    words = _BOUNDARIES.sub("/", _NON_WORDS.sub(" ", segments))
    return _INITIALS.sub(lambda letters: letters[0].replace(" ", ""), words.strip(" /"))
