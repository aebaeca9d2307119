"""The process that learns: a request on standard input, the result on standard output.

It has the lowest priority, and a failure shows the type of an error and its place, no values.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from bot.core.types import Label
from bot.learn.codec import dump
from bot.learn.features import extract_features
from bot.learn.model import Example
from bot.learn.packing import pack_examples, unpack_examples
from bot.learn.train import train

LOWEST_PRIORITY = 19


class LabelledText(msgspec.Struct, frozen=True, array_like=True):
    title: str
    body: str
    labels: tuple[str, ...]
    created_at: float


class FitRequest(msgspec.Struct, frozen=True, array_like=True):
    """`pages` are results of `extract`, `target` is the precision to reach, `at` the time."""

    pages: tuple[bytes, ...]
    labels: tuple[Label, ...]
    target: float
    at: float


def extract(request: bytes) -> bytes:
    """Return the packed examples of `LabelledText`s."""
    texts = msgspec.msgpack.decode(request, type=tuple[LabelledText, ...])
    return pack_examples(
        [Example(extract_features(x.title, x.body), x.labels, x.created_at) for x in texts]
    )


def fit(request: bytes) -> bytes:
    """Return the model of a `FitRequest`."""
    wanted = msgspec.msgpack.decode(request, type=FitRequest)
    examples = [example for page in wanted.pages for example in unpack_examples(page) or ()]
    return dump(train(examples, wanted.labels, wanted.target, wanted.at))


STEPS: Mapping[str, Callable[[bytes], bytes]] = {"extract": extract, "fit": fit}


def main(step: str) -> None:
    with suppress(AttributeError, OSError):  # Windows has no such call
        os.nice(LOWEST_PRIORITY)
    with suppress(OSError):  # without memory, Linux ends this process and not the worker
        Path("/proc/self/oom_score_adj").write_text("1000")
    try:
        sys.stdout.buffer.write(STEPS[step](sys.stdin.buffer.read()))
    except Exception as error:  # the values in its text may be of an issue
        place = traceback.extract_tb(error.__traceback__)[-1]
        sys.exit(f"{type(error).__name__} in {place.name}, line {place.lineno}")


if __name__ == "__main__":
    main(sys.argv[1])
