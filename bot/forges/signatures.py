"""Verify signatures while a body arrives, so that a forged large body is never held as a whole."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from bot.core.errors import Rejected


class HmacVerifier:
    """One of the given SHA-256 signatures must match one of the configured keys."""

    def __init__(self, signatures: Sequence[bytes], keys: Sequence[hmac.HMAC]) -> None:
        self._signatures = signatures
        self._keys = [key.copy() for key in keys]

    def update(self, chunk: bytes) -> None:
        for key in self._keys:
            key.update(chunk)

    def verify(self) -> None:
        """Compare each signature with each key, in constant time. Raises `Rejected`."""
        expected = [key.digest() for key in self._keys]
        if not any([hmac.compare_digest(x, y) for x in expected for y in self._signatures]):
            raise Rejected(401, "wrong signature")
