"""Attacks on a running `tagline serve`: `python -m tests.attack [bits|mutate|flood] [AMOUNT]`.

AMOUNT is the number of requests; for `flood`, the seconds that it lasts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.attack import bits, flood, mutate

ATTACKS: dict[str, Callable[..., bool]] = {
    "bits": bits.main,
    "mutate": mutate.main,
    "flood": flood.main,
}


def main(arguments: list[str]) -> int:
    names = [name for name in ATTACKS if name in arguments[:1]] or list(ATTACKS)
    amount = [int(text) for text in arguments[1:2]]
    passed = [ATTACKS[name](*amount) for name in names]
    print("passed" if all(passed) else "FAILED")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
