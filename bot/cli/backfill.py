"""`tagline backfill REPO`: labels the issues of the past."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from bot.cli import bootstrap
from bot.cli.backfill_options import MAX_USD, BackfillOptions
from bot.cli.options import Dollars, since_day_option
from bot.core.config.schema import RepoConfig
from bot.core.errors import LockContended
from bot.core.pricing import BATCH_FACTOR, cost_usd
from bot.core.text.numbers import format_count, format_usd
from bot.core.types import IssueRef
from bot.settings.load import Settings, SettingsError

if TYPE_CHECKING:
    from bot.cli.backfill_parts import Backfiller
    from bot.cli.backfill_run import Stopped
    from bot.cli.backfill_state import BackfillState
    from bot.forges.registry import ForgeEntry
    from bot.store.no_store import NoStore
    from bot.store.redis import RedisStore

THREADS, MAX_THREADS = 4, 16
LOCK_SECONDS = 35.0  # after which the lock of a process that was killed has expired
RUNNING = "Another backfill of {} is running: wait for its end, or stop it."


@click.command()
@click.argument("repo")
@click.option("--apply", is_flag=True, help="Set the labels and types.")
@click.option("--comment", is_flag=True, help="Write the summary comment too.")
@click.option(
    "--state",
    "which",
    type=click.Choice(["open", "closed", "all"]),
    default="open",
    show_default=True,
    help="Which issues.",
)
@since_day_option
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the newest N issues.")
@click.option(
    "--max-usd",
    type=Dollars(0, 100_000),
    help=f"Limit of the cost of language models in US dollars; {MAX_USD:.2f} without it.",
)
@click.option(
    "--concurrency",
    "threads",
    type=click.IntRange(1, MAX_THREADS),
    default=THREADS,
    show_default=True,
    metavar="N",
    help="Issues at a time.",
)
@click.option("--batch", is_flag=True, help="Use the model's batch API: half the price, slower.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per issue.")
def backfill(repo: str, **given: Any) -> None:
    """Label the past issues of a repository, the newest first; without --apply write nothing.

    REPO is github:OWNER/NAME, gitlab:GROUP/PROJECT or the repository's URL. Labels and types are
    set as on new issues; a comment is written with --comment only. What people set or removed
    stays, and issues that Tagline has labelled within the last weeks, or that `ignore` names, are
    left as they are.

    Without --apply each issue's labels are printed. They come from rules and from what was learned
    of the repository: no model is called, and its cost is estimated. With --max-usd it is called.

    With --apply, a command that was stopped continues where it was: what is done, and what was
    spent of --max-usd, is kept in DATA_DIR until all issues are done. --batch sends the questions
    to OpenAI or Anthropic as batches, which come back within 24 hours at half the price; the
    command waits for them, and can be stopped meanwhile.

    Exits with 3 if some issues could not be done or have labels from rules since the model's answer
    was not usable, 4 if a budget is reached, 75 if a server did not answer; the same command
    continues then.
    """
    from bot.cli.backfill_run import Stopped

    options = BackfillOptions(**given)
    if options.batch and not options.apply:
        raise click.UsageError("--batch needs --apply: answers come when nobody waits for them.")
    settings = bootstrap.load_settings()
    try:
        with ExitStack() as parts:
            code = _backfill(settings, repo, options, parts)
    except Stopped as stopped:
        bootstrap.fail(str(stopped), stopped.code)
    except KeyboardInterrupt:
        after = " The same command continues from here." if options.apply else ""
        bootstrap.fail(f"Stopped before the end.{after}", 1)
    sys.exit(code)


def _backfill(settings: Settings, repo: str, options: BackfillOptions, parts: ExitStack) -> int:
    """Label the issues and print what came of it; return the exit code. Raises `Stopped`."""
    from bot.cli.backfill_parts import Backfiller
    from bot.cli.backfill_report import BackfillReport
    from bot.cli.backfill_run import BackfillRun
    from bot.cli.backfill_state import BackfillState
    from bot.cli.repository_config import read_config
    from bot.flow.load_config import restrict_mode
    from bot.forges.registry import FORGES

    bootstrap.show_notices(settings)
    forge, ref = bootstrap.find_repository(settings, repo, "REPO")
    entry = FORGES[ref.forge]
    _check_settings(settings, entry, options)
    config = restrict_mode(read_config(settings, forge, ref), settings.mode).config
    _check_mode(settings, config, options)
    store = bootstrap.open_store(settings, is_needed=options.apply and settings.has_redis_url)
    state = _open_state(settings, ref, store, parts) if options.apply else BackfillState()
    report = BackfillReport(ref.repo_name, options.as_json, options.apply, lambda: state.usd)
    pace = entry.seconds_per_issue(settings) if options.apply else 0.0
    run = BackfillRun(ref, forge, report, state, options, pace, entry.has_access(settings))
    parts.callback(run.close)
    numbers = run.list_issues(config)
    return _process(Backfiller(settings, options, run, store, config), numbers)


def _process(backfiller: Backfiller, numbers: list[int]) -> int:
    """Process issues and print the progress and totals; return the exit code."""
    from bot.cli.backfill_run import Stopped

    report = backfiller.run.report
    _announce(backfiller, len(numbers))
    report.begin(len(numbers))
    try:
        backfiller.process(numbers)
    except KeyboardInterrupt:
        report.print_totals()
        raise
    except Stopped as stopped:
        report.print_totals()
        bootstrap.fail(_explain_stop(stopped, backfiller), stopped.code)
    code = _finish(backfiller)
    if report.is_complete:
        backfiller.run.state.delete()
    return code


def _check_settings(settings: Settings, entry: ForgeEntry, options: BackfillOptions) -> None:
    """Raise `SettingsError` where a setting is missing without which nothing should be set."""
    if not options.apply:
        return
    if not entry.has_access(settings):
        raise SettingsError([f"{entry.token_variable} is not set: --apply needs a token."])
    if settings.lacks_model:
        raise SettingsError([*settings.model_notices, "Or set LLM_PROVIDER=none for rules alone."])


def _check_mode(settings: Settings, config: RepoConfig, options: BackfillOptions) -> None:
    """Raise `ClickException` where the settings or the configuration let nothing be set."""
    if not options.apply:
        return
    if settings.paused:
        raise click.ClickException("Nothing is set here: TAGLINE_PAUSE is set.")
    if config.mode in ("off", "dry-run"):
        raise click.ClickException(f"Nothing is set here: mode is {config.mode}.")
    if config.mode == "suggest" and not options.comment:
        raise click.ClickException(
            "Nothing is set here: mode is suggest, and suggestions are in comments: add --comment."
        )


def _open_state(
    settings: Settings, ref: IssueRef, store: RedisStore | NoStore, parts: ExitStack
) -> BackfillState:
    """Return what an earlier run has left, while no other one runs. Raises `Stopped`."""
    from bot.cli.backfill_run import Stopped
    from bot.cli.backfill_state import AlreadyRunning, BackfillState

    try:
        state = BackfillState.open(settings.data_dir / "backfill", ref)
    except AlreadyRunning:
        raise Stopped(RUNNING.format(ref.repo_name), bootstrap.TRY_AGAIN) from None
    parts.callback(state.close)
    until, is_told = time.monotonic() + LOCK_SECONDS, False
    while True:  # a run on another host holds it, or one that was killed a moment ago
        try:
            parts.enter_context(store.lock(f"backfill:{ref.repo_key}"))
        except LockContended:
            if time.monotonic() > until:
                raise Stopped(RUNNING.format(ref.repo_name), bootstrap.TRY_AGAIN) from None
            if not is_told:
                click.echo("Waiting until the lock of an earlier run expires.", err=True)
                is_told = True
            time.sleep(1)
        else:
            return state


def _announce(backfiller: Backfiller, number: int) -> None:
    """Say what will happen."""
    run, options, chosen = backfiller.run, backfiller.options, backfiller.chosen
    verb = "Labelling" if options.apply else "Would label"
    text = f"{verb} {format_count(number, 'issue')} of {run.report.name}"
    if run.report.done_before:
        text += f"; {run.report.done_before:,} were done before"
    if chosen and options.calls_model:
        text += f"; {chosen.model}, at most {format_usd(options.limit_usd)} in all"
    elif chosen is None:
        text += "; no language model is configured: by rules and what was learned"
    click.echo(f"{text}.", err=True)
    if chosen and options.calls_model and not _has_price(chosen.model):
        click.echo(f"The price of {chosen.model} is not known, so no limit counts it.", err=True)


def _has_price(model: str) -> bool:
    return cost_usd(model, 1, 1) is not None


def _explain_stop(stopped: Stopped, backfiller: Backfiller) -> str:
    """Return why the run ended early, and what to do."""
    from bot.cli.backfill_models import BudgetReached, ModelUnavailable
    from bot.cli.backfill_state import OVER_MAX
    from bot.llm.checks import find_fix

    settings, config, cause = backfiller.settings, backfiller.config, stopped.cause
    if isinstance(cause, ModelUnavailable) and backfiller.chosen:
        fix = find_fix(cause.reason, backfiller.chosen.variables, cause.setting)
        return f"Not done: {cause}: {fix}. The same command continues."
    if not isinstance(cause, BudgetReached):
        return str(stopped)
    limits = {
        OVER_MAX: ("--max-usd", backfiller.options.limit_usd),
        "day": ("TAGLINE_BUDGET_USD_PER_DAY", settings.budget_usd_per_day),
        "repository": ("budget.per_day_usd of its tagline.yml", config.budget.per_day_usd),
    }
    name, usd = limits.get(str(cause), ("a budget", None))
    then = "with a higher one" if str(cause) == OVER_MAX else "tomorrow, or with a higher one,"
    return f"The budget is reached: {name} is {format_usd(usd)}. The same command {then} continues."


def _finish(backfiller: Backfiller) -> int:
    """Print totals, the estimate and the gaps, and return the exit code."""
    from bot.cli.backfill_models import USUAL_OUTPUT_TOKENS

    report = backfiller.run.report
    report.print_totals()
    if estimator := backfiller.estimator:
        usual = estimator.estimate(USUAL_OUTPUT_TOKENS)
        most = estimator.estimate(estimator.max_output_tokens)
        half = None if usual is None else usual * BATCH_FACTOR
        issues = format_count(estimator.prompts, "issue")
        click.echo(
            f"{estimator.name} was not called. For {issues} it would cost about"
            f" {format_usd(usual)} ({format_usd(half)} with --batch), at most"
            f" {format_usd(most)}.",
            err=True,
        )
    if not backfiller.options.apply:
        click.echo("Nothing was written. Add --apply to set the labels.", err=True)
    if report.refused:
        issues = format_count(report.refused, "issue")
        click.echo(f"The forge refused changes to {issues}.", err=True)
    if not report.is_complete:
        click.echo("The same command tries the others again.", err=True)
    has_gaps = not report.is_complete or report.model_failures
    return bootstrap.PARTIAL if has_gaps else 0
