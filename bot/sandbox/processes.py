"""The demo's parts, each a process of its own on loopback: sandbox, receiver, worker, Redis."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import quote

import httpx
import msgspec

from bot.sandbox.local_model import MODEL as LOCAL_MODEL
from bot.sandbox.page.demo_backend import (
    DemoIssue,
    DemoUnavailable,
    HostName,
    IssueView,
    LogEvent,
)
from bot.sandbox.page.samples import SIMULATED_MODEL

WAIT_SECONDS = 30.0
REPLACED = ("GITHUB_", "GITLAB_", "TAGLINE_", "REDIS_")  # the operator's, unused in the demo


class RedisServer(Protocol):
    @property
    def url(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Launcher:
    """`redis` starts a private server in a folder.

    `bind_to_parent` returns a command that ends with the thread that starts it.
    """

    redis: Callable[[Path], AbstractContextManager[RedisServer]]
    bind_to_parent: Callable[[list[str]], list[str]]


class LogReader:
    """Reads the log files of receiver and worker, and keeps their events by issue.

    `DemoProcesses` calls it from one thread at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets: dict[str, int] = {}
        self._events: defaultdict[str, list[LogEvent]] = defaultdict(list)

    def events(self, issue: str) -> list[LogEvent]:
        for part in ("receiver", "worker"):
            self._read(part)
        return sorted(self._events[issue], key=lambda event: str(event["timestamp"]))

    def record(self, issue: str, event: str) -> None:
        at = datetime.now(UTC).isoformat()
        self._events[issue].append({"timestamp": at, "event": event, "part": "demo"})

    def _read(self, part: str) -> None:
        """Read the complete lines that were added to a part's log."""
        path = self._folder / f"{part}.err"
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._offsets.get(part, 0))
            text = file.read().rpartition(b"\n")[0]
        self._offsets[part] = self._offsets.get(part, 0) + len(text) + bool(text)
        for line in text.splitlines():
            try:
                event = json.loads(line)
            except ValueError:  # a crash is logged as plain text
                continue
            if isinstance(event, dict) and "issue" in event:
                self._events[event["issue"]].append({**event, "part": part})


