"""What was found out about an issue → a labeller's answer → a decision, by what people did
meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.demotions import Demotion, list_names
from bot.core.history import IssueHistory
from bot.core.missing_info import MissingItem
from bot.core.ports import Forge
from bot.core.related import Related, RelatedCandidate
from bot.core.text.bounded import drop_body
from bot.core.types import Issue, IssueRef
from bot.flow.enrich import Labeller, Material, Proposed, decide, propose
from bot.flow.load_config import ConfigInForce
from bot.flow.make_plan import Decision
from bot.flow.read_missing import read_missing

SAME_TEXT = "nearly the same text"


@dataclass(frozen=True, slots=True)
class Question:
    """What is found out about an issue before its labellers are asked. It contains no long body.

    `demotions` are of labels that people refused too often. `command_prefix` is what people write
    before a command in a comment. `missing` is what the report lacks. `related` are older issues to
    show, `most_related` at most.
    """

    material: Material
    labellers: Sequence[Labeller]
    in_force: ConfigInForce
    demotions: tuple[Demotion, ...]
    missing: tuple[MissingItem, ...]
    command_prefix: str
    related: tuple[Related, ...]
    most_related: int

    def ask(self) -> Answer:
        """Return the answer of the first labeller that succeeds."""
        return Answer(self, propose(self.material, self.labellers))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a labeller proposed for an issue, and what decides how much of it is used."""

    question: Question
    proposed: Proposed

    def reread(self, ref: IssueRef, forge: Forge) -> tuple[Answer, Issue]:
        """Return the answer without what is not so any more, and the issue as it is now.

        That is what the author has added to the report while the model answered, and older issues
        that became confidential or were deleted. Raises the errors of `Forge`.
        """
        question = self.question
        numbers = [one.candidate.number for one in question.related]
        now = forge.related.get_issues(ref, [ref.number, *numbers]) if numbers else {}
        issue = now.get(ref.number) or forge.get_issue(ref)
        if now:
            visible = {number for number, one in now.items() if not one.confidential}
            kept = tuple(one for one in question.related if one.candidate.number in visible)
            question = replace(question, related=kept)
        if question.missing:
            missing = read_missing(issue, question.in_force.config, forge)
            question = replace(question, missing=missing)
        return replace(self, question=question), drop_body(issue)

    def decide(self, history: IssueHistory) -> Decision:
        question = self.question
        demoted = list_names(question.demotions, "removed")
        withheld = list_names(question.demotions, "dismissed")
        current = replace(history.current_labels, demoted=demoted, withheld=withheld)
        current_type = replace(history.current_type, demoted=demoted, withheld=withheld)
        enrichment = decide(question.material, self.proposed, current, current_type)
        return Decision(
            history=history,
            config=question.in_force.config,
            problems=question.in_force.problems,
            enrichment=enrichment,
            command_prefix=question.command_prefix,
            missing=question.missing,
            related=self._choose_related(enrichment.like),
        )

    def _choose_related(self, like: RelatedCandidate | None) -> tuple[Related, ...]:
        """Return the older issues to show; one whose answer is reused comes first."""
        related, most = self.question.related, self.question.most_related
        if like is None or not most:
            return related
        others = (one for one in related if one.candidate.number != like.number)
        return (Related(like, 1.0, (SAME_TEXT,)), *others)[:most]
