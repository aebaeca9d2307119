"""Compares the totals of `/metrics` with what the forges hold.

`tagline_writes_total` is counted in the same step as a write's confirmation in the journal, so that
it must be right whatever was killed. `tagline_jobs_total` counts tries in each process, which adds
them every five seconds: a killed process loses some, and a job that runs again has more tries than
one. It is shown, not compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.chaos.parts import Parts
from tests.chaos.users import REPOS, OpenedIssue

TOKEN = "a-metrics-token-for-the-chaos"
Series = tuple[str, ...]  # the name and the values of its labels, by the labels' names


def read_metrics(parts: Parts) -> Mapping[Series, float]:
    """Return the figures that the receiver shows."""
    response = httpx.get(
        f"http://127.0.0.1:{parts.port}/metrics",
        headers={"Authorization": f"Bearer {TOKEN}"},
        trust_env=False,
        timeout=10,
    )
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(response.raise_for_status().text)
        for sample in family.samples
    }


def count_on_forges(parts: Parts, opened: Iterable[OpenedIssue]) -> Counter[Series]:
    """Return the numbers of the bot's comments and labels on the issues; nobody else sets any."""
    found: Counter[Series] = Counter()
    for one in opened:
        host, place = parts.box.hosts[one.host], (REPOS[one.host], one.number)
        found[one.host, "comments"] += len(host.bot_comments(*place))
        found[one.host, "labels"] += len(host.labels(*place))
    return found


def compare_totals(
    metrics: Mapping[Series, float], on_forges: Mapping[Series, int]
) -> tuple[dict[str, object], list[str]]:
    """Return the totals by their name, and what differs."""

    def count(forge: str, kind: str) -> int:
        return round(metrics.get(("tagline_writes_total", forge, kind), 0))

    rows, wrong = dict[str, object](), list[str]()
    for forge in REPOS:
        # A second comment after a lost response is no second post in the journal: the job deletes
        # it and keeps the first.
        counted = {
            "comments": count(forge, "post-comment"),
            "labels": count(forge, "add-label") - count(forge, "remove-label"),
        }
        for name, number in counted.items():
            held = on_forges[forge, name]
            rows[f"{forge}: {name}, /metrics and forge"] = f"{number} {held}"
            if number != held:
                wrong.append(f"{forge}: /metrics counts {number} {name}, the forge holds {held}")
    for state in ("waiting", "later", "dead"):
        if left := metrics["tagline_queue_jobs", state]:
            wrong.append(f"/metrics shows {left:.0f} jobs that are {state}")
    tries = {key: number for key, number in metrics.items() if key[0] == "tagline_jobs_total"}
    rows["tries counted (not compared)"] = round(sum(tries.values()))
    return rows, wrong
