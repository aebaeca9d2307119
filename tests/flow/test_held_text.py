"""While a model is asked, a job holds no more of a body than what the model is shown."""

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
from tests.fakes import FakeForge, ScriptedModel, a_context, a_delivery, an_issue, says
from tests.memory_store import MemoryStore

MOST = 12_000  # characters: more than the question has, less than what is read of a body
SIGN = "\U0001f4a5"


class Fresh(FakeForge):
    """Makes its issue's body anew for each request, as a platform does."""

    length = 0

    def issue(self, ref: IssueRef) -> Issue:
        return bound_body(an_issue("Login fails", f"It crashed. {SIGN * self.length}"))


class Looking(ScriptedModel):
    """Looks, while it is asked, for the longest text that a frame of the job leads to."""

    longest = -1

    def complete(self, prompt: Prompt, parse: Any) -> Any:
        frame: FrameType | None = sys._getframe(1)
        here: list[FrameType] = []
        while frame and frame.f_globals.get("__name__", "").startswith("bot."):
            here.append(frame)
            frame = frame.f_back
        assert len(here) > 3
        self.longest = max(map(len, _texts([frame.f_locals for frame in here])))
        return super().complete(prompt, parse)


def _texts(roots: list[Any]) -> list[str]:
    seen: set[int] = set()
    found: list[str] = []
    left = list(roots)
    while left:
        one = left.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FrameType):
            continue
        seen.add(id(one))
        if isinstance(one, str):
            found.append(one)
        elif not (callable(one) and hasattr(one, "__globals__")):
            left += gc.get_referents(one)
        else:
            left += [cell.cell_contents for cell in getattr(one, "__closure__", None) or ()]
    return found


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("length", [LONG_BODY + 1, 30_000, HEAD_CHARS + TAIL_CHARS, 1_048_000])
def test_a_job_holds_no_long_body_while_a_model_is_asked(length: int, *, fails: bool) -> None:
    forge = Fresh(an_issue("Login fails", ""))
    forge.length = length
    model = Looking(ModelFailed("timeout") if fails else says("It crashed."))
    outcome = process(a_delivery(), a_context(forge, model, MemoryStore()))
    assert outcome.enrichment
    assert outcome.enrichment.source == ("rules" if fails else "model")
    assert 0 < model.longest < MOST


def test_the_search_finds_what_is_held() -> None:
    long = SIGN * 20_000
    issue = an_issue("Login fails", long)
    assert max(map(len, _texts([{"x": [lambda: issue]}]))) == len(long)
