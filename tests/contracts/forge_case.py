"""The cases of the `Forge` port's suites: the fake, and both clients over HTTP against the
simulated platforms. Their fixtures are in `conftest.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from bot.core.ports import Forge, IssueHistorySource
from bot.core.types import HeldSuggestion, IssueRef, Label, OwnComment
from bot.forges.registry import ForgeClient
from bot.sandbox import decisions
from bot.sandbox.suggestions import Intent
from tests.fakes import REF, FakeForge, make_issue
from tests.simulation import Host, Sandbox

TITLE, BODY = "Login fails", "It fails since the update."
LABELS = {"bug": "Something is broken", "docs": "", "needs review": ""}
LATER = 4_000_000_000  # seconds since the epoch
_numbers = count(1)


class Fake:
    """The fake, and what people do on it."""

    def __init__(self) -> None:
        labels = tuple(Label(name, text) for name, text in LABELS.items())
        self.ref = REF
        self.fake = FakeForge(make_issue(TITLE, BODY), labels, config=None)
        self.forge: Forge = self.fake
        self.history: IssueHistorySource = self.fake

    def label(self, name: str) -> None:
        self.fake.person_adds(name)

    def unlabel(self, name: str) -> None:
        self.fake.person_removes(name)

    def lose_label(self, name: str) -> None:
        self.fake.deleted.add(name)

    def write_config(self, text: str) -> None:
        self.fake.config = text

    def delete_comment(self, comment_id: int) -> None:
        self.fake.person_deletes_comment()

    def comment_by_other_bot(self, body: str) -> None:
        self.fake.other_bots_comments.append(OwnComment(7, body))

    def reply(self) -> None:
        self.fake.people_replied = True

    def suggest_by_other_bot(self, label: str) -> None:
        assert self.fake.suggestions is not None
        self.fake.suggestions.append(HeldSuggestion(99, label))

    def decide(self, suggestion: HeldSuggestion, is_accepted: bool) -> None:
        if is_accepted:
            self.fake.person_approves(suggestion.name)
        else:
            self.fake.person_dismisses(suggestion.name)

    def add_past(self, count: int, labels: Sequence[str], **more: Any) -> None:
        """Add issues, each newer than the one before."""
        for number in range(len(self.fake.past) + 1, len(self.fake.past) + count + 1):
            ref = replace(REF, number=number)
            issue = replace(make_issue(f"Issue {number}", BODY, labels), ref=ref, **more)
            self.fake.past.insert(0, issue)

    def handle_past(self, number: int) -> None:
        index = len(self.fake.past) - number
        self.fake.past[index] = replace(self.fake.past[index], handled=True)


@dataclass
class Simulated:
    """A client of a simulated platform, and what people do there."""

    forge: ForgeClient
    host: Host
    ref: IssueRef

    @property
    def history(self) -> IssueHistorySource:
        return self.forge

    def label(self, name: str) -> None:
        self.host.label_by_person(self.ref.repo, self.ref.number, name, deliver=False)

    def unlabel(self, name: str) -> None:
        self.host.unlabel_by_person(self.ref.repo, self.ref.number, name, deliver=False)

    def lose_label(self, name: str) -> None:
        del self.host.state.repo(self.ref.repo).labels[name]

    def write_config(self, text: str) -> None:
        self.host.set_config(self.ref.repo, text)

    def delete_comment(self, comment_id: int) -> None:
        repo, number = self.ref.repo, self.ref.number
        self.host.delete_comment_by_person(repo, number, comment_id, deliver=False)

    def comment_by_other_bot(self, body: str) -> None:
        login = {"github": "other[bot]", "gitlab": "group_9_bot_77"}[self.ref.forge]
        self.host.state.user(login, is_bot=True)
        self.host.state.comment(self.ref.repo, self.ref.number, body, login, None)

    def suggest_by_other_bot(self, label: str) -> None:
        state, login = self.host.state, self.host.state.user("other[bot]", is_bot=True).login
        repo, number = self.ref.repo, self.ref.number
        decisions.suggest(state, repo, number, "add_label", Intent(label), login)

    def decide(self, suggestion: HeldSuggestion, is_accepted: bool) -> None:
        repo, number = self.ref.repo, self.ref.number
        self.host.decide_by_person(repo, number, suggestion.id, accept=is_accepted)

    def reply(self) -> None:
        repo, number = self.ref.repo, self.ref.number
        self.host.comment_by_person(repo, number, "I can confirm it.", deliver=False)

    def add_past(self, count: int, labels: Sequence[str], **more: Any) -> None:
        """Add issues, each newer than the one before."""
        for _ in range(count):
            number = len(self.host.state.repo(self.ref.repo).issues) + 1
            self.host.open_issue(
                *(self.ref.repo, f"Issue {number}", more.get("body", BODY)),
                labels=list(labels),
                created_at=LATER + number,
                confidential=more.get("confidential", False),
                deliver=False,
            )

    def handle_past(self, number: int) -> None:
        self.host.close_issue(self.ref.repo, number, deliver=False)


Case = Fake | Simulated
Platforms = tuple[Sandbox, dict[str, ForgeClient]]


def add_repository(host: Host) -> str:
    """Return the name of a new repository with `LABELS`."""
    repo = f"acme/contract{next(_numbers)}"
    host.add_repo(repo, LABELS)
    return repo


def create_in(platforms: Platforms, name: str) -> Simulated:
    """Return a client of a platform with a new repository that has no issue."""
    box, forges = platforms
    repo = add_repository(box.hosts[name])
    ref = forges[name].complete_ref(IssueRef(name, "", repo, 0))
    return Simulated(forges[name], box.hosts[name], ref)
