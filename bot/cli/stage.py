"""The demo's parts, each a process of its own on loopback: sandbox, receiver, worker, Redis."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from dotenv import dotenv_values

from bot.store.private import PrivateRedis

WAIT_SECONDS = 30.0
SLOWEST_SECONDS = 300.0  # a real model without a graphics card
LOCAL_MODEL = "SmolLM2-135M-Instruct"
OURS = ("GITHUB_", "GITLAB_", "TAGLINE_", "REDIS_")


class NotReady(Exception):
    """A part did not come up, or said nothing in time."""


class Stage:
    """Everything at work; `box` is what the sandbox said of itself."""

    def __init__(self, stack: ExitStack, folder: Path, *, local_model: bool = False) -> None:
        self._folder = folder
        self._web = stack.enter_context(httpx.Client(timeout=10, trust_env=False))
        redis = stack.enter_context(PrivateRedis(folder))
        secret = folder / "webhook-secret"
        secret.write_text(secrets.token_hex(32))
        port = _free_port()
        hooks = f"http://127.0.0.1:{port}/webhooks"
        self.box = self._sandbox(stack, hooks, secret)
        local = self._local_model(stack) if local_model else {}
        self.environment = _environment(self.box, redis.url, port, local)
        stack.enter_context(self._part("receiver", ["bot", "serve"], self.environment))
        stack.enter_context(self._part("worker", ["bot", "worker"], self.environment))
        ready = f"http://127.0.0.1:{port}/readyz"
        until(lambda: self._web.get(ready).status_code == 200, "the receiver")

    def open_issue(self, host: str, title: str, body: str) -> dict[str, Any]:
        """Open an issue on a host and wait until its job has ended."""
        asked = {"host": host, "title": title, "body": body}
        opened = self._web.post(f"{self.box['url']}/sandbox/issues", json=asked).json()
        job = opened["deliveries"][0]["job"]
        who = f"the worker, of job {job}"
        until(lambda: any("outcome" in e for e in self.log(job)), who, SLOWEST_SECONDS)
        place = f"{self.box['url']}/sandbox/issues/{opened['repo']}/{opened['number']}"
        shown = self._web.get(place, params={"host": host}).json()
        return {
            "issue": f"{host}:{opened['repo']}#{opened['number']}",
            "title": title,
            "labels": shown["labels"],
            "comments": [comment["body"] for comment in shown["comments"]],
            "log": self.log(job),
        }

    def log(self, job: str) -> list[dict[str, Any]]:
        """What receiver and worker logged of a job."""
        lines = [
            line
            for part in ("receiver", "worker")
            for line in (self._folder / f"{part}.err").read_text().splitlines()
        ]
        return [event for line in lines if job in line and (event := json.loads(line))]

    def _local_model(self, stack: ExitStack) -> dict[str, str]:
        """A real, tiny model in a process of its own; the settings that lead to it."""
        said = self._first_line(stack, "model", ["bot.llm.local", str(_free_port())])
        return {
            "LLM_PROVIDER": "compatible",
            "LLM_MODEL": LOCAL_MODEL,
            "LLM_BASE_URL": said,
            "LLM_MAX_OUTPUT_TOKENS": "600",
        }

    def _sandbox(self, stack: ExitStack, hooks: str, secret: Path) -> dict[str, Any]:
        addresses = [
            *("--webhook-url", f"{hooks}/github", "--gitlab-webhook-url", f"{hooks}/gitlab"),
            *("--webhook-secret-file", str(secret)),
        ]
        line = self._first_line(stack, "sandbox", ["bot.sandbox", *addresses])
        said: dict[str, Any] = json.loads(line)
        return said

    def _first_line(self, stack: ExitStack, name: str, module: list[str]) -> str:
        """Start a part that says where it is."""
        process = stack.enter_context(self._part(name, module, os.environ))
        out = self._folder / f"{name}.out"
        until(lambda: process.poll() is not None or b"\n" in out.read_bytes(), f"the {name}")
        if process.poll() is not None:
            raise NotReady(f"the {name} did not start")
        return out.read_text().splitlines()[0]

    @contextmanager
    def _part(
        self, name: str, module: list[str], environment: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A process whose output goes to files in the demo's folder."""
        out, err = self._folder / f"{name}.out", self._folder / f"{name}.err"
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                [sys.executable, "-m", *module],
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
                env=dict(environment),
                cwd=self._folder,  # the operator's .env is not the demo's
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


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
    """Wait until something holds. Raises `NotReady`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if holds():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise NotReady(f"{who} said nothing within {seconds:.0f} s")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
