"""Commands that end with the thread that started them."""

from __future__ import annotations

import os
import sys

# prctl(PR_SET_PDEATHSIG, SIGTERM) and exec, in a separate program: Python code between fork and
# exec is unsafe in a process with threads.
DIE_WITH_PARENT = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


def with_pdeathsig(command: list[str]) -> list[str]:
    """Return a command that on Linux gets SIGTERM when the thread that started it ends."""
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), *command]
