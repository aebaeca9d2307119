"""The private Redis of `tagline run`: its start, its end and its errors."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
import redis

from bot.embedded import valkey
from bot.embedded.supervisor import STABLE_SECONDS, RedisSupervisor
from bot.embedded.valkey import (
    EmbeddedRedis,
    ServerUnavailable,
    extract_failure,
    lock_data_dir,
)


def server_pid(url: str) -> int:
    """Return the process id of a Redis server, 0 if none responds."""
    with redis.Redis.from_url(url) as client, suppress(redis.RedisError):
        return int(client.info("server")["process_id"])
    return 0


def test_a_server_that_a_killed_process_left_is_stopped_before_the_next(tmp_path: Path) -> None:
    left = EmbeddedRedis(tmp_path)
    with left, redis.Redis.from_url(left.url) as client:
        client.set("accepted", "job")
        with EmbeddedRedis(tmp_path) as server:
            assert not left.alive
            assert server.alive
            assert client.get("accepted") == b"job"


def test_the_redis_server_gets_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_quokkaberry")
    with EmbeddedRedis(tmp_path) as server:
        environ = Path(f"/proc/{server_pid(server.url)}/environ")
        if not environ.exists():
            pytest.skip("no /proc on this system")
        assert b"quokkaberry" not in environ.read_bytes()


def test_the_error_for_unreadable_data_tells_what_to_do(
    tmp_path: Path,
) -> None:
    with EmbeddedRedis(tmp_path):
        pass
    with (tmp_path / "appendonlydir" / "appendonly.aof.1.incr.aof").open("ab") as file:
        file.write(b"nonsense" * 50)
    with pytest.raises(
        ServerUnavailable, match=r"start: Bad file format .*move \S+/appendonlydir away"
    ):
        EmbeddedRedis(tmp_path).start()
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_text("quokka\n")
    with pytest.raises(
        ServerUnavailable, match=r"start: Reading the manifest .*move \S+/appendonlydir away"
    ):
        EmbeddedRedis(tmp_path).start()
    (tmp_path / "appendonlydir").rename(tmp_path / "away")
    with EmbeddedRedis(tmp_path) as server:
        assert server.alive


REDIS_7 = """\
71:C 01 Feb 2026 10:00:00.001 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo
71:C 01 Feb 2026 10:00:00.001 # Redis version=7.0.15, bits=64, commit=0, modified=0, pid=71
71:C 01 Feb 2026 10:00:00.001 # Configuration loaded
71:M 01 Feb 2026 10:00:00.002 # Server initialized
71:M 01 Feb 2026 10:00:00.002 # WARNING Memory overcommit must be enabled! Without it all is lost.
71:M 01 Feb 2026 10:00:00.002 # WARNING: The TCP backlog setting of 511 cannot be enforced.
71:M 01 Feb 2026 10:00:00.003 # WARNING You have Transparent Huge Pages (THP) support enabled.
"""
VALKEY = """\
72:M 01 Feb 2026 10:00:00.002 # WARNING Memory overcommit must be enabled! Without it all is lost.
"""
MANIFEST = """\
71:M 01 Feb 2026 10:00:00.004 #\x20
*** FATAL AOF MANIFEST FILE ERROR ***

71:M 01 Feb 2026 10:00:00.004 # Reading the manifest file, at line 1

71:M 01 Feb 2026 10:00:00.004 # >>> 'quokka'
71:M 01 Feb 2026 10:00:00.004 # Invalid AOF manifest file format
"""


@pytest.mark.parametrize("start", [REDIS_7, VALKEY, ""], ids=["Redis 7", "Valkey", "a quiet one"])
@pytest.mark.parametrize(
    ("end", "why"),
    [
        ("", ""),
        ("71:M 01 Feb 2026 10:00:00.004 # No space left on device\n", "No space left on device"),
        ("server: error while loading libssl.so.3", "server: error while loading libssl.so.3"),
        ("71:M 01 Feb 2026 10:00:00.004 # Bad # sign at 7:M\n", "Bad # sign at 7:M"),
        ("71:signal-handler (1) Received SIGTERM\n", "Received SIGTERM"),
        (
            MANIFEST,
            "Reading the manifest file, at line 1 >>> 'quokka' Invalid AOF manifest file format",
        ),
    ],
)
def test_the_error_contains_only_the_failure(start: str, end: str, why: str) -> None:
    assert extract_failure(start + end) == why


def test_the_error_contains_the_end_of_a_long_failure() -> None:
    text = extract_failure(
        REDIS_7 + "71:M 01 Feb 2026 10:00:00.004 # " + "word " * 500 + "and the reason"
    )
    assert text.endswith("and the reason")
    assert len(text) <= 400


def test_a_server_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "STOP_SECONDS", 0.2)
    with EmbeddedRedis(tmp_path) as server:
        pid = server_pid(server.url)
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(ServerUnavailable, match=rf"pid {pid}\) still runs"):
            EmbeddedRedis(tmp_path).start()
    assert not server.alive


def test_a_data_directory_is_locked_by_one_process_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    for _ in range(2):
        with (
            lock_data_dir(folder),
            pytest.raises(ServerUnavailable, match=f"pid {os.getpid()}"),
            lock_data_dir(folder),
        ):
            pass


class FailingServer:
    """A server that cannot start."""

    alive = False
    starts = 0

    def start(self) -> None:
        self.starts += 1
        raise ServerUnavailable("no room on the disk")


def test_a_server_that_keeps_failing_is_started_less_and_less_often() -> None:
    now = 0.0
    server = FailingServer()
    supervisor = RedisSupervisor(server, lambda: now)  # type: ignore[arg-type]
    starts = []
    for step in range(400):
        now = step / 2
        supervisor.check()
        starts.append(server.starts)
    assert (starts[10], starts[60], starts[-1]) == (3, 5, 11)
    server.alive = True
    now += STABLE_SECONDS + 1
    supervisor.check()
    server.alive = False
    supervisor.check()
    assert server.starts == 12
