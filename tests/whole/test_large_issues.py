"""Issues of the largest size are processed like others and leave a worker's memory as it was."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.bench.largest import measure_memory
from tests.simulation import Sandbox
from tests.whole.app import TITLE, App

LONGEST = {"github": 65_536, "gitlab": 1_048_576}  # characters of a body
JOBS = 12
# Measured: 70; a job that keeps its text until it ends adds 16, a copy in its response 12.
GROWTH_MIB, RETAINED_MIB = 110, 50


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_many_of_the_largest_issues_at_once_take_little_memory_and_give_it_back() -> None:
    idle, peak, after = measure_memory("gitlab", "emoji", JOBS, settled=1, model=1)
    assert peak - idle <= GROWTH_MIB
    assert after - idle <= RETAINED_MIB


# Prints the number of issues read, and the growth of the process in MiB.
READ_HISTORY = """
import resource, sys
from bot import wiring
from bot.core.types import IssueRef
from bot.footprint import configure_malloc
from bot.forges.registry import FORGES
from bot.settings.load import load

configure_malloc()
settings = load({"GITLAB_URL": sys.argv[1], "GITLAB_TOKEN": sys.argv[2]})
forge = FORGES["gitlab"].client(settings, wiring.clients())
ref = forge.complete_ref(IssueRef("gitlab", "", sys.argv[3], 0))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
page = forge.list_labelled_issues(ref)
read = page.read
while page.next:
    page = forge.list_labelled_issues(ref, page.next)
    read += page.read
print(read, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit elsewhere")
def test_a_history_of_the_largest_issues_takes_little_memory(box: Sandbox) -> None:
    repo, body = "acme/large-history", "A line of a log. " * 60_000
    box.gitlab.add_repo(repo, {"bug": ""})
    for _ in range(100):
        box.gitlab.open_issue(repo, TITLE, body, labels=["bug"], deliver=False)
    command = [sys.executable, "-c", READ_HISTORY, box.gitlab_url, box.gitlab.token, repo]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    read, growth = map(int, result.stdout.split())
    assert read == 100
    assert growth <= 40  # a page of all of them has 100 MiB


@pytest.mark.slow
@pytest.mark.parametrize("character", ["\U0001f4a5", "ж", "\u200b", "\x1b[0m"])
def test_the_largest_issue_of_a_platform_is_answered(app: App, character: str) -> None:
    start, end = "The login crashed with an exception. ", " It is a bug."
    length = LONGEST[app.on] - len(start) - len(end)
    number = app.issue(TITLE, start + (character * length)[:length] + end)
    assert app.wait_for_job().outcome == "answered"
    assert "bug" in app.labels(number)
    assert len(app.comments(number)) == 1


@pytest.mark.slow
def test_an_edit_in_the_middle_of_the_largest_body_is_noticed(app: App) -> None:
    app.configure("version: 1\non: [opened, edited]\n")
    half = "It crashed. " * ((LONGEST[app.on] - 1) // 24)
    number = app.issue(TITLE, f"{half}a{half}")
    app.host.edit_issue(app.repo, number, body=f"{half}b{half}")
    assert app.wait_for_job().outcome == "answered"
    time.sleep(1)  # GitLab distinguishes edits by the second
    app.host.edit_issue(app.repo, number, body=f"{half}b{half}")
    assert app.wait_for_job().outcome == "unchanged"
