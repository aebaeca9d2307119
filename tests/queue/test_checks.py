"""A Redis that cannot work is named with its fix, by `tagline check` and at the start."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dramatiq
import pytest
import redis

from bot.core.diagnostics import Finding
from bot.embedded.valkey import EmbeddedRedis, find_server
from bot.queue import checks
from bot.queue.connection import connect
from tests.conftest import free_port
from tests.selfsigned import make_certificate

Report = Callable[[redis.Redis], list[Finding]]


def at_start(client: redis.Redis) -> list[Finding]:
    return [*checks.find_problems(client, checks.WORKER_COMMANDS)]


def in_check(client: redis.Redis) -> list[Finding]:
    return [finding for finding in checks.report(client) if finding.wrong]


BOTH = pytest.mark.parametrize("find", [at_start, in_check], ids=["start", "check"])


@contextmanager
def running(folder: Path, *options: str) -> Iterator[int]:
    """Run a server with these options on a free port."""
    port = free_port()
    common = ("--bind", "127.0.0.1", "--appendonly", "yes", "--save", "", "--dir", str(folder))
    process = subprocess.Popen(
        [find_server(), "--port", str(port), *common, *options], stdout=subprocess.DEVNULL
    )
    try:
        with redis.Redis(port=port) as client:
            for _ in range(200):
                with suppress(redis.ConnectionError, redis.BusyLoadingError):
                    client.ping()
                    break
                threading.Event().wait(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def problem(find: Report, url: str) -> str:
    """Return the only problem, with its fix."""
    with connect(url, 4) as client:
        (finding,) = find(client)
    assert finding.wrong
    assert finding.fix
    return f"{finding.what} → {finding.fix}"


@BOTH
def test_a_good_redis_has_no_problem(redis_url: str, find: Report) -> None:
    with connect(redis_url, 4) as client:
        assert find(client) == []
        assert client.keys("*") == []


@BOTH
def test_cluster_mode_is_named(tmp_path: Path, find: Report) -> None:
    with running(tmp_path, "--cluster-enabled", "yes") as port:
        found = problem(find, f"redis://127.0.0.1:{port}/0")
    assert found.startswith("runs in cluster mode")
    assert "set REDIS_URL to a single Redis" in found


@BOTH
def test_a_read_only_replica_is_named(tmp_path: Path, redis_url: str, find: Report) -> None:
    primary = redis_url.rpartition(":")[2].partition("/")[0]
    with running(tmp_path, "--replicaof", "127.0.0.1", primary) as port:
        found = problem(find, f"redis://127.0.0.1:{port}/0")
    assert found == (
        "is a read-only replica → set REDIS_URL to the primary server, which accepts writes"
    )


@BOTH
@pytest.mark.parametrize(
    ("rules", "what"),
    [
        (("~*", "+@all", "-keys"), "may not use KEYS → allow it: ACL SETUSER NAME +keys"),
        (("~*", "+@all", "-lpop", "-rpush"), "may not use LPOP, RPUSH →"),
        (
            ("~*", "+@all", "-script"),
            "may not use SCRIPT LOAD → allow it: ACL SETUSER NAME +script",
        ),
        (("~*", "+@all", "-multi"), "may not use MULTI →"),
        (("~*", "+@all", "-@dangerous"), "may not use KEYS →"),
        (("~other:*", "+@all"), "may not use the keys tagline:* →"),
        (("~tagline:*", "resetchannels", "+@all"), ""),
    ],
    ids=str,
)
def test_rights_that_an_acl_lacks_are_named(
    own_redis: EmbeddedRedis, find: Report, rules: tuple[str, ...], what: str
) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.execute_command("ACL", "SETUSER", "bot", "on", ">pw", *rules)
        url = own_redis.url.replace("redis://", "redis://bot:pw@")
        if what:
            assert what in problem(find, url)
        else:
            with connect(url, 4) as limited:
                assert find(limited) == []
        assert client.keys("*") == [], "nothing is written"


@BOTH
@pytest.mark.parametrize("user", [":wrong-quokka", "bot:wrong-quokka", ""])
def test_a_refused_password_is_named(own_redis: EmbeddedRedis, find: Report, user: str) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("requirepass", "right-quokka")
    found = problem(
        find, own_redis.url.replace("redis://", f"redis://{user}@" if user else "redis://")
    )
    assert found.startswith("refuses the user or password")
    assert "quokka" not in found


@pytest.fixture
def tls_port(tmp_path: Path) -> Iterator[int]:
    """A server with a certificate that no authority has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve_once() -> None:
            while True:
                with suppress(ssl.SSLError, ConnectionError):
                    try:
                        peer, _ = listener.accept()
                    except OSError:
                        return
                    context.wrap_socket(peer, server_side=True).close()

        thread = threading.Thread(target=serve_once, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@BOTH
def test_a_certificate_that_is_not_trusted_is_named(tls_port: int, find: Report) -> None:
    found = problem(find, f"rediss://127.0.0.1:{tls_port}/0")
    assert found.startswith("has a certificate that is not accepted (self-signed certificate)")
    assert "add ?ssl_ca_certs=/path/to/ca.pem" in found


def test_the_authority_in_ssl_ca_certs_is_trusted(tls_port: int, tmp_path: Path) -> None:
    url = f"rediss://127.0.0.1:{tls_port}/0?ssl_ca_certs={tmp_path / 'self-signed.pem'}"
    found = problem(at_start, url)
    assert found.startswith("closes the connection"), "after a handshake without an error"


@pytest.mark.slow
@BOTH
def test_a_server_without_tls_is_named(redis_url: str, find: Report) -> None:
    found = problem(find, redis_url.replace("redis://", "rediss://"))
    assert "write redis:// instead of rediss://" in found


@BOTH
def test_a_server_that_expects_tls_is_named(tls_port: int, find: Report) -> None:
    assert "write rediss:// instead of redis://" in problem(find, f"redis://127.0.0.1:{tls_port}")


@BOTH
def test_a_missing_database_is_named(redis_url: str, find: Report) -> None:
    found = problem(find, redis_url.removesuffix("/0") + "/9999")
    assert "correct the number at the end of REDIS_URL" in found


def test_a_redis_that_is_down_is_no_finding_of_the_start() -> None:
    with connect("redis://127.0.0.1:1/0", 4) as client:
        assert at_start(client) == []
        with pytest.raises(redis.ConnectionError):
            in_check(client)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["serve", "worker"])
