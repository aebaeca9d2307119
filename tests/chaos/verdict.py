"""The sandbox's state against the end-state table: one comment and its labels, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bot.sandbox.state import StoredComment
from tests.chaos.parts import Parts
from tests.chaos.users import REPOS, Opened, Users

SAID_BY = "sandbox-rules"  # the model, in the comment's last line
SHOWN, SHOWN_LINES, LONGEST_LINE = 5, 16, 400
KINDS = ("lost", "labels only", "doubled", "wrong labels", "wrong text")
PLANTED = re.compile(rb"plant[a-z]{8}")


@dataclass(frozen=True, slots=True)
class Breach:
    """What is wrong with an issue; `kind` is one of `KINDS`.

    "labels only" fell back and was not healed, or its worker died midway and nobody took it up.
    """

    issue: Opened
    kind: str
    text: str


@dataclass(slots=True)
class Verdict:
    """`undone` are second comments that came into being and were removed again."""

    breaches: list[Breach] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    found_words: list[str] = field(default_factory=list)
    died: list[str] = field(default_factory=list)
    undone: int = 0
    last_comment: datetime | None = None

    @property
    def good(self) -> bool:
        return not (self.breaches or self.created or self.found_words or self.died)

    def of(self, kind: str) -> list[Breach]:
        return [one for one in self.breaches if one.kind == kind]

    def told(self, parts: Parts) -> Iterator[str]:
        """The first breaches of each kind, with what was logged of the issue."""
        yield from (*self.died, *self.found_words[:SHOWN])
        for kind in dict.fromkeys(breach.kind for breach in self.breaches):
            accepted_first = sorted(self.of(kind), key=lambda breach: not breach.issue.accepted)
            for breach in accepted_first[:SHOWN]:
                yield f"{kind}: {breach.issue} {breach.text}"
                for line in parts.log_lines(f'{breach.issue}"')[:SHOWN_LINES]:
                    yield f"    {line[:LONGEST_LINE]}"


def judge(parts: Parts, users: Users) -> Verdict:
    """How things stand at this moment, but for the files."""
    verdict = Verdict()
    for one in tuple(users.opened):
        comments = parts.box.hosts[one.host].bot_comments(REPOS[one.host], one.number)
        verdict.breaches += _of_issue(parts, one, comments)
        verdict.undone += max(0, parts.posts.made[one.host, one.number] - max(1, len(comments)))
        moments = [comment.updated_at for comment in comments]
        verdict.last_comment = max((m for m in (verdict.last_comment, *moments) if m), default=None)
    for name, host in parts.box.hosts.items():
        verdict.created += host.created_labels(REPOS[name])
    return verdict


def _of_issue(parts: Parts, one: Opened, comments: list[StoredComment]) -> Iterator[Breach]:
    labels = set(parts.box.hosts[one.host].labels(REPOS[one.host], one.number))
    if not comments:
        why = "" if one.accepted else f", refused at the door ({one.answers}): the sweep's"
        kind = "labels only" if labels else "lost"
        yield Breach(one, kind, f"no comment, labels {sorted(labels)}{why}")
        return
    if len(comments) > 1:
        yield Breach(one, "doubled", f"{len(comments)} comments {[c.id for c in comments]}")
    if labels != one.labels:
        yield Breach(one, "wrong labels", f"{sorted(labels)}, not {sorted(one.labels)}")
    for comment in comments:
        if one.word not in comment.body or SAID_BY not in comment.body:
            yield Breach(one, "wrong text", "the comment is not the model's own of this issue")


def planted(folder: Path, words: Iterable[str]) -> list[str]:
    """`file: word` for every planted word in a file of the folder: Redis's and the logs."""
    sought, found = set(words), set()
    for path in (p for p in folder.rglob("*") if p.is_file()):
        for match in PLANTED.findall(path.read_bytes()):
            if match.decode() in sought:
                found.add(f"{path.name}: {match.decode()}")
    return sorted(found)
