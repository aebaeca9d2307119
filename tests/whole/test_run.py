"""`tagline run`: all parts on one host, and recovery when some are killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from bot.cli.bootstrap import AddressUnavailable
from bot.cli.serve import Receiver
from bot.embedded.valkey import (
    SOCKET,
    EmbeddedRedis,
    ServerUnavailable,
    lock_data_dir,
)
from bot.queue.broker import HEARTBEAT_MS, SINGLE_HOST_HEARTBEAT_MS
from bot.settings.load import load
from bot.wiring_worker import stop_seconds
from tests.conftest import free_port
from tests.simulation import Sandbox
from tests.waiting import is_ok, wait_until
from tests.whole.app import LABELS, App
from tests.whole.test_command_line import tagline
from tests.whole.test_embedded_redis import server_pid

REPO = "acme/alone"
ACCESS = {
    "GITHUB_WEBHOOK_SECRET": "0123456789abcdef",
    "GITHUB_TOKEN": "ghp_0123456789",
    "GITHUB_API_URL": "http://127.0.0.1:1",
}


# Shorter waits than the product's.
SHORT_WAITS = """
import dramatiq.worker
from bot.queue import broker, enqueue, worker
from bot.store import locks
locks.LOCK_MS, locks.RENEW_SECONDS, locks.BUSY_SECONDS = 1500, 0.3, 0.2
broker.HEARTBEAT_MS = broker.SINGLE_HOST_HEARTBEAT_MS = 1000
worker.PICK_UP_MS = 15
enqueue.ANSWER_SECONDS = 10
dramatiq.worker.CONSUMER_RESTART_DELAY_SECS = 0.1
"""
START = "from bot.cli.main import cli; cli()"


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def start_process(
    command: str, environ: dict[str, str], folder: Path, *, setup: str = SHORT_WAITS
) -> subprocess.Popen[bytes]:
    """Start `tagline COMMAND` as a process; append its log to a file in `folder`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with (folder / f"{command}.log").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-c", setup + START, command],
            env={**kept, **environ},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


class RunCommand:
    """`tagline run` as a process, with its own data directory."""

    def __init__(self, box: Sandbox, redis_url: str, folder: Path) -> None:
        port = free_port()
        self.folder, self.data = folder, folder / "data"
        app = App(box, redis_url, environment={"PORT": str(port), "LLM_TIMEOUT": "20"})
        app.redis.close()
        self.environ = {**app.environ, "DATA_DIR": str(self.data)}
        del self.environ["REDIS_URL"]
        self.url = f"http://127.0.0.1:{port}/readyz"
        box.webhook_url = f"http://127.0.0.1:{port}/webhooks/github"
        box.add_repo(REPO, LABELS)

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start the process, with its log in the folder; kill it at the end."""
        with start_process("run", self.environ, self.folder) as process:
            try:
                yield process
            finally:
                process.kill()

    @contextmanager
    def ready(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start the process and wait until its receiver is ready."""
        with self.started() as process:
            self.wait_until_ready()
            yield process

    def wait_until_ready(self) -> None:
        wait_until(partial(is_ok, self.url))


@pytest.mark.slow
def test_killed_parts_are_restarted_and_accepted_jobs_are_done(
    box: Sandbox, clean: str, tmp_path: Path
) -> None:
    run = RunCommand(box, clean, tmp_path)
    with run.ready() as process:
        url = load(run.environ).redis_url
        first = server_pid(url)
        assert run.data.stat().st_mode & 0o777 == 0o700

        second = tagline("run", environment=run.environ)
        assert second.returncode == 1
        assert f"(pid {process.pid}) already uses" in second.stderr

        os.kill(first, signal.SIGKILL)
        wait_until(lambda: server_pid(url) not in (0, first))
        run.wait_until_ready()

        box.fault("model-timeout")
        number = box.open_issue(REPO, "Crash", "It crashed with an exception.")
        job = box.opened.job
        assert job
        wait_until(lambda: "running" in tagline("job", job, environment=run.environ).stdout)
        server = server_pid(url)
    wait_until(lambda: not is_running(server))

    box.clear_faults()
    with run.ready() as process:
        wait_until(lambda: "state: done" in tagline("job", job, environment=run.environ).stdout)
        assert len(box.bot_comments(REPO, number)) == 1
        server = server_pid(url)
        process.terminate()
        assert process.wait(20) == 0
        assert not is_running(server)


def test_a_closed_terminal_stops_it(box: Sandbox, clean: str, tmp_path: Path) -> None:
    run = RunCommand(box, clean, tmp_path)
    with run.ready() as process:
        process.send_signal(signal.SIGHUP)
        assert process.wait(20) == 0
    assert b"running jobs finish first" in (tmp_path / "run.log").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "level", "words"),
    [
        ("forge-https", "error", "the server redirects to https://127.0.0.1"),
        ("forge-web-page", "error", "the server answered with a web page"),
        ("forge-401", "error", "refused the"),
        ("", "", ""),
    ],
)
def test_a_worker_names_a_forge_that_it_cannot_use_at_its_start(
    box: Sandbox, clean: str, tmp_path: Path, fault: str, level: str, words: str
) -> None:
    environ = App(box, clean).environ
    if fault:
        box.fault(fault, times=None)
    process, lines = start_process("worker", environ, tmp_path), list[dict[str, str]]()
    try:
        wanted = 2 if fault else 0

        def is_done() -> bool:
            text = (tmp_path / "worker.log").read_text()
            lines[:] = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
            named = [line for line in lines if line["event"] == "the forge cannot be used"]
            return len(named) == wanted and len(box.log.exchanges) >= 4

        wait_until(is_done)
    finally:
        process.terminate()
        process.wait(20)
    found = [line for line in lines if line["event"] == "the forge cannot be used"]
    assert sorted(line["forge"] for line in found) == ["github", "gitlab"][:wanted]
    assert all(line["level"] == level and words in line["why"] for line in found)


