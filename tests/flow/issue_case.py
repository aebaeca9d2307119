"""One issue, its jobs and the faked forge, model and store around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.core.errors import (
    ModelFailed,
    Retry,
    TaglineError,
)
from bot.core.types import JobKind, Label, Record
from bot.flow.plan import Outcome
from bot.flow.process import process
from tests.fakes import (
    NOW,
    REF,
    FakeForge,
    ScriptedModel,
    make_context,
    make_issue,
    make_job,
    make_service,
    model_reply,
)
from tests.memory_store import MemoryStore

TITLE = "Login button does nothing in Firefox 131"
BODY = "After the 4.2 upgrade the login button does nothing. It crashed with an exception."
LABELS = (
    Label("bug", "Something is broken"),
    Label("documentation"),
    Label("area/login"),
    Label("regression"),
    Label("needs-review"),
    Label("wontfix"),
)
ANSWER = model_reply(
    "The login button does nothing.",
    ("bug", "sure", "does nothing"),
    ("area/login", "likely", "login button"),
    ("regression", "unsure", "after the 4.2 upgrade"),
)
BY_MODEL = ["bug", "area/login"]
BY_RULES = ["bug", "needs-review"]
DOWN = ModelFailed("timeout", outage=True)
BAD_GATEWAY = Retry("GitHub failed (status 502)")


@dataclass
class IssueCase:
    """An issue with its repository, a model (None: no provider) and a store."""

    forge: FakeForge
    model: ScriptedModel | None
    store: MemoryStore = field(default_factory=MemoryStore)
    mode: str = "apply"
    slept: list[float] = field(default_factory=list)
    more_models: Mapping[str, ScriptedModel] = field(default_factory=dict)

    def job(self, kind: JobKind = "opened", *, tries: int = 1, at: float = NOW) -> Outcome:
        models = {**({self.model.name: self.model} if self.model else {}), **self.more_models}
        context = make_context(
            *(self.forge, self.model, self.store, at),
            mode=self.mode,
            sleep=self.slept.append,
            models={name: make_service(model, store=self.store) for name, model in models.items()},
        )
        return process(make_job(kind, f"d-{tries}", at), context, tries)

    def interrupt(
        self, method: str, error: TaglineError = BAD_GATEWAY, *, done: bool = False, tries: int = 1
    ) -> None:
        """Run a job that ends with this error of a method of the forge."""
        self.forge.fail(method, error, done=done)
        with pytest.raises(type(error)):
            self.job(tries=tries)

    @property
    def labels(self) -> list[str]:
        return list(self.forge.current.labels)

    @property
    def comments(self) -> list[str]:
        return [comment.body for comment in self.forge.own_comments]

    @property
    def record(self) -> Record:
        record = self.store.record(REF.key)
        assert record is not None
        return record


def make_case(
    *answers: str | ModelFailed,
    provider: bool = True,
    config: str | None = None,
    labels: Sequence[Label] = LABELS,
    issue: Mapping[str, Any] | None = None,
    **context: Any,
) -> IssueCase:
    forge = FakeForge(replace(make_issue(TITLE, BODY), **(issue or {})), tuple(labels), config)
    return IssueCase(forge, ScriptedModel(*answers) if provider else None, **context)
