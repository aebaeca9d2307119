"""Settings of a forge that are accepted, and that people should know about."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings.load import SettingsError, load
from tests.settings.keys import PEM
from tests.settings.test_load import SECRET, SIGNING_TOKEN, notices, problems

# The environment → the variable that the receiver lacks, "" for none.
APP = {"GITHUB_APP_ID": "1", "GITHUB_PRIVATE_KEY": PEM}
RECEIVERS: list[tuple[dict[str, str], str]] = [
    ({**APP, "GITHUB_WEBHOOK_SECRET": SECRET}, ""),
    ({**APP, "GITHUB_WEBHOOK_SECRET": SECRET, "GITLAB_TOKEN": "glpat-x"}, "GITLAB_SIGNING_TOKEN"),
    ({**APP, "GITLAB_TOKEN": "glpat-x", "GITLAB_SIGNING_TOKEN": SIGNING_TOKEN}, "GITHUB_WEBHOOK"),
    ({**APP, "GITLAB_TOKEN": "glpat-x", "GITLAB_WEBHOOK_SECRET": SECRET}, "GITHUB_WEBHOOK"),
    ({"GITHUB_TOKEN": "ghp_x", "GITLAB_TOKEN": "x", "GITLAB_WEBHOOK_SECRET": SECRET}, ""),
]


@pytest.mark.parametrize(("environ", "missing"), RECEIVERS)
def test_a_forge_with_access_and_without_a_webhook_secret_is_named(
    environ: dict[str, str], missing: str
) -> None:
    found = load(environ).receiver_notices
    assert len(found) == bool(missing)
    assert all(notice.startswith(missing) and "answers 404" in notice for notice in found)


@pytest.mark.parametrize(
    ("environ", "missing", "fix"),
    [
        ({"GITLAB_TOKEN": "glpat-x"}, "GITLAB_SIGNING_TOKEN", "`tagline gitlab add-hook` creates"),
        (
            {"GITLAB_TOKEN": "glpat-x", "GITHUB_TOKEN": "ghp_x"},
            "GITHUB_WEBHOOK_SECRET",
            "GitHub App",
        ),
        ({"GITLAB_TOKEN": "glpat-x", "GITHUB_APP_ID": "1"}, "GITHUB_WEBHOOK_SECRET", "Set it to"),
    ],
)
def test_the_first_webhook_secret_is_asked_for_by_the_forge_in_use(
    environ: dict[str, str], missing: str, fix: str
) -> None:
    with pytest.raises(SettingsError) as error:
        load(environ).require(webhook_secret=True)
    (problem,) = error.value.problems
    assert problem.startswith(f"{missing} ")
    assert fix in problem
    assert "TAGLINE_POLL_SECONDS=60" in problem


def test_a_token_beside_a_github_app_is_not_used_and_the_start_says_so() -> None:
    notice = "GITHUB_TOKEN is not used: the GitHub App is."
    assert notice in notices({**APP, "GITHUB_TOKEN": "ghp_x"})
    assert notice not in notices(APP)


def test_the_home_folder_in_the_path_of_a_secret_is_expanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key.pem").write_text(PEM)
    settings = load({"GITHUB_APP_ID": "1", "GITHUB_PRIVATE_KEY_FILE": "~/key.pem"})
    assert settings.github_private_key == PEM
    assert settings.secret_files == (tmp_path / "key.pem",)
    assert "cannot be read" in problems({"GITHUB_PRIVATE_KEY_FILE": "~no-such-user/key.pem"})[0]


def test_a_missing_model_is_no_reason_why_the_settings_cannot_be_used() -> None:
    with pytest.raises(SettingsError) as error:
        load({"PORT": "x", "LLM_PROVIDR": "openai"})
    (reason,) = error.value.notices
    assert reason.startswith("LLM_PROVIDR ")
