"""Starts processes and reads the CPU time and memory that they use (Linux)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.waiting import wait_until


@contextmanager
def started(
    command: Sequence[str],
    environment: Mapping[str, str] = {},
    port: int = 0,
    log: Path = Path(os.devnull),
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python module as a process; yield once it listens on `port`, end it by SIGTERM."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env={**os.environ, **environment},
            stderr=output,
            stdout=subprocess.DEVNULL,
        )
    try:
        if port:
            wait_until(partial(_is_listening, port))
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def _is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def cpu_seconds(pid: int) -> float:
    """Return the CPU time used so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid: int) -> float:
    """Return the peak resident memory."""
    return _mib(pid, "VmHWM")


def resident_mib(pid: int) -> float:
    """Return the resident memory."""
    return _mib(pid, "VmRSS")


def children(pid: int) -> list[int]:
    """Return the ids of the process's living children."""
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def _mib(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024
