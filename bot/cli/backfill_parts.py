"""Joins a backfill with the language model that its options ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import click

from bot import wiring, wiring_backfill
from bot.cli import bootstrap
from bot.cli.backfill_batch import BatchRun
from bot.cli.backfill_models import Estimator, StrictModel
from bot.cli.backfill_options import BackfillOptions
from bot.cli.backfill_run import BackfillRun, Process, Stopped
from bot.cli.backfill_state import RunBudget
from bot.cli.batch import PatientModel
from bot.core.config.schema import RepoConfig
from bot.core.ports import ModelCall, ModelService
from bot.flow.load_config import choose_model
from bot.settings.load import Settings
from bot.settings.models import ModelSettings
from bot.store.no_store import NoStore, ReadOnlyStore
from bot.store.redis import RedisStore


@dataclass
class Backfiller:
    """Joins a run with the models that its options ask for.

    `chosen` is the model of the repository, None without one. It is not called but estimated where
    there is an `estimator`.
    """

    settings: Settings
    options: BackfillOptions
    run: BackfillRun
    store: RedisStore | NoStore
    config: RepoConfig

    def __post_init__(self) -> None:
        first = self.settings.model
        self.clients = bootstrap.open_clients()
        self.budget = RunBudget(self.run.state, self.store.budgets, self.options.limit_usd)
        self.models = wiring.models(first, self.clients, self.store, budgets=self.budget)
        name = choose_model(self.config, self.models)
        self.chosen = first.find(name) if first else None
        self.estimator: Estimator | None = None
        if self.chosen and not self.options.calls_model:
            self.estimator = Estimator(self.chosen.model, self.chosen.max_output_tokens)

    def process(self, numbers: list[int]) -> None:
        """Process the issues. Raises `Stopped` and KeyboardInterrupt."""
        self._check_batches()
        if self.chosen is None or self.estimator:
            self.run.run_all(numbers, self._make_process(self.estimator))
            return
        direct = StrictModel(PatientModel(self.models[self.chosen.model]))
        if self.options.batch or self.run.state.batches:
            self._run_batches(numbers, direct, self.chosen)
        else:
            self.run.run_all(numbers, self._make_process(direct))

    @property
    def vendor(self) -> str:
        """Return the provider and the name of the model, which has to read its batches."""
        return f"{self.chosen.provider}:{self.chosen.model}" if self.chosen else "no model"

    def _check_batches(self) -> None:
        """Raise `Stopped` where batches of an earlier run are those of another model."""
        state = self.run.state
        others = {one.vendor for one in state.batches.values()} - {self.vendor}
        if others:
            raise Stopped(
                f"A batch of {', '.join(sorted(others))} has not ended: run the command with that"
                f" model first, or delete {state.path} to give the batch up.",
                bootstrap.USAGE,
            )

    def _run_batches(self, numbers: list[int], direct: ModelService, chosen: ModelSettings) -> None:
        client = wiring_backfill.batch_client(
            self.models[chosen.model], self.clients, chosen.provider
        )
        if client is None:
            raise click.UsageError(
                f"--batch: LLM_PROVIDER={chosen.provider} has no batches; openai and anthropic do."
            )
        batches = BatchRun(
            run=self.run,
            client=client,
            vendor=self.vendor,
            direct=direct,
            collect=lambda model: self._make_process(model, labels_only=True),
            make_process=self._make_process,
            reserve=self._reserve,
            shared=self.store.budgets,
        )
        batches.run_all(numbers, sends=self.options.batch)

    def _reserve(self, call: ModelCall, usd: float) -> str:
        return self.budget.reserve(call.issue.ref.repo_key, "", "", usd, call.limits)

    def _make_process(self, model: ModelService | None, *, labels_only: bool = False) -> Process:
        """Return the handler of a job, whose model is this one."""
        settings, store, options = self.settings, self.store, self.options
        if not options.apply:
            settings = replace(settings, mode="dry-run")
            if not isinstance(store, NoStore):
                store = ReadOnlyStore(store)
        return wiring_backfill.backfill_runner(
            settings,
            self.clients,
            store,
            models={name: model for name in self.models} if model else {},
            labels_only=labels_only or not options.comment,
            closed_too=options.closed_too,
        )
