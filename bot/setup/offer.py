"""The receiver with an open setup page, and the one-time link to it."""

from __future__ import annotations

from contextlib import suppress

from bot import log, wiring
from bot.settings import stored
from bot.settings.load import Settings
from bot.settings.reload import ReloadingSettings
from bot.setup.backend import Preview, Setup
from bot.setup.deliveries import ObservedMetrics
from bot.web.pages import SetupRoutes
from bot.web.setup.app import SetupPages
from bot.web.setup.session import Sessions

LINK_FILE = "setup-link"  # in DATA_DIR


class SetupOffer:
    """The web application `app` with the setup page, and the settings that it changes.

    `owner` is the organisation that the page proposes.
    """

    def __init__(self, settings: Settings, preview: Preview, owner: str = "") -> None:
        self._base = f"http://127.0.0.1:{settings.port}"
        self.link_file = settings.data_dir / LINK_FILE
        self._sessions = Sessions(self._keep_link)
        self._clients = wiring.clients()
        self.latest = ReloadingSettings(settings)
        deliveries = ObservedMetrics(wiring.receiver_metrics(settings))
        self._setup = Setup(
            *(self.latest, self._clients, deliveries, settings.port),
            prove=self._sessions.prove,
            preview=preview,
        )
        pages = SetupPages(self._setup, self._sessions, owner)
        routes = SetupRoutes(
            pages.routes(),
            is_open=lambda: self._setup.is_open,
            is_needed=lambda: not self._setup.read_state().hosts,
        )
        self.app = wiring.receiver_of(self.latest, deliveries, routes)
        was_interrupted = bool(settings.stored) and "TAGLINE_MODE" not in settings.stored
        has_access = settings.has_github or bool(settings.gitlab_token)
        self._was_configured = has_access and not was_interrupted

    @property
    def link(self) -> str:
        return f"{self._base}/setup?token={self._sessions.token}"

    @property
    def may_work(self) -> bool:
        """Return whether a worker may run: not before the person has chosen its mode."""
        return self._was_configured or not self._setup.is_open

    def close(self) -> None:
        self._clients.close()
        with suppress(OSError):
            self.link_file.unlink()

    def _keep_link(self, token: str) -> None:
        """Write the newest link to its file; without one the printed link is the only one."""
        log.mask_also([token])
        with suppress(OSError):
            stored.write(self.link_file, f"{self._base}/setup?token={token}\n")
