"""`tagline run`: receiver, worker and a private Redis on one host."""

from __future__ import annotations

import gc
import webbrowser
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from bot import log
from bot.cli import bootstrap
from bot.cli.options import poll_option
from bot.cli.signals import StopSignal
from bot.core.setup import SetupPreview
from bot.settings.load import Settings

if TYPE_CHECKING:
    from bot.embedded.valkey import EmbeddedRedis
    from bot.http import ClientPool
    from bot.queue.worker import QueueWorker
    from bot.setup.offer import SetupOffer

CHECK_SECONDS = 0.5


@click.command()
@poll_option
def run(poll: int | None) -> None:
    """Run receiver, worker and a private Redis, or the Redis of REDIS_URL.

    The private Redis keeps its data in DATA_DIR, and the other commands use it too. After SIGTERM
    running jobs finish. A second SIGTERM ends Tagline at once; these jobs then run again at the
    next start. Without any setting of GitHub or GitLab it shows the setup page, as `tagline setup`.

    With --poll no webhook, no secret of one and no public address is needed: Tagline looks for new
    issues itself, in the repositories of TAGLINE_POLL_REPOS or in all that the App or the token may
    label.
    """
    stop = StopSignal()
    settings = bootstrap.load_service_settings(
        receives=True, works=True, poll=poll, may_lack_forge=True
    )
    run_parts(settings, stop, has_setup=not settings.has_forge_variables)


def run_parts(
    settings: Settings,
    stop: StopSignal,
    *,
    has_setup: bool,
    owner: str = "",
    opens_browser: bool = False,
) -> None:
    """Run all parts until the signal, with the setup page if `has_setup`."""
    with ExitStack() as parts:  # stops in reverse order: receiver, worker, Redis
        server = None if settings.has_redis_url else _launch(settings, parts)
        if server:
            stop.before_exit = server.terminate
            settings = replace(settings, redis_url=server.url)
        offer = _offer_setup(settings, parts, owner) if has_setup else None
        _run(settings, parts, stop, server, offer, opens_browser=opens_browser)
    log.get().info("stopped")


def _run(
    settings: Settings,
    parts: ExitStack,
    stop: StopSignal,
    server: EmbeddedRedis | None,
    offer: SetupOffer | None,
    *,
    opens_browser: bool,
) -> None:
    from bot.cli.serve import DELIVERIES_WAIT, Receiver
    from bot.embedded.supervisor import RedisSupervisor
    from bot.queue.watch import RedisWatch

    receiver = Receiver(settings, offer.app if offer else None)
    worker = _Worker(offer, single_host=server is not None)
    worker.prepare(settings)
    gc.freeze()  # objects loaded at the start are never garbage
    if server:
        server.wait()
    else:
        bootstrap.log_redis_problems(settings)
    worker.start()
    parts.callback(worker.stop)
    parts.enter_context(receiver)
    parts.callback(lambda: log.get().info("stopping; running jobs finish first"))
    if offer:
        _show_link(offer, opens_browser=opens_browser)
    supervisor = RedisSupervisor(server) if server else None
    watch = None if server else RedisWatch(settings.redis_url, DELIVERIES_WAIT)
    is_ready = False
    while receiver.alive:
        redis_answers = watch.check() if watch else True
        if supervisor:
            supervisor.check()
        if redis_answers and not is_ready:
            threads = settings.worker_threads
            log.get().info("ready", host=settings.host, port=receiver.port, threads=threads)
            is_ready = True
        worker.update()
        if stop.wait(CHECK_SECONDS):
            return
    raise SystemExit(1)


class _Worker:
    """The worker. While setup is open it starts when that allows it, and anew with new settings."""

    def __init__(self, offer: SetupOffer | None, *, single_host: bool) -> None:
        self._offer, self._single_host = offer, single_host
        self._settings: Settings | None = None
        self._worker: QueueWorker | None = None

    def prepare(self, settings: Settings) -> None:
        """Build the worker. Raises `SettingsError` without access to a forge."""
        from bot import wiring_worker

        if self._offer is None or self._offer.may_work:
            self._settings = settings
            self._worker = wiring_worker.worker(settings, single_host=self._single_host)

    def start(self) -> None:
        if self._worker and self._settings:
            self._worker.start()
            bootstrap.log_forge_problems(self._settings)

    def update(self) -> None:
        """Replace the worker if setup has changed the settings."""
        if self._offer is None or not self._offer.may_work:
            return
        latest = self._offer.latest()
        if latest != self._settings:
            self.stop()
            self.prepare(latest)
            self.start()

    def stop(self) -> None:
        if self._worker:
            self._worker.stop()
        self._worker = None


def _offer_setup(settings: Settings, parts: ExitStack, owner: str) -> SetupOffer:
    from bot.setup.offer import SetupOffer

    def preview(settings: Settings, clients: ClientPool, repository: str) -> SetupPreview:
        from bot.cli.setup_preview import preview_issues  # half a second, for few people

        return preview_issues(settings, clients, repository)

    offer = SetupOffer(settings, preview, owner)
    parts.callback(offer.close)
    return offer


def _show_link(offer: SetupOffer, *, opens_browser: bool) -> None:
    """Print the link to standard error, which is not the log, and open it in a browser."""
    log.get().warning("setup is open", fix=f"open the link that is in {offer.link_file}")
    port = urlsplit(offer.link).port
    after = f"; {offer.link_file} has the next one" if offer.link_file.exists() else ""
    click.echo(
        f"Open this link to set up Tagline. It works once{after}.\n\n    {offer.link}\n\n"
        f"From another computer: ssh -L {port}:127.0.0.1:{port} HOST, or write this server's"
        f" https:// address instead of http://127.0.0.1:{port}.",
        err=True,
    )
    if opens_browser and bootstrap.has_display():
        webbrowser.open(offer.link)


def _launch(settings: Settings, parts: ExitStack) -> EmbeddedRedis:
    """Start the server and return it; it loads its data while this process imports modules."""
    from bot.embedded.valkey import EmbeddedRedis, lock_data_dir

    parts.enter_context(lock_data_dir(settings.data_dir))
    server = EmbeddedRedis(settings.data_dir)
    server.launch()
    parts.callback(server.stop)
    return server
