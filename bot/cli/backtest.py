"""`tagline backtest`: how often Tagline's labels would have been right on past issues."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from bot import log
from bot.cli import bootstrap, progress
from bot.cli.options import json_option
from bot.core.config.schema import RepoConfig
from bot.core.types import Issue, Label
from bot.settings.load import Settings

if TYPE_CHECKING:
    from bot.cli.checkpoint import Checkpoint
    from bot.cli.labelled_file import LabelledIssue
    from bot.cli.replay import Material
    from bot.core.ports import ModelService

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
THREADS = 8  # concurrent calls of a language model


@click.command()
@click.argument("repo", required=False)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="Labelled issues as JSON lines or a JSON array, also .gz; - for standard input.",
)
@click.option("--labels", type=FILE, help="With --file: the labels as JSON.")
@click.option("--config", type=FILE, help="With --file: a tagline.yml.")
@click.option("--model", "names", multiple=True, help="Call this language model; repeatable.")
@json_option
def backtest(
    repo: str | None,
    file: str | None,
    labels: Path | None,
    config: Path | None,
    names: tuple[str, ...],
    as_json: bool,
) -> None:
    """Label past issues without a look at their labels, and compare; change no issue.

    REPO is github:OWNER/NAME, gitlab:GROUP/PROJECT or the repository's URL. The newest 300 issues
    are replayed in time order, at most half of those with labels: Tagline learns from what came
    before. In a file each issue has title, body, label or labels, and may have repo, created_at
    and split: those with "train" are learned from, those with "test" are replayed.

    Without --model no language model is called. Each --model is LLM_MODEL or one of
    TAGLINE_ALLOWED_MODELS; its calls cost money, within the budgets. Exits with 3 if a model gave
    no answer for some issues.

    If it is stopped, the same command continues: what was learned and answered is kept in DATA_DIR
    until the end (not for a file without --model). Issues are read again.
    """
    if (repo is None) == (file is None):
        raise click.UsageError("Give either REPO or --file.")
    if repo is not None and (labels or config):
        raise click.UsageError("--labels and --config need --file: a repository has its own.")
    settings = bootstrap.load_settings() if names or file is None else None
    models = _open_models(settings, names)
    if settings and repo is not None:
        materials = [_read_repository(settings, repo)]
    else:
        materials = _read_file(str(file), labels, config)
    checkpoint = _open_checkpoint(settings)
    day_usd = settings.budget_usd_per_day if settings else None
    try:
        reports = list(_replay_all(materials, models, day_usd, checkpoint, as_json=as_json))
    except KeyboardInterrupt:
        bootstrap.exit_at_once(" The same command continues from here." * bool(checkpoint.folder))
    _print_mean(reports, as_json=as_json)
    if not any(report["replayed"] for report in reports):
        bootstrap.fail("There are too few labelled issues to replay: two at least.")
    if any(run["failed"] for report in reports for run in report["runs"]):
        sys.exit(bootstrap.PARTIAL)
    checkpoint.delete()


def _replay_all(
    materials: Sequence[Material],
    models: Mapping[str, ModelService | None],
    day_usd: float | None,
    checkpoint: Checkpoint,
    *,
    as_json: bool,
) -> Iterator[dict[str, Any]]:
    """Yield the figures of each repository, once they are printed."""
    from bot.cli.backtest_report import format_report

    for material in materials:
        report = _replay(material, models, day_usd, checkpoint)
        if not as_json:
            click.echo("\n".join([*format_report(report), ""]))
        yield report


def _open_checkpoint(settings: Settings | None) -> Checkpoint:
    from bot.cli.checkpoint import Checkpoint

    checkpoint = Checkpoint(settings.data_dir / "backtest" if settings else None)
    checkpoint.delete_old(time.time())
    return checkpoint


def _replay(
    material: Material,
    models: Mapping[str, ModelService | None],
    day_usd: float | None,
    checkpoint: Checkpoint,
) -> dict[str, Any]:
    """Return the figures of a repository, with and without each model."""
    from bot.cli.backtest_report import build_report
    from bot.cli.replay import Replay

    replay, before = Replay(material, progress.make(material.name), checkpoint), checkpoint.loaded
    replay.learn()
    try:
        runs = [
            replay.run(name, model, THREADS if model else 1, day_usd)
            for name, model in models.items()
        ]
    except KeyboardInterrupt:
        bootstrap.exit_at_once()
    progress.clear()
    if reused := checkpoint.loaded - before:
        text = "Continued an incomplete backtest: {:,} of its results were used again."
        click.echo(text.format(reused), err=True)
    return build_report(replay, runs if material.blocks else [])


def _print_mean(reports: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    from bot.cli.backtest_report import build_mean, format_mean

    mean = build_mean(reports)
    if as_json:
        click.echo(msgspec.json.encode({"v": 1, "repositories": reports, "mean": mean}))
    elif len(reports) > 1:
        click.echo("\n".join(format_mean(mean, len(reports))))


def _open_models(settings: Settings | None, names: Sequence[str]) -> dict[str, ModelService | None]:
    """Return the language models to compare by name; one run without a model for no names."""
    if settings is None or not names:
        return {"": None}
    from bot.cli.batch import open_models

    log.configure("critical", "plain", settings.secrets)
    models = open_models(settings, bootstrap.open_clients(), names)
    return {name: models[name] for name in names}


def _read_repository(settings: Settings, repo: str) -> Material:
    """Return a repository's issues with labels from people. Raises the errors of a forge."""
    from bot.cli.history import read_true
    from bot.cli.replay import MAX_REPLAYED, make_material
    from bot.cli.repository_config import read_config
    from bot.flow.train_repository import MAX_EXAMPLES

    forge, ref = bootstrap.find_repository(settings, repo, "REPO")
    config = read_config(settings, forge, ref).config
    left_out: Counter[str] = Counter()
    past = read_true(settings, forge, ref, left_out, MAX_EXAMPLES + MAX_REPLAYED)
    issues = [issue for issue in past if not issue.is_bot][::-1]
    for why, count in left_out.items():
        click.echo(f"Left out: {count:,} {why}.", err=True)
    labels, types = forge.list_labels(ref), forge.list_types(ref) if config.types.set else ()
    return make_material(ref.repo_name, labels, config, issues, types)


