"""What a replay came to: as JSON, and as a table for a maintainer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from bot.cli import terminal
from bot.cli.replay import Replay, Run
from bot.core.text.numbers import format_count, format_share, format_usd
from bot.core.text.sanitize import to_one_line
from bot.learn import evaluation
from bot.learn.evaluation import Case, Share, count_label, estimate_share

T = TypeVar("T")

SHARES: Mapping[str, tuple[str, Callable[[Sequence[Case]], Share]]] = {
    "precision": ("labels that are right", evaluation.count_precision),
    "recall": ("people's labels found", evaluation.count_recall),
    "coverage": ("issues labelled", evaluation.count_coverage),
    "agreement": ("of these as people did", evaluation.count_agreement),
    "hit_at_3": ("right label among the best 3", evaluation.count_hits),
}
MAX_ERRORS, MAX_LABELS, MAX_SILENT, MAX_TITLE, NAME = 5, 25, 8, 70, 30
LEGEND = (
    "right: people set it too; found: share of people's; learned: the probability from which the"
    " classifier applies it, else what it does because it was right too rarely (labels.precision)"
)
WITHOUT_MODEL = "no language model"


def build_report(replay: Replay, runs: Sequence[Run]) -> dict[str, Any]:
    """Return the figures of one repository."""
    material = replay.material
    return {
        "repository": material.name,
        "issues": len(material.issues),
        "learned_from": material.blocks[-1].start if material.blocks else 0,
        "replayed": len(material.replayed),
        "left_out": material.left_out,
        "runs": [_build_run(replay, run) for run in runs],
    }


def build_mean(reports: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the mean over the repositories for each run."""
    measured = [report for report in reports if report["replayed"]]
    columns = zip(*(report["runs"] for report in measured), strict=True)
    return [
        {"model": runs[0]["model"]}
        | {name: _compute_mean([run[name]["value"] for run in runs]) for name in SHARES}
        for runs in columns
    ]


