"""What every forge's answers need: sound text and plain moments."""

from __future__ import annotations

import math
from datetime import datetime


def text(value: object) -> str:
    """A text that can be stored and sent on: lone surrogates and NUL are replaced."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def moment(value: object) -> float:
    """An ISO 8601 time as seconds since the epoch; 0 where there is none."""
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        return 0.0


def number(value: object) -> float | None:
    """A number from a header, None where there is none."""
    try:
        found = float(str(value))
    except ValueError:
        return None
    return None if math.isnan(found) else found
