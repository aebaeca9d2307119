"""The actions behind the setup page; each runs in a thread, since it may wait for a server."""

from __future__ import annotations

import threading
from collections.abc import Callable

from bot import wiring
from bot.core.setup import ManualHook, Registration, SetupPreview, SetupProblem, SetupState
from bot.forges.github.manifest import find_web_url
from bot.http import ClientPool
from bot.settings.load import Settings
from bot.settings.reload import ReloadingSettings
from bot.setup.address import check_reachable, is_local, read_url
from bot.setup.deliveries import ObservedMetrics
from bot.setup.github import GitHubSetup
from bot.setup.gitlab import GitLabSetup
from bot.setup.model import ModelSetup
from bot.setup.store import SetupStore

POLL_SECONDS = "60"
MODES = ("apply", "suggest", "dry-run")


Preview = Callable[[Settings, ClientPool, str], SetupPreview]


class Setup:
    """Implements `SetupActions`. `port` is the receiver's, `deliveries` what it has received.

    `prove` makes the answer with which this process recognizes itself,
    `preview` compares recent issues.
    """

    def __init__(
        self,
        latest: ReloadingSettings,
        clients: ClientPool,
        deliveries: ObservedMetrics,
        port: int,
        prove: Callable[[str], str],
        preview: Preview,
    ) -> None:
        self._store = SetupStore(latest)
        self._clients, self._deliveries, self._prove = clients, deliveries, prove
        self._port, self._preview = port, preview
        self._github = GitHubSetup(self._store, clients)
        self._gitlab = GitLabSetup(self._store, clients)
        self._model = ModelSetup(self._store, lambda model: wiring.model_client(model, clients))
        self.is_open = True
        threading.Thread(target=self._github.recall_app, daemon=True).start()

    def read_state(self) -> SetupState:
        settings = self._store.settings
        pending = self._github.pending
        return SetupState(
            public_url=settings.public_url,
            poll_seconds=settings.poll_seconds,
            hosts=self._list_hosts(settings),
            verified=frozenset(self._deliveries.verified),
            refused=frozenset(self._deliveries.refused - self._deliveries.verified),
            install_url=self._github.install_url,
            model=_name_model(settings),
            mode=settings.mode,
            keeps=self._store.keeps,
            github_url=find_web_url(settings.github_api_url),
            gitlab_url=settings.gitlab_url,
            local_url=f"http://127.0.0.1:{self._port}",
            repository=self._propose_repository(),
            waiting_for=(pending.owner or "your account") if pending else "",
        )

    def _list_hosts(self, settings: Settings) -> dict[str, str]:
        app = self._github.app
        github = f"GitHub App {app.slug if app else settings.github_app_id}"
        gitlab = f"GitLab {self._gitlab.project}".strip()
        polls = settings.poll_seconds > 0
        gitlab_secrets = settings.gitlab_signing_tokens or settings.gitlab_webhook_secrets
        connected = {
            "github": settings.has_github and (polls or settings.github_webhook_secrets),
            "gitlab": settings.gitlab_token and (polls or gitlab_secrets),
        }
        texts = {"github": github, "gitlab": gitlab}
        return {name: text for name, text in texts.items() if connected[name]}

    def _propose_repository(self) -> str:
        if self._github.app:
            return f"github:{self._github.app.owner}/"
        return f"gitlab:{self._gitlab.project}" if self._gitlab.project else ""

    def propose_url(self, origin: str) -> str:
        """Return the address to propose to a browser that reached the page at `origin`.

        A local one is of use only where the forge is local too.
        """
        settings = self._store.settings
        forges = (settings.github_api_url, settings.gitlab_url)
        fits = not is_local(origin) or any(map(is_local, forges))
        return settings.public_url or (origin if fits else "")

    def set_address(self, url: str, *, unchecked: bool, keeps: bool) -> str:
        self._store.keeps = keeps
        self._store.check()
        url = read_url(url, self._port)
        if not unchecked:
            check_reachable(url, self._port, self._prove, self._clients)
        has_moved = self._store.settings.public_url not in ("", url)
        self._store.save({"PUBLIC_URL": url}, ("TAGLINE_POLL_SECONDS",))
        moved = self._github.move_webhook(self._store.settings) if has_moved else ""
        checked = "is not checked" if unchecked else "leads to this server"
        return f"{url} {checked}.{moved}"

    def poll(self, *, keeps: bool) -> str:
        self._store.keeps = keeps
        self._store.check()
        self._store.save({"TAGLINE_POLL_SECONDS": POLL_SECONDS})
        return f"Tagline looks for new issues every {POLL_SECONDS} seconds."

    def start_github(self, owner: str, name: str, setup_url: str) -> Registration:
        self._require_address()
        return self._github.start(owner, name, setup_url)

    def finish_github(self, code: str, state: str) -> str:
        return f"The App {self._github.finish(code, state)} is registered. Now install it."

    def connect_gitlab(self, url: str, project: str, token: str) -> tuple[str, ManualHook | None]:
        self._require_address()
        return self._gitlab.connect(url, project, token)

    def choose_model(self, provider: str, key: str, base_url: str, name: str) -> str:
        return self._model.choose(provider, key, base_url, name)

    def preview(self, repository: str) -> SetupPreview:
        return self._preview(self._store.settings, self._clients, repository)

    def finish(self, mode: str) -> str:
        """Store the mode and close setup."""
        if mode not in MODES:
            raise SetupProblem("Choose one of the modes.")
        if not self.read_state().hosts:
            raise SetupProblem("Connect GitHub or GitLab first.")
        self._store.save({"TAGLINE_MODE": mode})
        self.is_open = False
        return "Tagline is set up."

    def take_block(self) -> str:
        return self._store.take_block()

    def _require_address(self) -> None:
        settings = self._store.settings
        if not (settings.public_url or settings.poll_seconds):
            raise SetupProblem("Complete the step “Address” first.")


def _name_model(settings: Settings) -> str:
    if settings.model:
        return settings.model.model
    chosen = settings.stored.get("LLM_PROVIDER") or settings.source.get("LLM_PROVIDER")
    return "none" if chosen == "none" else ""