def _read_file(file: str, labels: Path | None, path: Path | None) -> list[Material]:
    """Return the repositories of a file. Raises `ClickException`."""
    from bot.cli.issue_file import read_labels
    from bot.cli.labelled_file import read_labelled
    from bot.core.config import parser

    issues = read_labelled(file)
    splits = Counter(issue.split for issue in issues)
    if splits[""] not in (0, len(issues)):
        text = 'Left out: {:,} issues whose split is neither "train" nor "test".'
        click.echo(text.format(splits[""]), err=True)
    if not issues:
        raise click.ClickException(f"{file} has no issues: JSON objects with title and labels.")
    parsed = parser.read(path.read_text(errors="replace") if path else None)
    for problem in parsed.problems:
        click.echo(f"{path}: {problem}", err=True)
    known = read_labels(labels) if labels else None
    names = dict.fromkeys(issue.repo for issue in issues)
    return [
        _make_material(name, [x for x in issues if x.repo == name], known, parsed.config)
        for name in names
    ]


def _make_material(
    name: str, issues: Sequence[LabelledIssue], known: list[Label] | None, config: RepoConfig
) -> Material:
    from bot.cli.replay import make_material, make_split_material

    plain = [x.issue for x in issues]
    labels = known or _collect_labels(plain)
    if not any(x.split for x in issues):
        return make_material(name, labels, config, plain)
    parts = [[x.issue for x in issues if x.split == part] for part in ("train", "test")]
    return make_split_material(name, labels, config, (parts[0], parts[1]))


def _collect_labels(issues: Sequence[Issue]) -> list[Label]:
    return [Label(name) for name in dict.fromkeys(x for issue in issues for x in issue.labels)]
