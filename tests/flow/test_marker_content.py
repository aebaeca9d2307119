"""What the hidden marker of a comment holds, and what is read from it."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest

from bot.core.prompt import VERSION
from bot.core.types import (
    Marker,
)
from bot.flow.render import read_marker, write_marker
from tests.flow.test_render import BY_MODEL, INPUT, history, plan


def test_the_marker_records_the_bots_labels_the_prompt_the_source_and_the_input() -> None:
    before = history(["bug"], Marker(("bug", "gone"), "1", "rules", "other"))
    body = plan(BY_MODEL, before=before).comment
    assert body is not None
    hidden = re.search(r"<!-- tagline:v1 (\S+) -->\Z", body)
    assert hidden
    assert json.loads(urlsafe_b64decode(hidden[1])) == {
        "labels": ["bug", "gone", "area/login"],
        "prompt": VERSION,
        "source": "model",
        "input": INPUT,
    }


@pytest.mark.parametrize(
    "marker",
    [
        Marker((), "", "rules", INPUT),
        Marker(("bug", "a -->", "ü/ö", "\U0001f41b bug"), "1", "model", INPUT),
        Marker(tuple(f"{'label' * 9} {n}" for n in range(100)), "1", "model", INPUT),
    ],
)
def test_a_marker_is_read_as_it_was_written(marker: Marker) -> None:
    line = write_marker(marker)
    assert line.count("-->") == 1
    assert read_marker(f"**Summary (automated):** text\n\nmore\n{line}") == marker
    assert read_marker(f"{line}\r\n") == marker


def test_of_two_markers_the_last_counts() -> None:
    first, last = Marker((), "", "rules", "a"), Marker((), "", "rules", "b")
    assert read_marker(f"{write_marker(first)}\n{write_marker(last)}") == last


def encoded(text: bytes) -> str:
    return f"<!-- tagline:v1 {urlsafe_b64encode(text).decode()} -->"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I can confirm this.",
        "<!-- tagline:v1  -->",
        "<!-- tagline:v1 x -->",
        "<!-- tagline:v2 e30= -->",
        "<!-- tagline:v1 e30=",
        encoded(b"{}"),
        encoded(b"[]"),
        encoded(b"\xff\xfe"),
        encoded(b'{"labels": "bug", "prompt": "1", "source": "model", "input": "x"}'),
        encoded(b"[" * 5000),
        encoded(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        write_marker(Marker(("bug",), "1", "model", INPUT))[:-8],
    ],
)
def test_text_without_a_valid_marker_has_none(text: str) -> None:
    assert read_marker(text) is None
