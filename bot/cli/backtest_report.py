"""What a replay came to: as JSON, and as a table for a maintainer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.cli import bootstrap
from bot.cli.replay import Replay, Run
from bot.core.text.sanitize import to_one_line
from bot.learn import evaluation
from bot.learn.evaluation import Case, Figure, Metric, count_label, estimate

METRICS: Mapping[str, Metric] = {
    "precision": evaluation.measure_precision,
    "recall": evaluation.measure_recall,
    "coverage": evaluation.measure_coverage,
    "agreement": evaluation.measure_agreement,
    "hit_at_3": evaluation.measure_hits,
}
OF_LABELLED = frozenset({"precision", "agreement"})  # of no meaning where no issue got a label
MAX_ERRORS, MAX_LABELS, MAX_TITLE, MAX_NAME = 5, 25, 70, 30
WITHOUT_MODEL = "no language model"


def build_report(replay: Replay, runs: Sequence[Run]) -> dict[str, Any]:
    """Return the figures of one repository."""
    material = replay.material
    return {
        "repository": material.name,
        "issues": len(material.issues),
        "learned_from": material.blocks[-1].start if material.blocks else 0,
        "replayed": len(material.replayed),
        "runs": [_build_run(replay, run) for run in runs],
    }


def build_mean(reports: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the mean over the repositories for each run."""
    measured = [report for report in reports if report["replayed"]]
    columns = zip(*(report["runs"] for report in measured), strict=True)
    return [
        {"model": runs[0]["model"]}
        | {name: _find_mean([run[name]["value"] for run in runs if run[name]]) for name in METRICS}
        for runs in columns
    ]


def format_report(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines for a terminal; the last is the one sentence to read."""
    name = to_one_line(report["repository"]) or "All issues"
    yield f"{name}: {report['issues']:,} labelled issues, {report['replayed']:,} replayed"
    if not report["replayed"]:
        yield "  Too few of them to learn from some and replay others: two at least."
        return
    for run in report["runs"]:
        yield from _format_run(run, report["replayed"])


def format_mean(mean: Sequence[Mapping[str, Any]], count: int) -> Iterator[str]:
    for run in mean:
        figures = ", ".join(f"{_name(name)} {_percent(run[name])}" for name in METRICS)
        yield f"Mean of {count} repositories, {run['model'] or WITHOUT_MODEL}: {figures}"


def _build_run(replay: Replay, run: Run) -> dict[str, Any]:
    is_any_labelled = any(case.applied for case in run.cases)
    figures = {
        name: _to_dict(estimate(run.cases, metric))
        if is_any_labelled or name not in OF_LABELLED
        else None
        for name, metric in METRICS.items()
    }
    totals = run.totals
    return {
        "model": run.model,
        **figures,
        "cost_usd": totals.cost_usd,
        "tokens": {"in": totals.tokens_in, "out": totals.tokens_out},
        "sources": dict(totals.sources),
        "failed": totals.failed + totals.over_budget,
        "labels": list(_build_labels(replay, run.cases)),
        "errors": list(_build_errors(replay, run.cases)),
    }


def _build_labels(replay: Replay, cases: Sequence[Case]) -> Iterator[dict[str, Any]]:
    learned = {label.name: label for label in replay.classifiers[-1].labels}
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


def _find_mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _to_dict(figure: Figure) -> dict[str, float]:
    return {"value": figure.value, "low": figure.low, "high": figure.high}


def _format_run(run: Mapping[str, Any], replayed: int) -> Iterator[str]:
    yield f"\n  With {run['model'] or WITHOUT_MODEL}; cost {bootstrap.format_usd(run['cost_usd'])}"
    yield f"  {'label':{MAX_NAME}} {'by people':>9} {'applied':>8} {'right':>6} {'found':>6}  from"
    used = [label for label in run["labels"] if label["people"] or label["applied"]]
    used.sort(key=lambda label: (-label["people"], label["name"]))
    for label in used[:MAX_LABELS]:
        at = "-" if label["apply_at"] is None else _percent(label["apply_at"])
        yield (
            f"  {_cut(label['name'], MAX_NAME):{MAX_NAME}} {label['people']:9,}"
            f" {label['applied']:8,} {_percent(label['precision']):>6}"
            f" {_percent(label['recall']):>6}  {at}{_explain(label)}"
        )
    if len(used) > MAX_LABELS:
        yield f"  and {len(used) - MAX_LABELS:,} rarer labels; --json has them"
    for name in METRICS:
        if not (figure := run[name]):
            continue
        interval = f"{_percent(figure['low'])} to {_percent(figure['high'])}"
        yield f"  {_name(name)}: {_percent(figure['value'])} (95 % interval: {interval})"
    for error in run["errors"]:
        number = f"#{error['number']} " if error["number"] else ""
        people = ", ".join(error["people"]) or "none"
        yield f"  Wrong: {number}{_cut(error['title'], MAX_TITLE)}"
        yield f"         {error['applied']}; people: {people}"
    if run["failed"]:
        yield f"  The model gave no answer for {run['failed']:,} issues; these got other labels."
    if not run["agreement"]:
        yield f"\n  Of your last {replayed:,} issues, Tagline would have labelled none."
        return
    yield (
        f"\n  Of your last {replayed:,} issues, Tagline would have labelled"
        f" {_percent(run['coverage']['value'])}, {_percent(run['agreement']['value'])} of them as"
        " you did."
    )


def _explain(label: Mapping[str, Any]) -> str:
    return f"  ({label['why_silent']})" if label["why_silent"] else ""


def _name(metric: str) -> str:
    return {
        "precision": "labels that are right",
        "recall": "people's labels found",
        "coverage": "issues labelled",
        "agreement": "of these as people did",
        "hit_at_3": "right label among the best 3",
    }[metric]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def _cut(text: str, size: int) -> str:
    line = to_one_line(text)
    return line if len(line) <= size else f"{line[: size - 1]}…"
