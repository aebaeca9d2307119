"""`tagline preview`: what Tagline would do on the newest issues of a repository."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import click
import msgspec

from bot import log
from bot.cli import bootstrap, progress
from bot.cli.options import Dollars, json_option, since_day_option
from bot.core.config.schema import RepoConfig
from bot.core.errors import NotFound
from bot.core.text.numbers import format_count, format_usd
from bot.core.types import IssueRef
from bot.settings.load import Settings

if TYPE_CHECKING:
    from bot.cli.comparison import Comparison, ComparisonOptions
    from bot.core.ports import ModelService
    from bot.forges.registry import ForgeClient

MAX_ISSUES, MAX_USD = 300, 0.10
WITHOUT_MODEL = "none"  # as in LLM_PROVIDER


@click.command()
@click.argument("repo")
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_ISSUES),
    default=20,
    show_default=True,
    metavar="N",
    help="Compare the newest N issues.",
)
@since_day_option
@click.option(
    "--model",
    metavar="NAME",
    help="LLM_MODEL or one of TAGLINE_ALLOWED_MODELS; none: no language model.",
)
@click.option(
    "--max-usd",
    type=Dollars(0, 1000),
    default=MAX_USD,
    show_default=True,
    help="Limit of the cost of language models in US dollars.",
)
@click.option("--markdown", is_flag=True, help="Print Markdown, to paste into an issue.")
@json_option
def preview(  # noqa: PLR0913, PLR0917  # click passes each option as an argument
    repo: str,
    limit: int,
    since: float,
    model: str | None,
    max_usd: float,
    markdown: bool,
    as_json: bool,
) -> None:
    """Show what Tagline would set on the newest issues, beside what is set; write nothing.

    REPO is github:OWNER/NAME, gitlab:GROUP/PROJECT or the repository's URL. A public one needs no
    token: GitHub then accepts 60 requests an hour, of which this takes about 7. No Redis is used.

    Labels and summaries come from rules, from what earlier issues of the same page teach, and from
    the language model if one is configured; an issue's own labels and type are taken off first. An
    issue with a type counts as labelled where Tagline sets types. Exits with 3 if the model gave no
    answer for some issues, with 4 if a budget is reached; their labels are those of rules then.
    """
    from bot.cli.comparison import ComparisonOptions
    from bot.flow.load_config import choose_model

    if markdown and as_json:
        raise click.UsageError("Give either --json or --markdown.")
    settings = bootstrap.load_settings()
    if settings.notices or settings.lacks_model:
        bootstrap.show_notices(settings)
    models = _open_models(settings, model)
    forge, ref = _find_repository(settings, repo)
    config = _read_config(forge.get_config_text(ref), models, settings, ref.forge)
    name = model if model in models else choose_model(config, models)
    budget = settings.budget_usd_per_day
    options = ComparisonOptions(
        limit=limit,
        since=since,
        model=models.get(name),
        model_name=name,
        max_usd=max_usd if budget is None else min(max_usd, budget),
    )
    comparison = _compare(forge, ref, config, options)
    _print_report(comparison, markdown=markdown, as_json=as_json)
    sys.exit(_explain_gaps(comparison, settings, max_usd))


def _compare(
    forge: ForgeClient, ref: IssueRef, config: RepoConfig, options: ComparisonOptions
) -> Comparison:
    """Return what Tagline would set, beside what is set; print the progress."""
    from bot.cli.comparison import compare_recent

    try:
        return compare_recent(forge, ref, config, options, progress.make(ref.repo))
    except KeyboardInterrupt:
        bootstrap.exit_at_once()
    finally:
        progress.clear()


def _print_report(comparison: Comparison, *, markdown: bool, as_json: bool) -> None:
    from bot.cli.preview_markdown import format_markdown
    from bot.cli.preview_report import build_report, format_text

    report = build_report(comparison)
    if as_json:
        click.echo(msgspec.json.encode(report))
    elif markdown:
        click.echo(format_markdown(report))
    else:
        click.echo("\n".join(format_text(report)))


def _find_repository(settings: Settings, repo: str) -> tuple[ForgeClient, IssueRef]:
    """Return the repository, and say so where it is read without a token.

    The GitHub App is left out where it is not installed. Raises `BadParameter` and the errors of a
    forge.
    """
    from bot.forges.registry import FORGES

    forge, ref = _open_repository(settings, repo)
    if not FORGES[ref.forge].has_access(settings):
        token = FORGES[ref.forge].token_variable
        click.echo(f"Reading {ref.repo_name} without {token}.", err=True)
    return forge, ref


def _open_repository(settings: Settings, repo: str) -> tuple[ForgeClient, IssueRef]:
    try:
        return bootstrap.find_repository(settings, repo, "REPO")
    except NotFound:
        if not settings.github_app_id:
            raise
    without_app = replace(settings, github_app_id="", github_private_key="")
    return bootstrap.find_repository(without_app, repo, "REPO")


def _open_models(settings: Settings, name: str | None) -> dict[str, ModelService]:
    """Return the configured models by name, none of them if `name` says so.

    Raises `UsageError` for a name that is not configured.
    """
    from bot.cli.batch import open_models

    if name == WITHOUT_MODEL:
        return {}
    log.configure("critical", "plain", settings.secrets)  # the report names failures
    return open_models(settings, bootstrap.open_clients(), [] if name is None else [name])


def _read_config(
    text: str | None, models: Mapping[str, ModelService], settings: Settings, forge: str
) -> RepoConfig:
    """Return the configuration with the stricter of both modes, and print its problems."""
    from bot.core.config import parser
    from bot.core.config.caution import MODES
    from bot.forges.registry import FORGES

    parsed = parser.restrict_models(parser.read(text), models)
    for problem in parsed.problems:
        click.echo(f"{FORGES[forge].config_path}: {problem}", err=True)
    mode = max(parsed.config.mode, settings.mode, key=MODES.index)
    return msgspec.structs.replace(parsed.config, mode=mode)


def _explain_gaps(comparison: Comparison, settings: Settings, max_usd: float) -> int:
    """Print why some issues have no answer of the model, and return the exit code."""
    from bot.cli.batch import explain_failure

    totals, code = comparison.totals, 0
    if totals.failed and settings.model:
        chosen = settings.model.find(comparison.options.model_name) or settings.model
        click.echo(f"{explain_failure(totals, chosen)}.", err=True)
        code = bootstrap.PARTIAL
    if totals.over_budget:
        limits = {
            "--max-usd": max_usd,
            "TAGLINE_BUDGET_USD_PER_DAY": settings.budget_usd_per_day,
            "budget.per_day_usd of its tagline.yml": comparison.config.budget.per_day_usd,
        }
        known = {name: usd for name, usd in limits.items() if usd is not None}
        name = min(known, key=known.__getitem__)
        issues = format_count(totals.over_budget, "issue")
        click.echo(
            f"The budget is reached: {name} is {format_usd(known[name])}. Labels of {issues} come"
            " from rules; raise it for the others.",
            err=True,
        )
        code = bootstrap.OVER_BUDGET
    return code
