"""Runs the actions of the setup page in a thread; the page does not wait for a slow one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot import log
from bot.core.errors import TaglineError
from bot.core.setup import ManualHook, SetupPreview, SetupProblem

WAIT_SECONDS = 8.0  # the server ends an answer that takes more than fifteen
BUSY = "The previous action still runs: wait until it ends."


@dataclass(slots=True)
class Result:
    """What the page says about an action; `form` are the fields to show again.

    `has_moved` = it is on the page of the next step.
    """

    text: str
    is_good: bool = True
    may_ignore: bool = False
    form: Mapping[str, str] = field(default_factory=dict)
    manual: ManualHook | None = None
    preview: SetupPreview | None = None
    has_moved: bool = False

    @property
    def stays(self) -> bool:
        """Return whether the page shows more than the text, so that the step does not end."""
        return self.manual is not None or self.preview is not None

    def take_manual(self) -> ManualHook | None:
        """Return the values of a webhook, which include a secret, once."""
        manual, self.manual = self.manual, None
        return manual


class Tasks:
    """One action at a time. The result of the last one is kept for the page of its step."""

    def __init__(self) -> None:
        self._step, self._result = "", Result("")
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> str:
        """Return the step whose action runs, "" for none."""
        return self._step if self._task and not self._task.done() else ""

    def result(self, step: str) -> Result:
        return self._result if step == self._step else Result("")

    def move(self, step: str, target: str) -> None:
        """Show a step's result on the page of another one."""
        if self._step == step:
            self._step, self._result.has_moved = target, True

    async def run(
        self, step: str, action: Callable[[], Result], form: Mapping[str, str]
    ) -> Result | None:
        """Start an action and return its result, None if it takes longer than a page may."""
        if self.running:
            return Result(BUSY, is_good=False)
        self._step, self._result = step, Result("", form=form)
        self._task = asyncio.create_task(self._do(action, form))
        await asyncio.wait({self._task}, timeout=WAIT_SECONDS)
        return self._result if self._task.done() else None

    async def _do(self, action: Callable[[], Result], form: Mapping[str, str]) -> None:
        try:
            self._result = await asyncio.to_thread(action)
            if self._result.stays:
                self._result.form = form
        except SetupProblem as problem:
            self._result = Result(str(problem), False, problem.may_ignore, form)
        except TaglineError as error:
            self._result = Result(f"Nothing was stored: {error}. Try again.", False, form=form)
        except Exception as error:
            frames = log.frames(error.__traceback__)[-8:]
            log.get().error("unexpected error", error=type(error).__name__, frames=frames)
            text = f"Unexpected error ({type(error).__name__}); its place is in the log."
            self._result = Result(text, False, form=form)