def test_each_part_names_cluster_mode_at_its_start(tmp_path: Path, part: str) -> None:
    log = tmp_path / "log"
    with running(tmp_path, "--cluster-enabled", "yes") as port, log.open("wb") as output:
        environment = {
            "PATH": os.environ["PATH"],
            "GITHUB_WEBHOOK_SECRET": "0123456789abcdef",
            "GITHUB_TOKEN": "ghp_0123456789",
            "LLM_PROVIDER": "none",
            "REDIS_URL": f"redis://127.0.0.1:{port}/0",
            "PORT": "0",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", part], cwd=tmp_path, env=environment, stderr=output
        )
        try:
            for _ in range(500):
                if "started" in log.read_text() or "receiver starts" in log.read_text():
                    break
                threading.Event().wait(0.02)
        finally:
            process.terminate()
            process.wait(30)
    first, *_ = log.read_text().splitlines()
    assert '"event":"Redis runs in cluster mode' in first
    assert '"level":"error"' in first
    assert "cluster-enabled no" in first


METHODS = {
    "delete": "del",
    "hscan_iter": "hscan",
    "scan_iter": "scan",
    "script_load": "script|load",
}


def test_the_commands_of_both_parts_are_all_that_the_scripts_and_clients_send() -> None:
    root = Path(__file__).parents[2] / "bot"
    library = Path(dramatiq.__file__).parent / "brokers" / "redis"
    texts = [path.read_text() for part in ("queue", "store") for path in (root / part).glob("*.py")]
    texts += [path.read_text() for path in library.glob("*.lua")]
    used = {name for text in texts for name in re.findall(r"redis\.call\(['\"](\w+)", text)}
    assert len(used) > 20
    methods = re.compile(r"\b(?:pipe|_?client|_redis)\.(\w+)\(")
    used |= {METHODS.get(name, name) for text in texts for name in methods.findall(text)}
    used -= {"pipeline", "execute", "register_script", "close", "aclose"}
    used -= {"info"}  # without it the checks go on
    assert used <= {*checks.WORKER_COMMANDS}


def test_the_rights_that_the_documents_name_are_enough(own_redis: EmbeddedRedis) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    match = re.search(r"`(\+@all -@admin[^`]+)`", page)
    assert match
    with redis.Redis.from_url(own_redis.url) as client:
        client.execute_command("ACL", "SETUSER", "bot", "on", ">pw", *match[1].split())
        with connect(own_redis.url.replace("redis://", "redis://bot:pw@"), 4) as limited:
            assert at_start(limited) == in_check(limited) == []
