"""Random sequences of writes by people and by the bot: nothing that a person set is touched."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.types import HeldSuggestion, JobKind
from tests.fakes import ScriptedModel, model_reply
from tests.flow.issue_case import DOWN, LABELS, IssueCase, make_case
from tests.flow.test_issue_types import TYPES

TYPE_NAMES = ["", *(one.name for one in TYPES)]
LABEL_NAMES = [one.name for one in LABELS]
CERTAINTIES = ["sure", "likely", "unsure"]
MODES = ["apply", "suggest"]

Step = Callable[[IssueCase], None]
choices = st.lists(
    st.tuples(st.sampled_from(["Bug", "Task", *LABEL_NAMES]), st.sampled_from(CERTAINTIES)),
    max_size=4,
    unique_by=lambda pair: pair[0],
)


class People:
    """What people have said of an issue: its type, and the labels that they set or removed."""

    def __init__(self, case: IssueCase) -> None:
        self.case = case
        self.type: str | None = None
        self.added: set[str] = set()
        self.removed: set[str] = set()

    def set_type(self, name: str) -> None:
        if self.case.forge.types and name != self.case.forge.current.type:
            self.case.forge.person_sets_type(name)
            self.type = name

    def label(self, name: str) -> None:
        self.case.forge.person_adds(name)
        self.added.add(name)
        self.removed.discard(name)

    def unlabel(self, name: str) -> None:
        if name in self.case.labels:
            self.case.forge.person_removes(name)
            if name not in self.added:  # the bot's own
                self.removed.add(name)
            self.added.discard(name)

    def accept(self, index: int) -> None:
        if one := self.choose_pending(index):
            self.case.forge.person_approves(one.name)
            if one.is_type:
                self.type = one.name
            else:
                self.added.add(one.name)
                self.removed.discard(one.name)

    def choose_pending(self, index: int) -> HeldSuggestion | None:
        pending = [x for x in self.case.forge.suggestions or () if x.state == "pending"]
        return pending[index % len(pending)] if pending else None

    def check(self) -> None:
        forge = self.case.forge
        if self.type is not None:
            assert forge.current.type == self.type
        assert self.added <= set(self.case.labels)
        assert not self.removed & set(self.case.labels)
        if forge.current.type and "bug" in self.case.labels:
            assert "bug" in self.added, "never together with a label of the same meaning"


steps = st.lists(
    st.one_of(
        st.tuples(st.just("set_type"), st.sampled_from(TYPE_NAMES)),
        st.tuples(st.just("label"), st.sampled_from(LABEL_NAMES)),
        st.tuples(st.just("unlabel"), st.sampled_from(LABEL_NAMES)),
        st.tuples(st.just("accept"), st.integers(0, 5)),
        st.tuples(st.sampled_from(["opened", "heal", "manual", "edited"]), choices),
        st.tuples(st.sampled_from(["opened", "heal", "manual", "edited"]), st.none()),
    ),
    min_size=2,
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(steps, st.sampled_from(MODES), st.booleans(), st.booleans())
def test_nothing_that_a_person_set_is_touched(
    taken: list[tuple[str, object]], mode: str, has_types: bool, is_holding: bool
) -> None:
    case = make_case(config=f"mode: {mode}\non: [opened, edited]")
    case.forge.types = TYPES if has_types else ()
    case.forge.suggestions = [] if is_holding else None
    people = People(case)
    for number, (what, value) in enumerate(taken):
        if what in ("opened", "heal", "manual", "edited"):
            run(case, what, value, number)  # type: ignore[arg-type]  # a kind of job
        else:
            getattr(people, what)(value)
        people.check()
        if mode == "suggest":
            assert "labels" not in case.forge.writes
            assert "type" not in case.forge.writes


def run(case: IssueCase, kind: JobKind, labels: list[tuple[str, str]] | None, number: int) -> None:
    """Run a job whose model answers with these labels, or fails."""
    if kind == "edited":
        case.forge.person_edits(f"Login is dead, attempt {number}")
    answer = DOWN
    if labels is not None:
        answer = model_reply("The login is dead.", *((x, y, "dead") for x, y in labels))  # type: ignore[assignment]
    case.model = ScriptedModel(answer)
    case.job(kind, tries=1)
