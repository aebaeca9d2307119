"""The documents agree with the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from bot.cli.main import COMMANDS, cli
from bot.core.config.schema import RepoConfig
from bot.forges.github.checks import EVENTS, NEEDED
from bot.sandbox.github.access import GRANTED
from bot.settings.load import NOT_BUILT, PLAIN, SECRETS
from tests.configs import parse

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "bot" / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_config_block_of_the_readme_is_valid_and_shows_the_defaults() -> None:
    (block,) = blocks("yaml")
    assert parse(block) == (RepoConfig(), ())


def commands() -> list[list[str]]:
    lines = "\n".join(blocks("sh")).splitlines()
    split = [shlex.split(line, comments=True) for line in lines if "tagline" in line]
    calls = [words[i:] for words in split for i, w in enumerate(words) if w.endswith("tagline")]
    return [words[1:] for words in calls if words[1:]]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_of_the_readme_exists_with_its_options(words: list[str]) -> None:
    group = click.Context(cli)
    command = cli.get_command(group, words[0])
    assert command is not None
    command.make_context(words[0], list(words[1:]))


def test_help_lists_every_command_and_each_command_has_help() -> None:
    runner = CliRunner()
    overview = runner.invoke(cli, ["--help"]).output
    for name in COMMANDS:
        assert name in overview
        assert runner.invoke(cli, [name, "--help"]).exit_code == 0


def test_the_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:^|`)make ([\w-]+)", README + GUIDE, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_variable_that_the_readme_names_is_a_setting() -> None:
    known = {*SECRETS, *PLAIN, *(f"{name}_FILE" for name in SECRETS)}
    named = set(
        re.findall(r"\b(?:GITHUB|GITLAB|LLM|OPENAI|ANTHROPIC|TAGLINE|REDIS)_[A-Z_]+\b", README)
    )
    assert named <= known
    assert not named & set(NOT_BUILT)


def test_the_tree_of_the_guide_lists_every_file_and_no_missing_one() -> None:
    tree = GUIDE.split("```")[1]
    named = set(re.findall(r"[\w]+\.(?:py|json)", tree))
    bot = ROOT / "bot"
    modules = {
        path.relative_to(bot)
        for path in [*bot.rglob("*.py"), *bot.glob("core/**/*.json")]
        if path.name != "__init__.py" and path.relative_to(bot).parts[0] != "sandbox"
    }
    assert named <= {path.name for path in modules}
    # cli/ has one file per command.
    assert {path.name for path in modules if path.parts[0] != "cli"} <= named
    for folder in (path for path in bot.iterdir() if (path / "__init__.py").exists()):
        assert f"{folder.name}/" in tree


def test_the_app_manifest_asks_for_what_the_bot_needs_and_the_sandbox_grants() -> None:
    manifest = YAML(typ="safe", pure=True).load((ROOT / "app.yaml").read_text())
    assert manifest["default_permissions"] == GRANTED == NEEDED
    assert manifest["default_events"] == ["issues", "issue_comment"] == list(EVENTS)
    assert manifest["public"] is False
