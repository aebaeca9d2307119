"""`tagline action`: one event, a sweep or a backfill inside a job of continuous integration."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from bot import log
from bot.cli import bootstrap
from bot.cli.ci_job import (
    CiJob,
    CiProblem,
    CleanLines,
    NothingToDo,
    Report,
    choose_report,
    read_ci_job,
)
from bot.settings.load import Settings, SettingsError, load

if TYPE_CHECKING:
    from bot.cli.action_run import Run

TASKS = ("preview", "backfill", "sweep")
DEFAULT_LIMIT, MAX_LIMIT = "20", 100  # a workflow's token may send 1,000 requests an hour


@click.command()
@click.option("--task", default="", help="What a run by hand does: preview, backfill or sweep.")
@click.option("--since", default="", metavar="YYYY-MM-DD", help="First day of the issues.")
@click.option("--limit", default="", metavar="N", help="Most issues (20).")
def action(task: str, since: str, limit: str) -> None:
    """Process the event of the GitHub Actions or GitLab CI/CD job that this runs in.

    A new issue gets labels and, with a language model, one comment. A schedule labels issues of the
    last day that were missed. A preview writes to no issue. Nothing is kept between jobs: no server
    and no Redis is needed.

    Exit codes: 0 done, or nothing to do; 1 refused; 2 wrong settings, or not in a job; 3 partly
    done; 75 try again later.
    """
    log.configure("warning", "plain", stream=CleanLines(sys.stderr))
    report = choose_report(os.environ)
    try:
        code = _run(report, task, since, limit)
    except NothingToDo as reason:
        report.tell("notice", f"Nothing to do: {reason}")
        code = 0
    except CiProblem as problem:
        report.tell("error", str(problem))
        code = problem.code
    except SettingsError as error:
        for text in (*error.problems, *error.notices):
            report.tell("error", text)
        code = bootstrap.USAGE
    except Exception as error:
        report.tell("error", bootstrap.describe_fault(error))
        code = 1
    sys.exit(code)


def _run(report: Report, task: str, since: str, limit: str) -> int:
    """Do the task of the job and return the exit code.

    Raises `CiProblem`, `NothingToDo`, `SettingsError`.
    """
    from bot.cli.action_run import Run

    job = read_ci_job(os.environ, report)
    settings = _load_settings(job)
    if settings.paused:
        raise NothingToDo("TAGLINE_PAUSE is set.")
    run = Run(job, settings, bootstrap.open_clients())
    try:
        _start(run, task, since, limit)
    finally:
        run.write_results()
    return run.finish()


def _start(run: Run, task: str, since: str, limit: str) -> None:
    if run.job.trigger == "event":
        run.process_event()
    elif run.job.trigger == "schedule" or task == "sweep":
        run.sweep()
    elif task == "backfill":
        run.backfill(_parse_day(since), _parse_limit(limit))
    elif task == "preview":
        run.compare(_parse_day(since), _parse_limit(limit))
    else:
        raise CiProblem(f"A run by hand needs one of these tasks: {', '.join(TASKS)}.")


def _load_settings(job: CiJob) -> Settings:
    """Return the settings. A `.env` in the working directory may be a stranger's: it is not read.

    Raises `SettingsError`.
    """
    settings = load({**job.defaults, **{name: x for name, x in os.environ.items() if x}})
    log.configure("warning", "plain", settings.secrets, CleanLines(sys.stderr))
    return settings


def _parse_day(text: str) -> float:
    """Return the start of a day in seconds since the epoch, 0 for none. Raises `CiProblem`."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() if text else 0.0
    except ValueError:
        raise CiProblem("The first day must be written as YYYY-MM-DD.") from None


def _parse_limit(text: str) -> int:
    number = text or DEFAULT_LIMIT
    limit = int(number) if number.isascii() and number.isdecimal() and len(number) < 4 else 0
    if not 1 <= limit <= MAX_LIMIT:
        raise CiProblem(f"The limit must be a number from 1 to {MAX_LIMIT}.")
    return limit
