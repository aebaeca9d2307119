"""Keeps what a backtest has computed until it is complete: one that was stopped continues."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

MAX_AGE_SECONDS = 7 * 86_400


@dataclass(slots=True)
class Checkpoint:
    """Results in a folder, a file for each; None: nothing is kept.

    They hold label names and hashed weights, no text of issues. `loaded` counts those that an
    earlier run has left. A folder that cannot be written to is the same as none.
    """

    folder: Path | None = None
    loaded: int = 0
    keys: set[str] = field(default_factory=set)

    def load(self, key: str) -> bytes | None:
        """Return what was saved under a key, None for nothing."""
        if self.folder is None:
            return None
        try:
            data = (self.folder / key).read_bytes()
        except OSError:
            return None
        self.loaded += key not in self.keys
        self.keys.add(key)
        return data

    def save(self, key: str, data: bytes) -> None:
        """Write a file completely or not at all."""
        if self.folder is None:
            return
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, path = tempfile.mkstemp(dir=self.folder)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(path).replace(self.folder / key)
            self.keys.add(key)

    def delete(self) -> None:
        """Delete what this run has loaded or saved."""
        if self.folder is None:
            return
        for key in self.keys:
            with suppress(OSError):
                (self.folder / key).unlink()
        self.keys.clear()

    def delete_old(self, now: float) -> None:
        """Delete what runs have left that nobody continued within a week."""
        if self.folder is None:
            return
        with suppress(OSError):
            for path in self.folder.iterdir():
                if path.stat().st_mtime < now - MAX_AGE_SECONDS:
                    path.unlink()


def make_key(*parts: object) -> str:
    """Return the name of a result: a digest of all that it depends on."""
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
