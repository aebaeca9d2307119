"""While a job waits for the model, it holds no more of a body than the prompt contains."""

from __future__ import annotations

import gc
import sys
from types import FrameType, ModuleType
from typing import Any

import pytest

from bot.core.errors import ModelFailed
from bot.core.prompt import Prompt
from bot.core.text.bounded import bound_body
from bot.core.text.condense import HEAD_CHARS, TAIL_CHARS
from bot.core.types import Issue, IssueRef
from bot.flow.enrich import LONG_BODY
from bot.flow.process import process
from tests.fakes import FakeForge, ScriptedModel, make_context, make_issue, make_job, model_reply
from tests.memory_store import MemoryStore

MAX_CHARACTERS = 12_000  # more than a prompt has, less than what is read of a body
CHARACTER = "\U0001f4a5"


class FreshBodyForge(FakeForge):
    """Makes a new string for the issue's body on each request, as a platform does."""

    length = 0

    def get_issue(self, ref: IssueRef) -> Issue:
        return bound_body(make_issue("Login fails", f"It crashed. {CHARACTER * self.length}"))


class InspectingModel(ScriptedModel):
    """Searches the job's frames for the longest string that they reference."""

    longest = -1

    def complete(self, prompt: Prompt, parse: Any) -> Any:
        frame: FrameType | None = sys._getframe(1)
        frames: list[FrameType] = []
        while frame and frame.f_globals.get("__name__", "").startswith("bot."):
            frames.append(frame)
            frame = frame.f_back
        assert len(frames) > 3
        self.longest = max(map(len, _texts([frame.f_locals for frame in frames])))
        return super().complete(prompt, parse)


def _texts(roots: list[Any]) -> list[str]:
    seen: set[int] = set()
    texts: list[str] = []
    pending = list(roots)
    while pending:
        value = pending.pop()
        if id(value) in seen or isinstance(value, type | ModuleType | FrameType):
            continue
        seen.add(id(value))
        if isinstance(value, str):
            texts.append(value)
        elif not (callable(value) and hasattr(value, "__globals__")):
            pending += gc.get_referents(value)
        else:
            pending += [cell.cell_contents for cell in getattr(value, "__closure__", None) or ()]
    return texts


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("length", [LONG_BODY + 1, 30_000, HEAD_CHARS + TAIL_CHARS, 1_048_000])
def test_a_job_holds_no_long_body_while_a_model_is_asked(length: int, *, fails: bool) -> None:
    forge = FreshBodyForge(make_issue("Login fails", ""))
    forge.length = length
    model = InspectingModel(ModelFailed("timeout") if fails else model_reply("It crashed."))
    outcome = process(make_job(), make_context(forge, model, MemoryStore()))
    assert outcome.enrichment
    assert outcome.enrichment.source == ("rules" if fails else "model")
    assert 0 < model.longest < MAX_CHARACTERS


def test_the_search_finds_a_text_in_a_closure() -> None:
    long = CHARACTER * 20_000
    issue = make_issue("Login fails", long)
    assert max(map(len, _texts([{"x": [lambda: issue]}]))) == len(long)
