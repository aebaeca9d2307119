"""`make accuracy`: how often labels and related issues are right, on the shared material.

`python -m tests.accuracy NAME` prints one section; `python -m tests.accuracy fit` writes
`bot/core/labels/keyword_weights.json`, the weights of the rules.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from tests.accuracy import day_zero, duplicates, learned

SECTIONS: dict[str, Callable[[], Iterator[str]]] = {
    "day-0": day_zero.measure,
    "learned": learned.measure,
    "duplicates": duplicates.measure,
}


def main() -> None:
    names = sys.argv[1:] or list(SECTIONS)
    if names == ["fit"]:
        day_zero.write_weights()
        return
    if unknown := set(names) - SECTIONS.keys():
        sys.exit(f"Unknown: {', '.join(unknown)}. Use fit or a section: {', '.join(SECTIONS)}.")
    for name in names:
        for line in SECTIONS[name]():
            print(line, flush=True)


if __name__ == "__main__":
    main()
