"""The call that all providers share: one deadline, a size cap, no redirects, two quick tries.

A server that complains is asked in its own way; an answer that cannot be used may be mended once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from bot import log
from bot.core.errors import ModelFailed
from bot.core.pricing import cost_usd
from bot.core.prompt import Answer, Prompt
from bot.core.types import Usage
from bot.http import CONNECTION_LOST, FAILURES, NOT_SENT, TIMEOUTS, ClientPool, Response, deadline
from bot.llm.negotiate import NEGOTIABLE, RequestRejected, negotiate
from bot.llm.protocol import Capabilities, Completion, CompletionRequest, ModelProtocol, Target

MAX_BYTES = 1024 * 1024
TRIES = 2
LONGEST_WAIT = 5.0
PAUSE_SECONDS = 0.5
REFUSED = (401, 402, 403, 404)


class RemoteModel:
    """Implements the `Model` port over HTTP. `seconds` bounds a whole `ask`, tries included.

    What it learns of its server holds as long as it lives.
    """

    def __init__(
        self,
        clients: ClientPool,
        wire: ModelProtocol,
        base_url: str,
        target: Target,
        seconds: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = target.model
        self._clients = clients
        self._wire = wire
        self._url = base_url + wire.path
        self._target = target
        self._seconds = seconds
        self._sleep = sleep
        self._capabilities = Capabilities(wire.forms[0])

    def worst_usd(self, tokens_in: int) -> float:
        """Twice, as an answer may have to be mended."""
        return 2 * (cost_usd(self.name, tokens_in, self._target.max_output_tokens) or 0.0)

    def ask(self, prompt: Prompt) -> Answer:
        """Ask until there is an answer that can be used, mended at most once. Raises
        `ModelFailed`."""
        with deadline(self._seconds) as until:
            said, question = self._complete(CompletionRequest(prompt, self._capabilities), until)
            try:
                prompt.parse(said.text)
            except ModelFailed as useless:
                said = self._repair(said, question, useless, until)
        counted = said.tokens_in or said.tokens_out
        cost = cost_usd(self.name, said.tokens_in, said.tokens_out) if counted else None
        return Answer(said.text, Usage(self.name, said.tokens_in, said.tokens_out, cost))

    def _complete(
        self, question: CompletionRequest, until: float
    ) -> tuple[Completion, CompletionRequest]:
        """An answer, and the question in the way in which the server took it."""
        asked = question.capabilities
        while True:
            try:
                said = self._retry_once(question, until)
            except RequestRejected as complaint:
                question = negotiate(question, complaint, self._wire)
            else:
                self._learn(asked, question.capabilities)
                return said, question

    def _repair(
        self, first: Completion, question: CompletionRequest, why: ModelFailed, until: float
    ) -> Completion:
        """One more answer in the same conversation. Raises `why` where it is no better."""
        try:
            said, asked = self._complete(replace(question, rejected_answer=first.text), until)
            question.prompt.parse(said.text)
        except ModelFailed:
            raise why from None
        if why.reason == "not-json":
            self._learn(asked.capabilities, replace(asked.capabilities, schema_in_prompt=True))
        return Completion(
            said.text, first.tokens_in + said.tokens_in, first.tokens_out + said.tokens_out
        )

    def _learn(self, before: Capabilities, now: Capabilities) -> None:
        if now == before:
            return
        self._capabilities = now
        log.get().info(
            "the model's server is asked in another way from now on",
            model=self.name,
            form=now.form,
            without=sorted(now.unsupported),
            told=now.schema_in_prompt,
        )

    def _retry_once(self, question: CompletionRequest, until: float) -> Completion:
        for tries_left in range(TRIES - 1, -1, -1):
            try:
                return self._send(question, until)
            except ModelFailed as failure:
                in_time = time.monotonic() + failure.after < until
                if not (failure.retryable and tries_left and in_time):
                    raise
                self._sleep(failure.after)
        raise AssertionError("the last try returns or raises")

    def _send(self, question: CompletionRequest, until: float) -> Completion:
        client = self._clients.get()
        request = client.build_request(
            "POST",
            self._url,
            headers={"Content-Type": "application/json", **self._wire.headers(self._target)},
            content=msgspec.json.encode(self._wire.body(question, self._target)),
            seconds=self._seconds,
        )
        try:
            response = client.send(request, MAX_BYTES)
        except FAILURES as error:
            raise _transport_failure(error, late=time.monotonic() >= until) from None
        if response.status != 200:
            raise _status_failure(response)
        return self._read(response.content)

    def _read(self, body: bytes) -> Completion:
        try:
            data: Any = msgspec.json.decode(body)
            said = self._wire.read(data)
        except (msgspec.DecodeError, RecursionError):
            raise ModelFailed("not-json", retryable=True) from None
        except (KeyError, TypeError, IndexError, AttributeError):
            raise ModelFailed("wrong-envelope") from None
        if not isinstance(said.text, str) or not said.text.strip():
            raise ModelFailed("empty")
        return said


def _transport_failure(error: Exception, *, late: bool) -> ModelFailed:
    if late or isinstance(error, TIMEOUTS):
        return ModelFailed("timeout", outage=True)
    if isinstance(error, NOT_SENT):
        return ModelFailed("unreachable", outage=True)
    if isinstance(error, CONNECTION_LOST):
        return ModelFailed("connection-lost", retryable=True, outage=True)
    return ModelFailed("too-long")


def _status_failure(response: Response) -> ModelFailed:
    status = response.status
    reason = f"status-{status}"
    if status in REFUSED:
        return ModelFailed(reason, needs_operator=True)
    if status in NEGOTIABLE:
        return RequestRejected(status, response.content)
    if status == 429:
        after = _seconds(response.headers.get("retry-after"))
        return ModelFailed(reason, retryable=after <= LONGEST_WAIT, after=after, outage=True)
    if status >= 500:
        return ModelFailed(reason, retryable=True, after=PAUSE_SECONDS, outage=True)
    return ModelFailed(reason)


def _seconds(text: str | None) -> float:
    try:
        return max(float(text or 1), 0.0)
    except ValueError:
        return LONGEST_WAIT + 1
