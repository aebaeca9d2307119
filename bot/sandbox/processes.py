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
from dotenv import dotenv_values

from bot.sandbox.page.demo_backend import DemoUnavailable, Event, Host, Opened, Shown, ShownComment
from bot.sandbox.page.samples import STAND_IN

WAIT_SECONDS = 30.0
LOCAL_MODEL = "SmolLM2-135M-Instruct"
OURS = ("GITHUB_", "GITLAB_", "TAGLINE_", "REDIS_")


class LogReader:
    """What the parts wrote to their logs, read on and sorted by issue."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, int] = {}
        self._events: defaultdict[str, list[Event]] = defaultdict(list)
        self._lock = RLock()

    def of(self, issue: str) -> list[Event]:
        with self._lock:
            for part in ("receiver", "worker"):
                self._read_on(part)
            return sorted(self._events[issue], key=lambda event: str(event["timestamp"]))

    def note(self, issue: str, event: str) -> None:
        at = datetime.now(UTC).isoformat()
        with self._lock:
            self._events[issue].append({"timestamp": at, "event": event, "part": "demo"})

    def _read_on(self, part: str) -> None:
        path = self._folder / f"{part}.err"
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._read.get(part, 0))
            whole = file.read().rpartition(b"\n")[0]
        self._read[part] = self._read.get(part, 0) + len(whole) + bool(whole)
        for line in whole.splitlines():
            try:
                event = json.loads(line)
            except ValueError:  # a crash is logged as plain text
                continue
            if isinstance(event, dict) and "issue" in event:
                self._events[event["issue"]].append({**event, "part": part})


class RedisServer(Protocol):
    """A running server."""

    @property
    def url(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Launcher:
    """What starts a private Redis in a folder, and what makes a command end with its parent."""

    redis: Callable[[Path], AbstractContextManager[RedisServer]]
    bind_to_parent: Callable[[list[str]], list[str]]


class DemoProcesses:
    """The demo's processes, started by `with`; the page's `DemoBackend`."""

    def __init__(self, folder: Path, launcher: Launcher, *, local_model: bool = False) -> None:
        self._base = folder
        self._launcher = launcher
        self._wants_local = local_model
        self._web = httpx.Client(timeout=10, trust_env=False)
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
            self._web.close()
            self._starter.shutdown()

    def _start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=self._base))
        self.book = LogReader(self.folder)
        stack = self._parts
        redis = stack.enter_context(self._launcher.redis(self.folder))
        port = _free_port()
        self._box = self._sandbox(f"http://127.0.0.1:{port}/webhooks")
        local = self._local_model() if self._wants_local else {}
        self._environment = _environment(self._box, redis.url, port, local)
        stack.enter_context(self._part("receiver", ["bot", "serve"], self._environment))
        self._start_worker()
        ready = f"http://127.0.0.1:{port}/readyz"
        until(lambda: self._web.get(ready).status_code == 200, "the receiver")

    def _start_worker(self) -> None:
        part = self._part("worker", ["bot", "worker"], self._environment)
        self._worker = self._parts.enter_context(part)

    @property
    def model(self) -> str:
        return self._environment.get("LLM_MODEL") or self._environment["LLM_PROVIDER"]

    @property
    def has_stand_in(self) -> bool:
        return self.model == STAND_IN

    def restart(self) -> None:
        with self._lock:
            self._parts.close()
            self._starter.submit(self._start).result()

    def kill_worker(self) -> None:
        with self._lock:
            self._worker.kill()
            self._worker.wait()
            self._starter.submit(self._start_worker).result()

    def open(self, host: Host, title: str, body: str, author: str) -> Opened:
        asked = {"host": host, "title": title, "body": body, "author": author}
        told = self._ask("POST", "/issues", json=asked)
        delivery = told["deliveries"][0]
        if not delivery["job"]:
            raise DemoUnavailable(f"the receiver: status {delivery['status']}")
        return Opened(host, told["repo"], told["number"], delivery["guid"], delivery["job"])

    def show(self, issue: Opened) -> Shown:
        told = self._ask("GET", _place(issue), params={"host": issue.host})
        is_github = issue.host == "github"
        person, name = ("user", "login") if is_github else ("author", "username")
        comments = (ShownComment(c[person][name], c["body"]) for c in told["comments"])
        return Shown(
            title=told["issue"]["title"],
            body=told["issue"]["body" if is_github else "description"] or "",
            author=told["issue"][person][name],
            labels=tuple(told["labels"]),
            comments=tuple(comments),
        )

    def log(self, issue: Opened) -> list[Event]:
        with self._lock:
            return self.book.of(issue.ref)

    def note(self, issue: Opened, event: str) -> None:
        with self._lock:
            self.book.note(issue.ref, event)

    def redeliver(self, issue: Opened) -> str:
        told = self._ask("POST", f"/redeliver/{issue.guid}", params={"host": issue.host})
        return str(told["job"])

    def unlabel(self, issue: Opened, label: str) -> None:
        place = f"{_place(issue)}/labels/{quote(label, safe='')}"
        self._ask("DELETE", place, params={"host": issue.host})

    def arm(self, fault: str, times: int | None) -> None:
        self._ask("POST", "/faults", json={"name": fault, "times": times})

    def disarm(self) -> bool:
        left = self._ask("GET", "/faults")["armed"]
        self._ask("DELETE", "/faults")
        return bool(left)

    def _ask(self, method: str, path: str, **what: Any) -> Any:
        """Ask the sandbox's own endpoints. Raises `DemoUnavailable`."""
        with self._lock:
            url = f"{self._box['url']}/sandbox{path}"
        try:
            answer = self._web.request(method, url, **what)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise DemoUnavailable(f"the sandbox: {type(error).__name__}") from None
        return answer.json()

    def _local_model(self) -> dict[str, str]:
        """A real, tiny model in a process of its own; the settings that lead to it."""
        said = self._first_line("model", ["bot.sandbox.local_model", str(_free_port())])
        return {
            "LLM_PROVIDER": "compatible",
            "LLM_MODEL": LOCAL_MODEL,
            "LLM_BASE_URL": said,
            "LLM_MAX_OUTPUT_TOKENS": "600",
        }

    def _sandbox(self, hooks: str) -> dict[str, Any]:
        addresses = [
            *("--webhook-url", f"{hooks}/github"),
            *("--gitlab-webhook-url", f"{hooks}/gitlab"),
        ]
        line = self._first_line("sandbox", ["bot.sandbox", *addresses])
        said: dict[str, Any] = json.loads(line)
        return said

    def _first_line(self, name: str, module: list[str]) -> str:
        """Start a part that says where it is. Raises `DemoUnavailable`."""
        process = self._parts.enter_context(self._part(name, module, os.environ))
        out = self.folder / f"{name}.out"
        until(lambda: process.poll() is not None or b"\n" in out.read_bytes(), f"the {name}")
        if process.poll() is not None:
            raise DemoUnavailable(f"the {name} did not start")
        return out.read_text().splitlines()[0]

    @contextmanager
    def _part(
        self, name: str, module: list[str], environment: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A process whose output goes to files in the demo's folder."""
        out, err = self.folder / f"{name}.out", self.folder / f"{name}.err"
        with out.open("ab") as out_file, err.open("ab") as err_file:
            process = subprocess.Popen(
                self._launcher.bind_to_parent([sys.executable, "-m", *module]),
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
                env=dict(environment),
                cwd=self.folder,  # the operator's .env is not the demo's
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


def _place(issue: Opened) -> str:
    return f"/issues/{issue.repo}/{issue.number}"


def _environment(
    box: Mapping[str, Any], redis_url: str, port: int, local: Mapping[str, str]
) -> dict[str, str]:
    """The `local` model or the operator's own settings, and otherwise nothing but the sandbox."""
    configured = {k: v for k, v in dotenv_values(".env").items() if v} | dict(os.environ)
    environment = {k: v for k, v in configured.items() if not k.startswith(OURS)}
    environment |= {
        "GITHUB_APP_ID": str(box["app_id"]),
        "GITHUB_PRIVATE_KEY_FILE": box["private_key_file"],
        "GITHUB_WEBHOOK_SECRET_FILE": box["webhook_secret_file"],
        "GITHUB_API_URL": box["github_url"],
        "GITLAB_URL": box["gitlab_url"],
        "GITLAB_TOKEN": box["gitlab_token"],
        "GITLAB_SIGNING_TOKEN_FILE": box["gitlab_signing_token_file"],
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
            "LLM_MODEL": box["model"],
            "OPENAI_API_KEY": "sandbox-key",
            "OPENAI_BASE_URL": box["openai_url"],
            "LLM_TIMEOUT": "3",
        }
    return environment


def until(holds: Callable[[], object], who: str, seconds: float = WAIT_SECONDS) -> None:
    """Wait until something holds. Raises `DemoUnavailable`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if holds():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise DemoUnavailable(f"{who} said nothing within {seconds:.0f} s")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
