"""The door does not open with a secret that is empty, short or missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import log
from bot.cli.main import cli
from bot.settings.load import SECRETS

SHORT = "quokkaberry"
GOOD = "a-webhook-secret-of-some-length"
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


@pytest.mark.parametrize("name", [*HOOKS, "TAGLINE_METRICS_TOKEN"])
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
    assert f"{name}_FILE cannot be read: No such file" in refusal()
    for text in ("", "\n", SHORT, "\x00\xff"):
        file.write_text(text)
        assert name in refusal()


def test_without_any_webhook_secret_the_start_is_refused(bare: pytest.MonkeyPatch) -> None:
    assert "GITHUB_WEBHOOK_SECRET is not set" in refusal()
