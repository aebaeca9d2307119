"""Hostile configuration files, and random damage to a valid file."""

from __future__ import annotations

import random

GOOD = (
    "mode: off\n",
    "on: [opened, edited]\n",
    "ignore:\n  authors: [renovate*]\n  labels: [no-bot]\n",
    "comment:\n  post: never\n  max_words: 40\n",
    "labels:\n  deny:\n    - bug\n    - docs\n  allow: ['*']\n  describe: {bug: It is broken}\n",
    "budget: {per_day_usd: 0.5}\n",
    "model:\n  instructions: |\n    Be brief.\n\n    Be kind.\n",
    "fallback:\n  rules:\n    - {label: bug, any: [crash]}\n",
)
INSERTED = (
    *("&a ", "*a ", "<<: *a\n", "!t ", "!!python/name:os.system ", "? ", "- ", ": ", "| ", "> "),
    *("[", "]", "{", "}", '"', "'", "#", "%", "@", "`", "---\n", "...\n", "%YAML 1.1\n"),
    *("\t", "\0", "\x07", "\x1b[2J", "\x85", "\u2028", "\ufeff", "\ud800", "\U0001f600"),
    *(" ", "\n", "\r", "x ", "a,", "k: v\n", "  - x\n", " x\n"),
)
MAX_CHARS = 300_000


def damaged(seed: int) -> str:
    """A good file with one to four pieces of damage."""
    rng = random.Random(seed)
    parts = list(GOOD)
    rng.shuffle(parts)
    text = "".join(parts)
    for _ in range(rng.randint(1, 4)):
        text = _damage(text, rng)[:MAX_CHARS]
    return text


def _damage(text: str, rng: random.Random) -> str:
    place, lines = rng.randrange(len(text) + 1), text.splitlines(keepends=True) or [""]
    number, times = rng.randrange(len(lines)), rng.choice((1, 2, 40, 1000, 30_000))
    match rng.randrange(7):
        case 0:
            return text[:place] + chr(rng.randrange(256)) + text[place + 1 :]
        case 1:
            return "".join([*lines[:number], lines[number] * times, *lines[number:]])
        case 2:
            return "".join([*lines[:number], *lines[number + 1 :]])
        case 3:
            moved = lines.pop(number)
            return "".join([moved, *lines])
        case 4:
            return text[:place]
        case 5:
            return text * min(times, 1000)
        case _:
            return text[:place] + rng.choice(INSERTED) * times + text[place:]


def bomb(tail: str) -> str:
    """Ten lists, each of nine aliases of the one before; `tail` uses the last one."""
    lines = ["x0: &x0 [a, a, a, a, a, a, a, a, a]"]
    lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join([*lines, tail])


ALIASED = {
    "a value": bomb("language: *x9"),
    "a section": bomb("labels: *x9"),
    "a key": bomb("*x9 : 1"),
    "a key of a section": bomb("labels:\n  describe:\n    ? *x9\n    : x"),
    "a key in brackets": bomb("labels: {describe: {? *x9 : x}}"),
    "a key that is a list": bomb("? [*x9, *x9]\n: 1"),
    "a merge key": bomb("<<: *x9"),
    "several merge keys": bomb("labels:\n  <<: [*x9, *x9]"),
    "an item": bomb("labels:\n  deny:\n    - *x9\n    - bug"),
    "an item in brackets": bomb("labels: {deny: [*x9, bug]}"),
    "a rule": bomb("fallback:\n  rules:\n    - *x9"),
    "a tagged value": bomb("language: !!str &y de\nmodel: {name: *y}"),
    "the document": "&a\nlabels: *a",
    "the document's start": "--- &a {labels: *a}",
    "a second document": "language: &a de\n---\nlanguage: *a",
    "an alias of nothing": "language: *nowhere",
    "a loop": "labels: &a {groups: {type: *a}}",
    "a chain": "\n".join(
        ["x0: &x0 [a]", *(f"x{n}: &x{n} [*x{n - 1}]" for n in range(1, 100)), "? *x99\n: 1"]
    ),
    "the same anchor twice": "labels:\n  describe:\n    bug: &again x\n    docs: &again told\n",
}
HOSTILE = {
    **ALIASED,
    "dashes": "labels:\n  deny: " + "- " * 5000 + "x\n",
    "question marks": "? " * 20_000,
    "colons": ": " * 20_000,
    "square brackets": "[" * 60_000,
    "curly brackets": "{" * 60_000,
    "both brackets": "[{" * 30_000,
    "brackets within a limit": "[" * 19 + "a," * 5000 + "]" * 19,
    "indentation": "\n".join(" " * n + "a:" for n in range(300)),
    "short entries": "labels: {deny: [" + "a," * 30_000 + "]}",
    "globs": "labels: {deny: [" + ",".join(f"a{n}*" for n in range(9000)) + "]}",
    "pairs": "k: v\n" * 12_000,
    "repeated sections": "labels: {max: 1}\n" * 3000,
    "words": "language: " + "x " * 30_000,
    "lines of one value": "language: x\n" + " x\n" * 20_000,
    "a folded text": "model:\n  instructions: >\n" + "    x\n" * 10_000,
    "blank lines": "language: de\n" + "\n" * 65_000,
    "blanks": "language:" + " " * 65_000 + "de",
    "comments": "language: de\n" + "# a comment\n" * 5900,
    "an endless file": "language: de\n" + "# a comment\n" * 1_600_000,
    "documents": "---\n" * 16_000,
    "directives": "%YAML 1.1\n" * 6000,
    "unknown tags": "a: [" + "!a b," * 10_000 + "]",
    "a number": "budget: {per_day_usd: " + "9" * 10_000 + "}",
    "a lone surrogate": "\ud800: \ud800",
    "a NUL": "language: \0",
    "an unfinished escape": 'language: "\\x4',
    "an impossible character": 'language: "\\UFFFFFFFF"',
    "a key that is a mapping": "? {a: b}\n: 1",
}
