"""`tagline run --poll` as a process, on both hosts, without a webhook's secret; killed again and
again."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.simulation import Sandbox
from tests.whole.app import BODY, LABELS, TITLE
from tests.whole.test_command_line import tagline
from tests.whole.test_run import SHORT_WAITS, START, RunCommand

REPO = "acme/polled"
SECONDS = 10
SEED = 7


class PollingRun(RunCommand):
    def __init__(self, box: Sandbox, redis_url: str, folder: Path) -> None:
        super().__init__(box, redis_url, folder)
        box.webhook_url = box.gitlab.webhook_url = None
        del self.environ["GITHUB_WEBHOOK_SECRET"], self.environ["GITLAB_SIGNING_TOKEN"]
        self.environ["TAGLINE_POLL_REPOS"] = f"github:{REPO},gitlab:{REPO}"
        for host in box.hosts.values():
            host.add_repo(REPO, LABELS)

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[bytes]]:
        with (self.folder / "run.log").open("ab") as output:
            command = [sys.executable, "-c", SHORT_WAITS + START, "run", "--poll", str(SECONDS)]
            environment = {**self.environ, "PATH": os.environ["PATH"]}
            process = subprocess.Popen(
                command, env=environment, cwd=self.folder, stdout=output, stderr=output
            )
        with process:
            try:
                yield process
            finally:
                process.kill()


@pytest.mark.slow
def test_every_issue_gets_one_comment_though_the_process_is_killed_again_and_again(
    box: Sandbox, clean: str, tmp_path: Path
) -> None:
    run, rng = PollingRun(box, clean, tmp_path), random.Random(SEED)
    old = [
        (name, host.open_issue(REPO, TITLE, BODY, created_at=time.time() - 60))
        for name, host in box.hosts.items()
    ]
    opened: list[tuple[str, int]] = []
    with run.ready():
        time.sleep(3)  # the first look at each repository
    for n in range(4):
        with run.ready():
            until = time.monotonic() + rng.uniform(2, SECONDS)
            while time.monotonic() < until:
                text = f"{BODY} Attempt {n}, {len(opened)}."
                opened += [
                    (name, host.open_issue(REPO, TITLE, text, author=f"author{len(opened)}"))
                    for name, host in box.hosts.items()
                ]
                time.sleep(0.5)
    with run.ready():
        until = time.monotonic() + 90
        while time.monotonic() < until and not all(
            box.hosts[name].bot_comments(REPO, number) for name, number in opened
        ):
            time.sleep(0.5)
    counts = {len(box.hosts[name].bot_comments(REPO, number)) for name, number in opened}
    assert counts == {1}
    assert all("bug" in box.hosts[name].labels(REPO, number) for name, number in opened)
    assert [box.hosts[name].labels(REPO, number) for name, number in old] == [[], []]
    assert all(host.deliveries == [] for host in box.hosts.values())


@pytest.mark.parametrize("seconds", ["9", "0", "-1", "3601", "sixty", ""])
def test_an_interval_that_cannot_be_is_a_usage_error(tmp_path: Path, seconds: str) -> None:
    for command in ("run", "worker"):
        result = tagline(command, "--poll", seconds, cwd=tmp_path, environment={})
        assert result.returncode == 2
        assert "--poll" in result.stderr
