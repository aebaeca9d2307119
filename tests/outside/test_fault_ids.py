"""Every fault of the list has a test that names it by its id."""

from __future__ import annotations

import json
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "whole" / "faults"
# At the head of a test's name, or of a case of it; one name may tell of several faults.
NAME = re.compile(r'def test((?:_f\d{3}(?:_to(?=_f))?)+)_|"(f\d{3})-')


def named(source: str) -> set[str]:
    """The ids in the names of tests and of their cases."""
    found: set[str] = set()
    for names, case in NAME.findall(source):
        found |= {case} - {""}
        if "_to_" not in names:
            found |= set(re.findall(r"f\d{3}", names))
    return found


def test_every_fault_has_a_test_that_names_it(shared: Path) -> None:
    rows = (shared / "attacks" / "faults.jsonl").read_text(encoding="utf-8").splitlines()
    wanted = {json.loads(row)["id"] for row in rows}
    have = {one for path in TESTS.glob("test_*.py") for one in named(path.read_text("utf-8"))}
    assert len(wanted) == 86
    assert have == wanted


def test_only_names_count() -> None:
    told = 'def test_f001_f002_x() -> None:\n    """f003"""\n    "f004-gone": 1, "f005 gone"'
    assert named(told) == {"f001", "f002", "f004"}
    assert named("def test_f001_to_f007_a_minute() -> None: ...") == set()
