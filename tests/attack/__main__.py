"""Attacks on a running `tagline serve`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from tests.attack import bits, flood, mutate

ATTACKS: dict[str, Callable[..., bool]] = {
    "bits": bits.main,
    "mutate": mutate.main,
    "flood": flood.main,
}


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.attack", description=__doc__)
    parser.add_argument("attack", nargs="?", choices=ATTACKS, help="default: all of them")
    parser.add_argument("amount", nargs="?", type=int, help="requests; for flood, seconds")
    options = parser.parse_args()
    amount = [] if options.amount is None else [options.amount]
    names = [options.attack] if options.attack else list(ATTACKS)
    passed = [ATTACKS[name](*amount) for name in names]
    print("passed" if all(passed) else "FAILED")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
