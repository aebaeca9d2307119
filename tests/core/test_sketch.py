"""Whether two texts are nearly the same is known without either of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.text.sketch import SIZE, is_near, make_sketch

WORDS = ("press", "open", "close", "log", "export", "print", "scroll", "paint", "load", "mark")
TEXT = " ".join(f"{word} the {word}er of {word}ing {other}s" for word in WORDS for other in WORDS)


@pytest.mark.parametrize(
    "other", [TEXT.upper(), TEXT.replace(" ", "\n"), TEXT + " Thanks!", "At 12:30:05. " + TEXT]
)
def test_texts_that_are_nearly_the_same(other: str) -> None:
    assert is_near(make_sketch(TEXT), make_sketch(other))


@pytest.mark.parametrize("other", ["", "login", TEXT[: len(TEXT) // 4], TEXT.replace("the", "a")])
def test_other_texts(other: str) -> None:
    assert not is_near(make_sketch(TEXT), make_sketch(other))


def test_numbers_do_not_count() -> None:
    one, other = (make_sketch(f"At {n}:59 it failed at 0x{n}f") for n in (1234, 77))
    assert one == other


@given(st.text(max_size=300))
def test_a_sketch_is_small_and_like_itself(text: str) -> None:
    sketch = make_sketch(text)
    assert len(sketch) <= SIZE
    assert is_near(sketch, sketch)
