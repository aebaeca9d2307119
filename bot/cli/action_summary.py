"""The page that people see of a job of `tagline action`: what it wrote, or what it would write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from bot.cli.ci_job import MAX_SUMMARY, CiJob
from bot.core.text.numbers import format_usd
from bot.core.text.sanitize import to_plain_markdown
from bot.flow.plan import Outcome
from bot.flow.render import render_content

WRITTEN = ("answered", "suggested", "quiet", "fallback", "deleted")
NO_MODEL = (
    "Preview: no language model is configured, so labels come from rules and no comment is written."
    " This is what one would say:"
)


def write(
    job: CiJob,
    outcomes: Sequence[Outcome],
    *,
    has_model: bool,
    preview: Mapping[str, Any] | None = None,
) -> None:
    """Write the labels that were set and, as long as there is room, a part for each issue.

    `preview` is the report of a preview. Raises `OSError`.
    """
    names = (name for one in outcomes if one.record.status in WRITTEN for name in _labels(one))
    job.report.write_labels(tuple(dict.fromkeys(names)))
    parts = [_format_issue(job, one, has_model=has_model) for one in outcomes]
    if preview:
        from bot.cli.preview_markdown import format_markdown

        parts.append(format_markdown(preview, in_job=True))
    sizes = accumulate(len(part.encode("utf-8", "replace")) for part in parts)
    shown = [part for part, end in zip(parts, sizes, strict=True) if end <= MAX_SUMMARY]
    if shown:
        job.report.write_summary("\n\n".join(("## Tagline", *shown)) + "\n")


def _labels(outcome: Outcome) -> tuple[str, ...]:
    return outcome.plan.add_labels if outcome.plan else ()


def _format_issue(job: CiJob, outcome: Outcome, *, has_model: bool) -> str:
    ref, plan, enrichment = outcome.job.ref, outcome.plan, outcome.enrichment
    repository = ref.repo or job.repository.partition(":")[2]
    page = job.page.format(repo=repository, number=ref.number)
    lines = [f"### [{repository} {ref.number}]({page})", _format_end(outcome, has_model=has_model)]
    if plan:
        lines.append(render_content(plan.content))
    if enrichment and enrichment.by_model:
        usage = enrichment.usage
        tokens = f"{usage.tokens_in:,} + {usage.tokens_out:,} tokens"
        lines.append(f"Cost: {tokens}, {format_usd(usage.cost_usd)}")
    return "\n\n".join(lines)


def _format_end(outcome: Outcome, *, has_model: bool) -> str:
    record, plan = outcome.record, outcome.plan
    if plan is None or record.status not in WRITTEN:
        return f"Nothing was written: {to_plain_markdown(record.why or record.status)}."
    if not has_model and not plan.writes_comment:
        return NO_MODEL
    comment = "one comment" if plan.writes_comment and record.comment_id else "no comment"
    return f"Labels that were set: {len(plan.add_labels)}; {comment}."