def format_report(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines for a terminal; the last is the one sentence to read."""
    name, replayed = to_one_line(report["repository"]) or "All issues", report["replayed"]
    yield f"{name}: {format_count(report['issues'], 'labelled issue')}, {replayed:,} replayed"
    if report["left_out"]:
        yield from terminal.wrap(
            f"Left out: {report['left_out']:,} whose labels do not count (labels about the work on"
            " an issue, labels that Tagline may not set, deleted labels).",
            "  ",
        )
    if not replayed:
        yield "  Too few of them to learn from some and replay others: two at least."
        return
    yield ""
    yield from _format_labels(report["runs"])
    yield ""
    yield from _format_totals(report["runs"])
    for run in report["runs"]:
        yield from _format_errors(run, _say_with(run) if len(report["runs"]) > 1 else "")
    yield ""
    for run in report["runs"]:
        yield _format_sentence(run, replayed, _say_with(run) if len(report["runs"]) > 1 else "")


def format_mean(mean: Sequence[Mapping[str, Any]], count: int) -> Iterator[str]:
    for run in mean:
        figures = ", ".join(
            f"{title} {format_share(run[name])}" for name, (title, _) in SHARES.items()
        )
        yield f"Mean of {count} repositories, {run['model'] or WITHOUT_MODEL}: {figures}"


def _compute_mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _build_run(replay: Replay, run: Run) -> dict[str, Any]:
    totals = run.totals
    return {
        "model": run.model,
        **{name: build_figure(run.cases, count) for name, (_, count) in SHARES.items()},
        "cost_usd": totals.cost_usd,
        "unpriced": totals.unpriced,
        "tokens": {"in": totals.tokens_in, "out": totals.tokens_out},
        "sources": dict(totals.sources),
        "failed": totals.failed + totals.over_budget,
        "labels": list(_build_labels(replay, run.cases)),
        "errors": list(_build_errors(replay, run.cases)),
    }


def build_figure(cases: Sequence[T], count: Callable[[Sequence[T]], Share]) -> dict[str, Any]:
    """Return a figure with its interval and the number that it is a share of."""
    figure = estimate_share(cases, count)
    if figure is None:
        return {"value": None, "low": None, "high": None, "of": 0}
    of = count(cases).total
    return {"value": figure.value, "low": figure.low, "high": figure.high, "of": of}


def _build_labels(replay: Replay, cases: Sequence[Case]) -> Iterator[dict[str, Any]]:
    learned = {label.name: label for label in replay.classifiers[-1].labels}
    target = replay.material.config.labels.precision
    for label in replay.material.list_scored():
        counts, known = count_label(cases, label.name), learned.get(label.name)
        yield {
            "name": label.name,
            "examples": known.examples if known else 0,
            "apply_at": known.apply_at if known else None,
            "people": counts.people,
            "applied": counts.applied,
            "precision": counts.both / counts.applied if counts.applied else None,
            "recall": counts.both / counts.people if counts.people else None,
            "why_silent": known.why_silent if known else "",
            "why_not_applied": known.explain(target) if known else "",
        }


def _build_errors(replay: Replay, cases: Sequence[Case]) -> Iterator[dict[str, Any]]:
    """Yield issues with a label that people did not set, of several labels where there are."""
    seen: Counter[str] = Counter()
    wrong = []
    for issue, case in zip(replay.material.replayed, cases, strict=True):
        for name in case.applied:
            if name not in case.truth:
                wrong.append((seen[name], issue, name, case))
                seen[name] += 1
    for _, issue, name, case in sorted(wrong, key=lambda entry: entry[0])[:MAX_ERRORS]:
        yield {
            "number": issue.ref.number,
            "title": to_one_line(issue.title),
            "applied": name,
            "people": sorted(case.truth),
        }


def _format_labels(runs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a row for each label that was learned or applied, with columns for each run."""
    rows = list(zip(*(run["labels"] for run in runs), strict=True))
    used = [row for row in rows if row[0]["people"] or any(label["applied"] for label in row)]
    shown = [row for row in used if not row[0]["why_silent"] or any(x["applied"] for x in row)]
    shown.sort(key=lambda row: (-row[0]["people"], row[0]["name"]))
    if len(runs) > 1:
        heads = "".join(f"{terminal.cut(_say(run), 22):^24}" for run in runs)
        yield " " * (NAME + 12) + heads
    columns = f"{'applied':>10}{'right':>7}{'found':>7}" * len(runs)
    yield f"  {'label':{NAME}}{'by people':>10}{columns}  learned"
    for row in shown[:MAX_LABELS]:
        counts = "".join(
            f"{label['applied']:10,}{format_share(label['precision']):>7}{format_share(label['recall']):>7}"
            for label in row
        )
        name = terminal.pad(terminal.cut(row[0]["name"], NAME), NAME)
        yield f"  {name}{row[0]['people']:10,}{counts}  {_format_learned(row[0])}"
    if len(shown) > MAX_LABELS:
        yield f"  {len(shown) - MAX_LABELS:,} more labels: --json has them"
    if silent := [row[0]["name"] for row in used if row not in shown]:
        names = ", ".join(terminal.cut(name, NAME) for name in silent[:MAX_SILENT])
        more = f" and {len(silent) - MAX_SILENT:,} more" if len(silent) > MAX_SILENT else ""
        yield from terminal.wrap(f"Not learned, too rare: {names}{more}", "  ")
    yield from terminal.wrap(LEGEND, "  ")


def _format_learned(label: Mapping[str, Any]) -> str:
    if label["why_silent"]:
        return "no"
    if label["apply_at"] is not None:
        return f"from {format_share(label['apply_at'])}"
    return str(label["why_not_applied"]).partition(":")[0]


def _format_totals(runs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a row for each figure, with a column for each run."""
    heads = "".join(f"{terminal.cut(_say(run), 26):28}" for run in runs)
    yield f"  {'in total (95 % interval)':{NAME}} {heads}".rstrip()
    for name, (title, _) in SHARES.items():
        cells = "".join(f"{format_figure(run[name]):28}" for run in runs)
        yield f"  {title:{NAME}} {cells}".rstrip()
    yield f"  {'cost':{NAME}} {''.join(f'{_format_cost(run):28}' for run in runs)}".rstrip()


def format_figure(figure: Mapping[str, Any], none: str = "no label was applied") -> str:
    """Return a share with its interval; `none` says why there is none."""
    if figure["value"] is None:
        return f"- ({none})"
    share = f"{format_share(figure['value'])} of {figure['of']:,}"
    return f"{share} ({100 * figure['low']:.0f} to {100 * figure['high']:.0f})"


def _format_cost(run: Mapping[str, Any]) -> str:
    cost = format_usd(run["cost_usd"])
    if not run["unpriced"]:
        return cost
    return f"over {cost}, in part unknown" if run["cost_usd"] else "unknown: no known price"


def _format_errors(run: Mapping[str, Any], with_model: str) -> Iterator[str]:
    if run["failed"]:
        issues = format_count(run["failed"], "issue")
        yield f"  {_say(run)} gave no answer for {issues}, labelled without it."
    if run["errors"]:
        yield f"\n  Labels that people did not set{with_model}:"
    for error in run["errors"]:
        number = f"#{error['number']} " if error["number"] else ""
        people = ", ".join(error["people"])
        yield f"    {number}{terminal.cut(error['title'], MAX_TITLE)}"
        yield f"      {terminal.cut(error['applied'], NAME)}; people: {to_one_line(people)}"


def _format_sentence(run: Mapping[str, Any], replayed: int, with_model: str) -> str:
    start = f"  Of your last {replayed:,} issues, Tagline{with_model} would have labelled"
    if not run["coverage"]["value"]:
        return f"{start} none."
    agreement = format_share(run["agreement"]["value"])
    return f"{start} {format_share(run['coverage']['value'])}, {agreement} of them as you did."


def _say(run: Mapping[str, Any]) -> str:
    return run["model"] or WITHOUT_MODEL


def _say_with(run: Mapping[str, Any]) -> str:
    return f" with {_say(run)}"
