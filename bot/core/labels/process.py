"""Labels about the work on an issue, which its text cannot show when it is opened."""

from __future__ import annotations

import re

_WORDS = (
    "accepted approved assigned awaiting backlog beginner blocked blocker beta bounty claimed"
    " closed completed confirmed contributor contributors critical deferred difficulty done"
    " dupe duplicate easy effort good gsoc hacktoberfest hackathon hard help-wanted inactive"
    " invalid later medium mentored milestone newcomer newcomers on-hold outdated pending"
    " planned priority reproduced reproducible resolved review reviewed severity size sprint"
    " stale starter status triage triaged unconfirmed untriaged verified waiting wontfix"
)
_PHRASES = (
    r"in[ -]?progress|in[ -]?review|up[ -]?for[ -]?grabs|needs?[ -:/].*|needed|first[ -]timers?.*"
    r"|can ?t[ -]?(?:fix|reproduce)|cannot[ -]reproduce|won ?t[ -]?(?:fix|do)|ready(?:[ -]for.*)?"
    r"|not[ -]reproducible|more[ -]info.*|pre[ -]?release|by[ -]design|not[ -]a[ -]bug|on[ -]hold"
    r"|help[ -]?wanted|next[ -]release|low[ -]hanging.*|as[ -]designed"
)
_PROCESS = re.compile(
    rf"(?<![^\W_])(?:{'|'.join(_WORDS.split())}|{_PHRASES})(?![^\W_])", re.IGNORECASE
)


def is_process_label(name: str) -> bool:
    """Return whether a label's name tells about the work on an issue, not what it is about."""
    return bool(_PROCESS.search(name.replace("'", " ").replace("_", " ")))
