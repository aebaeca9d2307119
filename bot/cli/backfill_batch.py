"""A backfill through a vendor's batches: collect questions, send them, read answers, apply them.

Before an answer is applied its issue is read again: one that was edited since is asked about
directly, as is one without a usable answer after a second batch.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

import msgspec

from bot.cli import bootstrap
from bot.cli.backfill_models import (
    AnsweringModel,
    CollectingModel,
    ModelUnavailable,
    Question,
    batch_usd,
)
from bot.cli.backfill_run import BackfillRun, Process, Stopped
from bot.cli.backfill_state import BackfillState, Batch, SentQuestion
from bot.core.day_figures import find_day_start
from bot.core.errors import ModelFailed
from bot.core.ports import BudgetStore, ModelCall, ModelService
from bot.core.pricing import MICRO, to_microdollars
from bot.core.text.numbers import format_count
from bot.llm.batches import (
    MAX_BATCH_BYTES,
    BatchClient,
    BatchResult,
    BatchState,
    SentBatch,
    is_gone,
    is_uncertain,
)

MAX_REQUESTS = 500  # of a batch; more of them only take longer to come back
MAX_BATCHES = 40  # at the vendor at a time
COLLECT = 50  # issues at a time, until a batch is full
POLL_SECONDS = 30.0
LATE_SECONDS = 26 * 3600.0  # after which a batch is given up; vendors give themselves 24 hours
FIND_SECONDS = 120.0  # after which a batch that cannot be found counts as never created
MAX_TRIES = 2  # batches for one issue, before its model is asked directly
DELETE_TRIES, DELETE_PAUSE = 4, 3.0  # seconds
FIRST_ISSUES = 20  # that are asked about directly, until the model has answered for one
# Why a vendor takes no more batches for now.
FULL = (
    "token_limit_exceeded",
    "request_limit_exceeded",
    "status-429",
    "status-503",
    "status-529",
)


@dataclass
class BatchRun:
    """The batches of a run.

    `vendor` is the provider and the model, which `direct` asks without a batch. `make_process` and
    `collect` return the handler of a job with a given model; the one of `collect` never writes a
    comment. `reserve` is that of the run's budget, `shared` the budgets of all workers.
    """

    run: BackfillRun
    client: BatchClient
    vendor: str
    direct: ModelService
    collect: Callable[[ModelService], Process]
    make_process: Callable[[ModelService], Process]
    reserve: Callable[[ModelCall, float], str]
    shared: BudgetStore
    _is_full: bool = False  # the vendor takes no more batches for now
    _over_budget: Stopped | None = None  # until a batch has ended, which frees what it did not use

    @property
    def state(self) -> BackfillState:
        return self.run.state

    def run_all(self, numbers: Sequence[int], *, sends: bool) -> None:
        """Process issues, through batches if it `sends`, and end the batches of earlier runs.

        Raises `Stopped` and KeyboardInterrupt.
        """
        sent = {number for batch in self.state.batches.values() for number in batch.numbers}
        waiting = deque(number for number in numbers if number not in sent)
        if sends:
            self._ask_first(waiting)
        while waiting or self.state.batches:
            self.run.report.waiting = sum(len(x.questions) for x in self.state.batches.values())
            waiting.extend(self._end_batches())
            try:
                self._continue(waiting, sends=sends)
            except Stopped as stopped:
                if stopped.code != bootstrap.OVER_BUDGET or not self.state.batches:
                    raise
                self._over_budget = stopped  # what was paid for is still applied
                self.run.resume()
        self.run.report.waiting = 0

    def _continue(self, waiting: deque[int], *, sends: bool) -> None:
        """Ask about issues that wait, if that is possible now; else wait for a batch."""
        in_flight = len(self.state.batches)
        is_held = self._is_full or self._over_budget or in_flight >= MAX_BATCHES
        if waiting and not sends and not self._over_budget:
            self._ask(waiting, MAX_REQUESTS)
        elif waiting and sends and not is_held:
            self._send(waiting)
        elif waiting and not in_flight:  # full, though none of this repository's batches is there
            self._is_full, self._over_budget = False, None
            self._ask(waiting, MAX_REQUESTS)
        elif in_flight:
            self.run.pause(POLL_SECONDS)

    def _ask_first(self, waiting: deque[int]) -> None:
        """Ask directly until the model has answered, which settles the form of what is sent."""
        for _ in range(FIRST_ISSUES):
            if waiting and not self.run.report.answers.sources["model"]:
                self._ask(waiting, 1)

    def _ask(self, waiting: deque[int], count: int) -> None:
        """Process the first issues with direct questions; those that are not done wait again."""
        numbers = self._take(waiting, count)
        try:
            self.run.run_all(numbers, self.make_process(self.direct))
        except Stopped:
            waiting.extend(filter(self._is_left, numbers))
            raise

    @staticmethod
    def _take(waiting: deque[int], count: int) -> list[int]:
        return [waiting.popleft() for _ in range(min(count, len(waiting)))]

    def _send(self, waiting: deque[int]) -> None:
        """Collect the questions of one batch, and send it; other issues reach their end here."""
        token, questions = uuid4().hex[:16], dict[int, Question]()
        model = CollectingModel(self.client, f"{token}-{{}}".format, self.reserve, questions)
        try:
            self._collect(waiting, model)
        except Stopped as stopped:
            if stopped.code != bootstrap.OVER_BUDGET or not questions:
                self._release(questions)
                raise
            waiting.extend(self._submit(token, questions))
            raise
        except BaseException:
            self._release(questions)
            raise
        if questions:
            waiting.extend(self._submit(token, questions))

    def _collect(self, waiting: deque[int], model: CollectingModel) -> None:
        size, questions = 0, model.questions
        while waiting and len(questions) < MAX_REQUESTS and size < MAX_BATCH_BYTES:
            numbers = self._take(waiting, min(COLLECT, MAX_REQUESTS - len(questions)))
            to_ask = deque(n for n in numbers if self.state.tries.get(n, 0) >= MAX_TRIES)
            to_collect = [n for n in numbers if n not in to_ask]
            try:
                self._ask(to_ask, len(to_ask))
                self.run.run_all(to_collect, self.collect(model))
            except Stopped:
                waiting.extend(
                    n for n in (*to_ask, *to_collect) if self._is_left(n) and n not in questions
                )
                raise
            size = sum(len(one.request.body) for one in questions.values())

    def _release(self, questions: dict[int, Question]) -> None:
        """Take back the reservations of questions that are not sent."""
        micro_usd = -sum(to_microdollars(one.usd) for one in questions.values())
        self.state.add_micro_usd(micro_usd)
        self.shared.settle(self.run.ref.repo_key, micro_usd / MICRO)

    def _submit(self, token: str, questions: dict[int, Question]) -> list[int]:
        """Send a batch; return the issues of one that the vendor did not take."""
        requests = {
            one.request.id: SentQuestion(number, one.digest, one.usd)
            for number, one in questions.items()
        }
        batch = Batch(token, self.vendor, time.time(), requests)
        self.state.add_batch(batch)
        try:
            sent = self.client.submit([one.request for one in questions.values()], token)
        except ModelFailed as failure:
            if failure.needs_operator:
                self._return(batch, tried=False)
                raise _explain(failure) from None
            self.run.report.note(f"A batch was not accepted ({failure.reason}).")
            if is_uncertain(failure):
                return []  # it is looked for, and returned where it cannot be found
            self._is_full = failure.reason in FULL
            return self._return(batch, tried=not self._is_full)
        self.state.add_batch(_add_sent(batch, sent))
        self.run.report.note(f"Sent a batch of {format_count(len(requests), 'issue')}.")
        return []

    def _end_batches(self) -> list[int]:
        """Apply the batches that have ended; return the issues that need another try."""
        waiting: list[int] = []
        for batch in list(self.state.batches.values()):
            try:
                waiting += self._look_at(batch)
            except ModelFailed as failure:
                if failure.needs_operator and not is_gone(failure):
                    raise _explain(failure) from None
                if is_gone(failure) or self._is_late(batch):
                    self.run.report.note(f"A batch is lost ({failure.reason}).")
                    waiting += self._return(batch)
        return waiting

    def _look_at(self, batch: Batch) -> list[int]:
        """Poll one batch, and apply it if it has ended; return the issues that need another try.

        Raises `ModelFailed`.
        """
        if not batch.id:
            return self._find(batch)
        sent = SentBatch(batch.id, batch.files)
        state = self.client.poll(sent)
        if not state.has_ended:
            return self._cancel(batch, sent, state) if self._is_late(batch) else []
        self._is_full, self._over_budget = state.why in FULL, None
        if state.why:
            self.run.report.note(f"The vendor did not process a batch ({state.why}).")
        found = self.client.read_results(sent, state)
        results = {one.id: one for one in found if one.id in batch.questions}
        self._apply(batch, results)
        self._delete(sent, state)
        micro_usd = sum(
            _find_micro_usd(self.client.model.name, results.get(id_), one)
            - to_microdollars(one.usd)
            for id_, one in batch.questions.items()
        )
        tries = self._count_tries(batch, results)
        self._end(batch, micro_usd, tries)
        return list(tries)

    def _find(self, batch: Batch) -> list[int]:
        """Look for a batch of which it is not known whether it was created; return its issues if
        it was not. Raises `ModelFailed`."""
        if found := self.client.find(batch.token):
            self.state.add_batch(_add_sent(batch, found))
        elif not self.client.can_find:
            return self._return(batch, refund=False)
        elif time.time() - batch.at > FIND_SECONDS:
            self.client.abandon(batch.token)
            return self._return(batch)
        return []

    def _cancel(self, batch: Batch, sent: SentBatch, state: BatchState) -> list[int]:
        """Give up a batch that has not ended; return its issues."""
        with suppress(ModelFailed):
            self.client.cancel(sent)
        self._delete(sent, state)
        return self._return(batch, refund=False)

    def _count_tries(self, batch: Batch, results: Mapping[str, BatchResult]) -> dict[int, int]:
        """Return the number of tries so far of the issues that are not done.

        A direct question follows where another batch would bring the same.
        """
        is_final = {id_ for id_, one in results.items() if one.completion or one.rejected}
        return {
            one.number: MAX_TRIES
            if id_ in is_final
            else self.state.tries.get(one.number, 0) + (not self._is_full)
            for id_, one in batch.questions.items()
            if self._is_left(one.number)
        }

    def _is_left(self, number: int) -> bool:
        return number not in self.state.done and number not in self.run.given_up

    def _apply(self, batch: Batch, results: dict[str, BatchResult]) -> None:
        """Process the issues whose answers are there."""
        answers = {
            batch.questions[id_].number: (batch.questions[id_].digest, one)
            for id_, one in results.items()
            if one.completion
        }
        model = AnsweringModel(self.client.model.name, answers)
        self.run.run_all(filter(self._is_left, answers), self.make_process(model))

    def _return(self, batch: Batch, *, tried: bool = True, refund: bool = True) -> list[int]:
        """Remove a batch without answers; return its issues.

        Without `refund` its cost stays reserved: the vendor may still charge for it.
        """
        numbers = [number for number in batch.numbers if self._is_left(number)]
        tries = {n: self.state.tries.get(n, 0) + tried for n in numbers}
        micro_usd = -sum(to_microdollars(x.usd) for x in batch.questions.values()) if refund else 0
        self._end(batch, micro_usd, tries)
        return numbers

    def _end(self, batch: Batch, micro_usd: int, tries: dict[int, int]) -> None:
        """Remove a batch, and settle what was reserved of the workers' budgets the same day."""
        self.state.end_batch(batch.token, micro_usd, tries)
        if find_day_start(batch.at) == find_day_start(time.time()):
            self.shared.settle(self.run.ref.repo_key, micro_usd / MICRO)

    def _delete(self, sent: SentBatch, state: BatchState) -> None:
        """Delete what the vendor has of a batch; say what could not be deleted."""
        why = ""
        for _ in range(DELETE_TRIES):
            try:
                self.client.delete(sent, state)
            except ModelFailed as failure:
                why = failure.reason
                self.run.pause(DELETE_PAUSE)
            else:
                return
        files = ", ".join((sent.id, *sent.files, *state.outputs))
        self.run.report.note(f"Not deleted at the vendor ({why}): {files}.")

    @staticmethod
    def _is_late(batch: Batch) -> bool:
        return time.time() - batch.at > LATE_SECONDS


def _explain(failure: ModelFailed) -> Stopped:
    """Return the end of the run for a failure that only the operator can fix."""
    cause = ModelUnavailable(failure.reason, failure.setting)
    return Stopped(str(cause), 1, cause)


def _add_sent(batch: Batch, sent: SentBatch) -> Batch:
    """Return the batch with its id and files at the vendor."""
    return msgspec.structs.replace(batch, id=sent.id, files=sent.files)


def _find_micro_usd(model: str, result: BatchResult | None, question: SentQuestion) -> int:
    """Return what a question has cost; all that was reserved where its tokens are not known."""
    if result is None or not result.charged:
        return 0
    completion = result.completion
    if completion is None or not completion.tokens_in:
        return to_microdollars(question.usd)
    return to_microdollars(batch_usd(model, completion.tokens_in, completion.tokens_out) or 0.0)
