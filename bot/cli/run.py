"""`tagline run`: receiver, worker and a private Redis on one host."""

from __future__ import annotations

import gc
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from bot.cli import bootstrap

if TYPE_CHECKING:
    from bot.cli.signals import StopSignal
    from bot.embedded.valkey import EmbeddedRedis
    from bot.settings.load import Settings

CHECK_SECONDS = 0.5


@click.command()
@bootstrap.poll_option
def run(poll: int | None) -> None:
    """Run receiver, worker and a private Redis, or the Redis of REDIS_URL.

    The private Redis keeps its data in DATA_DIR, and the other commands use it too. After SIGTERM
    running jobs finish. A second SIGTERM ends Tagline at once; these jobs then run again at the
    next start.

    With --poll no webhook, no secret of one and no public address is needed: Tagline looks for new
    issues itself, in the repositories of TAGLINE_POLL_REPOS or in all that the App or the token may
    label.
    """
    from bot import log
    from bot.cli.signals import StopSignal

    stop = StopSignal()
    settings = bootstrap.load_service_settings(receives=True, works=True, poll=poll)
    with ExitStack() as parts:  # stops in reverse order: receiver, worker, Redis
        _run(settings, parts, stop)
    log.get().info("stopped")


def _run(settings: Settings, parts: ExitStack, stop: StopSignal) -> None:
    from bot import log, wiring
    from bot.cli.serve import DELIVERIES_WAIT, Receiver
    from bot.embedded.supervisor import RedisSupervisor
    from bot.queue.watch import RedisWatch

    server = None if settings.has_redis_url else _launch(settings, parts)
    if server:
        stop.before_exit = server.terminate
        settings = replace(settings, redis_url=server.url)
    receiver = Receiver(settings)
    worker = wiring.worker(settings, single_host=server is not None)
    gc.freeze()  # objects loaded at the start are never garbage
    if server:
        server.wait()
    else:
        bootstrap.log_redis_problems(settings)
    worker.start()
    bootstrap.log_forge_problems(settings)
    parts.callback(worker.stop)
    parts.enter_context(receiver)
    parts.callback(lambda: log.get().info("stopping; running jobs finish first"))
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
        if stop.wait(CHECK_SECONDS):
            return
    raise SystemExit(1)


def _launch(settings: Settings, parts: ExitStack) -> EmbeddedRedis:
    """Start the server and return it; it loads its data while this process imports modules."""
    from bot.embedded.valkey import EmbeddedRedis, lock_data_dir

    parts.enter_context(lock_data_dir(settings.data_dir))
    server = EmbeddedRedis(settings.data_dir)
    server.launch()
    parts.callback(server.stop)
    return server
