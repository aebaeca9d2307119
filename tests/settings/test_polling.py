"""The settings of polling together with those of the forges."""

from __future__ import annotations

import pytest

from bot.settings.load import SettingsError, load


def test_polling_needs_no_webhook_secret_but_access() -> None:
    polling = {"TAGLINE_POLL_SECONDS": "60", "TAGLINE_POLL_REPOS": "gitlab:acme/app"}
    settings = load({**polling, "GITLAB_TOKEN": "glpat-x"})
    settings.require(webhook_secret=True, forge=True)
    assert settings.receiver_notices == ()
    with pytest.raises(SettingsError, match="GITLAB_TOKEN is not set"):
        load({**polling, "GITHUB_TOKEN": "ghp_x"}).require(forge=True)
    with pytest.raises(SettingsError, match="GITHUB_TOKEN, or GITLAB_TOKEN must be set"):
        load(polling).require(webhook_secret=True, forge=True)


def test_repositories_to_poll_without_an_interval_are_noticed() -> None:
    (notice,) = load({"TAGLINE_POLL_REPOS": "gitlab:acme/app", "LLM_PROVIDER": "none"}).notices
    assert "set TAGLINE_POLL_SECONDS" in notice
