"""What was found out about an issue → a decision, by what people did meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.core.demotions import Demotion, list_names
from bot.core.history import IssueHistory
from bot.core.missing_info import MissingItem
from bot.core.ports import Forge
from bot.core.related import Related, RelatedCandidate
from bot.core.text.bounded import drop_body
from bot.core.types import Issue, IssueRef
from bot.flow.enrich import Material, Proposed, decide
from bot.flow.load_config import ConfigInForce
from bot.flow.make_plan import Decision
from bot.flow.missing_info import read_missing

SAME_TEXT = "nearly the same text"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a labeller proposed for an issue, and what decides how much of it is used.

    `demotions` are of labels that people refused too often. `command_prefix` is what people write
    before a command in a comment. `missing` is what the report lacks. `related` are older issues to
    show, `most_related` at most.
    """

    material: Material
    proposed: Proposed
    in_force: ConfigInForce
    demotions: tuple[Demotion, ...]
    command_prefix: str = ""
    missing: tuple[MissingItem, ...] = ()
    related: tuple[Related, ...] = ()
    most_related: int = 0

    def reread(self, ref: IssueRef, forge: Forge) -> tuple[Answer, Issue]:
        """Return the answer without what is not so any more, and the issue as it is now.

        That is what the author has added to the report while the model answered, and older issues
        that became confidential or were deleted. Raises the errors of `Forge`.
        """
        numbers = [one.candidate.number for one in self.related]
        now = forge.related.get_issues(ref, [ref.number, *numbers]) if numbers else {}
        issue = now.get(ref.number) or forge.get_issue(ref)
        answer = self
        if now:
            visible = {number for number, one in now.items() if not one.confidential}
            kept = tuple(one for one in self.related if one.candidate.number in visible)
            answer = replace(answer, related=kept)
        if self.missing:
            config = self.in_force.config
            answer = replace(answer, missing=read_missing(issue, config, forge))
        return answer, drop_body(issue)

    def decide(self, history: IssueHistory) -> Decision:
        demoted = list_names(self.demotions, "removed")
        withheld = list_names(self.demotions, "dismissed")
        current = replace(history.current_labels, demoted=demoted, withheld=withheld)
        current_type = replace(history.current_type, demoted=demoted, withheld=withheld)
        enrichment = decide(self.material, self.proposed, current, current_type)
        config, problems = self.in_force.config, self.in_force.problems
        return Decision(
            *(history, config, problems, enrichment),
            command_prefix=self.command_prefix,
            missing=self.missing,
            related=self._choose_related(enrichment.like),
        )

    def _choose_related(self, like: RelatedCandidate | None) -> tuple[Related, ...]:
        """Return the older issues to show; one whose answer is reused comes first."""
        if like is None or not self.most_related:
            return self.related
        others = (one for one in self.related if one.candidate.number != like.number)
        return (Related(like, 1.0, (SAME_TEXT,)), *others)[: self.most_related]
