"""Stores the settings that setup obtains, or shows them once."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from tempfile import TemporaryFile

from bot.core.setup import SetupProblem
from bot.settings import env_file, stored
from bot.settings.load import Settings, SettingsError
from bot.settings.reload import ReloadingSettings


class SetupStore:
    """Writes to the file of `settings.stored`, which all parts of the process read again.

    With `keeps` unset nothing is written: the settings are in force until the process ends, and
    `take_block` returns their lines once.
    """

    def __init__(self, latest: ReloadingSettings) -> None:
        self._latest = latest
        self._lock = threading.Lock()
        self._base = latest()
        self._own: dict[str, str] = {}
        self._block: dict[str, str] = {}
        self.keeps = True

    @property
    def settings(self) -> Settings:
        return self._latest()

    def check(self) -> None:
        """Raise `SetupProblem` if nothing can be stored; call it before a secret is obtained."""
        if not self.keeps:
            return
        folder = self.settings.data_dir
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise self._not_writable(error) from None

    def require_unset(self, names: Iterable[str]) -> None:
        """Raise `SetupProblem` if the environment sets one: it comes before what is stored."""
        source = self._base.source
        for name in names:
            if source.get(name) or source.get(f"{name}_FILE"):
                raise SetupProblem(
                    f"{name} is set in the environment or in .env, which comes before what setup"
                    " stores: change it there, or remove it there and start again."
                )

    def preview(self, values: Mapping[str, str]) -> Settings:
        """Return the settings as they would be with these. Raises `SetupProblem`."""
        source = self._base.source
        self.require_unset(name for name, value in values.items() if source.get(name) != value)
        try:
            return self.settings.with_variables(values)
        except SettingsError as error:
            raise SetupProblem(error.problems[0]) from None

    def save(self, values: Mapping[str, str], replaced: Collection[str] = ()) -> None:
        """Put settings in force, and remove the `replaced` ones. Raises `SetupProblem`."""
        self.preview(values)
        with self._lock:
            if self.keeps:
                self._write(values, replaced)
                return
            kept = {name: value for name, value in self._own.items() if name not in replaced}
            self._own = {**kept, **values}
            self._latest.replace(self._base.with_variables(self._own))
            self._block.update(values)

    def _write(self, values: Mapping[str, str], replaced: Collection[str]) -> None:
        path = self.settings.stored_file
        old = env_file.read(path).values
        kept = {name: value for name, value in old.items() if name not in replaced}
        try:
            stored.write(path, stored.render({**kept, **values}))
        except OSError as error:
            raise self._not_writable(error) from None
        self._latest.refresh()

    def take_block(self) -> str:
        """Return the settings that were not stored as lines of an environment file, once."""
        with self._lock:
            block, self._block = stored.render(self._block), {}
        return block

    def _not_writable(self, error: OSError) -> SetupProblem:
        return SetupProblem(
            f"Nothing was stored, because DATA_DIR ({self.settings.data_dir}) cannot be written"
            f" ({error.strerror}): correct its permissions, set DATA_DIR to another folder, or"
            " choose in the step “Address” to see the settings once instead."
        )
