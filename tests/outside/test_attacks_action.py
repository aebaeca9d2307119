"""Hostile issues in a job of both CI systems: nothing printed, nothing executed, no code but 0."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import get_args

import pytest

from bot.core.types import Status
from tests.ci import Ci, CiResult
from tests.outside.attacks import Judge, cases, frame_intact
from tests.outside.test_attacks_whole import HOSTS, parrot, words_of
from tests.simulation import Sandbox

MARKER = "\n<!-- tagline:v1 e30 -->"
COMMENT = re.compile(r"\*\*Summary \(automated\):\*\*.*</sub>", re.DOTALL)
LINE = re.compile(
    r"(?:::(?:notice|warning|error) title=Tagline::|Tagline (?:notice|warning|error): |tagline: )"
    r"(?!.*##\[).+"
)
OWN = (
    *get_args(Status),
    "label",
    "issue",
    "model",
    "comment",
    "acme",
    "github",
    "gitlab",
    "nothing",
)
_numbers = count(1)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox().running() as sandbox:
        yield sandbox


def find_printed(result: CiResult, title: str, body: str | None) -> list[str]:
    """Return the lines that are none of ours, and the issue's words that were printed."""
    lines = [line for line in result.printed.splitlines() if line.strip()]
    words = {*re.findall(r"\S{6,}", f"{title}\n{body or ''}"[:5000])}
    strange = [line for line in lines if not LINE.fullmatch(line)]
    printed = {*result.printed.split()}
    hostile = [word for word in words & printed if not word.casefold().startswith(OWN)]
    return strange + hostile


@pytest.mark.slow
@pytest.mark.parametrize("on", HOSTS)
@pytest.mark.parametrize("has_model", [True, False], ids=["parrot", "rules"])
def test_no_hostile_issue_reaches_the_log_or_breaks_the_summary(
    shared: Path, box: Sandbox, tmp_path: Path, has_model: bool, on: str
) -> None:
    judge = Judge(shared)
    ci = Ci(box, on, f"acme/{on}{next(_numbers)}", tmp_path)
    ci.host.add_repo(ci.repo, dict.fromkeys(judge.context["repo_labels"], ""))
    labels = {"allow": judge.context["allowed_labels"], "max": judge.context["max_labels"]}
    ci.host.set_config(ci.repo, json.dumps({"version": 1, "labels": labels}))
    wrong: dict[str, object] = {}
    for case in cases(shared, "issues.jsonl"):
        title, body = words_of(case)
        box.replies.clear()
        box.replies.extend([parrot(title, body, judge.context["repo_labels"])] * 5)
        number = ci.host.open_issue(
            ci.repo, title, body, author=f"a{next(_numbers)}", deliver=False
        )
        result = ci.run(job=ci.event(ci.opened(number)), has_model=has_model)
        problems = find_printed(result, title, body)
        shown = COMMENT.search(result.summary)
        if shown:
            comment = shown[0] + MARKER
            problems += sorted(judge.broken_by(comment) & judge.always)
            problems += [] if frame_intact(comment) else ["frame"]
        if result.code or problems or len(ci.host.comments(ci.repo, number)) > has_model:
            wrong[case["id"]] = (result.code, problems, result.printed[:300])
    assert wrong == {}
    assert ci.host.created_labels(ci.repo) == []
