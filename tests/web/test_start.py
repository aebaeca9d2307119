"""The receiver refuses to start with an empty, short or missing secret, and loads no client."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import msgspec
import pytest
from click.testing import CliRunner

from bot import log
from bot.cli.main import cli
from bot.settings.load import SECRETS
from tests.conftest import free_port
from tests.settings.keys import PEM
from tests.web.client import GITLAB_PAYLOAD, PAYLOAD, github_headers, gitlab_headers

SHORT = "quokkaberry"
GOOD = "a-webhook-secret-of-some-length"
CLIENT_MODULES = re.compile(
    r"bot\.(http|transport|llm|setup|web\.setup)\b|bot\.forges\.\w+\.(api|auth|backend|client|checks|hooks)\b"
    r"|(httpx|httpcore|gidgethub|gitlab|jwt|requests|dramatiq|prometheus_client|ruamel|jinja2)\b"
)
HOOKS = ("GITHUB_WEBHOOK_SECRET", "GITLAB_WEBHOOK_SECRET", "GITLAB_SIGNING_TOKEN")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without any of our settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(log, "_logger", log.get())  # a command sets up the log for itself
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    return monkeypatch


def refusal() -> str:
    ran = CliRunner().invoke(cli, ["serve"])
    assert ran.exit_code != 0
    assert ran.stdout == ""
    assert SHORT not in ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stderr


@pytest.mark.parametrize("name", [*HOOKS, "TAGLINE_METRICS_TOKEN", "TAGLINE_ADMIN_TOKEN"])
@pytest.mark.parametrize("value", ["", " ", SHORT, f"{GOOD},", f",{GOOD}", f"{GOOD},{SHORT}"])
def test_an_empty_or_short_secret_refuses_the_start(
    bare: pytest.MonkeyPatch, name: str, value: str
) -> None:
    bare.setenv("GITHUB_WEBHOOK_SECRET", GOOD)
    bare.setenv(name, value)
    assert name in refusal()


@pytest.mark.parametrize("name", HOOKS)
def test_a_secret_whose_file_is_empty_or_missing_refuses_the_start(
    bare: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "secret"
    bare.setenv(f"{name}_FILE", str(file))
    assert f"{name}_FILE cannot be read (No such file" in refusal()
    for text in ("", "\n", SHORT, "\x00\xff"):
        file.write_text(text)
        assert name in refusal()


def test_without_any_webhook_secret_the_start_is_refused(bare: pytest.MonkeyPatch) -> None:
    assert "GITHUB_WEBHOOK_SECRET is not set" in refusal()


MISSPELT = {
    "GITHUB_APPID": "did you mean GITHUB_APP_ID",
    "GITHUB_WEBHOK_SECRET": "did you mean GITHUB_WEBHOOK_SECRET",
}


@pytest.mark.parametrize("command", ["run", "worker", "check", "enrich"])
@pytest.mark.parametrize("more", [{}, {"PORT": "quokkaberry"}], ids=["missing", "invalid"])
def test_every_mistake_and_its_reason_are_shown_at_once(
    bare: pytest.MonkeyPatch, command: str, more: dict[str, str]
) -> None:
    for name in MISSPELT:
        bare.setenv(name, GOOD)
    for name, value in {"GITHUB_PRIVATE_KEY": PEM, **more}.items():
        bare.setenv(name, value)
    ran = CliRunner().invoke(cli, [command, *(["github:a/b#1"] if command == "enrich" else [])])
    assert ran.exit_code in (1, 2)
    for reason in (*MISSPELT.values(), *more):
        assert reason in ran.output
    if not more:
        assert "GITHUB_APP_ID is not set" in ran.output
        assert ("GITHUB_WEBHOOK_SECRET is not set" in ran.output) is (command in ("run", "check"))


@pytest.mark.parametrize("admin_token", ["", GOOD], ids=["plain", "admin"])
def test_a_running_receiver_has_loaded_parsers_and_no_client(
    tmp_path: Path, admin_token: str
) -> None:
    """The admin page adds its templates, and no more."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "GITHUB_WEBHOOK_SECRET": GOOD,
        "GITLAB_WEBHOOK_SECRET": GOOD,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "PORT": str(port),
        **({"TAGLINE_ADMIN_TOKEN": admin_token} if admin_token else {}),
    }
    with (tmp_path / "imports").open("wb") as imports:
        process = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "bot", "serve"],
            cwd=tmp_path,
            env=environment,
            stderr=imports,
        )
    try:
        body = msgspec.json.encode(PAYLOAD)
        signed = github_headers(body, secret=GOOD)
        with httpx.Client(trust_env=False) as web:
            base = f"http://127.0.0.1:{port}"
            _await_start(web, process, base)
            # Redis is missing, which is found out last.
            answer = web.post(f"{base}/webhooks/github", content=body, headers=signed)
            assert answer.status_code == 503
            body = msgspec.json.encode(GITLAB_PAYLOAD)
            answer = web.post(f"{base}/webhooks/gitlab", content=body, headers=gitlab_headers(GOOD))
            assert answer.status_code == 503
            form, origin = {"token": GOOD}, {"origin": base}
            web.follow_redirects = True
            answer = web.post(f"{base}/admin/login", data=form, headers=origin)
            assert answer.status_code == (503 if admin_token else 404)
    finally:
        process.terminate()
        process.wait(20)
    lines = (tmp_path / "imports").read_text().splitlines()
    loaded = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    assert {"bot.forges.github.webhooks", "bot.forges.gitlab.webhooks"} <= loaded
    assert {x for x in loaded if x.startswith(("bot.learn", "bot.flow.enrich"))} == set()
    found = {name for name in loaded if CLIENT_MODULES.match(name)}
    assert {name for name in found if not (admin_token and name.startswith("jinja2"))} == set()


def _await_start(web: httpx.Client, process: subprocess.Popen[bytes], base: str) -> None:
    for _ in range(1000):
        with suppress(httpx.TransportError):
            if web.get(f"{base}/healthz").is_success:
                return
        assert process.poll() is None
        time.sleep(0.02)
    raise AssertionError("the receiver did not start")
