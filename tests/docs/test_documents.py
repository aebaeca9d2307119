"""The documents agree with the code."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import textwrap
from pathlib import Path
from typing import get_args

import click
import httpx
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from bot.cli.main import COMMANDS, cli
from bot.core.config.schema import RepoConfig
from bot.core.reply import parse_reply
from bot.core.types import JobKind
from bot.forges.github.checks import EVENTS, NEEDED
from bot.sandbox.github.access import GRANTED
from bot.settings.load import NOT_BUILT, PLAIN, SECRETS, load
from bot.wiring import model_client
from tests.configs import parse
from tests.llm.model_server import GOOD, PROMPT, chat
from tests.scripted_web import ScriptedWeb

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
}
TEXT = "\n".join(PAGES.values())
GUIDE = (ROOT / "bot" / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return [
        textwrap.dedent(block)
        for block in re.findall(rf"^ *```{language}\n(.*?)```", TEXT, re.DOTALL | re.MULTILINE)
    ]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 180


def test_every_code_block_of_the_documents_is_of_a_language_that_these_tests_check() -> None:
    fences = re.findall(r"^ *```(.*)$", TEXT, re.MULTILINE)
    assert set(fences[::2]) == {"sh", "yaml"}
    assert set(fences[1::2]) == {""}
    assert len(fences) == 2 * (len(blocks("sh")) + len(blocks("yaml")))


def test_the_config_block_of_the_documents_is_valid_and_shows_the_defaults() -> None:
    (block,) = blocks("yaml")
    assert parse(block) == (RepoConfig(), ())


def commands() -> list[list[str]]:
    lines = "\n".join(blocks("sh")).splitlines()
    split = [shlex.split(line, comments=True) for line in lines if "tagline" in line]
    calls = [words[i:] for words in split for i, w in enumerate(words) if w.endswith("tagline")]
    return [words[1:] for words in calls if words[1:]]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_of_the_documents_exists_with_its_options(words: list[str]) -> None:
    group = click.Context(cli)
    command = cli.get_command(group, words[0])
    assert command is not None
    command.make_context(words[0], list(words[1:]))


def inline_commands() -> list[list[str]]:
    """Return the commands that running text names."""
    spans = set(re.findall(r"`tagline ([a-z][^`\n]*)`", TEXT))
    return [shlex.split(span) for span in sorted(spans)]


@pytest.mark.parametrize("words", inline_commands(), ids=" ".join)
def test_a_command_in_running_text_exists(words: list[str]) -> None:
    command: click.Command = cli
    context = click.Context(cli)
    while words and isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, words
        command, words = found, words[1:]
    options = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub and GitLab give to the headings of a page."""
    without_code = re.sub(r"^ *```.*?```", "", text, flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", without_code, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", [*PAGES, "bot/README.md"])
def test_every_link_of_a_page_leads_somewhere(name: str) -> None:
    page = ROOT / name
    for link in LINK.findall(page.read_text()):
        path, _, anchor = link.partition("#")
        if path.startswith("https://"):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


def test_the_readme_links_to_every_file_in_docs_and_a_page_shows_each_picture() -> None:
    linked = {
        (page.parent / link).resolve()
        for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
        for link in LINK.findall(page.read_text())
        if page.name == "README.md" or link.endswith(".png")
    }
    assert set((ROOT / "docs").rglob("*.*")) <= linked


def test_a_source_distribution_has_the_pages_that_the_readme_links_to(tmp_path: Path) -> None:
    project = Path(shutil.copytree(ROOT / "docs", tmp_path / "project" / "docs")).parent
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, project)
    shutil.copytree(ROOT / "bot", project / "bot", ignore=shutil.ignore_patterns("__pycache__"))
    build = "import sys; from flit_core.buildapi import *; build_sdist(*sys.argv[1:])"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=project, check=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        packed = {member.partition("/")[2] for member in tar.getnames()}
    assert packed >= {*PAGES, "docs/issue.svg"}


def compatible_servers() -> list[tuple[str, str, str]]:
    """Return name, base URL and model of each row of the table of compatible servers."""
    return re.findall(r"^\| \[([\w ]+)\]\(\S+\) \| `(http\S+)` \| `(\S+)` \|", README, re.MULTILINE)


def test_the_readme_names_the_servers_that_people_use() -> None:
    names = [name for name, _, _ in compatible_servers()]
    assert names == ["Ollama", "OpenRouter", "Azure OpenAI", "Gemini", "Groq"]


@pytest.mark.parametrize(("name", "url", "model"), compatible_servers())
def test_the_settings_of_a_compatible_server_work_as_written(
    name: str, url: str, model: str
) -> None:
    key = {} if name == "Ollama" else {"LLM_API_KEY": "quokkaberry-0123456789"}
    settings = load({"LLM_PROVIDER": "compatible", "LLM_BASE_URL": url, "LLM_MODEL": model, **key})
    assert settings.model is not None
    assert (settings.model.base_url, settings.model.model) == (url, model)
    web = ScriptedWeb(httpx.Response(200, json=chat(GOOD)))
    assert model_client(settings.model, web).complete(PROMPT, parse_reply)[0] == parse_reply(GOOD)
    (request,) = web.requests
    assert request.url == httpx.URL(f"{url}/chat/completions")
    assert json.loads(request.content)["model"] == model
    expected = f"Bearer {key['LLM_API_KEY']}" if key else None
    assert request.headers.get("authorization") == expected


def test_help_lists_every_command_and_each_command_has_help() -> None:
    runner = CliRunner()
    overview = runner.invoke(cli, ["--help"]).output
    for name in COMMANDS:
        assert name in overview
        assert runner.invoke(cli, [name, "--help"]).exit_code == 0


def test_the_make_targets_of_the_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:^|`)make ([\w-]+)", TEXT + GUIDE, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_variable_that_the_documents_name_is_a_setting() -> None:
    known = {*SECRETS, *PLAIN, *(f"{name}_FILE" for name in SECRETS)}
    named = set(
        re.findall(r"\b(?:GITHUB|GITLAB|LLM|OPENAI|ANTHROPIC|TAGLINE|REDIS)_[A-Z_]+\b", TEXT)
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


def test_every_file_that_the_text_of_the_guide_names_exists() -> None:
    for path in set(re.findall(r"`((?:\w+/)+\w+\.(?:py|json))`", GUIDE)):
        assert (ROOT / "bot" / path).exists() or (ROOT / path).exists(), path


def test_the_guide_names_the_handler_of_every_kind_of_job() -> None:
    rows = re.findall(r"^   \| (`.+?) \| .+? \| (.+) \|$", GUIDE, re.MULTILINE)
    kinds = {kind for column, _ in rows for kind in re.findall(r"`(\w+)`", column)}
    # Those of a command's own process, and of a part of another job.
    assert kinds == {*get_args(JobKind)} - {"backfill", "redo"}
    for _, handlers in rows:
        for name in re.findall(r"`(\w+\.py)`", handlers):
            assert (ROOT / "bot" / "flow" / name).exists(), name


def test_the_app_manifest_asks_for_what_the_bot_needs_and_the_sandbox_grants() -> None:
    manifest = YAML(typ="safe", pure=True).load((ROOT / "app.yaml").read_text())
    assert manifest["default_permissions"] == GRANTED == NEEDED
    assert manifest["default_events"] == ["issues", "issue_comment"] == list(EVENTS)
    assert manifest["public"] is False
