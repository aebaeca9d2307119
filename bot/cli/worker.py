"""`tagline worker`: processes queued jobs until a signal stops it."""

from __future__ import annotations

import gc

import click

from bot import log
from bot.cli import bootstrap
from bot.cli.options import poll_option
from bot.cli.signals import StopSignal

CHECK_SECONDS = 0.5


@click.command()
@poll_option
def worker(poll: int | None) -> None:
    """Process jobs from Redis: call the model, write comments and labels.

    With --poll it also looks for new issues itself, without webhooks. Of several such workers, one
    looks at a time.
    """
    stop = StopSignal()
    from bot import wiring_worker
    from bot.queue.watch import RedisWatch

    settings = bootstrap.load_service_settings(works=True, poll=poll)
    running = wiring_worker.worker(settings)
    bootstrap.log_redis_problems(settings)
    gc.freeze()  # objects loaded at the start are never garbage
    running.start()
    bootstrap.log_forge_problems(settings)
    log.get().info("worker started", threads=settings.worker_threads)
    watch = RedisWatch(settings.redis_url, "jobs wait until it does")
    watch.check()
    while not stop.wait(CHECK_SECONDS):
        watch.check()
    running.stop()
    log.get().info("worker stopped")
