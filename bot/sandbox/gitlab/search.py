"""How GitLab searches a project's issues, by its index of their text or without it.

`IssuableFinder#by_search`, `PgFullTextSearchable` and `Gitlab::SQL::Pattern` in its source: every
word has to be there. The index is for texts in Latin letters: it finds beginnings of words, and
drops common English words, so that these alone find nothing. Other texts are searched for parts of
words; terms of fewer than three characters are dropped, and if no other is left, the title or the
description has to be the whole text.
"""

from __future__ import annotations

import re

from bot.sandbox.state import Issue

FIELDS = "title,description"
INDEXED = re.compile(r"[\u0000-\u02FF\u1E00-\u1EFF\u2070-\u218F]*")
NOT_SEARCHED = re.compile(r"[^a-zA-Z0-9 .@/\-_\"]")
SHORTEST = 3
# A part of PostgreSQL's list, english.stop.
COMMON = """
a about after again all am an and any are as at be because been before being below both but by
can did do does doing don down during each few for from further had has have having he her
here him his how i if in into is it its just me more most my no nor not now of off on once
only or other our out over own same she should so some such than that the their them then
there these they this those through to too under until up very was we were what when where
which while who whom why will with you your
"""


def matches(issue: Issue, text: str, fields: str) -> bool:
    """Return whether a search in these fields, such as "title,description", finds the issue."""
    contents = {"title": issue.title, "description": issue.body or ""}
    chosen = [contents[name] for name in (fields or FIELDS).split(",") if name in contents]
    if INDEXED.fullmatch(text):
        return _is_in_index(text, " ".join(chosen))
    terms = [term for term in text.lower().split() if len(term) >= SHORTEST]
    if terms:
        return any(all(term in content.lower() for term in terms) for content in chosen)
    return any(content.lower() == text.lower() for content in chosen)


def _is_in_index(text: str, content: str) -> bool:
    terms = re.findall(r"\w+", NOT_SEARCHED.sub(" ", text.lower()))
    common = COMMON.split()
    terms = [_stem(term) for term in terms if term not in common]
    words = re.findall(r"\w+", content.lower())
    return bool(terms) and all(any(word.startswith(term) for word in words) for term in terms)


def _stem(word: str) -> str:
    return re.sub(r"(?<=\w{3})(s|ed|ing)$", "", word)
