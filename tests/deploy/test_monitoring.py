"""Alert rules, dashboard and scaling name only metrics, labels, lists and workloads that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.core import redis_keys
from bot.core.metric_definitions import COUNTED, MEASURED
from tests.deploy.test_deploy import DEPLOY, MANIFESTS, WORKLOADS, documents

RULES = "prometheus/alerts.yaml"
DASHBOARD: Any = json.loads((DEPLOY / "grafana/tagline.json").read_text())
ALERTS = [rule for group in documents(RULES)[0]["groups"] for rule in group["rules"]]
LABELS = {
    **{f"tagline_{name}_total": definition.labels for name, definition in COUNTED.items()},
    **{f"tagline_{name}": definition.labels for name, definition in MEASURED.items()},
}
METRIC = re.compile(r"\b(tagline_\w+)(?:\{([^}]*)\})?")
OF_ONE_INSTANCE = re.compile(
    r"(?:(?:max|min|count)(?: by \([^)]*\) )?|absent)\((?:(?:rate|increase)\()?tagline_"
)
DURATION = re.compile(r"\d+[mh]")


def expressions() -> Iterator[tuple[str, str]]:
    """Yield each query and the text that shows its labels."""
    for rule in ALERTS:
        yield rule["expr"], " ".join(rule["annotations"].values())
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield target["expr"], target["legendFormat"]


@pytest.mark.parametrize(("query", "text"), list(expressions()))
def test_every_metric_and_label_of_a_query_exists(query: str, text: str) -> None:
    found = METRIC.findall(query)
    assert found
    for name, conditions in found:
        assert name in LABELS
        assert {*re.findall(r"(\w+)(?:=~|!=|!~|=)\"", conditions)} <= {*LABELS[name]}
    grouped = [re.split(r"[\s,]+", group) for group in re.findall(r"by \(([^)]*)\)", query)]
    known = {label for name, _ in found for label in LABELS[name]}
    assert {label for group in grouped for label in group} <= known
    # What a text shows has to be left after the outermost aggregation.
    shown = {*re.findall(r"\$labels\.(\w+)", text), *re.findall(r"\{\{(\w+)\}\}", text)}
    assert shown <= {*(grouped[0] if grouped else ())}
    # Every receiver shows the same figures.
    assert len(OF_ONE_INSTANCE.findall(query)) == len(found)


def test_the_dashboard_shows_every_metric_and_its_panels_do_not_overlap() -> None:
    shown = {name for query, _ in expressions() for name, _ in METRIC.findall(query)}
    assert shown == {*LABELS}
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in DASHBOARD["panels"]]
    assert len({*places}) == len(places)
    assert {p["id"] for p in DASHBOARD["panels"]} == {*range(1, len(places) + 1)}


def test_every_alert_says_how_grave_it_is_and_what_to_do() -> None:
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)
    for rule in ALERTS:
        assert {*rule} - {"for"} == {"alert", "expr", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket", "info")
        assert {*rule["annotations"]} == {"summary", "description"}
        assert DURATION.fullmatch(rule.get("for", "5m"))


def test_promtool_accepts_the_rules() -> None:
    if not (promtool := shutil.which("promtool")):
        pytest.skip("promtool is not on this machine")
    subprocess.run([promtool, "check", "rules", DEPLOY / RULES], check=True)
    config = DEPLOY / "prometheus/prometheus.yaml"
    subprocess.run([promtool, "check", "config", "--syntax-only", config], check=True)


def test_workers_are_scaled_by_the_length_of_the_queue_and_one_always_runs() -> None:
    scaled, policy = documents("kubernetes/keda/scaledobject.yaml")
    assert (scaled["apiVersion"], scaled["kind"]) == ("keda.sh/v1alpha1", "ScaledObject")
    spec = scaled["spec"]
    (target,) = [m for m in MANIFESTS if m["metadata"]["name"] == spec["scaleTargetRef"]["name"]
                 and m["kind"] == spec["scaleTargetRef"]["kind"]]  # fmt: skip
    assert target["apiVersion"] == spec["scaleTargetRef"]["apiVersion"]
    assert target["metadata"]["labels"]["part"] == "worker"
    assert spec["minReplicaCount"] == 1 < spec["maxReplicaCount"]
    (trigger,) = spec["triggers"]
    values = trigger["metadata"]
    assert (trigger["type"], values["listName"]) == ("redis", redis_keys.QUEUE)
    assert all(isinstance(value, str) for value in values.values())
    environ = next(m for m in MANIFESTS if m["kind"] == "ConfigMap")["data"]
    assert environ["REDIS_URL"] == f"redis://{values['address']}/{values['databaseIndex']}"
    assert int(values["listLength"]) > 0
    # KEDA reaches Valkey, which only Tagline's own pods may otherwise.
    ports = WORKLOADS["tagline-valkey"]["containers"][0]["ports"]
    assert policy["spec"]["ingress"][0]["ports"] == [{"port": port["name"]} for port in ports]
    valkey = next(m for m in MANIFESTS if m["kind"] == "StatefulSet")
    assert policy["spec"]["podSelector"] == valkey["spec"]["selector"]


def test_the_manifests_can_be_applied_without_keda() -> None:
    assert {path.name for path in Path(DEPLOY / "kubernetes").glob("*.yaml")} == {
        "tagline.yaml",
        "valkey.yaml",
    }
