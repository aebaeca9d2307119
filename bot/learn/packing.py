"""Examples ↔ bytes: hashed features and label names, so that a training can continue later."""

from __future__ import annotations

import json
import struct
import sys
import zlib
from array import array
from collections.abc import Sequence

from bot.learn.features import VERSION
from bot.learn.model import Example

_FORMAT = [1, VERSION, sys.byteorder]
_SIZE = struct.Struct("<I")
_MAX_UNPACKED = 64 * 1024 * 1024


def pack_examples(examples: Sequence[Example]) -> bytes:
    """Return the bytes of examples."""
    numbers, weights = array("I"), array("f")
    for example in examples:
        numbers.extend(example.features.keys())
        weights.extend(example.features.values())
    facts = [[x.created_at, x.labels, len(x.features)] for x in examples]
    header = json.dumps([_FORMAT, facts]).encode()
    parts = (_SIZE.pack(len(header)), header, numbers.tobytes(), weights.tobytes())
    return zlib.compress(b"".join(parts), 1)


def unpack_examples(data: bytes) -> list[Example] | None:
    """Return the examples, None for those of another version or damaged ones."""
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(data, _MAX_UNPACKED)
        (size,) = _SIZE.unpack_from(content)
        start = _SIZE.size + size
        form, facts = json.loads(content[_SIZE.size : start])
        if form != _FORMAT or not unpacker.eof:
            return None
        middle = start + (len(content) - start) // 2
        numbers = iter(array("I", content[start:middle]))
        weights = iter(array("f", content[middle:]))
        return [
            Example(
                {next(numbers): round(next(weights), 2) for _ in range(count)},
                tuple(labels),
                created_at,
            )
            for created_at, labels, count in facts
        ]
    except (ValueError, TypeError, StopIteration, RuntimeError, struct.error, zlib.error):
        return None
