"""Quick actions: lines of a note that GitLab carries out with the rights of its author.

Unlike GitLab, code blocks and quotes do not protect a line: what they protect has changed before.
https://docs.gitlab.com/user/project/quick_actions/
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.world import Event, World

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
LABEL = re.compile(r'~?"([^"]+)"|~?([^\s,]+)')


@dataclass(frozen=True, slots=True)
class QuickAction:
    """One that was carried out."""

    repo: str
    number: int
    actor: str
    name: str
    argument: str


@dataclass(frozen=True, slots=True)
class Place:
    """The issue that a note with quick actions is written on."""

    world: World
    repo: str
    number: int
    actor: str


def extract(text: str) -> tuple[str, list[tuple[str, str]]]:
    """The text that is left, and the actions with their arguments."""
    text = text.replace("\r", "")
    found = [(m["name"].lower(), (m["argument"] or "").strip()) for m in LINE.finditer(text)]
    return (LINE.sub("", text).rstrip(), found) if found else (text, [])


def carry_out(
    place: Place, actions: list[tuple[str, str]]
) -> tuple[list[QuickAction], list[Event]]:
    """All of them; those that change nothing in this world are only named."""
    done, events = [], []
    for name, argument in actions:
        done.append(QuickAction(place.repo, place.number, place.actor, name, argument))
        if effect := EFFECTS.get(name):
            events += effect(place, argument)
    return done, events


def _close(place: Place, _: str) -> list[Event]:
    return [place.world.set_state(place.repo, place.number, place.actor, "closed")]


def _reopen(place: Place, _: str) -> list[Event]:
    return [place.world.set_state(place.repo, place.number, place.actor, "reopened")]


def _lock(place: Place, _: str) -> list[Event]:
    return [place.world.set_state(place.repo, place.number, place.actor, "locked")]


def _hide(place: Place, _: str) -> list[Event]:
    return [place.world.set_state(place.repo, place.number, place.actor, "confidential")]


def _title(place: Place, argument: str) -> list[Event]:
    values = {"title": argument}
    return [place.world.edit_issue(place.repo, place.number, place.actor, values)]


def _label(place: Place, argument: str) -> list[Event]:
    known = place.world.repo(place.repo).all_labels
    names = [name for name in _names(argument) if name in known]
    return place.world.relabel(place.repo, place.number, place.actor, names)


def _unlabel(place: Place, argument: str) -> list[Event]:
    carried = list(place.world.issue(place.repo, place.number).labels)
    names = [name for name in carried if not argument or name in _names(argument)]
    return place.world.relabel(place.repo, place.number, place.actor, [], names)


def _relabel(place: Place, argument: str) -> list[Event]:
    return [*_unlabel(place, ""), *_label(place, argument)]


def _names(argument: str) -> list[str]:
    return [quoted or plain for quoted, plain in LABEL.findall(argument)]


EFFECTS: dict[str, Callable[[Place, str], list[Event]]] = {
    "close": _close,
    "reopen": _reopen,
    "lock": _lock,
    "confidential": _hide,
    "title": _title,
    "label": _label,
    "labels": _label,
    "unlabel": _unlabel,
    "remove_label": _unlabel,
    "relabel": _relabel,
}
