"""Signatures that are computed while a body comes in: forged giants are never put together."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from bot.core.errors import Rejected


class HmacVerifier:
    """One of the given SHA-256 signatures must be that of one of our keys. Implements `Seal`."""

    def __init__(self, given: Sequence[bytes], keyed: Sequence[hmac.HMAC]) -> None:
        self._given = given
        self._keyed = keyed

    def update(self, chunk: bytes) -> None:
        for one in self._keyed:
            one.update(chunk)

    def verify(self) -> None:
        """Compare each with each, in constant time."""
        ours = [one.digest() for one in self._keyed]
        good = [hmac.compare_digest(x, given) for x in ours for given in self._given]
        if not any(good):
            raise Rejected(401, "wrong signature")
