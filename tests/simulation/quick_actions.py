"""Quick actions: lines of a note that GitLab executes with the rights of its author.

The simulation removes them; it does not execute them. Unlike GitLab, it also finds them in
code blocks and quotes, because GitLab's own exceptions have changed before.
https://docs.gitlab.com/user/project/quick_actions/
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from starlette.responses import Response

from bot.sandbox.gitlab import notes
from bot.sandbox.gitlab.api import Call, Handler, Row, success

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
    name: str
    argument: str


def extract(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the text without its quick actions, and the (name, argument) of each."""
    text = text.replace("\r", "")
    actions = [(m["name"].lower(), (m["argument"] or "").strip()) for m in LINE.finditer(text)]
    return (LINE.sub("", text).rstrip(), actions) if actions else (text, [])


@dataclass(slots=True)
class QuickActions:
    """Handlers of notes that remove their quick actions and record these in `found`."""

    found: list[QuickAction] = field(default_factory=list)

    def rows(self) -> list[Row]:
        return [
            Row("POST", notes.NOTES, self.create_note),
            Row("PUT", notes.NOTE, self.update_note),
        ]

    def create_note(self, call: Call) -> Response:
        """Create a note; quick actions alone are answered with 202."""
        return self._handle(call, notes.create_note, notes.writable_issue)

    def update_note(self, call: Call) -> Response:
        """Update a note; one with nothing but quick actions is deleted."""
        return self._handle(call, notes.update_note, notes.delete_note)

    def _handle(
        self, call: Call, handler: Handler, without_text: Callable[[Call], object]
    ) -> Response:
        body = call.params().get("body")
        text, actions = extract(body) if isinstance(body, str) else ("", [])
        if not actions:
            return handler(call)
        if text.strip():
            answer = handler(replace(call, body=json.dumps({"body": text}).encode()))
        else:
            without_text(call)
            answer = success({"commands_changes": {}, "summary": ["Applied."]}, 202)
        self.found += [QuickAction(call.repo().name, *action) for action in actions]
        return answer
