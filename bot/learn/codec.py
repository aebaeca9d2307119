"""A model ↔ bytes: compressed, with a version and a checksum; label names, but no other text."""

from __future__ import annotations

import json
import struct
import sys
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from bot.learn.calibration import Calibration
from bot.learn.features import VERSION
from bot.learn.model import LearnedLabel, RepositoryModel, Scorer
from bot.learn.weights import Weights

MAX_BYTES = 2_000_000
_MAX_UNPACKED = 8_000_000
_FORMAT = 1
_HEADER = struct.Struct("<4sHHI")
_MAGIC = b"TLRM"
_ARRAYS = ("numbers", "uses", "sizes", "labels", "values")
_TYPES = ("I", "H", "B", "B", "b")


def dump(model: RepositoryModel) -> bytes:
    """Return the bytes of a model, at most `MAX_BYTES` of them."""
    facts = {
        "labels": [asdict(label) for label in model.labels],
        "scorers": [asdict(scorer) for scorer in model.scorers],
        "examples": model.examples,
        "trained_at": model.trained_at,
        "target": model.target,
    }
    parts = [json.dumps(facts, separators=(",", ":")).encode()]
    parts += [_to_bytes(getattr(model.weights, name)) for name in _ARRAYS]
    content = zlib.compress(b"".join((*(struct.pack("<I", len(x)) for x in parts), *parts)), 9)
    return _HEADER.pack(_MAGIC, _FORMAT, VERSION, zlib.crc32(content)) + content


def load(data: bytes) -> RepositoryModel | None:
    """Return the model, None for one of another version or a damaged one."""
    try:
        return _load(data)
    except (
        ValueError,
        TypeError,
        KeyError,
        OverflowError,
        RecursionError,
        struct.error,
        zlib.error,
    ):
        return None


def _load(data: bytes) -> RepositoryModel | None:
    magic, form, version, checksum = _HEADER.unpack_from(data)
    content = data[_HEADER.size :]
    if (magic, form, version) != (_MAGIC, _FORMAT, VERSION) or zlib.crc32(content) != checksum:
        return None
    text, *columns = _split(zlib.decompressobj().decompress(content, _MAX_UNPACKED))
    facts: dict[str, Any] = json.loads(text)
    weights = Weights(*(_from_bytes(kind, x) for kind, x in zip(_TYPES, columns, strict=True)))
    model = RepositoryModel(
        labels=tuple(LearnedLabel(**fields) for fields in facts["labels"]),
        scorers=tuple(
            Scorer(**{**fields, "calibration": Calibration(**fields["calibration"])})
            for fields in facts["scorers"]
        ),
        weights=weights,
        examples=facts["examples"],
        trained_at=facts["trained_at"],
        target=facts["target"],
    )
    return model if _is_consistent(model) else None


def _is_consistent(model: RepositoryModel) -> bool:
    """Return whether every index is in its range, so that no prediction fails."""
    weights, names = model.weights, {label.name for label in model.labels}
    return (
        len(weights.numbers) == len(weights.uses) == len(weights.sizes)
        and sum(weights.sizes) == len(weights.labels) == len(weights.values)
        and max(weights.labels, default=-1) < len(model.scorers)
        and all(scorer.name in names for scorer in model.scorers)
    )


def _split(unpacked: bytes) -> Iterator[bytes]:
    position = 4 * (len(_ARRAYS) + 1)
    for (size,) in struct.iter_unpack("<I", unpacked[:position]):
        yield unpacked[position : position + size]
        position += size


def _to_bytes(values: array[Any]) -> bytes:
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()


def _from_bytes(kind: str, data: bytes) -> array[Any]:
    values: array[Any] = array(kind, data)
    if sys.byteorder == "big":
        values.byteswap()
    return values
