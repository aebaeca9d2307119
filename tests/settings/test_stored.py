"""Settings that `tagline setup` stored: their place among the others, and their file."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import env_file, stored
from bot.settings.load import Settings, SettingsError, load
from bot.settings.reload import CHECK_SECONDS, ReloadingSettings
from tests.settings.keys import OTHER_PEM, PEM

SECRET, OTHER = "the-stored-quokkaberry-of-16", "the-other-wombatberry-of-16"
APP = {"GITHUB_APP_ID": "7", "GITHUB_PRIVATE_KEY": PEM, "GITHUB_WEBHOOK_SECRET": SECRET}
MODEL = {"LLM_PROVIDER": "openai", "OPENAI_API_KEY": SECRET}


def load_with(folder: Path, values: dict[str, str], **variables: str) -> Settings:
    stored.write(folder / stored.FILE, stored.render(values))
    return load({"DATA_DIR": str(folder), **variables})


def test_stored_settings_are_read_from_the_data_dir(tmp_path: Path) -> None:
    settings = load_with(tmp_path, {**APP, **MODEL, "PUBLIC_URL": "https://bot.example.com"})
    assert (settings.github_app_id, settings.github_private_key) == ("7", PEM.strip())
    assert settings.github_webhook_secrets == (SECRET,)
    assert settings.model is not None
    assert settings.public_url == "https://bot.example.com"
    assert settings.has_forge_variables
    assert not settings.lacks_model
    assert {PEM.strip(), SECRET} <= set(settings.secrets)


def test_the_environment_replaces_what_is_stored_and_joins_no_credentials(tmp_path: Path) -> None:
    stored_values = {**APP, **MODEL, "TAGLINE_MODE": "suggest", "PUBLIC_URL": "https://a.example"}
    settings = load_with(tmp_path, stored_values, PUBLIC_URL="https://b.example")
    assert (settings.public_url, settings.mode) == ("https://b.example", "suggest")
    settings = load_with(tmp_path, stored_values, GITHUB_WEBHOOK_SECRET=OTHER)
    assert settings.github_webhook_secrets == (OTHER,)
    assert (settings.github_app_id, settings.github_private_key) == ("", "")
    settings = load_with(tmp_path, stored_values, LLM_PROVIDER="anthropic")
    assert settings.model is None
    settings = load_with(tmp_path, stored_values, GITHUB_APP_ID="", LLM_PROVIDER=" ")
    assert settings.github_app_id == "7"
    assert settings.model is not None


@pytest.mark.parametrize("value", ["plain", 'a"b', "a\\b", "a'b", "a #b", "$HOME ${X}", "ä", PEM])
def test_every_value_is_read_as_it_was_written(tmp_path: Path, value: str) -> None:
    path = tmp_path / stored.FILE
    stored.write(path, stored.render({"LLM_API_KEY": value, "LLM_MODEL": "m"}))
    assert env_file.read(path).values == {"LLM_API_KEY": value, "LLM_MODEL": "m"}


def test_the_file_is_for_its_owner_only_and_replaced_in_one_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / stored.FILE
    stored.write(path, "A=1\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        stored.write(path, "A=2\n")
    assert path.read_text() == "A=1\n"
    assert [*path.parent.iterdir()] == [path]


def test_a_stored_setting_takes_effect_without_a_restart(tmp_path: Path) -> None:
    now = 0.0
    latest = ReloadingSettings(load({"DATA_DIR": str(tmp_path)}), lambda: now)
    assert not latest().has_forge_variables
    load_with(tmp_path, APP)
    now += CHECK_SECONDS
    assert latest().github_app_id == "7"
    stored.write(tmp_path / stored.FILE, "GITHUB_APP_ID=7\nbroken line")
    now += CHECK_SECONDS
    assert latest().github_private_key == PEM.strip()


def test_settings_that_are_not_stored_are_used_as_if_they_were_set(tmp_path: Path) -> None:
    latest = ReloadingSettings(load({"DATA_DIR": str(tmp_path)}))
    latest.replace(latest().with_variables({**APP, "GITHUB_PRIVATE_KEY": OTHER_PEM}))
    assert latest().github_private_key == OTHER_PEM.strip()
    assert latest().with_variables(MODEL).github_app_id == "7"
    assert [*tmp_path.iterdir()] == []


def test_a_stored_value_that_cannot_be_used_is_a_problem(tmp_path: Path) -> None:
    stored.write(tmp_path / stored.FILE, "nonsense here")
    with pytest.raises(SettingsError, match=f"{stored.FILE}, line 1, is not NAME=value"):
        load({"DATA_DIR": str(tmp_path)})
