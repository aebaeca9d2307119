"""A worker or a receiver in a separate process that is killed at a chosen step.

The processes are forked from a server process that has imported everything and has no threads.
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

TIMEOUT_SECONDS = 30
PRELOADED = (
    *("bot.cli.main", "bot.cli.serve", "bot.cli.worker", "bot.wiring", "bot.web.app", "uvicorn"),
    *("bot.forges.github.api", "bot.forges.gitlab.api", "bot.llm.openai", "bot.llm.breaker"),
    *("bot.queue.worker", "bot.queue.actors", "bot.flow.process", "bot.flow.reconcile", "uvloop"),
)


class Step(NamedTuple):
    """Where a process is killed: `module:Class.method`, before or after the call."""

    where: str
    when: str = "before"


@cache
def _fork_server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED, __name__])
    return context


def start(
    command: str,
    environment: Mapping[str, str],
    step: Step | None = None,
    values: Mapping[str, Any] | None = None,
    files: int = 0,
) -> ForkServerProcess:
    """Run `tagline COMMAND` with `values` set in modules; `files` limits the open files."""
    process = _fork_server().Process(
        target=_run, args=(command, dict(environment), step, dict(values or {}), files)
    )
    process.start()
    return process


def wait(process: ForkServerProcess) -> int:
    """Wait for the end; return the exit status, or minus the signal that ended the process."""
    process.join(TIMEOUT_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
        raise AssertionError("the process did not end")
    assert process.exitcode is not None
    return process.exitcode


def _run(
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
        setattr(owner, last, _kill_at(getattr(owner, last), step.when))
    from bot.cli.main import cli  # noqa: PLC0415 - loaded before the fork

    cli.main([command], prog_name="tagline")


def _find(name: str) -> tuple[Any, str]:
    module, _, path = name.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, last = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    return owner, last


def _kill_at(call: Any, when: str) -> Any:
    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    async def killing_async(*arguments: Any, **more: Any) -> None:
        if when == "after":
            await call(*arguments, **more)
        kill()

    def killing(*arguments: Any, **more: Any) -> None:
        if when == "after":
            call(*arguments, **more)
        kill()

    return killing_async if inspect.iscoroutinefunction(call) else killing
