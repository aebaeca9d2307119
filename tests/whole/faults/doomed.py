"""A worker or a receiver in a process of its own that is killed at a chosen step.

The processes are forked from one that has loaded everything and holds no thread.
"""

from __future__ import annotations

import importlib
import inspect
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Mapping
from functools import cache
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any, NamedTuple

SECONDS = 30
LOADED = (
    *("bot.cli.main", "bot.cli.serve", "bot.cli.worker", "bot.wiring", "bot.web.app", "uvicorn"),
    *("bot.forges.github.api", "bot.forges.gitlab.api", "bot.llm.openai", "bot.llm.breaker"),
    *("bot.queue.worker", "bot.queue.actors", "bot.flow.process", "bot.flow.reconcile", "uvloop"),
)


class Step(NamedTuple):
    """Where a process dies: `module:Class.method`, before the call or after it."""

    where: str
    when: str = "before"


@cache
def _nursery() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*LOADED, __name__])
    return context


def start(
    command: str,
    environment: Mapping[str, str],
    step: Step | None = None,
    values: Mapping[str, Any] | None = None,
    files: int = 0,
) -> ForkServerProcess:
    """Run `tagline COMMAND`. `values` are set in modules first; `files` limits open ones."""
    process = _nursery().Process(
        target=_live, args=(command, dict(environment), step, dict(values or {}), files)
    )
    process.start()
    return process


def end(process: ForkServerProcess) -> int:
    """Wait until it has ended; minus the signal that ended it, or its exit status."""
    process.join(SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
        raise AssertionError("the process did not end")
    assert process.exitcode is not None
    return process.exitcode


def _live(
    command: str,
    environment: dict[str, str],
    step: Step | None,
    values: dict[str, Any],
    files: int,
) -> None:
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - as long as the process
    os.environ.update(environment)
    if files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    for name, value in values.items():
        owner, last = _find(name)
        setattr(owner, last, value)
    if step:
        owner, last = _find(step.where)
        setattr(owner, last, _deadly(getattr(owner, last), step.when))
    from bot.cli.main import cli  # noqa: PLC0415 - loaded before the fork

    cli.main([command], prog_name="tagline")


def _find(name: str) -> tuple[Any, str]:
    module, _, path = name.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, last = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    return owner, last


def _deadly(call: Any, when: str) -> Any:
    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    async def waited(*arguments: Any, **more: Any) -> None:
        if when == "after":
            await call(*arguments, **more)
        die()

    def called(*arguments: Any, **more: Any) -> None:
        if when == "after":
            call(*arguments, **more)
        die()

    return waited if inspect.iscoroutinefunction(call) else called
