"""Messages name nothing that only a clone has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

BOT = Path(__file__).parents[2] / "bot"
TARGETS = re.findall(r"^([a-z-]+):", (BOT.parent / "Makefile").read_text(), re.MULTILINE)
ONLY_IN_A_CLONE = re.compile(
    rf"\bmake ({'|'.join(TARGETS)})\b|\.env\.example|requirements(-dev)?\.lock"
    r"|\b(README|CHANGELOG)\b|\b(deploy|docs)/\w|\btests[/.]\w|Makefile|Dockerfile"
)
# The words of issues, and the labels of the simulated repositories.
WORDS = ("core/text", "core/labels", "sandbox/demo.py")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def messages(source: str, *, docstrings: bool) -> Iterator[str]:
    """Yield a module's literal strings; docstrings of commands are their help."""
    tree = ast.parse(source)
    documented = [node for node in ast.walk(tree) if isinstance(node, DOCUMENTED)]
    first = [node.body[0] for node in documented if node.body]
    skipped = {id(one.value) for one in first if isinstance(one, ast.Expr) and not docstrings}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in skipped:
            yield ast.literal_eval(node)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Try it: make demo", True),
        ("see .env.example", True),
        ("Read README.md", True),
        ("a file in deploy/kubernetes", True),
        ("make it shorter", False),
        ("Try it: tagline demo", False),
    ],
)
def test_the_pattern_finds_what_only_a_clone_has(text: str, found: bool) -> None:
    assert bool(ONLY_IN_A_CLONE.search(text)) is found


def test_no_string_of_the_package_names_it() -> None:
    found = []
    for path in BOT.rglob("*.py"):
        name = path.relative_to(BOT).as_posix()
        if name.startswith(WORDS):
            continue
        strings = messages(path.read_text(), docstrings=name.startswith("cli/"))
        found += [(name, text) for text in strings if ONLY_IN_A_CLONE.search(text)]
    assert found == []
