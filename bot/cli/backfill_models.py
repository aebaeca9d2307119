"""The language models of a backfill: each stands in for a `ModelService` in the flow of a job."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.cli.batch import AFTER_FAILURES, OVER_BUDGET
from bot.core.errors import ModelFailed, ModelSkipped, Retry, TaglineError
from bot.core.ports import ModelCall, ModelService
from bot.core.pricing import BATCH_FACTOR, cost_usd
from bot.core.prompt import Prompt
from bot.core.reply import ModelAnswer
from bot.core.types import ModelSetting, Usage
from bot.flow.enrich import NO_PROVIDER
from bot.llm.batches import BatchClient, BatchRequest, BatchResult
from bot.llm.service import parse_answer

NO_ANSWER = ("", BatchResult(""))
USUAL_OUTPUT_TOKENS = 200  # of an answer: a summary and a few labels with reasons


class BudgetReached(TaglineError):
    """The run ends: a budget does not allow another call. The text names it as `reserve` does."""


class ModelUnavailable(Retry):
    """The issue waits: its model failed, and rules are no substitute for one that returns."""

    def __init__(self, reason: str, setting: ModelSetting) -> None:
        super().__init__(f"the model does not answer ({reason})")
        self.reason, self.setting = reason, setting


class Collected(TaglineError):
    """The issue waits for an answer: its question is in a batch, or has to be asked again."""


@dataclass(slots=True)
class StrictModel:
    """A model that ends the run at a budget, and delays an issue while the provider fails.

    An answer that cannot be used is left to the next labeller, as for a new issue.
    """

    model: ModelService
    _failure: ModelFailed | None = None  # the last one that says what is wrong

    def complete(self, prompt: Prompt, call: ModelCall | None) -> ModelAnswer:
        try:
            return self.model.complete(prompt, call)
        except ModelSkipped as skipped:
            if skipped.reason.startswith(OVER_BUDGET):
                raise BudgetReached(skipped.reason.removeprefix(OVER_BUDGET)) from None
            raise
        except ModelFailed as failure:
            if failure.fault != "provider":
                raise
            if failure.reason != AFTER_FAILURES or self._failure is None:
                self._failure = failure
            raise ModelUnavailable(self._failure.reason, self._failure.setting) from None


@dataclass(slots=True)
class Estimator:
    """Adds up what a model would cost, and leaves the issues to the next labeller."""

    name: str
    max_output_tokens: int
    prompts: int = 0
    tokens: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def complete(self, prompt: Prompt, call: ModelCall | None) -> ModelAnswer:
        with self._guard:
            self.prompts += 1
            self.tokens += prompt.tokens
        raise ModelSkipped(NO_PROVIDER)

    def estimate(self, output_tokens: int) -> float | None:
        """Return the cost in US dollars with answers of a length, None without a known price."""
        return cost_usd(self.name, self.tokens, self.prompts * output_tokens)


@dataclass(frozen=True, slots=True)
class Question:
    """A request of a batch, its issue's number and the digest of its text; `usd` is reserved."""

    request: BatchRequest
    number: int
    digest: str
    usd: float


@dataclass(frozen=True, slots=True)
class CollectingModel:
    """Puts questions into `questions` instead of asking them. Raises `BudgetReached`."""

    client: BatchClient
    make_id: Callable[[int], str]
    reserve: Callable[[ModelCall, float], str]
    questions: dict[int, Question]

    def complete(self, prompt: Prompt, call: ModelCall | None) -> ModelAnswer:
        if call is None:
            raise ModelSkipped(NO_PROVIDER)
        number, endpoint = call.issue.ref.number, self.client.model.endpoint
        usd = batch_usd(endpoint.model, prompt.tokens, endpoint.max_output_tokens) or 0.0
        if number not in self.questions:
            if exhausted := self.reserve(call, usd):
                raise BudgetReached(exhausted)
            request = self.client.build_request(self.make_id(number), prompt)
            self.questions[number] = Question(request, number, digest_issue(prompt), usd)
        raise Collected


@dataclass(frozen=True, slots=True)
class AnsweringModel:
    """Answers from the results of a batch. Raises `Collected` where none fits the issue's text.

    `answers` has the digest of the issue's text and the result, by the issue's number.
    """

    name: str
    answers: Mapping[int, tuple[str, BatchResult]]

    def complete(self, prompt: Prompt, call: ModelCall | None) -> ModelAnswer:
        digest, result = self.answers.get(call.issue.ref.number, NO_ANSWER) if call else NO_ANSWER
        if call is None or result.completion is None or digest != digest_issue(prompt):
            raise Collected
        try:
            reply = parse_answer(result.completion.text, call.issue)
        except ModelFailed:
            raise Collected from None
        tokens = result.completion.tokens_in, result.completion.tokens_out
        return ModelAnswer(reply, Usage(self.name, *tokens, batch_usd(self.name, *tokens)))


def batch_usd(model: str, tokens_in: int, tokens_out: int) -> float | None:
    """Return the cost of one answer in a batch in US dollars, None without a known price."""
    usd = cost_usd(model, tokens_in, tokens_out)
    return None if usd is None else usd * BATCH_FACTOR


def digest_issue(prompt: Prompt) -> str:
    """Return a digest of the issue's text in a prompt."""
    return hashlib.sha256(prompt.issue.encode(errors="replace")).hexdigest()[:24]
