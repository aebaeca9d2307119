"""Decodes JSON that a server or a model wrote carelessly."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

DECODE_ERRORS = (msgspec.DecodeError, RecursionError, ValueError)  # of `decode_leniently`
_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.?)*+"?)|,(?=\s*[}\]])', re.DOTALL)


def decode_leniently(text: str | bytes) -> Any:
    """Return the value of a JSON text; raises one of `DECODE_ERRORS`.

    Accepted, beyond the standard: line ends in texts, a comma after the last item, invalid UTF-8,
    and lone surrogates, which are left out.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        plain = _TRAILING_COMMA.sub(lambda match: match[1] or "", text)
        value = json.loads(plain, strict=False)
        return msgspec.json.decode(json.dumps(value, ensure_ascii=False).encode("utf-8", "ignore"))
