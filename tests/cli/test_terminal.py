"""What people see at a terminal: colour, a progress bar, lines that fit, dates and dollars."""

from __future__ import annotations

import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path

import pytest
import redis

from bot.cli.terminal import format_time
from bot.core import redis_keys
from bot.core.jobs import JobRecord
from bot.core.text.numbers import format_usd
from bot.core.types import Choice
from bot.wiring import redis_store
from tests.whole.test_command_line import PREFIXES, ROOT, tagline

WIDTH = 60
COLOUR = "\x1b["


def at_terminal(folder: Path, *words: str, environment: Mapping[str, str]) -> str:
    """Return what a command writes to a terminal of `WIDTH` columns."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)}
    for name in ("NO_COLOR", "COLUMNS"):
        kept.pop(name, None)
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDTH, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", *words],
        cwd=folder,
        env={**kept, **environment, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # Linux reports the end of a terminal as an error
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    process.wait(30)
    return shown.decode()


SILENT = {
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "LLM_PROVIDER": "openai",
    "OPENAI_API_KEY": "sk-quokkaberry-0123",
    "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
}


@pytest.mark.slow
@pytest.mark.parametrize(("switch", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_check_has_colour_unless_no_color_is_set(
    tmp_path: Path, switch: dict[str, str], coloured: bool
) -> None:
    shown = at_terminal(tmp_path, "check", environment={**SILENT, **switch})
    assert (COLOUR in shown) is coloured
    assert "look at REDIS_URL" in shown.replace("\r\n         ", " ")
    plain = re.sub(r"\x1b\[\d*m", "", shown)
    wrapped = [line for line in plain.splitlines() if " " in line.strip()]  # a path is long
    assert max(map(len, wrapped)) <= WIDTH


def test_nothing_has_colour_where_the_output_is_no_terminal(tmp_path: Path) -> None:
    result = tagline("check", cwd=tmp_path, environment=SILENT)
    assert COLOUR not in result.stdout + result.stderr


def test_triage_shows_progress_with_rate_and_cost_among_its_results(tmp_path: Path) -> None:
    rows = [{"title": f"Crash {n}", "body": "It crashed."} for n in range(3)]
    (tmp_path / "issues.json").write_text(json.dumps(rows))
    shown = at_terminal(tmp_path, "triage", "--file", "issues.json", environment=SILENT)
    assert re.search(r"3/3 .*\d/s, \$0\.00", shown)
    for n in range(3):
        assert re.search(rf"\x1b\[KCrash {n}\r\n  Labels: bug", shown)
    assert '"event"' not in shown
    quiet = tagline("triage", "--file", "issues.json", cwd=tmp_path, environment=SILENT)
    assert "/s" not in quiet.stderr
    assert '"event"' not in quiet.stderr


def test_a_job_has_a_date_and_its_cost_in_dollars(tmp_path: Path, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        record = JobRecord(
            *("j-1", "done", "github:o/r#1"), at=1_796_000_000.5, model="m", cost_usd=0.000141
        )
        redis_store(client).save_job(record)
    shown = tagline("job", "j-1", cwd=tmp_path, environment={"REDIS_URL": redis_url}).stdout
    assert "at: 2026-11-30 " in shown
    assert "cost: $0.0001\n" in shown
    as_json = tagline("job", "j-1", "--json", cwd=tmp_path, environment={"REDIS_URL": redis_url})
    assert json.loads(as_json.stdout)["cost_usd"] == 0.000141


def test_a_job_says_what_chose_each_label_and_how_sure_it_was(
    tmp_path: Path, redis_url: str
) -> None:
    choices = (
        Choice("bug", "model", "sure"),
        Choice("area/login", "classifier", "likely"),
        Choice("\x1b[31mred", "rules", "unsure", applied=False),
    )
    with redis.Redis.from_url(redis_url) as client:
        redis_store(client).save_job(JobRecord("j-2", "done", "github:o/r#1", choices=choices))
        day = int(time.time() // 86_400)
        former = {"id": "j-3", "state": "done", "issue": "github:o/r#1", "outcome": "answered"}
        client.hset(redis_keys.JOBS.format(span=day), "j-3", json.dumps(former))
    shown = tagline("job", "j-2", cwd=tmp_path, environment={"REDIS_URL": redis_url}).stdout
    assert "labels: bug (model, sure)\n  area/login (history, likely)\n" in shown
    assert "red (rules, unsure, only suggested)\n" in shown
    assert "\x1b" not in shown
    as_json = tagline("job", "j-2", "--json", cwd=tmp_path, environment={"REDIS_URL": redis_url})
    assert json.loads(as_json.stdout)["choices"][0] == {
        "label": "bug",
        "source": "model",
        "certainty": "sure",
        "applied": True,
        "score": None,
    }
    former_job = tagline("job", "j-3", cwd=tmp_path, environment={"REDIS_URL": redis_url})
    assert "outcome: answered\n" in former_job.stdout
    assert "labels" not in former_job.stdout


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (None, "unknown"),
        (0.0, "$0.00"),
        (0.00014, "$0.0001"),
        (0.00001, "under $0.0001"),
        (0.25, "$0.25"),
        (1234, "$1,234.00"),
    ],
)
def test_dollars(usd: float | None, text: str) -> None:
    assert format_usd(usd) == text


def test_a_time_is_a_date_in_utc() -> None:
    assert format_time(0) == "1970-01-01 00:00:00Z"


def test_the_help_has_the_groups_and_fits(tmp_path: Path) -> None:
    shown = at_terminal(tmp_path, "--help", environment={})
    for title in ("Try:", "Install:", "Run:", "Learn:"):
        assert f"\r\n{title}\r\n" in shown
    assert max(map(len, shown.splitlines())) <= WIDTH
