"""The figures of related issues: the plain ranking, the paired test, and the fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.cli.duplicates_replay import DuplicatesReplay, Lookup
from bot.cli.reports_file import Pair, Report
from tests.accuracy.bm25 import Bm25
from tests.accuracy.duplicates import compare, compute_mcnemar
from tests.accuracy.duplicates_fit import fit, list_rows, rank_again

TITLES = ("Login crashes", "Dark theme resets", "Export fails", "Crash at login", "Theme is lost")
REPORTS = [Report(f"b-{n}", title, "", "", 0.0, n) for n, title in enumerate(TITLES)]


def look_up(*pairs: tuple[int, int]) -> list[Lookup]:
    replay = DuplicatesReplay(
        REPORTS, [Pair(f"b-{a}", f"b-{b}", is_duplicate=True) for a, b in pairs]
    )
    return list(replay.run("every", lambda _: None))


def test_bm25_ranks_by_words_that_are_rare() -> None:
    assert Bm25(REPORTS).rank(3, [0, 1, 2, 4])[0] == 0


@pytest.mark.parametrize(
    ("one", "other", "p"), [(0, 0, 1.0), (1, 0, 1.0), (5, 5, 1.0), (6, 0, 0.03125), (9, 1, 0.0215)]
)
def test_mcnemar_is_exact(one: int, other: int, p: float) -> None:
    assert compute_mcnemar(one, other) == pytest.approx(p, abs=1e-4)
    assert compute_mcnemar(other, one) == compute_mcnemar(one, other)


def test_a_paired_comparison_counts_what_only_one_ranking_finds() -> None:
    (lookup,) = look_up((3, 0))
    worse = replace(lookup, ranked=[1, 0])
    assert compare([lookup, lookup], [worse, lookup], 1) == (1, 0)
    assert compare([worse], [lookup], 1) == (0, 1)
    assert compare([lookup], [worse], 2) == (0, 0)


def test_fitted_weights_put_duplicates_first() -> None:
    lookups = look_up((3, 0), (4, 1))
    rows = [list_rows(REPORTS, lookup) for lookup in lookups]
    weights = fit(rows)
    assert weights == fit(rows)
    for lookup, measured in zip(lookups, rows, strict=True):
        assert rank_again(lookup, measured, weights).ranked[0] in lookup.same
