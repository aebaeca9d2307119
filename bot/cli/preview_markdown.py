"""The report of a preview in Markdown: for a job's summary, an issue or a chat.

All text of issues and all names are escaped. Issue numbers have no sign and no link, because each
would leave a reference on its issue where the report is pasted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bot.cli.preview_report import LEGEND, format_sentence, list_findings, list_steps
from bot.core.text.sanitize import to_code_span, to_plain_markdown

MAX_TITLE, MAX_NAME = 120, 60


def format_markdown(report: Mapping[str, Any], *, in_job: bool = False) -> str:
    """Return a report of `preview_report.build_report` in Markdown, with tables as GitHub's.

    `in_job` is for a job of continuous integration, which is installed already.
    """
    name = to_plain_markdown(report["repository"].partition(":")[2])
    parts = [
        f"### Tagline preview of {name}",
        format_sentence(report, to_plain_markdown),
        "\n".join(_format_issues(report["issues"])),
    ]
    if rows := report["agreement"]["labels"]:
        parts += ["\n".join(_format_agreement(rows)), LEGEND]
    parts.append(_format_list(list_findings(report, to_code_span)))
    parts += ["What to do next:", _format_list(list_steps(report, in_job=in_job))]
    return "\n\n".join(parts)


def _format_issues(issues: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a table; its column of types only where the forge gives any."""
    has_types = any(issue["type"] for issue in issues)
    yield from _format_head(["Issue", "Would set", "Is set", *["Type"] * has_types, "Summary"])
    for issue in issues:
        title = to_plain_markdown(issue["title"], MAX_TITLE)
        kind = [to_plain_markdown(issue["type"] or "", MAX_NAME)] * has_types
        yield _format_row(
            [
                f"{issue['number']} {title}".rstrip(),
                _format_names(label["name"] for label in issue["proposed"]),
                _format_names(issue["actual"]),
                *kind,
                to_plain_markdown(issue["summary"]),
            ]
        )


def _format_agreement(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from _format_head(["Label", "People", "Tagline", "Both"])
    for row in rows:
        counts = [f"{row[name]:,}" for name in ("people", "proposed", "both")]
        yield _format_row([_format_name(row["name"]), *counts])


def _format_head(titles: Sequence[str]) -> Iterator[str]:
    yield _format_row(titles)
    yield _format_row(["---"] * len(titles))


def _format_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _format_names(names: Iterable[str]) -> str:
    return ", ".join(map(_format_name, names))


def _format_name(name: str) -> str:
    """Return a label for a table's cell, in which no code span can hold a vertical bar."""
    return to_plain_markdown(name, MAX_NAME) if "|" in name else to_code_span(name, MAX_NAME)


def _format_list(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)
