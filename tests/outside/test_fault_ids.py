"""Every fault of the list has a test with its id in its name."""

from __future__ import annotations

import json
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "whole" / "faults"
# At the start of a test's name or of a parameter's id; one name may have several faults.
NAME = re.compile(r'def test((?:_f\d{3}(?:_to(?=_f))?)+)_|"(f\d{3})-')


def ids_in(source: str) -> set[str]:
    """Return the ids in the names of tests and of their parameters."""
    ids: set[str] = set()
    for names, case in NAME.findall(source):
        ids |= {case} - {""}
        if "_to_" not in names:
            ids |= set(re.findall(r"f\d{3}", names))
    return ids


def test_every_fault_has_a_test_that_names_it(shared: Path) -> None:
    rows = (shared / "attacks" / "faults.jsonl").read_text(encoding="utf-8").splitlines()
    wanted = {json.loads(row)["id"] for row in rows}
    actual = {one for path in TESTS.glob("test_*.py") for one in ids_in(path.read_text("utf-8"))}
    assert len(wanted) == 86
    assert actual == wanted


def test_only_names_count() -> None:
    source = 'def test_f001_f002_x() -> None:\n    """f003"""\n    "f004-gone": 1, "f005 gone"'
    assert ids_in(source) == {"f001", "f002", "f004"}
    assert ids_in("def test_f001_to_f007_a_minute() -> None: ...") == set()
