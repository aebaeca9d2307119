"""Ids of jobs that no delivery has asked for: the same each time, so that one is enqueued once."""

from __future__ import annotations

import hashlib

from bot.core.types import IssueRef


def make_job_id(prefix: str, ref: IssueRef) -> str:
    """Return the id of a job that no delivery has asked for; the same for each job of an issue."""
    return f"{prefix}-{hashlib.sha256(ref.key.encode()).hexdigest()[:24]}"


def make_opened_id(ref: IssueRef) -> str:
    """Return the id of the job for an opened issue that polling finds.

    A delivery may name a wrong account: it must not claim the issue of the right one.
    """
    digest = hashlib.sha256(f"{ref.key} {ref.account}".encode()).hexdigest()
    return f"opened-{digest[:24]}"
