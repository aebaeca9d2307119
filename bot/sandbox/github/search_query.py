"""The language of GitHub's issue search: a query → a predicate over issues.

https://docs.github.com/en/search-github/getting-started-with-searching-on-github/understanding-the-search-syntax
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.core.errors import TaglineError
from bot.sandbox.state import Issue, Repo

LONGEST_QUERY, MOST_OPERATORS, MOST_LEVELS = 256, 5, 5
MISSING = "q is missing"
TOO_LONG = "The search is longer than 256 characters."
TOO_MANY = "More than five AND / OR / NOT operators were used."
NO_KIND = "Query must include 'is:issue' or 'is:pull-request'"
SYNTAX = "The search query contains invalid syntax."
OPERATORS = ("AND", "OR", "NOT")
TOKEN = re.compile(r'-?[A-Za-z]+:(?:"[^"]*"|[^\s()"]+)|-?"[^"]*"|[()]|[^\s()"]+|"')
QUALIFIER = re.compile(
    r'(-?)(repo|is|type|state|author|label|in):(?:"([^"]*)"|(\S+))', re.IGNORECASE
)
KINDS = {"issue": False, "pr": True, "pull-request": True}
Test = Callable[[Repo, Issue], bool]


class InvalidQuery(TaglineError):
    """Answered with 422 and GitHub's own message."""


@dataclass(slots=True)
class Query:
    """A parsed query: its words without qualifiers, and what an issue is tested with.

    `repos` are the full names in qualifiers. `phrases` and `alternatives` say whether it has text
    in quotes, and the operator OR.
    """

    test: Test = lambda _repo, _issue: True
    words: list[str] = field(default_factory=list)
    repos: list[str] = field(default_factory=list)
    kinds: set[bool] = field(default_factory=set)
    phrases: bool = False
    alternatives: bool = False


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case, without the s of plurals."""
    return [re.sub(r"(?<=\w{3})s$", "", word) for word in re.findall(r"\w+", text.lower())]


def parse(text: str, *, advanced: bool) -> Query:
    """Return the query. Raises `InvalidQuery`.

    Without `advanced`, parentheses are ignored, qualifiers hold for all of it and several `repo:`
    are alternatives; with it a qualifier is a part like any word.
    """
    if not text.strip():
        raise InvalidQuery(MISSING)
    if len(text) > LONGEST_QUERY:
        raise InvalidQuery(TOO_LONG)
    tokens = TOKEN.findall(text)
    if sum(token in OPERATORS for token in tokens) > MOST_OPERATORS:
        raise InvalidQuery(TOO_MANY)
    parser = Parser(tokens if advanced else [token for token in tokens if token not in "()"])
    query = parser.parse()
    if not advanced:
        _join_qualifiers(parser, query)
    if not query.kinds:
        raise InvalidQuery(NO_KIND)
    return query


def _join_qualifiers(parser: Parser, query: Query) -> None:
    """Let the query's qualifiers hold for all of it."""
    plain = Parser([one for one in parser.tokens if not QUALIFIER.fullmatch(one)])
    of_words = plain.parse().test if plain.tokens else query.test
    others = [_qualify(one) for one in parser.tokens if _is_filter(one)]
    repos = [name.lower() for name in query.repos]

    def test(repo: Repo, issue: Issue) -> bool:
        in_repo = not repos or repo.name.lower() in repos
        return in_repo and all(one(repo, issue) for one in others) and of_words(repo, issue)

    query.test = test


def _is_filter(token: str) -> bool:
    found = QUALIFIER.fullmatch(token)
    return found is not None and (found[2].lower(), found[1]) != ("repo", "")


class Parser:
    """Parses by precedence: OR, then AND and adjacent parts, then NOT."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.at, self.level = tokens, 0, 0
        self.query = Query()

    def parse(self) -> Query:
        if not self.tokens:
            return self.query
        self.query.test = self._parse_any()
        if self.at < len(self.tokens):
            raise InvalidQuery(SYNTAX)
        return self.query

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _parse_any(self) -> Test:
        tests = [self._parse_all()]
        while self._peek() == "OR":
            self.at += 1
            self.query.alternatives = True
            tests.append(self._parse_all())
        return lambda repo, issue: any(test(repo, issue) for test in tests)

    def _parse_all(self) -> Test:
        tests = [self._parse_one()]
        while (token := self._peek()) not in ("", "OR", ")"):
            self.at += token == "AND"
            tests.append(self._parse_one())
        return lambda repo, issue: all(test(repo, issue) for test in tests)

    def _parse_one(self) -> Test:
        token = self._peek()
        self.at += 1
        if token in ("", "OR", "AND", ")"):
            raise InvalidQuery(SYNTAX)
        if token == "NOT":
            return _negate(self._parse_one())
        if token == "(":
            self.level += 1
            test = self._parse_any()
            if self._peek() != ")" or self.level > MOST_LEVELS:
                raise InvalidQuery(SYNTAX)
            self.at, self.level = self.at + 1, self.level - 1
            return test
        if found := QUALIFIER.fullmatch(token):
            self._note(found)
            return _qualify(token)
        return self._match_text(token)

    def _note(self, qualifier: re.Match[str]) -> None:
        minus, key, value = qualifier[1], qualifier[2].lower(), qualifier[3] or qualifier[4]
        if key == "repo" and not minus:
            self.query.repos.append(value)
        if key in ("is", "type") and not minus and value.lower() in KINDS:
            self.query.kinds.add(KINDS[value.lower()])

    def _match_text(self, token: str) -> Test:
        text = token.removeprefix("-")
        self.query.phrases |= text.startswith('"')
        words = split_words(text)
        if text == token:
            self.query.words += words

        def test(_: Repo, issue: Issue) -> bool:
            content = " ".join(split_words(f"{issue.title} {issue.body or ''}"))
            return f" {' '.join(words)} " in f" {content} "

        return test if text == token else _negate(test)


def _negate(test: Test) -> Test:
    return lambda repo, issue: not test(repo, issue)


def _qualify(token: str) -> Test:
    found = QUALIFIER.fullmatch(token)
    assert found
    key, value = found[2].lower(), (found[3] or found[4] or "").lower()
    tests: dict[str, Test] = {
        "repo": lambda repo, _: repo.name.lower() == value,
        "is": lambda repo, issue: _is(repo, issue, value),
        "type": lambda repo, issue: _is(repo, issue, value),
        "state": lambda repo, issue: _is(repo, issue, value),
        "author": lambda _, issue: issue.author.lower() == value,
        "label": lambda _, issue: value in map(str.lower, issue.labels),
        "in": lambda _repo, _issue: True,
    }
    return _negate(tests[key]) if found[1] else tests[key]


def _is(repo: Repo, issue: Issue, value: str) -> bool:
    if value in KINDS:
        return issue.is_pull_request == KINDS[value]
    facts = {
        "open": issue.is_open,
        "closed": not issue.is_open,
        "locked": issue.locked,
        "public": not repo.private,
        "private": repo.private,
    }
    return facts.get(value, False)
