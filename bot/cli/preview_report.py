"""What a comparison of recent issues came to: as JSON, as text and in one sentence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bot.cli import terminal
from bot.cli.comparison import ComparedIssue, Comparison
from bot.core.config.schema import RepoConfig
from bot.core.labels.names import fold
from bot.core.text.numbers import format_count, format_usd
from bot.core.text.sanitize import ELLIPSIS, to_code_span, to_one_line
from bot.core.types import Issue
from bot.learn.evaluation import Case, count_label

MAX_TITLE, NAME, MAX_NUMBERS = 70, 30, 10
MIN_WRONG = 3  # of a label, before denying it is proposed
WITHOUT_SERVER = {"github": "a workflow of GitHub Actions", "gitlab": "a job of GitLab CI/CD"}
MODEL = (
    "Set LLM_PROVIDER and its key, and repeat this: a language model writes the summaries, and"
    " --max-usd limits the cost."
)
MODEL_IN_JOB = (
    "Give the job the key of a language model, such as OPENAI_API_KEY, and name its LLM_PROVIDER:"
    " it writes the summaries, and a comment on each new issue."
)
LEGEND = (
    "On issues that have a label of people. Labels that only people set, or that tell about the"
    " work on an issue, do not count."
)


def build_report(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as JSON; "v" is the version of its shape.

    Titles and summaries are one line each, not escaped.
    """
    labelled = [each.case for each in comparison.issues if each.case.truth]
    totals, ref = comparison.totals, comparison.ref
    report = {
        "v": 1,
        "repository": to_one_line(ref.repo_name),
        "model": comparison.options.model_name,
        "learned_from": comparison.learned_from,
        "mode": comparison.config.mode,
        "issues": [_build_issue(each, comparison) for each in comparison.issues],
        "would_label": sum(bool(each.case.applied) for each in comparison.issues),
        "would_label_first": sum(
            bool(each.case.applied) and not _is_labelled(each.issue, comparison.config)
            for each in comparison.issues
        ),
        "agreement": _build_agreement(comparison, labelled),
        "not_set": _build_not_set(comparison.issues),
        "left_out": dict(comparison.left_out),
        "sources": dict(totals.sources),
        "failed": totals.failed,
        "over_budget": totals.over_budget,
        "cost_usd": totals.cost_usd,
        "unpriced": totals.unpriced,
        "tokens": {"in": totals.tokens_in, "out": totals.tokens_out},
    }
    return report | {"sentence": format_sentence(report)}


