"""Runs the steps of a training in a process of its own, so that no thread of the worker waits."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from bot.core.errors import Postponed, TrainingFailed
from bot.core.types import Issue, Label
from bot.queue.trainer_process import FitRequest, LabelledText

EXTRACT_SECONDS, FIT_SECONDS = 600.0, 3600.0  # at the lowest priority beside busy processes
STOPPED_SECONDS = 5.0
INHERITED = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT")  # no secrets
MODULE = "bot.queue.trainer_process"
# Python searches the present directory for a module, unless -P is given; Tagline may run in one
# with another package of this name.
ROOT = Path(__file__).parents[2]


class ProcessTrainer:
    """Implements `Trainer`. `bind_to_parent` returns a command that ends with this process."""

    def __init__(self, bind_to_parent: Callable[[list[str]], list[str]]) -> None:
        self._bind_to_parent = bind_to_parent
        self._lock = threading.Lock()
        self._children: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def extract(self, issues: Sequence[Issue]) -> bytes:
        texts = [LabelledText(x.title, x.body, x.labels, x.created_at) for x in issues]
        return self._run("extract", msgspec.msgpack.encode(texts), EXTRACT_SECONDS)

    def fit(
        self, pages: Sequence[bytes], labels: Sequence[Label], target: float, at: float
    ) -> bytes:
        request = FitRequest(tuple(pages), tuple(labels), target, at)
        return self._run("fit", msgspec.msgpack.encode(request), FIT_SECONDS)

    def stop(self) -> None:
        """End running steps; they and later ones raise `Postponed`."""
        with self._lock:
            self._stopped = True
            for child in self._children:
                child.kill()

    def _run(self, step: str, request: bytes, seconds: float) -> bytes:
        with self._start(step) as child:
            try:
                result, problem = child.communicate(request, timeout=seconds)
            except subprocess.TimeoutExpired:
                why = f"the training process ran longer than {seconds:.0f} s"
                raise TrainingFailed(why) from None
            finally:
                child.kill()
                with self._lock:
                    self._children.discard(child)
        if self._stopped:
            raise Postponed("the worker stops", STOPPED_SECONDS)
        if child.returncode < 0:
            raise TrainingFailed(f"the training process was killed (signal {-child.returncode})")
        if child.returncode:
            lines = problem.decode("utf-8", "replace").strip().splitlines()
            raise TrainingFailed(f"the training process failed: {lines[-1] if lines else '?'}")
        return result

    def _start(self, step: str) -> subprocess.Popen[bytes]:
        command = self._bind_to_parent([sys.executable, "-P", "-m", MODULE, step])
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        search = (str(ROOT), os.environ.get("PYTHONPATH", ""))
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, search))
        with self._lock:
            if self._stopped:
                raise Postponed("the worker stops", STOPPED_SECONDS)
            try:
                child = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=environment,
                    start_new_session=True,  # Ctrl-C ends the worker, which ends this process
                )
            except OSError as error:
                why = f"the training process does not start ({type(error).__name__})"
                raise TrainingFailed(why) from None
            self._children.add(child)
            return child
