"""The figures of `make accuracy` are of repositories that were left out, and the fit is stable."""

from __future__ import annotations

import pytest

from bot.core.labels.cues import ASKS, Cue
from bot.core.labels.keywords import TYPES, Bars, TypeWeights, parse_weights
from tests.accuracy.bars import NEVER, OF_QUESTIONS, Scored, set_bars
from tests.accuracy.datasets import Mix, TypedIssue
from tests.accuracy.fitting import fit_weights, select_cues, weigh_issues
from tests.accuracy.scores import Labelled, coverage, label, macro_f1, precision

CRASH, ADD, WORD = Cue("title", "crash"), Cue("title", "addition"), Cue("body", "project's word")
REPOSITORIES = [f"o/r{number}" for number in range(6)]


def issue(concept: str, *cues: Cue, repository: str = "o/r0", mix: Mix = "natural") -> TypedIssue:
    return TypedIssue(repository, mix, concept, frozenset(cues))


def make_issues() -> list[TypedIssue]:
    return [
        issue(concept, *cues, repository=repository)
        for repository in REPOSITORIES
        for concept, cues in (
            ("bug", [CRASH]),
            ("feature-request", [ADD]),
            ("question", [ASKS]),
        )
        for _ in range(3)
    ]


def test_a_cue_of_few_repositories_gets_no_weight() -> None:
    issues = make_issues() + [issue("bug", WORD, repository=name) for name in REPOSITORIES[:4] * 3]
    assert set(select_cues(issues)) == {CRASH, ADD, ASKS}
    assert WORD not in fit_weights(issues).cues


def test_weights_favour_the_type_that_has_the_cue_in_any_repository() -> None:
    weights = fit_weights(make_issues())
    for concept, cue in zip(TYPES, (CRASH, ADD, ASKS), strict=True):
        row = weights.cues[cue]
        assert max(row) == row[TYPES.index(concept)] > 0


def test_two_fits_are_equal() -> None:
    assert fit_weights(make_issues()) == fit_weights(make_issues())


def test_types_count_equally_however_many_issues_they_have() -> None:
    issues = make_issues() + [issue("bug", CRASH)] * 50
    weights = weigh_issues(issues)
    sums = {
        concept: sum(w for one, w in zip(issues, weights, strict=True) if one.concept == concept)
        for concept in TYPES
    }
    assert sums == pytest.approx(dict.fromkeys(TYPES, len(issues) / 3))


def score(concept: str, probability: float, *, is_right: bool) -> Scored:
    rest = (1 - probability) / 2
    truth = concept if is_right else next(name for name in TYPES if name != concept)
    return Scored(issue(truth, ASKS), {**dict.fromkeys(TYPES, rest), concept: probability})


def test_a_bar_is_where_labels_become_right_often_enough() -> None:
    scored = [score("bug", 0.9, is_right=True)] * 20 + [score("bug", 0.5, is_right=False)] * 20
    bars = set_bars(scored)
    assert bars["bug"] == bars["feature-request"] == Bars(0.51, 0.51)
    assert bars["question"] == OF_QUESTIONS


def test_figures_are_of_the_labels_that_are_applied() -> None:
    rows = [
        Labelled(issue("bug"), "bug", is_applied=True),
        Labelled(issue("bug"), "question", is_applied=True),
        Labelled(issue("question"), "question", is_applied=False),
        Labelled(issue("question"), "bug", is_applied=False),
    ]
    assert (precision(rows).value, coverage(rows).value, macro_f1(rows)) == (0.5, 0.5, 0.5)


def test_a_label_below_its_bar_is_not_applied() -> None:
    data = {"bias": dict.fromkeys(TYPES, 0), "weights": [], "bars": {}}
    weights = parse_weights(data)._replace(cues={CRASH: (100, 0, 0)})

    def is_applied(bar: float) -> bool:
        table: TypeWeights = weights._replace(bars=dict.fromkeys(TYPES, Bars(bar, NEVER)))
        return label(issue("bug", CRASH), table).is_applied

    assert is_applied(0.5)
    assert not is_applied(0.7)
