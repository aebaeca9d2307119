"""Recorded GitLab deliveries at the webhook endpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.web.client import LocalReceiver

# The samples that are checked: the kind of the job, or why they are ignored.
JOBS = {
    "webhooks-2025/issue.open.json": "opened",
    "webhooks-2025/issue.reopen.json": "reopened",
    "webhooks-2026/issue.update.labels-removed-by-human.made.json": "labels",
    "webhooks-2026/issue.update.scoped-label-swapped.made.json": "labels",
    "webhooks-go-gitlab/issue.json": "opened",
    "webhooks-zulip/issue_hook__issue_opened_with_null_description.json": "opened",
    # By the author.
    "webhooks-2025/issue.close.json": "closed",
    "webhooks-2025/note.issue.create.json": "missing",
    "webhooks-2026/note.issue.mention-in-code-and-quote.made.json": "missing",
    "webhooks-2026/note.issue.mention.made.json": "missing",
}
IGNORED = {
    "webhooks-2025/emoji.award.issue.json": "event 'emoji'",
    "webhooks-2025/issue.confidential.close.json": "confidential",
    "webhooks-2025/issue.confidential.open.json": "confidential",
    "webhooks-2025/issue.confidential.update.json": "confidential",
    "webhooks-2025/issue.update.json": "neither title, description nor labels changed",
    "webhooks-2025/member.add.json": "event ''",
    "webhooks-2025/note.commit.create.json": "a note that is not on an issue",
    "webhooks-2025/note.confidential.issue.create.json": "confidential",
    "webhooks-2025/note.issue.update.json": "action 'update'",
    "webhooks-2025/note.mergerequest.create.json": "a note that is not on an issue",
    "webhooks-2025/note.mergerequest.update.json": "a note that is not on an issue",
    "webhooks-2025/note.system.json": "a note by a bot",
    "webhooks-2025/project.create.json": "event ''",
    "webhooks-2026/issue.update.labels-added-by-bot.made.json": "labels changed by a bot",
    "webhooks-2026/note.issue.by-bot.made.json": "a note by a bot",
    "webhooks-2026/work_item.update.labels.made.json": "a work item of type 'Task'",
    "webhooks-go-gitlab/note_commit.json": "a note that is not on an issue",
    "webhooks-go-gitlab/note_issue.json": "a note without a command",
    "webhooks-go-gitlab/note_merge_request.json": "a note that is not on an issue",
    "webhooks-go-gitlab/note_snippet.json": "a note that is not on an issue",
    "webhooks-go-gitlab/push.json": "event 'push'",
    "webhooks-go-gitlab/resource_access_token_project.json": "event 'access_token'",
    "webhooks-zulip/confidential_issue_hook__incident_created.json": "confidential",
    "webhooks-zulip/issue_hook__epic_created.json": "no project or number in the payload",
    "webhooks-zulip/issue_hook__task_created.json": "a work item of type 'Task'",
}


def recorded(shared: Path, name: str) -> bytes:
    return (shared / "contracts" / "gitlab" / name).read_bytes()


def header(payload: dict[str, object]) -> str:
    kind = str(payload.get("event_type") or payload.get("object_kind") or "system")
    name = {"issue": "Issue", "work_item": "Issue", "note": "Note"}
    bare = kind.removeprefix("confidential_")
    prefix = "Confidential " if bare != kind else ""
    return f"{prefix}{name.get(bare, bare.title())} Hook"


@pytest.mark.parametrize("name", [*JOBS, *IGNORED])
def test_a_recorded_payload_makes_the_right_job_or_is_ignored(
    shared: Path, logged: Callable[[], list[dict[str, Any]]], name: str
) -> None:
    endpoint, body = LocalReceiver(), recorded(shared, name)
    response = endpoint.gitlab(headers={"X-Gitlab-Event": header(json.loads(body))}, body=body)
    assert (response.status_code, response.content) == (202, b"")
    kinds = [job.kind for job in endpoint.queue.jobs.values()]
    reasons = [line["why"] for line in logged() if line["event"] == "ignored"]
    if name in JOBS:
        assert (kinds, reasons) == ([JOBS[name]], [])
    else:
        assert kinds == []
        assert [reason[: len(IGNORED[name])] for reason in reasons] == [IGNORED[name]]


@pytest.mark.parametrize("name", [*JOBS, *IGNORED])
def test_a_confidential_header_alone_is_enough(shared: Path, name: str) -> None:
    endpoint = LocalReceiver()
    headers = {"X-Gitlab-Event": "Confidential Issue Hook"}
    assert endpoint.gitlab(headers=headers, body=recorded(shared, name)).status_code == 202
    assert endpoint.queue.jobs == {}
