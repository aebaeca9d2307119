"""`make bench`: measures cost as a ratio to references measured in the same run."""

from __future__ import annotations

import os
import platform

from tests.bench import burst, largest, receiver, scale, start, worker

SECTIONS = [
    receiver.measure,
    burst.measure,
    worker.measure,
    scale.measure,
    largest.measure,
    start.measure,
]


def main() -> None:
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python", end=" ")
    print(platform.python_version())
    for section in SECTIONS:
        for line in section():
            print(f"- {line}", flush=True)


if __name__ == "__main__":
    main()
