"""The verdict finds each kind of breach."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.chaos.parts import Parts, crash_messages
from tests.chaos.users import REPOS, OpenedIssue, Users
from tests.chaos.verdict import find_leaks, judge

TEXT = "**Summary (automated):** {} fails. <sub>with sandbox-rules</sub> <!-- tagline:v1 e30 -->"


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """Only the sandbox runs."""
    parts = Parts(tmp_path_factory.mktemp("chaos"), Random(1))
    with parts.box.running():
        yield parts


@pytest.fixture
def users(parts: Parts) -> Users:
    users = Users(parts, Random(1))
    users.open_all(2, rate=1000)
    return users


def _answer(parts: Parts, one: OpenedIssue, text: str = TEXT) -> None:
    host, issue = parts.box.hosts[one.host], (REPOS[one.host], one.number)
    host.state.comment(*issue, text.format(one.word), host.bot_accounts[0], None)
    host.state.relabel(*issue, host.bot_accounts[0], one.labels - set(host.labels(*issue)))


def test_one_comment_and_its_labels_are_the_end_state(parts: Parts, users: Users) -> None:
    for one in users.opened:
        _answer(parts, one)
    assert judge(parts, users).passed


@pytest.mark.parametrize("kind", ["lost", "repeated", "wrong labels", "wrong text"])
@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_each_breach_is_found(parts: Parts, users: Users, kind: str, host: str) -> None:
    bad = next(one for one in users.opened if one.host == host)
    good = next(one for one in users.opened if one is not bad)
    _answer(parts, good)
    if kind == "repeated":
        _answer(parts, bad)
    if kind != "lost":
        _answer(parts, bad, "Not about {0:.0}it." if kind == "wrong text" else TEXT)
    if kind == "wrong labels":
        parts.box.hosts[host].label_by_person(REPOS[host], bad.number, "performance", deliver=False)
    breaches = judge(parts, users).breaches
    assert [(breach.issue, breach.kind) for breach in breaches] == [(bad, kind)]


def test_a_created_label_is_a_breach(parts: Parts, users: Users) -> None:
    for one in users.opened:
        _answer(parts, one)
    parts.box.hosts["github"].label_by_person(REPOS["github"], 1, "made-up", deliver=False)
    assert judge(parts, users).created_labels == ["made-up"]


def test_words_of_issues_are_found_in_any_file(tmp_path: Path, users: Users) -> None:
    word = users.opened[0].word
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "appendonly.aof").write_bytes(b"\r\n$9\r\n\0" + word.encode() + b"\xff")
    assert find_leaks(tmp_path, users.words) == [f"appendonly.aof: {word}"]


def test_a_process_that_ended_before_it_was_killed_has_crashed() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert crash_messages("worker", process) == []
        process.kill()
        process.wait()
        assert crash_messages("worker", process) == ["worker ended by itself, exit status -9"]
