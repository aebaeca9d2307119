"""Mutated `.env` files: never a traceback, and never a value in a message."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bot.settings.load import SettingsError, load
from tests.settings.keys import PEM

FILES = 500
# Each secret has its own mark. Other values are numbers, addresses and words of the documentation.
SECRETS = {
    "GITHUB_PRIVATE_KEY": PEM.replace("\n", "\\n"),
    "GITHUB_WEBHOOK_SECRET": "Quokka7-webhook-zanzibar,Quokka8-rotated-zanzibar",
    "GITHUB_TOKEN": "ghp_Quokka9zanzibar0123456789",
    "GITLAB_TOKEN": "glpat-Quokka1zanzibar",
    "GITLAB_WEBHOOK_SECRET": '"Quokka2=quoted=zanzibar=="',
    "OPENAI_API_KEY": "sk-Quokka3zanzibar",
    "LLM_API_KEY": "Quokka4zanzibar",
    "TAGLINE_METRICS_TOKEN": "Quokka5-metrics-zanzibar",
    "TAGLINE_ADMIN_TOKEN": "Quokka0-admin-zanzibar",
    "REDIS_URL": "redis://user:Quokka6zanzibar@redis:6379/0",
}
PLAIN = {
    "GITHUB_APP_ID": "1",
    "GITLAB_URL": "https://gitlab.example.org/git",
    "LLM_PROVIDER": "openai",
    "LLM_FALLBACK_MODELS": "compatible:llama,openai:gpt-6",
    "LLM_BASE_URL": "http://127.0.0.1:11434/v1",
    "DATA_DIR": "~/tagline",
    "PORT": "8000",
    "TAGLINE_HOST": "127.0.0.1",
    "TAGLINE_MODE": "dry-run",
    "TAGLINE_BUDGET_USD_PER_DAY": "1.50",
}
TEXT = "# settings\n" + "".join(f"{name}={value}\n" for name, value in {**SECRETS, **PLAIN}.items())
BITS = (
    *"=#'\"\\${}[]@/:?,% \n\r\t\0",
    "\ufeff",
    "é",
    "\udc80",
    "${PORT}",
    "export ",
    "~x/",
    "-----BEGIN",
)


def mutate(numbers: random.Random) -> bytes:
    text = TEXT
    for _ in range(numbers.randint(1, 6)):
        at = numbers.randrange(len(text) + 1)
        end = min(len(text), at + numbers.choice((0, 1, 1, 3, 40)))
        kind = numbers.randrange(5)
        if kind == 0:  # delete, or replace by a special character
            text = text[:at] + numbers.choice(("", *BITS)) + text[end:]
        elif kind == 1:
            text = text[:at] + numbers.choice(BITS) + text[at:]
        elif kind == 2:  # a line end or an equals sign is lost
            lost = numbers.choice("\n=")
            places = [i for i, letter in enumerate(text) if letter == lost] or [0]
            place = numbers.choice(places)
            text = text[:place] + text[place + 1 :]
        elif kind == 3:  # lines change places
            lines = text.splitlines(keepends=True)
            numbers.shuffle(lines)
            text = "".join(lines)
        else:
            text = text[:at] + text[at:end].swapcase() + text[end:]
    encoding = numbers.choices(("utf-8", "utf-16", "utf-8-sig", "latin-1"), (30, 1, 1, 1))[0]
    return text.encode(encoding, "replace" if encoding == "latin-1" else "surrogatepass")


def pieces() -> set[str]:
    """Return the parts of secrets that are no words of messages or names."""
    marks = (f"Quokka{n}" for n in range(1, 10))
    key = "".join(PEM.splitlines()[1:-1])
    return {"zanzibar", *marks, *(key[i : i + 12] for i in range(len(key) - 12))}


SECRET_PIECES = pieces()


def assert_no_value(messages: str) -> None:
    """Assert that no piece of a secret is in the messages, in upper or lower case."""
    folded = messages.lower()
    assert not [piece for piece in SECRET_PIECES if piece.lower() in folded], messages


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_mutated_file_gives_sentences_without_values(seed: int, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    numbers, readable = random.Random(seed), 0
    for _ in range(FILES // 5):
        path.write_bytes(mutate(numbers))
        messages, is_good = start(path)
        readable += is_good
        assert is_good or messages
        assert all(line.endswith((".", "?", "tagline demo")) for line in messages), messages
        assert_no_value("\n".join(messages))
    assert 0 < readable < FILES // 5


def start(path: Path) -> tuple[list[str], bool]:
    """Return the notices or the problems of a file, and whether it can be used."""
    try:
        settings = load({"HOME": str(path.parent)}, path)
    except SettingsError as error:
        return error.problems, False
    return [*settings.notices, *settings.model_notices], True


def test_the_original_file_is_good(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(TEXT)
    settings = load({}, path)
    assert settings.notices == ("GITHUB_TOKEN is not used: the GitHub App is.",)
    assert settings.model_notices == ()
    assert settings.github_private_key == PEM
