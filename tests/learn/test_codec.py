"""A stored model is read as it was written, or not at all."""

from __future__ import annotations

import re
import struct
import zlib
from array import array
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.types import Label
from bot.learn.codec import MAX_BYTES, dump, load
from bot.learn.features import extract_features
from bot.learn.model import Example
from bot.learn.train import train
from bot.learn.weights import Levels, join

TITLES = {"bug": "The window crashes on start", "feature": "Please add a dark mode"}
HISTORY = [
    Example(extract_features(f"{title} {n}", "Shibboleth is printed."), (label,), float(n))
    for n in range(20)
    for label, title in TITLES.items()
]
LABELS = [Label("bug"), Label("feature"), Label("never used")]
MODEL = train(HISTORY, LABELS, target=0.9, trained_at=1.0)
BYTES = dump(MODEL)


def test_a_model_is_read_as_it_was_written() -> None:
    loaded = load(BYTES)

    assert loaded == MODEL
    for example in HISTORY:
        assert loaded.predict(example.features) == MODEL.predict(example.features)
        assert loaded.rank(example.features) == MODEL.rank(example.features)


def test_the_same_history_gives_the_same_bytes() -> None:
    assert dump(train(HISTORY, LABELS, target=0.9, trained_at=1.0)) == BYTES


def test_a_model_holds_no_words_of_issues() -> None:
    content = zlib.decompress(BYTES[12:])

    assert b"bug" in content
    assert not re.search(rb"(?i)shibboleth|window|crash|dark", content)


@pytest.mark.parametrize("cut", [0, 1, 11, 12, 13, len(BYTES) // 2, len(BYTES) - 1])
def test_a_model_that_is_cut_off_is_not_read(cut: int) -> None:
    assert load(BYTES[:cut]) is None


def test_a_model_of_another_version_is_not_read() -> None:
    for position in (4, 6):
        other = bytearray(BYTES)
        other[position] += 1
        assert load(bytes(other)) is None


@given(st.integers(0, len(BYTES) - 1), st.integers(1, 255))
def test_a_model_with_a_changed_byte_is_not_read(position: int, change: int) -> None:
    damaged = bytearray(BYTES)
    damaged[position] ^= change

    assert load(bytes(damaged)) is None


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_not_read(data: bytes) -> None:
    assert load(data) is None
    assert load(BYTES[:12] + data) is None


@given(st.data())
def test_changed_content_with_a_right_checksum_never_fails(data: st.DataObject) -> None:
    content = bytearray(zlib.decompress(BYTES[12:]))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    packed = zlib.compress(bytes(content))
    model = load(BYTES[:8] + struct.pack("<I", zlib.crc32(packed)) + packed)

    if model is not None:
        for example in HISTORY[:2]:
            model.predict(example.features)


def test_a_decompression_bomb_is_not_read() -> None:
    packed = zlib.compress(bytes(100_000_000))

    assert load(BYTES[:8] + struct.pack("<I", zlib.crc32(packed)) + packed) is None


@pytest.mark.slow
def test_a_model_of_many_labels_and_words_has_at_most_two_megabytes() -> None:
    random, size = Random(0), 30_000
    levels = [
        Levels(1.0, array("I", range(size)), array("b", random.choices(range(-127, 128), k=size)))
        for _ in range(40)
    ]
    numbers = sorted(random.sample(range(1 << 24), size))
    weights = join(levels, numbers, random.choices(range(1, 2000), k=size))

    assert len(weights.values) > 0
    assert len(dump(replace(MODEL, weights=weights))) <= MAX_BYTES
