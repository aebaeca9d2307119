"""Random sequences of people's decisions on suggestions and of the bot's work, with crashes."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.errors import Retry
from bot.core.types import HeldSuggestion, JobKind
from tests.flow.issue_case import LABELS, IssueCase, make_case
from tests.flow.test_corrections import compare, corrections
from tests.flow.test_issue_types import TYPES
from tests.flow.test_people_and_bot import People, run
from tests.flow.test_run_commands import command

KINDS: list[JobKind] = ["manual", "edited", "heal"]
# Few, so that much happens to each. The last one is a type.
NAMES = ["bug", "documentation", "area/login", "Task"]
# Calls that a job ends with; True after they took effect.
CRASHES = [
    ("suggest_labels", True),
    ("suggest_type", True),
    ("dismiss_suggestion", True),
    ("list_suggestions", False),
    ("suggest_labels", False),
]
REVIEW = "needs-review"  # nothing is recorded of it


class Decisions(People):
    """`recorded` are the decisions that a look has to record, `unread` those since the last."""

    def __init__(self, case: IssueCase) -> None:
        super().__init__(case)
        self.unread: list[tuple[str, HeldSuggestion]] = []
        self.recorded: Counter[tuple[str, str]] = Counter()

    def accept(self, index: int) -> None:
        if one := self.choose_pending(index):
            super().accept(index)
            self.unread.append(("approved", one))

    def decline(self, index: int) -> None:
        if one := self.choose_pending(index):
            self.case.forge.person_dismisses(one.name)
            self.unread.append(("dismissed", one))

    def look(self) -> None:
        """Let the bot read the decisions; a label that is set anyway was not refused."""
        compare(self.case)
        current = self.case.forge.current
        for verdict, one in self.unread:
            present = (current.type,) if one.is_type else current.labels
            if verdict == "approved" or one.name not in present:
                self.recorded[one.name, verdict] += 1
        self.unread.clear()
        found = Counter(
            (label, verdict)
            for _, label, verdict in corrections(self.case)
            if verdict in ("approved", "dismissed")
        )
        expected = Counter({x: n for x, n in self.recorded.items() if x[0] != REVIEW})
        assert found == expected, "each decision counts once, and no act of the bot does"

    def undo(self) -> None:
        command(self.case, "/tagline undo")
        assert self.choose_pending(0) is None, "nothing of the bot's is left"

    def check(self) -> None:
        super().check()
        made = Counter((one.is_type, one.name) for one in self.case.forge.suggestions or ())
        assert set(made.values()) <= {1}, "what was decided is not suggested again"
        declined = {
            one.name
            for one in self.case.forge.suggestions or ()
            if one.state == "dismissed" and not one.is_type
        }
        by_people = {one.name for _, one in self.unread}
        by_people |= {name for name, verdict in self.recorded if verdict == "dismissed"}
        assert not declined & by_people & set(self.case.labels) - self.added


choices = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["unsure", "sure"])),
    min_size=1,
    max_size=3,
    unique_by=lambda pair: pair[0],
)
jobs = st.tuples(
    st.sampled_from(KINDS),
    choices,
    st.sampled_from([None, *CRASHES]),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["accept", "decline", "decline"]), st.integers(0, 5)),
        st.tuples(st.sampled_from(["label", "unlabel"]), st.sampled_from(NAMES[:-1])),
        st.tuples(st.just("look")),
        jobs,
        jobs,
    ),
    min_size=2,
    max_size=9,
)


@settings(max_examples=200, deadline=None)
@given(choices, steps, st.sampled_from(["apply", "suggest"]), st.booleans(), st.booleans())
def test_each_decision_counts_once_and_is_kept(
    first: list[tuple[str, str]],
    taken: list[tuple[object, ...]],
    mode: str,
    has_types: bool,
    is_undone: bool,
) -> None:
    case = make_case(config=f"mode: {mode}\non: [opened, edited]", labels=LABELS)
    case.forge.types = TYPES if has_types else ()
    case.forge.suggestions = []
    people = Decisions(case)
    run(case, "opened", first, 0)
    for number, (what, *values) in enumerate(taken, 1):
        if what in KINDS:
            labels, crash = values
            if crash:
                case.forge.fail(crash[0], Retry("the worker was killed"), done=crash[1])  # type: ignore[index]
            with suppress(Retry):
                run(case, what, labels, number)  # type: ignore[arg-type]  # a kind of job
            case.forge.errors.clear()
        else:
            getattr(people, str(what))(*values)
        people.check()
    if is_undone:
        people.undo()
    people.look()
    people.look()
