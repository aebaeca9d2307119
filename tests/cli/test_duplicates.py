"""`tagline duplicates`: reports whose duplicates are known are looked up, in three ways."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.cli.main import cli
from bot.cli.memory_search import MemorySearch
from bot.core.related import SearchQuery

REPORTS = [
    {"id": "b-1", "title": "Login form dead after upgrade", "body": "Firefox shows nothing."},
    {"id": "b-2", "title": "Dark theme resets", "body": "After each restart it is light again."},
    {"id": "b-3", "title": "Export to CSV loses the header row", "body": ""},
    {"id": "b-4", "title": "Scrolling stutters on large boards", "body": "With 300 cards."},
    {"id": "b-5", "title": "Login form is dead in Firefox since the upgrade", "body": "Nothing."},
    {"id": "b-6", "title": "Dark theme is lost", "body": "It resets with each restart."},
]
PAIRS: list[dict[str, Any]] = [
    {"a": "b-5", "b": "b-1", "duplicate": True},
    {"a": "b-6", "b": "b-2"},
    {"a": "b-5", "b": "b-4", "duplicate": False},
]


def write(path: Path, rows: Sequence[Any]) -> Path:
    text = "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def run(folder: Path, reports: Sequence[Any], pairs: Sequence[Any], *words: str) -> Result:
    files = write(folder / "reports", reports), write(folder / "pairs.gz", pairs)
    arguments = ["duplicates", "--file", str(files[0]), "--pairs", str(files[1]), *words]
    return CliRunner().invoke(cli, arguments)


def read(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_table_has_a_column_for_each_way_to_choose_candidates(tmp_path: Path) -> None:
    result = run(tmp_path, REPORTS, PAIRS)
    assert result.exit_code == 0
    first, _, heads, *rows = result.stdout.splitlines()
    assert first == (
        "6 reports, 2 pairs of duplicates, 1 of different reports; looked up among all other"
        " reports, as not all have created_at"
    )
    assert heads.split("  ")[-1].strip() == "every word (GitLab)"
    assert any(row.startswith("  such a one is the first") for row in rows)


def test_json_has_the_figures(tmp_path: Path) -> None:
    result = read(run(tmp_path, REPORTS, PAIRS, "--json"))
    assert [way["candidates"] for way in result["ways"]] == ["every", "any", "all"]
    for way in result["ways"]:
        assert way["recall_at_1"]["value"] == way["precision"]["value"] == 1
        assert way["different_shown"] == {
            "value": 0,
            "low": 0,
            "high": pytest.approx(0.79, abs=0.01),
            "of": 1,
        }
    assert result["ways"][0]["candidates_mean"] == 5


def test_with_times_only_older_reports_are_candidates(tmp_path: Path) -> None:
    timed = [row | {"created_at": f"2026-01-0{n}T00:00:00Z"} for n, row in enumerate(REPORTS, 1)]
    result = run(tmp_path, timed[::-1], PAIRS, "--json")
    assert read(result)["ways"][0]["candidates_mean"] == 4.5
    assert "among the older reports" in run(tmp_path, timed, PAIRS).stdout


def test_another_report_of_the_group_is_right_too(tmp_path: Path) -> None:
    reports = [row | {"group": "x"} if row["id"] in ("b-3", "b-5") else row for row in REPORTS]
    pairs = [{"a": "b-5", "b": "b-4"}]
    way = read(run(tmp_path, reports, pairs, "--json"))["ways"][0]
    assert way["found"]["value"] == 1
    assert way["originals_found"]["of"] == 1


def without(row: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


@pytest.mark.parametrize(
    ("reports", "pairs", "message"),
    [
        ([*REPORTS, "{"], PAIRS, "reports, line 7: not JSON"),
        ([*REPORTS, without(REPORTS[0], "id")], PAIRS, "line 7: it has no id"),
        ([*REPORTS, without(REPORTS[0], "title")], PAIRS, "line 7: not an object with a title"),
        ([*REPORTS, REPORTS[0]], PAIRS, "line 7: an earlier report has the id 'b-1'"),
        ([*REPORTS, 7], PAIRS, "1 row of"),
        ([], PAIRS, "has no reports"),
        (REPORTS, [], "has no pair of duplicates"),
        (REPORTS, [PAIRS[2]], "has no pair of duplicates"),
        (REPORTS, [*PAIRS, "x"], "pairs.gz, line 4: not JSON"),
        (REPORTS, [*PAIRS, {"a": "b-1"}], "line 4: not an object with the ids a and b"),
        (REPORTS, [*PAIRS, {"a": "b-1", "b": "zz"}], "line 4: no report has the id 'zz'"),
        (REPORTS, [*PAIRS, {"a": "b-1", "b": "b-1"}], "line 4: a and b are one report"),
        (
            REPORTS,
            [*PAIRS, {"a": "b-1", "b": "b-2", "duplicate": "no"}],
            "line 4: duplicate must be true or false",
        ),
    ],
)
def test_a_bad_row_is_named(
    tmp_path: Path, reports: Sequence[Any], pairs: Sequence[Any], message: str
) -> None:
    result = run(tmp_path, reports, pairs)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not result.stdout


def test_pairs_in_the_wrong_order_are_explained(tmp_path: Path) -> None:
    timed = [row | {"created_at": f"2026-01-0{n}"} for n, row in enumerate(REPORTS, 1)]
    result = run(tmp_path, timed, [{"a": "b-1", "b": "b-5"}])
    assert result.exit_code == 1
    assert "a is the later report of the two" in result.stderr


TEXTS = ["crash on start", "crashes often", "login crash login", "dark mode", "login"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (SearchQuery(("crash", "login"), "any"), [2, 4, 0]),  # by relevance
        (SearchQuery(("crash",), "all"), [2, 1, 0]),  # also words that begin with it, newest first
        (SearchQuery(("crash", "login"), "all"), [2]),
        (SearchQuery(("quokka",), "any"), []),
        (SearchQuery(("quokka",), "all"), []),
    ],
)
def test_searches_in_memory_follow_the_rules_of_the_forges(
    query: SearchQuery, found: list[int]
) -> None:
    assert MemorySearch(TEXTS).search([query], range(len(TEXTS)), without=-1) == found


def test_results_of_searches_are_merged_best_first() -> None:
    queries = [SearchQuery(("crash",), "all"), SearchQuery(("login",), "all")]
    assert MemorySearch(TEXTS).search(queries, range(4), without=1) == [2, 0]
    assert MemorySearch(TEXTS).search(queries, range(5), without=-1) == [2, 4, 1, 0]
