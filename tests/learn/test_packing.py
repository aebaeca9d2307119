"""Examples are the same after packing, and what cannot be read is none."""

from __future__ import annotations

import pytest

from bot.learn import packing
from bot.learn.features import extract_features
from bot.learn.model import Example
from bot.learn.packing import pack_examples, unpack_examples

EXAMPLES = [
    Example(extract_features("The login crashes", "## Steps\n\nOpen it."), ("bug", "área"), 1e9),
    Example({}, (), 0.0),
    Example(extract_features("How do I sign in?", ""), ("question",), 1.5e9),
]


def test_examples_are_the_same_after_packing() -> None:
    assert unpack_examples(pack_examples(EXAMPLES)) == EXAMPLES
    assert unpack_examples(pack_examples([])) == []


def test_damaged_bytes_have_no_examples() -> None:
    packed = pack_examples(EXAMPLES)
    for data in (b"", b"x", packed[:-5], packed[5:], packed[:9] + b"\0" + packed[10:]):
        assert unpack_examples(data) is None


def test_features_of_another_version_are_of_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack_examples(EXAMPLES)
    monkeypatch.setattr(packing, "_FORMAT", [1, 99, "little"])
    assert unpack_examples(packed) is None
