"""The lines that GitLab itself writes below an issue when somebody changes it."""

from __future__ import annotations

from bot.sandbox.state import Change, Event, State

WORDS: dict[Change, str] = {
    "locked": "locked the discussion in this issue",
    "confidential": "made the issue confidential",
    "transferred": "moved to another project",
}


def noted(state: State, event: Event) -> list[Event]:
    """Writes the line, if that change has one, and gives its event. Labels and states have none."""
    text = _text(event)
    if not text:
        return []
    note = state.comment(event.repo.name, event.issue.number, text, event.actor, None)
    assert note.comment is not None
    note.comment.system = True
    return [note]


def _text(event: Event) -> str:
    if event.what == "edited":
        if "title" in event.before:
            return f"changed title from **{event.before['title']}** to **{event.issue.title}**"
        return "changed the description"
    return WORDS.get(event.what, "")
