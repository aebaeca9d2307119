"""What people said of the older issues that comments name."""

from __future__ import annotations

from bot.cli.sections.section import Repository, Row, Section
from bot.cli.terminal import format_time
from bot.core.related import MIN_VERDICTS
from bot.core.text.numbers import format_share


def show_related(repository: Repository) -> Section:
    """Return how often older issues were the right ones, and whether comments name any."""
    feedback = repository.count_feedback()
    names_some = bool(repository.in_force.config.comment.similar)
    row = {
        "confirmed": feedback.confirmed,
        "corrected": feedback.corrected,
        "confirmed_share": feedback.confirmed_share,
        "quiet_since": feedback.quiet_since,
        "shown": names_some and feedback.quiet_since is None,
    }
    why_quiet = (
        " Comments name none now: fewer than a third were confirmed. That ends when tagline.yml"
        f" changes, or after `tagline resume {repository.name}`."
    )
    return Section(
        "related",
        "Older issues that comments name",
        [row] if feedback.confirmed_share is not None else [],
        ("confirmed", "corrected", "confirmed of judged", ""),
        _format_related,
        "No verdict of people yet." if names_some else "None: comment.similar is 0.",
        "Closing an issue as a duplicate of one that its comment names confirms it; closing it as a"
        " duplicate of another one, or taking the comment back, corrects it. Below a third"
        f" confirmed of {MIN_VERDICTS} or more, comments name none any more."
        + (why_quiet if feedback.quiet_since is not None else ""),
    )


def _format_related(row: Row) -> tuple[str, ...]:
    since = row["quiet_since"]
    note = f"quiet since {format_time(since)}" if since is not None else ""
    share = format_share(row["confirmed_share"])
    return str(row["confirmed"]), str(row["corrected"]), share, note