class DemoProcesses:
    """The demo's processes, started by `with`; the page's `DemoBackend`."""

    def __init__(
        self,
        folder: Path,
        launcher: Launcher,
        variables: Mapping[str, str],
        *,
        local_model: bool = False,
        model_host: str = "",
    ) -> None:
        self._base = folder
        self.model_host = model_host
        self._launcher = launcher
        self._with_local_model = local_model
        self._variables = variables
        self._client = httpx.Client(timeout=10, trust_env=False)
        self._lock = RLock()
        self._parts = ExitStack()
        self._starter = ThreadPoolExecutor(1)  # parts end with the thread that started them
        self.folder = folder

    def __enter__(self) -> DemoProcesses:
        try:
            self._start()
        except BaseException:
            self._parts.close()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        with self._lock:
            self._parts.close()
            self._client.close()
            self._starter.shutdown()

    def _start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=self._base))
        self._log = LogReader(self.folder)
        redis = self._parts.enter_context(self._launcher.redis(self.folder))
        port = _free_port()
        self._sandbox = self._start_sandbox(f"http://127.0.0.1:{port}/webhooks")
        local = self._start_local_model() if self._with_local_model else {}
        self._environment = _environment(self._variables, self._sandbox, redis.url, port, local)
        self._parts.enter_context(self._part("receiver", ["bot", "serve"], self._environment))
        self._start_worker()
        ready = f"http://127.0.0.1:{port}/readyz"
        wait_until(lambda: self._client.get(ready).status_code == 200, "the receiver")

    def _start_sandbox(self, hooks: str) -> dict[str, Any]:
        """Return what the sandbox prints about itself."""
        addresses = [
            *("--webhook-url", f"{hooks}/github"),
            *("--gitlab-webhook-url", f"{hooks}/gitlab"),
        ]
        ready: dict[str, Any] = json.loads(self._first_line("sandbox", ["bot.sandbox", *addresses]))
        return ready

    def _start_local_model(self) -> dict[str, str]:
        """Return the settings of a small real model."""
        url = self._first_line("model", ["bot.sandbox.local_model", str(_free_port())])
        return {
            "LLM_PROVIDER": "compatible",
            "LLM_MODEL": LOCAL_MODEL,
            "LLM_BASE_URL": url,
            "LLM_MAX_OUTPUT_TOKENS": "600",
        }

    def _start_worker(self) -> None:
        part = self._part("worker", ["bot", "worker"], self._environment)
        self._worker = self._parts.enter_context(part)

    def _first_line(self, name: str, module: list[str]) -> str:
        """Start a part and return the line that it prints when ready. Raises `DemoUnavailable`."""
        process = self._parts.enter_context(self._part(name, module, os.environ))
        out = self.folder / f"{name}.out"
        wait_until(lambda: process.poll() is not None or b"\n" in out.read_bytes(), f"the {name}")
        if process.poll() is not None:
            raise DemoUnavailable(f"the {name} did not start")
        return out.read_text().splitlines()[0]

    @contextmanager
    def _part(
        self, name: str, module: list[str], environment: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a process whose output goes to files in the demo's folder."""
        out, err = self.folder / f"{name}.out", self.folder / f"{name}.err"
        with out.open("ab") as out_file, err.open("ab") as err_file:
            process = subprocess.Popen(
                self._launcher.bind_to_parent([sys.executable, "-m", *module]),
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
                env=dict(environment),
                cwd=self.folder,  # so that the operator's .env is not read
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def model(self) -> str:
        return self._environment.get("LLM_MODEL") or self._environment["LLM_PROVIDER"]

    @property
    def is_simulated(self) -> bool:
        return self.model == SIMULATED_MODEL

    def restart(self) -> None:
        with self._lock:
            self._parts.close()
            self._starter.submit(self._start).result()

    def kill_worker(self) -> None:
        with self._lock:
            self._worker.kill()
            self._worker.wait()
            self._starter.submit(self._start_worker).result()

    def open(self, host: HostName, title: str, body: str, author: str) -> DemoIssue:
        issue = {"host": host, "title": title, "body": body, "author": author}
        opened = self._request("POST", "/issues", json=issue)
        delivery = opened["deliveries"][0]
        if not delivery["job"]:
            raise DemoUnavailable(f"the receiver: status {delivery['status']}")
        return DemoIssue(host, opened["repo"], opened["number"], delivery["guid"], delivery["job"])

    def show(self, issue: DemoIssue) -> IssueView:
        shown = self._request("GET", _path(issue), params={"host": issue.host})
        return msgspec.convert(shown, IssueView)

    def log(self, issue: DemoIssue) -> list[LogEvent]:
        with self._lock:
            return self._log.events(issue.ref)

    def record(self, issue: DemoIssue, event: str) -> None:
        with self._lock:
            self._log.record(issue.ref, event)

    def redeliver(self, issue: DemoIssue) -> str:
        params = {"host": issue.host}
        return str(self._request("POST", f"/redeliver/{issue.guid}", params=params)["job"])

    def unlabel(self, issue: DemoIssue, label: str) -> None:
        path = f"{_path(issue)}/labels/{quote(label, safe='')}"
        self._request("DELETE", path, params={"host": issue.host})

    def decide(self, issue: DemoIssue, suggestion: int, *, accept: bool) -> None:
        path = f"{_path(issue)}/suggestions/{suggestion}/{'approve' if accept else 'dismiss'}"
        self._request("POST", path, params={"host": issue.host})

    def comment(self, issue: DemoIssue, body: str, author: str) -> str:
        comment, params = {"body": body, "login": author}, {"host": issue.host}
        return str(
            self._request("POST", f"{_path(issue)}/comments", params=params, json=comment)["job"]
        )

    def arm(self, fault: str, times: int | None) -> None:
        self._request("POST", "/faults", json={"name": fault, "times": times})

    def disarm(self) -> bool:
        armed = self._request("GET", "/faults")["armed"]
        self._request("DELETE", "/faults")
        return bool(armed)

    def _request(self, method: str, path: str, **options: Any) -> Any:
        """Return the answer of the sandbox's own endpoints. Raises `DemoUnavailable`."""
        with self._lock:
            url = f"{self._sandbox['url']}/sandbox{path}"
        try:
            answer = self._client.request(method, url, **options)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise DemoUnavailable(f"the sandbox: {type(error).__name__}") from None
        return answer.json()


def _path(issue: DemoIssue) -> str:
    return f"/issues/{issue.repo}/{issue.number}"


def _environment(
    variables: Mapping[str, str],
    sandbox: Mapping[str, Any],
    redis_url: str,
    port: int,
    local: Mapping[str, str],
) -> dict[str, str]:
    """Return the parts' environment: hosts of the sandbox, the `local` or the operator's model."""
    environment = {k: v for k, v in variables.items() if v and not k.startswith(REPLACED)}
    environment |= {
        "GITHUB_APP_ID": str(sandbox["app_id"]),
        "GITHUB_PRIVATE_KEY_FILE": sandbox["private_key_file"],
        "GITHUB_WEBHOOK_SECRET_FILE": sandbox["webhook_secret_file"],
        "GITHUB_API_URL": sandbox["github_url"],
        "GITLAB_URL": sandbox["gitlab_url"],
        "GITLAB_TOKEN": sandbox["gitlab_token"],
        "GITLAB_SIGNING_TOKEN_FILE": sandbox["gitlab_signing_token_file"],
        "REDIS_URL": redis_url,
        "PORT": str(port),
        "WORKER_THREADS": "4",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "info",
    }
    environment.update(local)
    if not environment.get("LLM_PROVIDER"):
        environment |= {
            "LLM_PROVIDER": "openai",
            "LLM_MODEL": sandbox["model"],
            "OPENAI_API_KEY": "sandbox-key",
            "OPENAI_BASE_URL": sandbox["openai_url"],
            "LLM_TIMEOUT": "3",
        }
    return environment


def wait_until(holds: Callable[[], object], name: str, seconds: float = WAIT_SECONDS) -> None:
    """Wait until a condition holds. Raises `DemoUnavailable` with the name of the part."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if holds():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise DemoUnavailable(f"{name} did not answer within {seconds:.0f} s")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
