"""Recorded GitLab deliveries, through the door."""

from __future__ import annotations

import json
from pathlib import Path

from tests.web.client import Door

# What asks for a job: opened and reopened public issues, nothing else.
JOBS = {
    "issue.open.json": "opened",
    "issue.reopen.json": "reopened",
    "issue.json": "opened",
    "issue_hook__issue_opened_with_null_description.json": "opened",
}


def header(payload: dict[str, object]) -> str:
    kind = str(payload.get("event_type") or payload.get("object_kind") or "system")
    name = {"issue": "Issue", "work_item": "Issue", "note": "Note"}
    bare = kind.removeprefix("confidential_")
    prefix = "Confidential " if bare != kind else ""
    return f"{prefix}{name.get(bare, bare.title())} Hook"


def test_every_recorded_payload_goes_through_and_makes_the_right_jobs(shared: Path) -> None:
    files = sorted((shared / "contracts" / "gitlab").glob("*/*.json"))
    assert len(files) == 28
    for path in files:
        door, body = Door(), path.read_bytes()
        answer = door.gitlab(headers={"X-Gitlab-Event": header(json.loads(body))}, body=body)
        assert (answer.status_code, answer.content) == (202, b""), path.name
        expected = [JOBS[path.name]] if path.name in JOBS else []
        assert [one.kind for one in door.queue.jobs.values()] == expected, path.name


def test_a_confidential_header_alone_is_enough(shared: Path) -> None:
    folder = shared / "contracts" / "gitlab"
    for path in folder.glob("*/*.json"):
        door = Door()
        door.gitlab(headers={"X-Gitlab-Event": "Confidential Issue Hook"}, body=path.read_bytes())
        assert door.queue.jobs == {}, path.name
