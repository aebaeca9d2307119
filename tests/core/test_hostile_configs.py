"""Any configuration file is read in little time and memory, without failure, and limits the bot."""

from __future__ import annotations

import re
import time
import tracemalloc
import warnings

import pytest

from bot.core.config.parser import read
from bot.core.config.schema import RepoConfig
from bot.core.config.yaml_nodes import MAX_BYTES
from tests.core.hostile_configs import ALIASED, HOSTILE, damaged

SECONDS = 1.0  # of CPU, on a busy machine; about 0.05 on an idle one
MEMORY = 20 * 1024 * 1024
OFF = re.compile(r"^mode: off$", re.MULTILINE)
NEVER = re.compile(r"^comment:\n  post: never$", re.MULTILINE)
DENIED = re.compile(r"^labels:\n  deny:\n    - bug\n    - docs$", re.MULTILINE)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_is_read_or_refused_at_once_and_without_a_warning(
    text: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    started = time.process_time()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        reading = read(text)
    assert time.process_time() - started < SECONDS
    assert (warned, caplog.records, tuple(capfd.readouterr())) == ([], [], ("", ""))
    assert reading.config.mode in ("apply", "suggest")
    assert reading.problems or reading.config == RepoConfig(language="de") or "---" in text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_takes_little_memory(text: str) -> None:
    tracemalloc.start()
    read(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY + 2 * len(text)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("place", ["first", "last"])
def test_a_setting_that_limits_the_bot_holds_beside_hostile_text(text: str, place: str) -> None:
    limit = "mode: off\n"
    whole = limit + text if place == "first" else f"{text[: MAX_BYTES - 100]}\n{limit}"
    assert read(whole).config.mode == "off" or _takes_the_line_in(text, place)


def _takes_the_line_in(text: str, place: str) -> bool:
    """Whether the line is part of a quoted text there."""
    return place == "last" and text.count('"') == 1


@pytest.mark.parametrize("text", ALIASED.values(), ids=ALIASED.keys())
def test_an_alias_is_reported_with_its_line_and_never_expanded(text: str) -> None:
    reading = read(text)
    assert reading.broken
    (problem,) = reading.problems
    lines = text.split("\n")
    assert "write it out" in problem.advice or "keep one document" in problem.advice
    assert problem.line
    assert re.search(r"[&*]\w|---", lines[problem.line - 1])


@pytest.mark.parametrize(
    "seeds", [range(200), pytest.param(range(200, 2000), marks=pytest.mark.slow)], ids=str
)
def test_damaged_files_are_read_in_time_and_as_cautiously_as_their_sound_lines(
    seeds: range,
) -> None:
    for seed in seeds:
        text = damaged(seed)
        started = time.process_time()
        config = read(text).config
        assert time.process_time() - started < SECONDS, seed
        known = text[:MAX_BYTES].rpartition("\n")[0] + "\n"
        assert config.mode == "off" or not OFF.search(known), seed
        assert config.comment.post == "never" or not NEVER.search(known), seed
        denied = {"bug", "docs"} <= {*config.labels.deny} or config.labels.deny == ("*",)
        assert denied or not DENIED.search(known), seed


@pytest.mark.slow
def test_damaged_files_take_little_memory() -> None:
    peak = 0
    for seed in range(0, 2000, 20):
        text = damaged(seed)
        tracemalloc.start()
        read(text)
        peak = max(peak, tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peak < MEMORY


@pytest.mark.parametrize("seed", range(0, 2000, 100))
def test_a_damaged_file_that_is_not_valid_is_reported(seed: int) -> None:
    reading = read(damaged(seed))
    assert len(reading.problems) == 1 if reading.broken else True
    assert all(problem.advice for problem in reading.problems)
