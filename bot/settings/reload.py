"""Secrets that lie in files are read again when these change: rotation without a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from bot import log
from bot.settings.load import Settings, SettingsError

LOOK_SECONDS = 1.0

T = TypeVar("T")
Stamp = tuple[int, int, int]


class ReloadingSettings:
    """The settings with their secret files as they were at most a second ago.

    A file that is gone, or holds no good secret, changes nothing but the log.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._files = settings.secret_files
        self._clock = clock
        self._lock = threading.Lock()
        self._seen = self._stamps()
        self._next = clock() + LOOK_SECONDS

    def __call__(self) -> Settings:
        if not self._files or self._clock() < self._next:
            return self._settings
        with self._lock:
            self._next = self._clock() + LOOK_SECONDS
            stamps = self._stamps()
            if stamps != self._seen:
                self._seen = stamps
                self._reread()
            return self._settings

    def _reread(self) -> None:
        try:
            changed = self._settings.again()
        except SettingsError as error:
            log.get().error(
                "a secret's file has changed and cannot be used; the old secrets stay in force",
                problems=error.problems,
            )
            return
        if changed != self._settings:
            log.mask_also(changed.secrets)
            self._settings = changed
            log.get().info("secrets were read again from their files")

    def _stamps(self) -> tuple[Stamp | None, ...]:
        return tuple(map(_stamp, self._files))


class Rebuilt(Generic[T]):
    """Something that is made of settings, and made anew when they change."""

    def __init__(self, latest: ReloadingSettings, make: Callable[[Settings], T]) -> None:
        self._latest = latest
        self._make = make
        self._lock = threading.Lock()
        self._settings = latest()
        self._made = make(self._settings)

    def __call__(self) -> T:
        settings = self._latest()
        if settings is not self._settings:
            with self._lock:
                if settings is not self._settings:
                    self._made = self._make(settings)
                    self._settings = settings
        return self._made


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
