"""The environment: all problems are reported together, with variables but never their values."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from bot.settings.load import NOT_BUILT, PLAIN, SECRETS, Settings, SettingsError, load
from tests.settings.keys import PEM

ROOT = Path(__file__).parents[2]
SECRET = "0123456789abcdef"
SIGNING_TOKEN = "whsec_" + base64.b64encode(b"0123456789abcdef" * 2).decode()
OPENAI = {"LLM_PROVIDER": "openai", "OPENAI_API_KEY": "sk-quokkaberry"}
LISTS = (
    "GITHUB_WEBHOOK_SECRET",
    "GITLAB_SIGNING_TOKEN",
    "GITLAB_WEBHOOK_SECRET",
    "TAGLINE_METRICS_TOKEN",
    "TAGLINE_ADMIN_TOKEN",
)
COMPATIBLE = {
    "LLM_PROVIDER": "compatible",
    "LLM_MODEL": "llama",
    "LLM_BASE_URL": "http://127.0.0.1:11434/v1",
}


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load(environ)
    assert str(error.value) == "\n".join(error.value.problems)
    return error.value.problems


def notices(environ: dict[str, str]) -> tuple[str, ...]:
    settings = load(environ)
    return *settings.notices, *settings.model_notices


# Defaults and plain values.


def test_an_empty_environment_is_a_bot_on_rules_that_listens_on_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # without a private Redis
    settings = load({})
    expected = {
        "github_app_id": "",
        "github_private_key": "",
        "github_webhook_secrets": (),
        "github_token": "",
        "github_api_url": "https://api.github.com",
        "gitlab_url": "https://gitlab.com",
        "gitlab_token": "",
        "gitlab_signing_tokens": (),
        "gitlab_webhook_secrets": (),
        "gitlab_issue_types": ("issue",),
        "model": None,
        "redis_url": "redis://127.0.0.1:6379/0",
        "host": "127.0.0.1",
        "port": 8000,
        "worker_threads": 32,
        "log_level": "info",
        "log_format": "json",
        "mode": "apply",
    }
    assert {name: getattr(settings, name) for name in expected} == expected
    assert settings.secrets == ()


# Variable, value → the attribute that it sets, and to what.
PLAIN_VALUES: dict[tuple[str, str], tuple[str, object]] = {
    ("GITHUB_WEBHOOK_SECRET", SECRET): ("github_webhook_secrets", (SECRET,)),
    ("GITHUB_WEBHOOK_SECRET", f"{SECRET}, {SECRET}-new"): (
        "github_webhook_secrets",
        (SECRET, f"{SECRET}-new"),
    ),
    ("GITHUB_TOKEN", "ghp_x"): ("github_token", "ghp_x"),
    ("GITHUB_API_URL", "https://ghe.example/api/v3/"): (
        "github_api_url",
        "https://ghe.example/api/v3",
    ),
    ("GITLAB_URL", "https://example.org/git/"): ("gitlab_url", "https://example.org/git"),
    ("GITLAB_TOKEN", "glpat-x"): ("gitlab_token", "glpat-x"),
    ("GITLAB_SIGNING_TOKEN", SIGNING_TOKEN): ("gitlab_signing_tokens", (SIGNING_TOKEN,)),
    ("GITLAB_WEBHOOK_SECRET", SECRET): ("gitlab_webhook_secrets", (SECRET,)),
    ("GITLAB_ISSUE_TYPES", "Issue, task"): ("gitlab_issue_types", ("issue", "task")),
    ("DATA_DIR", "/data"): ("data_dir", Path("/data")),
    ("REDIS_URL", "rediss://:pw@redis.example:6380/1"): (
        "redis_url",
        "rediss://:pw@redis.example:6380/1",
    ),
    ("REDIS_URL", "unix:///run/redis.sock?db=0"): ("redis_url", "unix:///run/redis.sock?db=0"),
    ("TAGLINE_HOST", "0.0.0.0"): ("host", "0.0.0.0"),
    ("PORT", "9000"): ("port", 9000),
    ("PORT", ""): ("port", 8000),
    ("PORT", " 9000 "): ("port", 9000),
    ("WORKER_THREADS", "4"): ("worker_threads", 4),
    ("LOG_LEVEL", "DEBUG"): ("log_level", "debug"),
    ("LOG_FORMAT", "text"): ("log_format", "text"),
    ("TAGLINE_MODE", "dry-run"): ("mode", "dry-run"),
    ("TAGLINE_POLL_SECONDS", "60"): ("poll_seconds", 60),
    ("TAGLINE_POLL_SECONDS", ""): ("poll_seconds", 0),
    ("TAGLINE_POLL_REPOS", "github:acme/app, gitlab:acme/tools/app,github:acme/app"): (
        "poll_repos",
        ("github:acme/app", "gitlab:acme/tools/app"),
    ),
    ("PUBLIC_URL", "https://tagline.example/bot/"): ("public_url", "https://tagline.example/bot"),
    ("TAGLINE_TRUSTED_PROXIES", "10.0.0.5, 2001:db8::/32,"): (
        "trusted_proxies",
        ("10.0.0.5/32", "2001:db8::/32"),
    ),
    ("TAGLINE_TRUSTED_PROXIES", ""): ("trusted_proxies", ()),
}


@pytest.mark.parametrize(("given", "expected"), PLAIN_VALUES.items(), ids=str)
def test_each_variable_sets_its_setting(
    given: tuple[str, str], expected: tuple[str, object]
) -> None:
    assert getattr(load(dict([given])), expected[0]) == expected[1]


def test_a_dotenv_file_fills_in_what_the_environment_does_not_set(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=9000\nLOG_LEVEL=debug\n")
    settings = load({"PORT": "9001"}, dotenv)
    assert (settings.port, settings.log_level) == (9001, "debug")


# Wrong values.

# Variable, wrong value → what its problem says.
WRONG = {
    ("GITHUB_PRIVATE_KEY", "quokkaberry"): "is not a PEM private key",
    ("GITHUB_PRIVATE_KEY", "кваква"): "is not a PEM private key",
    ("GITHUB_PRIVATE_KEY", base64.b64encode(b"quokkaberry").decode()): "is not a PEM private key",
    ("GITHUB_WEBHOOK_SECRET", "quokkaberry"): "16 characters or more",
    ("GITHUB_WEBHOOK_SECRET", ""): "is empty or too short",
    ("GITHUB_WEBHOOK_SECRET", f"{SECRET},"): "is empty or too short",
    ("GITHUB_TOKEN", "ghp_“quokkaberry”"): "a character that no token has",
    ("GITHUB_TOKEN", "glpat-quokkaberry"): "of the other host: it belongs in GITLAB_TOKEN",
    ("GITLAB_TOKEN", "ghp_quokkaberry"): "of the other host: it belongs in GITHUB_TOKEN",
    ("GITHUB_APP_ID", "my-quokkaberry"): "neither the number of a GitHub App nor its client id",
    ("TAGLINE_BUDGET_USD_PER_DAY", "quokkaberry"): "must be a number from 0 to 1,000,000.",
    ("TAGLINE_POLL_SECONDS", "quokkaberry"): "must be a number from 10 to 3600.",
    ("TAGLINE_POLL_SECONDS", "9"): "must be a number from 10 to 3600.",
    ("TAGLINE_POLL_REPOS", "quokkaberry"): "must list repositories such as github:owner/repository",
    ("GITLAB_TOKEN", "glpat-quokka\nberry"): "a blank or a character",
    ("OPENAI_API_KEY", "sk-quokkaberry…"): "a character that no token has",
    ("ANTHROPIC_API_KEY", "sk quokkaberry"): "a blank or a character",
    ("LLM_API_KEY", "quokkabérry"): "a character that no token has",
    ("GITHUB_API_URL", "quokkaberry"): "must start with http:// or https://",
    ("GITLAB_URL", "quokkaberry"): "must start with http:// or https://",
    ("GITLAB_SIGNING_TOKEN", "quokkaberry-0123456789"): "must be whsec_ and base64",
    ("GITLAB_WEBHOOK_SECRET", "quokkaberry"): "16 characters or more",
    ("GITLAB_ISSUE_TYPES", "issue, quokkaberry"): "may list: issue, task, incident",
    ("REDIS_URL", "http://quokkaberry"): "must start with redis://, rediss:// or unix://",
    ("PORT", "quokkaberry"): "must be a number from 0 to 65535",
    ("PORT", "65536"): "must be a number from 0 to 65535",
    ("PORT", "80.5"): "must be a number",
    ("WORKER_THREADS", "0"): "must be a number from 1 to 1000",
    ("LOG_LEVEL", "quokkaberry"): "must be one of: info, debug, warning, error",
    ("LOG_FORMAT", "quokkaberry"): "must be one of: json, text",
    ("TAGLINE_MODE", "quokkaberry"): "must be one of: apply, suggest, dry-run, off",
    ("LLM_TIMEOUT", "quokkaberry"): "must be a number from 0.1 to 600",
    ("LLM_TIMEOUT", "nan"): "must be a number from 0.1 to 600",
    ("LLM_TIMEOUT", "0"): "must be a number from 0.1 to 600",
    ("LLM_MAX_OUTPUT_TOKENS", "1e3"): "must be a number from 64 to 100000",
    ("LLM_BASE_URL", "quokkaberry/v1"): "must start with http:// or https://",
    ("OPENAI_BASE_URL", "quokkaberry/v1"): "must start with http:// or https://",
}


@pytest.mark.parametrize(("given", "advice"), WRONG.items(), ids=str)
def test_a_wrong_value_is_one_line_with_its_variable_and_without_the_value(
    given: tuple[str, str], advice: str
) -> None:
    name, value = given
    (line,) = problems({**OPENAI, name: value})
    assert line.startswith(name)
    assert advice in line
    assert "quokkaberry" not in line


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"GITHUB_APP_ID": "123"}, "GITHUB_PRIVATE_KEY"),
        ({"GITHUB_PRIVATE_KEY": PEM}, "GITHUB_APP_ID"),
    ],
)
def test_half_an_app_names_the_other_half(given: dict[str, str], missing: str) -> None:
    with pytest.raises(SettingsError, match=f"^{missing} is not set"):
        load(given).require(forge=True)
    load({**given, "GITHUB_WEBHOOK_SECRET": SECRET}).require(webhook_secret=True)


@pytest.mark.parametrize(
    "value", ["*", "proxy.example", "10.0.0.5/8", "0.0.0.0/0", "::/0", "10.0.0"]
)
def test_a_list_of_proxies_must_name_some_addresses(value: str) -> None:
    (line,) = problems({"TAGLINE_TRUSTED_PROXIES": value})
    assert line.startswith("TAGLINE_TRUSTED_PROXIES must ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITLAB_URL", "https://gitlab.example/api/v4"),
        ("GITLAB_URL", "https://gitlab.example/git/api/"),
        ("PUBLIC_URL", "https://tagline.example/webhooks/github"),
    ],
)
def test_an_address_with_too_much_at_its_end_is_a_problem(name: str, value: str) -> None:
    (line,) = problems({name: value})
    assert line.startswith(f"{name} must be the ")
    assert "remove /" in line


def test_all_problems_are_reported_together() -> None:
    wrong = {
        "GITHUB_WEBHOOK_SECRET": "short",
        "GITHUB_API_URL": "no-url",
        "REDIS_URL": "no-redis",
        "PORT": "x",
        "WORKER_THREADS": "x",
        "LOG_LEVEL": "x",
        "LOG_FORMAT": "x",
        "TAGLINE_MODE": "x",
        "LLM_TIMEOUT": "x",
        "GITHUB_TOKEN_FILE": "/no/such/file",
        "TAGLINE_MODUS": "x",
    }
    found = {re.split(r"\W", line)[0] for line in problems({**OPENAI, **wrong})}
    assert found == set(wrong)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("TAGLINE_MODUS", "TAGLINE_MODE"),
        ("TAGLINE_HOSTS", "TAGLINE_HOST"),
        ("TAGLINE_PAUSED", "TAGLINE_PAUSE"),
    ],
)
def test_an_unknown_variable_of_ours_names_the_nearest(name: str, nearest: str) -> None:
    assert problems({name: "1"}) == [f"{name} is not a setting; did you mean {nearest}?"]


def test_variables_of_other_programs_are_ignored() -> None:
    assert load({"PATH": "/bin", "LLM_FOO": "1", "TAGLINE_SHARED": "/data"}).port == 8000


def test_a_variable_of_a_later_version_is_a_notice() -> None:
    for name in NOT_BUILT:
        assert notices({name: "1", **OPENAI}) == (
            f"{name} is set, but this version does not use it yet.",
        )


# Secrets: from the variable or from a file, never shown.


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_can_come_from_a_file(name: str, tmp_path: Path) -> None:
    values = {"GITHUB_PRIVATE_KEY": PEM, "GITLAB_SIGNING_TOKEN": SIGNING_TOKEN}
    value = values.get(name, f"quokkaberry-{SECRET}")
    path = tmp_path / "secret"
    path.write_text(f"{value}\n")
    provider = {"ANTHROPIC_API_KEY": "anthropic", "LLM_API_KEY": "compatible"}.get(name, "openai")
    rest = {**OPENAI, **COMPATIBLE, "LLM_PROVIDER": provider, "GITHUB_APP_ID": "1"}
    rest["GITHUB_PRIVATE_KEY"] = PEM
    rest.pop(name, None)
    assert value in load({**rest, f"{name}_FILE": str(path)}).secrets


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_given_twice_is_a_problem(name: str, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"quokkaberry-{SECRET}")
    found = problems({name: f"quokkaberry-{SECRET}", f"{name}_FILE": str(path)})
    assert f"{name} and {name}_FILE are both set; keep one." in found
    assert "quokkaberry" not in repr(found)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_file_that_cannot_be_read_says_why(name: str, tmp_path: Path) -> None:
    unreadable = {
        "is not there": (tmp_path / "none", "No such file or directory"),
        "is a folder": (tmp_path, "Is a directory"),
        "is not text": (tmp_path / "bytes", "not a text file"),
    }
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for path, why in unreadable.values():
        sentence = f"{name}_FILE cannot be read ({why}): correct the path or the file."
        assert sentence in problems({f"{name}_FILE": str(path)})


@pytest.mark.parametrize(
    ("form", "key"),
    [
        (PEM, PEM),
        (PEM.replace("\n", "\\n"), PEM),
        (base64.b64encode(PEM.encode()).decode(), PEM),
        (base64.encodebytes(PEM.encode() * 3).decode(), PEM * 3),
    ],
    ids=["text", "escaped", "base64", "base64 in lines"],
)
def test_a_private_key_comes_in_several_forms(form: str, key: str) -> None:
    settings = load({"GITHUB_APP_ID": "1", "GITHUB_PRIVATE_KEY": form})
    assert settings.github_private_key == key


def test_settings_can_be_printed_without_their_secrets() -> None:
    secrets = {
        "GITHUB_APP_ID": "1",
        "GITHUB_PRIVATE_KEY": PEM,
        "GITHUB_WEBHOOK_SECRET": f"quokkaberry-{SECRET}",
        "GITHUB_TOKEN": "ghp_quokkaberry",
        "REDIS_URL": "redis://:quokkaberry@localhost/0",
        **OPENAI,
    }
    settings = load(secrets)
    shown = repr(settings)
    assert "quokkaberry" not in shown
    assert PEM.splitlines()[1] not in shown
    assert set(settings.secrets) == {
        PEM,
        f"quokkaberry-{SECRET}",
        "ghp_quokkaberry",
        "sk-quokkaberry",
        "quokkaberry",
    }


# What a part needs before it starts.


def test_without_a_webhook_secret_the_receiver_does_not_start() -> None:
    with pytest.raises(SettingsError, match=r"GITHUB_WEBHOOK_SECRET is not set .*: without it any"):
        load({}).require(webhook_secret=True)
    load({"GITHUB_WEBHOOK_SECRET": SECRET}).require(webhook_secret=True)
    load({"GITLAB_WEBHOOK_SECRET": SECRET}).require(webhook_secret=True)
    load({"GITLAB_SIGNING_TOKEN": SIGNING_TOKEN}).require(webhook_secret=True)


def test_without_access_to_a_forge_the_worker_does_not_start() -> None:
    with pytest.raises(
        SettingsError, match=r"GITHUB_APP_ID and GITHUB_PRIVATE_KEY .* tagline demo"
    ):
        load({}).require(forge=True)
    load({"GITHUB_TOKEN": "ghp_x"}).require(forge=True)
    load({"GITLAB_TOKEN": "glpat-x"}).require(forge=True)
    load({"GITHUB_APP_ID": "1", "GITHUB_PRIVATE_KEY": PEM}).require(forge=True)


# Addresses that are never called.


EXAMPLE = (ROOT / ".env.example").read_text()
# A variable of the example file: the line above it, its name, what stands after "=".
VARIABLE = re.compile(r"^# (.+)\n# ([A-Z_]+)=(\S*)$", re.MULTILINE)


def test_the_example_file_describes_each_variable_on_the_line_above_and_no_other() -> None:
    rows = VARIABLE.findall(EXAMPLE)
    assert sorted(name for _, name, _ in rows) == sorted(SECRETS + PLAIN)
    assert len(re.findall(r"^# [A-Z_]+=", EXAMPLE, re.MULTILINE)) == len(rows)
    assert all(len(description.split()) >= 3 for description, _, _ in rows)
    assert not {name for _, name, value in rows if value} & set(SECRETS)


def test_a_line_of_the_example_file_that_is_uncommented_as_it_is_changes_nothing(
    tmp_path: Path,
) -> None:
    fields = [name for name in Settings.__slots__ if name not in ("source", "has_redis_url")]
    unset = load({})
    for _, name, value in VARIABLE.findall(EXAMPLE):
        dotenv = tmp_path / ".env"
        dotenv.write_text(EXAMPLE.replace(f"# {name}=", f"{name}="))
        literal = {name: value}  # as `docker run --env-file` reads it
        if name in LISTS:
            assert problems(literal)[0].startswith(f"{name} is empty")
            continue
        for settings in (load({}, dotenv), load(literal)):
            assert [getattr(settings, x) for x in fields] == [getattr(unset, x) for x in fields]
