"""Labels about the work on an issue, which its text does not show when it is opened."""

from __future__ import annotations

import re

from bot.core.labels.keywords import is_type_name

_WORDS = (
    "accepted approved assigned awaiting backlog beginner blocked blocker bounty claimed completed"
    " confirmed contributor contributors critical deferred difficulty done dupe duplicate easy"
    " effort gsoc hacktoberfest hackathon inactive invalid later mentored milestone newcomer"
    " newcomers outdated pending planned priority reproduced reproducible resolved reviewed"
    " severity sprint stale starter status triage triaged unconfirmed untriaged verified waiting"
    " wontfix"
)
_PHRASES = (
    r"in[ -]?progress|in[ -]?review|up[ -]?for[ -]?grabs|needs?[ :/-].*|needed|first[ -]timers?.*"
    r"|can ?t[ -]?(?:fix|reproduce)|cannot[ -]reproduce|won ?t[ -]?(?:fix|do)|ready(?:[ -]for.*)?"
    r"|not[ -]reproducible|more[ -]info.*|pre[ -]?release|by[ -]design|not[ -]a[ -]bug|on[ -]hold"
    r"|help[ -]?wanted|next[ -]release|low[ -]hanging.*|as[ -]designed|good[ -]first.*"
)
_PROCESS = re.compile(
    rf"(?<![^\W_])(?:{'|'.join(_WORDS.split())}|{_PHRASES})(?![^\W_])", re.IGNORECASE
)


def is_process_label(name: str) -> bool:
    """Return whether a label tells how far the work is, or who may do it; types of issue do not."""
    plain = re.sub("['’_]", " ", name)
    return bool(_PROCESS.search(plain)) and not is_type_name(name)
