"""Quick actions: lines of a note that GitLab executes with the rights of its author.

The sandbox removes and records them; it does not execute them. Unlike GitLab, it also finds them in
code blocks and quotes, because GitLab's own exceptions have changed before.
https://docs.gitlab.com/user/project/quick_actions/
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NAMES = (
    "add_child add_contacts add_email approve assign assign_reviewer award blocked_by blocks board "
    "board_move cc checkin_reminder child_of clear_health_status clear_milestone clear_parent "
    "clear_weight clone close confidential convert_to_ticket copy_metadata create_merge_request "
    "done draft due duplicate epic estimate estimate_time health_status iteration label labels "
    "link lock merge milestone move page parent_epic promote promote_to promote_to_incident "
    "publish react ready rebase reassign reassign_reviewer relabel relate relate_to_parent "
    "remove_child remove_child_epic remove_contacts remove_due_date remove_email remove_epic "
    "remove_estimate remove_iteration remove_label remove_milestone remove_parent "
    "remove_parent_epic remove_time_spent remove_zoom reopen request_changes request_review "
    "run_pipeline set_parent severity ship shrug spend spend_time spent submit_review subscribe "
    "tableflip tag target_branch timeline title todo type unapprove unassign unassign_reviewer "
    "unlabel unlink unlock unsubscribe weight zoom"
)
LINE = re.compile(
    rf"^/(?P<name>{NAMES.replace(' ', '|')})(?: (?P<argument>[^\n]*))?(?:[ \t]*\n|$)",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class QuickAction:
    """An action that GitLab would execute."""

    repo: str
    number: int
    actor: str
    name: str
    argument: str


def extract(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the text without its quick actions, and the (name, argument) of each."""
    text = text.replace("\r", "")
    actions = [(m["name"].lower(), (m["argument"] or "").strip()) for m in LINE.finditer(text)]
    return (LINE.sub("", text).rstrip(), actions) if actions else (text, [])
