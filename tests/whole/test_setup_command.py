"""`tagline setup`, and `tagline run` where nothing of GitHub or GitLab is set."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from bot.settings import stored
from bot.setup.offer import LINK_FILE
from tests.conftest import free_port
from tests.waiting import wait_until
from tests.whole.test_command_line import PREFIXES, ROOT, tagline

LINK = re.compile(r"http://\S+/setup\?token=\S+")
SECRET = "0123456789abcdef-quokka"


@contextmanager
def running(command: str, folder: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command with its output in `folder`, and end it by SIGTERM."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)}
    environment = {
        **{name: value for name, value in clean.items() if name not in ("DISPLAY",)},
        "DATA_DIR": str(folder / "data"),
        "PORT": str(free_port()),
        "PYTHONPATH": str(ROOT),
        **variables,
    }
    with (folder / "out").open("wb") as output, (folder / "err").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", command],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=errors,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def await_link(folder: Path, process: subprocess.Popen[bytes]) -> str:
    wait_until(lambda: LINK.search((folder / "err").read_text()) or process.poll() is not None, 30)
    found = LINK.search((folder / "err").read_text())
    assert found, (folder / "err").read_text()
    return found[0]


@pytest.mark.parametrize("command", ["run", "setup"])
def test_without_settings_a_page_is_offered_and_its_token_is_not_in_the_log(
    tmp_path: Path, command: str
) -> None:
    with running(command, tmp_path) as process:
        link = await_link(tmp_path, process)
        token = parse_qs(urlsplit(link).query)["token"][0]
        file = tmp_path / "data" / LINK_FILE
        assert file.read_text().strip() == link
        assert file.stat().st_mode & 0o777 == 0o600
        answer = httpx.get(link, trust_env=False)
        assert answer.status_code == 303
        base = link.partition("/setup")[0]
        assert httpx.get(f"{base}/readyz", trust_env=False).status_code == 503
        wait_until(lambda: '"ready"' in (tmp_path / "err").read_text())
    assert process.returncode == 0
    errors = (tmp_path / "err").read_text()
    assert errors.count(token) == 1
    assert all(token not in line for line in errors.splitlines() if line.startswith("{"))
    assert (tmp_path / "out").read_text() == ""
    assert not file.exists()


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_APP_ID",
        "GITHUB_WEBHOOK_SECRET",
        "GITHUB_TOKEN",
        "GITLAB_TOKEN",
        "GITLAB_WEBHOOK_SECRET",
        "GITLAB_URL",
    ],
)
def test_with_one_variable_of_a_forge_a_missing_secret_refuses_the_start(
    tmp_path: Path, name: str
) -> None:
    value = {"GITHUB_APP_ID": "4711", "GITLAB_URL": "https://gitlab.example"}.get(name, SECRET)
    ran = tagline("run", cwd=tmp_path, environment={name: value, "DATA_DIR": str(tmp_path)})
    assert ran.returncode == 2
    assert "Tagline cannot start" in ran.stderr
    assert not LINK.search(ran.stderr)


def test_what_setup_stored_starts_the_parts(tmp_path: Path) -> None:
    data = tmp_path / "data"
    values = {"GITHUB_TOKEN": SECRET, "GITHUB_WEBHOOK_SECRET": SECRET, "TAGLINE_MODE": "dry-run"}
    stored.write(data / stored.FILE, stored.render(values))
    with running("run", tmp_path, GITHUB_API_URL="http://127.0.0.1:1") as process:
        wait_until(
            lambda: '"ready"' in (tmp_path / "err").read_text() or process.poll() is not None
        )
        time.sleep(0.1)
        assert process.poll() is None
    assert not LINK.search((tmp_path / "err").read_text())
    ran = tagline("check", "--json", cwd=tmp_path, environment={"DATA_DIR": str(data)})
    assert f"{data / stored.FILE}" in ran.stdout
    assert SECRET not in ran.stdout


def test_a_second_setup_shows_the_link_of_the_first(tmp_path: Path) -> None:
    with running("run", tmp_path) as process:
        link = await_link(tmp_path, process)
        ran = tagline("setup", cwd=tmp_path, environment={"DATA_DIR": str(tmp_path / "data")})
        assert ran.returncode == 0
        assert link in ran.stderr


def test_the_steps_are_printed_for_a_person_without_a_browser(tmp_path: Path) -> None:
    ran = tagline(
        *("setup", "--github-org", "acme", "--no-browser"),
        cwd=tmp_path,
        environment={"DATA_DIR": str(tmp_path / "data"), "PUBLIC_URL": "https://bot.example.com"},
    )
    assert ran.returncode == 0
    (page,) = re.findall(r"https://github\.com/\S+", ran.stdout)
    parts = urlsplit(page)
    assert parts.path == "/organizations/acme/settings/apps/new"
    fields = parse_qs(parts.query)
    assert fields["webhook_url"] == ["https://bot.example.com/webhooks/github"]
    assert (fields["issues"], fields["contents"], fields["metadata"]) == (
        ["write"],
        ["read"],
        ["read"],
    )
    assert fields["events[]"] == ["issues", "issue_comment"]
    assert re.search(r"GITHUB_WEBHOOK_SECRET=\w{40}\n", ran.stdout)
    assert not (tmp_path / "data").exists()


def test_an_organisation_with_a_wrong_name_is_refused(tmp_path: Path) -> None:
    ran = tagline("setup", "--github-org", "a/b", "--no-browser", cwd=tmp_path)
    assert ran.returncode == 2
    assert "is not a name on GitHub" in ran.stderr
