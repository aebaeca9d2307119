"""Reloads secrets from files when these change, for rotation without a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from bot import log
from bot.settings.load import Settings, SettingsError

CHECK_SECONDS = 1.0

T = TypeVar("T")
Stamp = tuple[int, int, int]


class ReloadingSettings:
    """Returns settings with secrets that are at most `CHECK_SECONDS` old.

    A missing file or an invalid secret is logged, and the old secrets stay in force.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._files = (*settings.secret_files, settings.stored_file)
        self._clock = clock
        self._lock = threading.Lock()
        self._stamps = [*map(_read_stamp, self._files)]
        self._next_check = clock() + CHECK_SECONDS

    def __call__(self) -> Settings:
        if self._clock() < self._next_check:
            return self._settings
        return self.refresh()

    def refresh(self) -> Settings:
        """Return settings after looking at the files now."""
        with self._lock:
            self._next_check = self._clock() + CHECK_SECONDS
            stamps = [*map(_read_stamp, self._files)]
            if stamps != self._stamps:
                self._stamps = stamps
                self._reload()
            return self._settings

    def replace(self, settings: Settings) -> None:
        """Use these settings from now on."""
        log.mask_also(settings.secrets)
        with self._lock:
            self._settings = settings
            self._files = (*settings.secret_files, settings.stored_file)
            self._stamps = [*map(_read_stamp, self._files)]

    def _reload(self) -> None:
        try:
            changed = self._settings.reload()
        except SettingsError as error:
            log.get().error(
                "a changed secret file cannot be used; the old secrets stay in force",
                problems=error.problems,
            )
            return
        if changed != self._settings:
            log.mask_also(changed.secrets)
            self._settings = changed
            log.get().info("secrets were reloaded from their files")


class Rebuilt(Generic[T]):
    """Returns an object that is built from settings, and built again when they change."""

    def __init__(self, current: ReloadingSettings, build: Callable[[Settings], T]) -> None:
        self._current = current
        self._build = build
        self._lock = threading.Lock()
        self._settings = current()
        self._object = build(self._settings)

    def __call__(self) -> T:
        settings = self._current()
        if settings is not self._settings:
            with self._lock:
                if settings is not self._settings:
                    self._object = self._build(settings)
                    self._settings = settings
        return self._object


def _read_stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
