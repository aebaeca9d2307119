"""Texts that the documents publish are refused as secrets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.settings.load import PLAIN, SECRETS, SettingsError, load
from bot.settings.placeholders import is_placeholder

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    ROOT / ".env.example",
    ROOT / "README.md",
    ROOT / "bot" / "README.md",
    ROOT / "app.yaml",
    ROOT / "Dockerfile",
    *sorted((ROOT / "docs").rglob("*.md")),
    *(
        path
        for path in sorted((ROOT / "deploy").rglob("*"))
        if path.is_file() and path.suffix in ("", ".yaml", ".service")
    ),
]
# The values in the settings file before 0.1.0, which users may have copied into their `.env`.
OLD_DESCRIPTIONS = [
    "The App's id (or its client id)",
    "The App's private key: PEM text, PEM with \\n for line ends, or base64 of it",
    "The webhook's secret, 16 characters or more; a comma list while you rotate it",
    "Instead of an App: a personal access token (repository webhooks, command line)",
    "https://api.github.com, or https://HOST/api/v3 of an Enterprise Server",
    "https://gitlab.com, or your server's address, with its sub-path if it has one",
    "A project, group or personal access token: scope api, role Reporter or more",
    "The webhook's signing token, whsec_...; a comma list while you rotate it",
    "For GitLab before 19.0: the webhook's secret token, 16 characters or more",
    "issue; may also list task and incident",
    "openai, anthropic, compatible or none",
    "gpt-6-luna or claude-haiku-5-5 unless set; needed for compatible",
    "Further models of LLM_PROVIDER that a repository may choose as model.name, by comma",
    "anthropic:claude-haiku-5-5,...; asked in order where the first fails",
    "The key for LLM_PROVIDER=openai",
    "https://api.openai.com/v1",
    "The key for LLM_PROVIDER=anthropic",
    "https://api.anthropic.com",
    "The address of a compatible server, such as http://127.0.0.1:11434/v1",
    "The key of a compatible server, where it wants one",
    "Seconds for a whole call: 45, or 120 for compatible",
    "2000",
    "redis://host:6379/0, rediss://... or unix:///path?db=0; unset = the one of `tagline run`, else"
    " redis://127.0.0.1:6379/0",
    "127.0.0.1; the address that the receiver listens on",
    "8000",
    "32",
    "~/.local/share/tagline; where `tagline run` keeps its Redis, one directory for each",
    "Opens /metrics (Bearer), 16 characters or more; a comma list while you rotate it",
    "apply, suggest, dry-run or off; the stricter of this and the repository's wins",
    "What all model calls of a day may cost together; unset = no limit of its own",
    "info, debug, warning or error",
    "json or text",
]
PLACEHOLDERS = [
    "changeme",
    "CHANGE-ME-PLEASE",
    "change_this_secret",
    "your-secret-here",
    "yourWebhookSecret",
    "your_token",
    "sk-your-key-here",
    "replace-with-your-token",
    "insert your key here",
    "<secret>",
    "<your webhook secret>",
    "${GITHUB_WEBHOOK_SECRET}",
    "$GITLAB_TOKEN",
    "{{ webhook_secret }}",
    "[token]",
    "GITHUB_WEBHOOK_SECRET",
    "example",
    "example-webhook-secret",
    "my-webhook-secret",
    "placeholder",
    "secret",
    "TODO",
    "xxx",
    "xxxxxxxxxxxxxxxx",
    "xxxx-xxxx-xxxx-xxxx",
    "ghp_XXXXXXXXXXXXXXXXXXXX",
    "sk-ant-xxxxxxxx",
    "whsec_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "0000000000000000",
    "****************",
    "sk-...",
    "ghp_…",
    "/run/secrets/github_webhook_secret",
]
REAL_SECRETS = [
    "0123456789abcdef",
    "correct-horse-battery-staple",
    "Tr0ub4dor&3-quokkaberry",
    "the-keys-of-the-old-lighthouse",
    "whsec_cXVva2thYmVycnktcXVva2thYmVycnktMDEyMzQ1",
    "glpat-quokkaberry",
    "sk-proj-Q0u0kk4",
    "/k3Jd+Qa0uoW/Zx5==",
    "3f1d0c5a9b7e4f2d",
    "none",  # what people write where a local server asks for any key
    "EMPTY",
    "ollama",
]


def published() -> list[str]:
    """Return the descriptions in the settings file, and the values of variables in documents."""
    text = (ROOT / ".env.example").read_text()
    descriptions = re.findall(r"^# (.+)\n# [A-Z_]+=", text, re.MULTILINE)
    settings = "|".join((*SECRETS, *PLAIN))
    value = rf"\b(?:{settings})(?:_FILE)?(?:=|: )(\$\{{[^}}]*\}}|[^\s`|,)]+)"
    values = [x.strip("\"'") for path in DOCUMENTS for x in re.findall(value, path.read_text())]
    return sorted({*descriptions, *values} - {"none"})  # which means that no key is needed


def problem_of(name: str, value: str) -> str:
    """Return the only problem of a setting with this value."""
    with pytest.raises(SettingsError) as error:
        load({"GITHUB_APP_ID": "1", name: value} if name == "GITHUB_PRIVATE_KEY" else {name: value})
    (line,) = error.value.problems
    assert line.startswith(f"{name} "), line
    return line


def test_the_documents_contain_descriptions_and_values() -> None:
    texts = published()
    assert "A project, group or personal access token: scope api, role Reporter or more" in texts
    assert {"...", "https://api.openai.com/v1", "suggest", "8000"} <= set(texts)


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("value", [*published(), *OLD_DESCRIPTIONS, *PLACEHOLDERS])
def test_a_published_text_is_no_secret(name: str, value: str) -> None:
    line = problem_of(name, value)
    assert len(value) < 30 or value not in line


@pytest.mark.parametrize("name", [name for name in SECRETS if name != "GITHUB_PRIVATE_KEY"])
def test_the_problem_tells_what_to_do(name: str) -> None:
    for value in ("changeme", OLD_DESCRIPTIONS[2], OLD_DESCRIPTIONS[6]):
        assert problem_of(name, value) == (
            f"{name} is a description, an example or a placeholder instead of a secret:"
            " set it to a secret of your own."
        )


@pytest.mark.parametrize("value", [*OLD_DESCRIPTIONS, *PLACEHOLDERS])
def test_a_placeholder_is_recognised_with_quotes_blanks_and_in_any_case(value: str) -> None:
    for variant in (f'"{value}"', f"'{value}'", f"  {value} ", f"# {value}", f"= {value}"):
        assert is_placeholder(variant), variant
        assert is_placeholder(variant.upper()), variant
        assert is_placeholder(variant.lower()), variant


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_one_placeholder_in_a_list_of_secrets_is_enough(value: str) -> None:
    problem_of("GITHUB_WEBHOOK_SECRET", f"quokkaberry-0123456789,{value}")


@pytest.mark.parametrize("value", ["changeme", OLD_DESCRIPTIONS[2]])
def test_a_file_with_a_published_text_is_refused(tmp_path: Path, value: str) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{value}\n")
    with pytest.raises(SettingsError, match=r"^GITHUB_WEBHOOK_SECRET is a description"):
        load({"GITHUB_WEBHOOK_SECRET_FILE": str(path)})


def test_a_blank_in_a_webhook_secret_is_a_problem_without_its_value() -> None:
    for name in ("GITHUB_WEBHOOK_SECRET", "GITLAB_WEBHOOK_SECRET", "TAGLINE_METRICS_TOKEN"):
        line = problem_of(name, "quokkaberry 0123456789")
        assert line == f"{name} contains a blank in a secret: copy it again."


@pytest.mark.parametrize("value", REAL_SECRETS)
def test_a_real_secret_is_accepted(value: str) -> None:
    assert not is_placeholder(value)
    assert load({"LLM_API_KEY": value}).model_notices != ()


def test_an_unset_secret_is_no_placeholder() -> None:
    assert not is_placeholder("")
    assert not is_placeholder(" \n")
