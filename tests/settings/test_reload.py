"""Every secret in a file can be replaced while Tagline runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot import log
from bot.settings.load import SECRETS, Settings, load
from bot.settings.reload import CHECK_SECONDS, Rebuilt, ReloadingSettings
from tests.settings.keys import OTHER_PEM, PEM

OLD, NEW = "the-old-quokkaberry-of-16", "the-new-wombatberry-of-16"
ENVIRONMENT = {
    "GITHUB_APP_ID": "1",
    "LLM_PROVIDER": "openai",
    "LLM_FALLBACK_MODELS": "anthropic:claude-haiku-5-5,compatible:llama",
    "LLM_BASE_URL": "http://127.0.0.1:1",
}


class Files:
    """A file for every secret, and a clock that a test turns."""

    def __init__(self, folder: Path, **others: str) -> None:
        self.folder, self.now = folder, 0.0
        self.names = dict.fromkeys(SECRETS, OLD)
        self.names |= {"GITHUB_PRIVATE_KEY": PEM, "GITLAB_SIGNING_TOKEN": "whsec_" + "A" * 32}
        self.names |= others
        for name, value in self.names.items():
            self.write(name, value)
        files = {f"{name}_FILE": str(folder / name) for name in self.names}
        self.latest = ReloadingSettings(load({**ENVIRONMENT, **files}), lambda: self.now)
        self.before = self.latest()

    def write(self, name: str, value: str) -> None:
        """As a secrets manager does it: a new file in the place of the old one."""
        new = self.folder / f"{name}.new"
        new.write_text(value)
        os.replace(new, self.folder / name)

    def later(self) -> Settings:
        self.now += CHECK_SECONDS
        return self.latest()


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_every_secret_is_read_again_when_its_file_changes(files: Files) -> None:
    for name, value in files.names.items():
        if value == OLD:
            files.write(name, NEW)
    other_key = OTHER_PEM
    files.write("GITHUB_PRIVATE_KEY", other_key)
    files.write("GITLAB_SIGNING_TOKEN", "whsec_" + "B" * 32)
    assert OLD in files.latest().secrets
    settings = files.later()
    assert OLD not in settings.secrets
    assert {NEW, "whsec_" + "B" * 32} <= set(settings.secrets)
    assert settings.github_private_key.strip() == other_key.strip()
    assert settings.model is not None
    assert {one.key for one in (settings.model, *settings.model.fallbacks)} == {NEW}
    assert settings.metrics_tokens == (NEW,)


def test_old_and_new_hold_together_while_both_are_listed(files: Files) -> None:
    files.write("GITHUB_WEBHOOK_SECRET", f"{NEW},{OLD}")
    assert files.later().github_webhook_secrets == (NEW, OLD)


@pytest.mark.parametrize("value", ["", "short", f"{NEW},"])
def test_a_file_that_holds_no_good_secret_changes_nothing_but_the_log(
    files: Files, value: str, logged: Callable[[], list[Any]]
) -> None:
    files.write("GITHUB_WEBHOOK_SECRET", value)
    assert files.later().github_webhook_secrets == (OLD,)
    assert files.later().github_webhook_secrets == (OLD,)
    (line,) = logged()
    assert line["level"] == "error"
    assert "GITHUB_WEBHOOK_SECRET is empty or too short" in str(line)
    assert OLD not in str(line)


@pytest.mark.parametrize("name", SECRETS)
def test_a_file_that_is_empty_while_it_is_written_changes_nothing(files: Files, name: str) -> None:
    files.write(name, "")
    assert OLD in files.later().secrets
    assert files.latest() == files.before
    files.write(name, files.names[name])
    assert files.later() == files.before


def test_a_file_that_was_always_empty_holds_nothing_up(tmp_path: Path) -> None:
    files = Files(tmp_path, LLM_API_KEY="")
    files.write("GITLAB_TOKEN", NEW)
    assert files.later().gitlab_token == NEW


def test_a_file_that_is_gone_for_a_while_changes_nothing(files: Files) -> None:
    (files.folder / "OPENAI_API_KEY").unlink()
    model = files.later().model
    assert model is not None
    assert model.key == OLD
    files.write("OPENAI_API_KEY", NEW)
    model = files.later().model
    assert model is not None
    assert model.key == NEW


def test_files_are_looked_at_once_a_second_and_nothing_is_made_anew_without_need(
    files: Files,
) -> None:
    made: list[Settings] = []

    def make(settings: Settings) -> int:
        made.append(settings)
        return len(made)

    current = Rebuilt(files.latest, make)
    assert [current(), current()] == [1, 1]
    files.write("GITLAB_TOKEN", OLD)  # touched, not changed
    files.later()
    assert current() == 1
    files.write("GITLAB_TOKEN", NEW)
    assert current() == 1
    files.later()
    assert [current(), current()] == [2, 2]
    assert made[-1].gitlab_token == NEW


def test_a_new_secret_is_masked_in_the_log_as_the_old_one_was(
    files: Files, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_logger", log.get())
    monkeypatch.setattr(log, "_added_secrets", [])
    log.configure("info", "json", files.latest().secrets)
    files.write("OPENAI_API_KEY", NEW)
    files.later()
    log.get().info("event", old=OLD, new=NEW)
    written = capsys.readouterr().err
    assert written.count("[masked]") == 2
    assert OLD not in written
    assert NEW not in written
