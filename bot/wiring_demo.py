"""Builds the processes of the demo."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bot.embedded.parent_death import with_pdeathsig
from bot.embedded.valkey import EmbeddedRedis
from bot.sandbox.processes import DemoProcesses, Launcher


def demo_processes(
    folder: Path,
    variables: Mapping[str, str],
    *,
    local_model: bool = False,
    model_host: str = "",
) -> DemoProcesses:
    """Return the demo's processes, which keep their files in `folder`.

    `variables` may name a model; `model_host` is its server, "" for one on this machine.
    """
    launcher = Launcher(EmbeddedRedis, with_pdeathsig)
    return DemoProcesses(
        folder, launcher, variables, local_model=local_model, model_host=model_host
    )
