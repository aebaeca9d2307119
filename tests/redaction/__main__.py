"""Prints the recall and the false alarms of the redaction: `python -m tests.redaction`.

Exits 1 if a planted secret is missed, a harmless text is changed, or more than one of 200 real
issues has a false alarm. Every redaction in the real issues is listed for reading.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.redaction.measure import MAX_FALSE_ALARMS, measure
from tests.shared import shared_folder


def main(shared: Path) -> int:
    result = measure(shared)
    lines = [f"Planted secrets redacted: {result.found} of {result.planted}"]
    lines += [f"  missed: {line}" for line in result.missed]
    lines += [f"Harmless texts kept: {result.kept} of {result.harmless}"]
    lines += [f"  changed: {line}" for line in result.changed]
    share = result.false_alarms / max(1, result.issues)
    lines += [
        f"Real issues: {result.issues}; with a redaction: {result.issues_redacted}",
        f"Issues with a false alarm: {result.false_alarms} ({share:.2%}, at most"
        f" {MAX_FALSE_ALARMS:.2%})",
    ]
    lines += [f"  {x.verdict:11} {x.kind:13} {x.context}" for x in result.findings]
    print("\n".join(lines))
    bad = result.missed or result.changed or share > MAX_FALSE_ALARMS
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(shared_folder()))