def format_text(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines for a terminal; the last is the sentence to paste."""
    count = len(report["issues"])
    yield f"{report['repository']}: {format_count(count, 'issue')}, labelled by {say_how(report)}"
    for issue in report["issues"]:
        yield ""
        yield from _format_issue(issue)
    yield ""
    yield from _format_agreement(report["agreement"])
    yield ""
    for line in list_findings(report, _cut_name):
        yield from terminal.wrap(line, "  ")
    yield ""
    yield "What to do next:"
    for step in list_steps(report):
        yield from terminal.wrap(f"- {step}", "")
    yield ""
    yield report["sentence"]  # not wrapped: it is pasted


def list_findings(report: Mapping[str, Any], name: Callable[[str], str]) -> Iterator[str]:
    """Yield a sentence for each finding in total; `name` formats the name of a label."""
    agreement = report["agreement"]
    if agreement["proposed"]:
        right = f"{agreement['both']:,} of {format_count(agreement['proposed'], 'label')}"
        yield f"Labels of Tagline that people set too: {right}."
    if agreement["people"]:
        found = f"{agreement['both']:,} of {format_count(agreement['people'], 'label')}"
        yield f"Labels of people that Tagline found: {found}."
    if report["not_set"]:
        rows = [f"{name(row['name'])} ({_list_numbers(row)})" for row in report["not_set"]]
        yield f"Would have been set, and is not there: {'; '.join(rows)}."
    for why, number in report["left_out"].items():
        yield f"Left out: {number:,} {why}."
    if report["mode"] != "apply":
        yield f"The mode is {report['mode']}, so Tagline would set none of these labels by itself."
    yield f"Cost: {_format_cost(report)}."


def list_steps(report: Mapping[str, Any], *, in_job: bool = False) -> Iterator[str]:
    """Yield what to do next, with names and commands as Markdown's code.

    A job of continuous integration is installed already, and takes no options.
    """
    if not report["model"]:
        yield MODEL_IN_JOB if in_job else MODEL
    for row in report["agreement"]["labels"]:
        wrong = row["proposed"] - row["both"]
        if wrong >= MIN_WRONG and wrong > row["both"]:
            yield (
                f"Add {to_code_span(row['name'])} to labels.deny of tagline.yml, or describe it in"
                " labels.describe: most issues for which Tagline chose it have other labels."
            )
    backtest = to_code_span(f"tagline backtest {report['repository']}")
    yield f"Measure what Tagline learns from earlier issues: {backtest}."
    if not in_job:
        forge = report["repository"].partition(":")[0]
        yield (
            f"Install it: {WITHOUT_SERVER[forge]} needs no server, and `tagline setup` leads"
            " through the installation on one."
        )
    yield "To start carefully, set the mode `suggest`: labels are only proposed then."


def format_sentence(report: Mapping[str, Any], name: Callable[[str], str] = str) -> str:
    """Return one sentence about a repository, to paste; `name` formats its and the model's name."""
    agreement, count = report["agreement"], len(report["issues"])
    repository = name(report["repository"].partition(":")[2])
    newest = "issue" if count == 1 else f"{count:,} issues"
    parts = [
        f"Of the newest {newest} of {repository}, Tagline would have labelled"
        f" {report['would_label']:,} by {say_how(report, name)}"
    ]
    if agreement["proposed"]:
        right = f"{agreement['both']:,} of its {format_count(agreement['proposed'], 'label')}"
        parts.append(
            f"on the {agreement['issues']:,} that people labelled, they agree with {right}"
        )
    if number := report["would_label_first"]:
        parts.append(f"{format_count(number, 'issue')} without any label would have got one")
    return f"{'; '.join(parts)}; it cost {_format_cost(report)}."


def say_how(report: Mapping[str, Any], name: Callable[[str], str] = str) -> str:
    """Return what chose the labels; `name` formats the model's name."""
    total, without = len(report["issues"]), report["failed"] + report["over_budget"]
    if not report["model"] or without == total:
        how = "rules"
    else:
        part = f" ({without:,} of {total:,} without it)" if without else ""
        how = f"{name(report['model'])}{part}"
    number = report["learned_from"]
    return f"{how} and what {format_count(number, 'earlier issue')} taught" if number else how


def _build_issue(each: ComparedIssue, comparison: Comparison) -> dict[str, Any]:
    issue, answer = each.issue, each.answer
    words, most = to_one_line(answer.summary).split(), comparison.config.comment.max_words
    return {
        "number": issue.ref.number,
        "title": to_one_line(issue.title),
        "proposed": [
            {"name": label.label, "certainty": label.certainty, "source": label.source}
            for label in answer.applied
        ],
        "suggested": [label.label for label in answer.suggested],
        "actual": list(issue.labels),
        "type": issue.type or None,
        "summary": " ".join(words[:most]) + ELLIPSIS * (len(words) > most),
        "source": answer.source,
        "cost_usd": answer.usage.cost_usd,
    }


def _is_labelled(issue: Issue, config: RepoConfig) -> bool:
    """Return whether an issue has a label, or a type where Tagline sets types too."""
    return bool(issue.labels or (issue.type and config.types.set))


def _build_agreement(comparison: Comparison, labelled: Sequence[Case]) -> dict[str, Any]:
    """Return the counts on issues that people labelled, in total and for each label."""
    counted = [(label.name, count_label(labelled, label.name)) for label in comparison.labels]
    used = [(name, counts) for name, counts in counted if counts.people or counts.applied]
    used.sort(key=lambda pair: (-pair[1].people, -pair[1].applied, pair[0]))
    return {
        "issues": len(labelled),
        "people": sum(counts.people for _, counts in used),
        "proposed": sum(counts.applied for _, counts in used),
        "both": sum(counts.both for _, counts in used),
        "labels": [
            {"name": name, "people": x.people, "proposed": x.applied, "both": x.both}
            for name, x in used
        ],
    }


def _build_not_set(issues: Sequence[ComparedIssue]) -> list[dict[str, Any]]:
    """Return the labels that Tagline would have set on issues that do not have them."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for each in issues:
        present = {fold(name) for name in (*each.issue.labels, each.issue.type)}
        for name in each.case.applied:
            if fold(name) not in present:
                numbers[name].append(each.issue.ref.number)
    ranked = sorted(numbers.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [{"name": name, "issues": found} for name, found in ranked]


def _format_issue(issue: Mapping[str, Any]) -> Iterator[str]:
    kind = f"  [{_cut_name(issue['type'])}]" if issue["type"] else ""
    yield f"  #{issue['number']} {terminal.cut(issue['title'], MAX_TITLE)}{kind}"
    proposed = [f"{_cut_name(x['name'])} ({x['certainty']})" for x in issue["proposed"]]
    for title, names in (
        ("would set", ", ".join(proposed) or "nothing"),
        ("is set   ", ", ".join(_cut_name(name) for name in issue["actual"]) or "nothing"),
        ("suggested", ", ".join(_cut_name(name) for name in issue["suggested"])),
    ):
        if names:
            yield from terminal.wrap(f"{title}  {names}", "    ")
    if issue["summary"]:
        yield from terminal.wrap(issue["summary"], "    ")


def _format_agreement(agreement: Mapping[str, Any]) -> Iterator[str]:
    if not agreement["labels"]:
        yield "  No issue has a label of people that counts, so nothing can be compared."
        return
    yield f"  {'label':{NAME}}{'people':>8}{'Tagline':>9}{'both':>6}"
    for row in agreement["labels"]:
        name = terminal.pad(_cut_name(row["name"]), NAME)
        yield f"  {name}{row['people']:8,}{row['proposed']:9,}{row['both']:6,}"
    yield from terminal.wrap(LEGEND, "  ")


def _format_cost(report: Mapping[str, Any]) -> str:
    cost = format_usd(report["cost_usd"])
    if not report["unpriced"]:
        return cost
    return f"over {cost}, in part unknown" if report["cost_usd"] else "an unknown price"


def _list_numbers(row: Mapping[str, Any]) -> str:
    numbers = row["issues"]
    more = f" and {len(numbers) - MAX_NUMBERS:,} more" if len(numbers) > MAX_NUMBERS else ""
    return ", ".join(map(str, numbers[:MAX_NUMBERS])) + more


def _cut_name(name: str) -> str:
    return terminal.cut(name, NAME - 1)
