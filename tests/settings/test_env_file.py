"""`.env`: nothing is expanded, and what cannot be read is a problem with the file's path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.settings.env_file import EnvFile, read
from bot.settings.load import SettingsError, load

SECRET = "quokkaberry-0123456789"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def problem(path: Path, content: str | bytes) -> str:
    """Return the one problem of a file, which names it."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingsError) as error:
        load({}, path)
    (line,) = error.value.problems
    assert line.startswith(str(path))
    assert "quokka" not in line
    return line


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_file_of_any_editor_is_read(path: Path, encoding: str, end: str) -> None:
    lines = ["# a comment", "", f"GITHUB_WEBHOOK_SECRET={SECRET}", "export PORT=9000", ""]
    path.write_bytes(end.join(lines).encode(encoding))
    settings = load({}, path)
    assert (settings.github_webhook_secrets, settings.port) == ((SECRET,), 9000)


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("quokka${abc}berry-0123456789", "quokka${abc}berry-0123456789"),
        ("quokka$abc-berry-0123456789", "quokka$abc-berry-0123456789"),
        ('"quokka${HOME}berry-0123456789"', "quokka${HOME}berry-0123456789"),
        ("quokka${PORT:-x}berry-0123456789", "quokka${PORT:-x}berry-0123456789"),
        ("'quokka#berry-0123456789'", "quokka#berry-0123456789"),
    ],
)
def test_nothing_in_a_secret_is_expanded(path: Path, value: str, secret: str) -> None:
    path.write_text(f"PORT=9000\nGITHUB_WEBHOOK_SECRET={value}\n")
    assert load({"abc": "1"}, path).github_webhook_secrets == (secret,)


@pytest.mark.parametrize(
    "line",
    ["REDIS_URL=redis://${HOST}:6379", "LLM_MODEL=${MODEL}", "GITHUB_TOKEN_FILE=${DIR}/token"],
)
def test_a_reference_in_another_setting_is_a_problem(path: Path, line: str) -> None:
    path.write_text(
        f"LLM_PROVIDER=compatible\nLLM_BASE_URL=http://localhost:1\nLLM_MODEL=m\n{line}"
    )
    with pytest.raises(SettingsError, match="which is not expanded: write the value itself") as e:
        load({}, path)
    assert e.value.problems[0].startswith(line.partition("=")[0])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_encoding_is_named(path: Path, encoding: str) -> None:
    line = problem(path, f"GITHUB_WEBHOOK_SECRET={SECRET}\n".encode(encoding))
    assert "save it as UTF-8" in line


def test_bytes_that_are_not_utf_8_are_named_with_their_line(path: Path) -> None:
    assert ", line 2, is not UTF-8" in problem(path, b"PORT=9000\nLLM_API_KEY=quokka\xe9\n")


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("PORT=9000\nTAGLINE_MODE: off\n", "line 2, is"),
        ("PORT=9000\n\n\nTAGLINE_MODE off\n", "line 4, is"),
        (f'PORT=9000\nGITHUB_WEBHOOK_SECRET="{SECRET}\nLOG_LEVEL=info\n', "line 2, is"),
        (f"GITHUB_WEBHOOK_SECRET '{SECRET}'\n{SECRET}\n", "lines 1, 2, are"),
        ("\n".join(["a-b"] * 9), "lines 1, 2, 3, 4, 5 and 4 more, are"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(path: Path, content: str, lines: str) -> None:
    assert f"{path}, {lines} not NAME=value" in problem(path, content)


def test_a_key_in_several_lines_is_one_problem_of_the_key(path: Path) -> None:
    path.write_text(
        "PORT=1\nGITHUB_PRIVATE_KEY=-----BEGIN RSA PRIVATE KEY-----\nMIIEquokka\nquokka/berry+\n"
        "-----END RSA PRIVATE KEY-----\nLOG_LEVEL=info\n"
    )
    with pytest.raises(SettingsError) as error:
        load({}, path)
    (line,) = error.value.problems
    assert line.startswith("GITHUB_PRIVATE_KEY holds only the first line of a key: put all of it")


def test_a_file_that_may_not_be_read_is_a_problem(path: Path) -> None:
    path.symlink_to(path)  # too many levels
    assert "cannot be read (" in read(path).problems[0]


def test_no_file_a_folder_and_names_without_a_value_are_no_settings(path: Path) -> None:
    assert read(path) == EnvFile()
    path.write_text("PORT=1")
    assert read(path / "settings.env") == EnvFile()
    path.unlink()
    path.mkdir()
    assert read(path) == EnvFile()
    path.rmdir()
    path.write_text("export PATH\nGITHUB_TOKEN\n")
    assert read(path) == EnvFile()


# Quotes that `docker run --env-file` leaves.


@pytest.mark.parametrize("quote", ['"', "'"])
def test_one_pair_of_quotes_is_removed_and_the_start_says_so(quote: str) -> None:
    quoted = {
        "GITHUB_WEBHOOK_SECRET": SECRET,
        "GITHUB_APP_ID": "1",
        "PORT": "9000",
        "REDIS_URL": "redis://:pw@localhost:1/0",
        "LLM_PROVIDER": "openai",
        "OPENAI_API_KEY": "sk-quokkaberry",
    }
    settings = load({name: f"{quote}{value}{quote}" for name, value in quoted.items()})
    plain = load(quoted)
    assert replace(settings, notices=()) == plain
    (notice,) = settings.notices
    assert all(name in notice for name in quoted)
    assert "docker run --env-file" in notice
    assert "quokka" not in notice


@pytest.mark.parametrize("value", [f'"{SECRET}', f"{SECRET}'", f"\"{SECRET}'", f'"{SECRET}"x'])
def test_quotes_that_do_not_match_are_a_part_of_the_value(value: str) -> None:
    settings = load({"GITHUB_WEBHOOK_SECRET": value})
    assert settings.github_webhook_secrets == (value,)
    assert settings.notices == ()


def test_only_one_pair_is_removed() -> None:
    settings = load({"GITHUB_WEBHOOK_SECRET": f"\"'{SECRET}'\""})
    assert settings.github_webhook_secrets == (f"'{SECRET}'",)


def test_a_quoted_path_of_a_secret_is_watched(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    settings = load({"GITHUB_WEBHOOK_SECRET_FILE": f'"{path}"'})
    assert settings.github_webhook_secrets == (SECRET,)
    assert settings.secret_files == (path,)


def test_quotes_in_variables_of_others_are_none_of_our_business() -> None:
    assert load({"PS1": '"$"', "LS_COLORS": "'x'"}).notices == ()


def test_a_setting_that_is_given_twice_is_named_and_its_last_value_counts(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=9000\nOTHER=1\nPORT=9001\nOTHER=2\n")
    settings = load({}, dotenv)
    assert settings.port == 9001
    assert settings.notices == ("PORT is in .env more than once: the last counts.",)


def test_a_number_sign_behind_a_blank_starts_a_comment_unless_it_is_quoted(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    for text, token in (("abc #d", "abc"), ("abc#d", "abc#d"), ('"abc#d"', "abc#d")):
        dotenv.write_text(f"GITHUB_TOKEN={text}\n")
        assert load({}, dotenv).github_token == token