def test_it_ends_cleanly_when_it_is_stopped_during_the_start(
    box: Sandbox, clean: str, tmp_path: Path
) -> None:
    run = RunCommand(box, clean, tmp_path)
    with run.started() as process:
        wait_until((run.data / "lock").exists)
        process.terminate()
        assert process.wait(20) == 0
    assert not (run.data / "redis.sock").exists()
    assert json.loads((tmp_path / "run.log").read_text().splitlines()[-1])["event"] == "stopped"


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "serve", "worker"])
def test_an_outage_of_redis_is_one_line_and_no_readiness(command: str, tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    server = EmbeddedRedis(tmp_path / "redis", port=free_port())
    environ = {**ACCESS, "REDIS_URL": server.url, "PORT": str(free_port()), "LLM_PROVIDER": "none"}
    quick = "from bot.queue import watch; watch.EVERY_SECONDS = 0.1\n"
    process = start_process(command, environ, tmp_path, setup=SHORT_WAITS + quick)

    def lines() -> list[dict[str, str]]:
        text = (tmp_path / f"{command}.log").read_text()
        return [json.loads(line) for line in text.splitlines()]

    try:
        wait_until(lambda: any("Redis does not answer" in line["event"] for line in lines()))
        time.sleep(1.5)
        problems = [x["event"] for x in lines() if x["level"] != "info" and "forge" not in x]
        assert problems == [lines_of_outage(lines())]
        assert "ready" not in [line["event"] for line in lines()]
        with server:
            wait_until(lambda: lines()[-1]["event"] in ("Redis answers again", "ready"))
            if command == "run":
                wait_until(lambda: lines()[-1]["event"] == "ready")
            process.terminate()
            assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


def lines_of_outage(lines: list[dict[str, str]]) -> str:
    """Return the one event about Redis."""
    (event,) = (x["event"] for x in lines if x["event"].startswith("Redis does not answer"))
    return event


def test_a_data_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(
            ServerUnavailable,
            match=r"DATA_DIR cannot be written to \(it is a file\): .* or set DATA_DIR to another",
        ),
        lock_data_dir(tmp_path / "file"),
    ):
        pass
    with pytest.raises(ServerUnavailable, match="shorter DATA_DIR"):
        EmbeddedRedis(tmp_path / ("long" * 30))


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environ = {
            **ACCESS,
            "PORT": str(taken.getsockname()[1]),
            "DATA_DIR": str(tmp_path),
        }
        with pytest.raises(
            AddressUnavailable, match=r"already in use\); look at TAGLINE_HOST and PORT"
        ):
            Receiver(load(environ))


def test_run_with_an_address_but_no_secret_and_no_access_changes_nothing(tmp_path: Path) -> None:
    variables = {"DATA_DIR": str(tmp_path / "data"), "GITHUB_API_URL": "http://127.0.0.1:1"}
    refused = tagline("run", environment=variables)
    assert refused.returncode == 2
    assert "GITHUB_WEBHOOK_SECRET is not set" in refused.stderr
    assert "or GITLAB_TOKEN must be set" in refused.stderr
    assert not (tmp_path / "data").exists()


def test_other_commands_find_the_private_server_only_without_redis_url(tmp_path: Path) -> None:
    tmp_path /= "app#1?"
    tmp_path.mkdir()
    elsewhere = "redis://127.0.0.1:6379/0"
    environ = {"DATA_DIR": str(tmp_path)}
    server = EmbeddedRedis(tmp_path)
    assert load(environ).redis_url == elsewhere
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / SOCKET))
        assert load(environ).redis_url == server.url
        assert load({**environ, "REDIS_URL": elsewhere}).redis_url == elsewhere


def test_the_time_for_running_jobs_covers_all_their_models() -> None:
    assert stop_seconds(load({})) == 20
    model = {"LLM_PROVIDER": "openai", "OPENAI_API_KEY": "sk-quokkaberry"}
    assert stop_seconds(load(model)) == 50
    further = {"LLM_FALLBACK_MODELS": "openai:another"}
    assert stop_seconds(load({**model, **further})) == 95


def test_a_worker_on_a_single_host_counts_as_dead_sooner() -> None:
    assert SINGLE_HOST_HEARTBEAT_MS < HEARTBEAT_MS


def test_a_start_warns_of_a_forge_whose_deliveries_cannot_be_received(
    logged: Callable[[], list[dict[str, object]]],
) -> None:
    with Receiver(load({**ACCESS, "GITLAB_TOKEN": "glpat-x", "PORT": "0"})):
        pass
    (warning,) = [line["event"] for line in logged() if line["level"] == "warning"]
    assert str(warning).startswith("GITLAB_SIGNING_TOKEN")
