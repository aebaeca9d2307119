"""`tagline labels`, on both hosts."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

from tests.cli.test_terminal import WIDTH, at_terminal
from tests.simulation import Exchange
from tests.whole.app import App
from tests.whole.test_command_line import CommandResult, tagline

DAY = 86_400


def run(app: App, folder: Path, *arguments: str) -> CommandResult:
    words = ("labels", arguments[0], f"{app.on}:{app.repo}", *arguments[1:])
    return tagline(*words, cwd=folder, environment=app.environ)


def add_history(app: App, sets: dict[tuple[str, ...], int], title: str = "It fails") -> None:
    """Add issues of last month, so many with each set of labels."""
    at = time.time() - 30 * DAY
    for names, number in sets.items():
        for n in range(number):
            at += 60
            app.host.open_issue(
                *(app.repo, f"{title} {n}", "Since the update."),
                labels=list(names),
                created_at=at,
                deliver=False,
            )


def test_the_doctor_names_each_problem_with_numbers_and_a_proposal(
    app: App, tmp_path: Path
) -> None:
    labels = {
        "bug": "Something is broken",
        "Bugs": "",
        "crash": "It ends at once",
        "area/login": "",
        "wontfix": "",
        "unused": "Nobody sets it",
    }
    app.host.add_repo(app.repo, labels)
    add_history(app, {("bug",): 60, ("area/login",): 40, ("Bugs",): 3, ("crash", "bug"): 9})
    app.configure("labels: {describe: {area/login: Signing in}}")

    result = run(app, tmp_path, "doctor", "--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["v"], report["repository"]) == (1, f"{app.on}:{app.repo}")
    assert (report["labels"], report["issues"]) == (6, 112)
    found = {(x["kind"], *x["labels"]): x for x in report["problems"]}
    assert set(found) >= {
        ("look-alike", "bug", "Bugs"),
        ("overlapping", "crash", "bug"),
        ("unlearnable", "Bugs"),
        ("undescribed", "Bugs"),
        ("never-used", "unused"),
        ("never-used", "wontfix"),
    }
    assert ("undescribed", "area/login") not in found
    assert ("undescribed", "wontfix") not in found
    assert '"bug" on 69 issues' in found["look-alike", "bug", "Bugs"]["evidence"]
    assert all(x["proposal"] for x in report["problems"])

    shown = run(app, tmp_path, "doctor")
    assert "Look-alike: one label under several names\n  bug, Bugs  the same" in shown.stdout
    assert 'What to do: Keep "bug"' in shown.stdout
    assert "Read 112 issues, 112 with labels" in shown.stderr
    assert app.host.writes(app.repo) == []


def test_the_doctor_has_nothing_to_say_on_an_empty_repository(app: App, tmp_path: Path) -> None:
    app.host.add_repo(app.repo, {})
    shown = run(app, tmp_path, "doctor")
    assert shown.stdout.startswith("The repository has no labels: `tagline labels init REPO`")
    assert json.loads(run(app, tmp_path, "doctor", "--json").stdout)["problems"] == []


def test_the_doctor_shows_the_first_of_very_many_problems(app: App, tmp_path: Path) -> None:
    app.host.add_repo(app.repo, {f"team/{n}": "" for n in range(45)})
    shown = run(app, tmp_path, "doctor").stdout
    assert "  and 25 more: --json has them\n    What to do: Describe when it is set" in shown
    assert len(json.loads(run(app, tmp_path, "doctor", "--json").stdout)["problems"]) == 45


def test_a_rate_limit_in_the_middle_ends_a_command_with_the_time_to_wait(
    app: App, tmp_path: Path
) -> None:
    add_history(app, {("bug",): 150})
    app.limit_rate_after_a_page_of_issues()
    result = run(app, tmp_path, "doctor")
    assert result.returncode == 75
    assert result.stdout == ""
    assert "asked to wait (status 429) after 100 issues were read. Try again in" in result.stderr


COMMON = [
    *("bug", "enhancement", "question", "documentation", "performance", "ui/ux"),
    *("frontend", "backend", "api", "database"),
]


def test_init_creates_labels_in_an_empty_repository_with_apply_only(
    app: App, tmp_path: Path
) -> None:
    app.host.add_repo(app.repo, {})
    shown = run(app, tmp_path, "init")
    assert shown.returncode == 0, shown.stderr
    assert [line.split("  ")[0] for line in shown.stdout.splitlines()] == COMMON
    assert "Not created without --apply: 10." in shown.stderr
    assert app.host.writes(app.repo) == []

    applied = run(app, tmp_path, "init", "--apply", "--json")
    assert applied.returncode == 0, applied.stderr
    report = json.loads(applied.stdout)
    assert (report["v"], report["applied"]) == (1, True)
    assert [label["name"] for label in report["labels"]] == COMMON
    repo = app.host.state.repo(app.repo)
    assert repo.labels == {label["name"]: label["description"] for label in report["labels"]}
    assert repo.colors == {label["name"]: label["color"] for label in report["labels"]}

    again = run(app, tmp_path, "init", "--apply")
    assert (again.returncode, again.stdout) == (0, "")
    assert "the repository has a label of each meaning" in again.stderr
    assert len(app.host.writes(app.repo)) == len(COMMON)


def test_init_leaves_out_what_the_repository_has_by_another_name(app: App, tmp_path: Path) -> None:
    labels = {"kind/bug": "", "✨ Feature Request": "", "Docs": "", "perf": "", "UI": ""}
    app.host.add_repo(app.repo, labels)
    report = json.loads(run(app, tmp_path, "init", "--json").stdout)
    assert report["applied"] is False
    names = [label["name"] for label in report["labels"]]
    assert names == ["question", "backend", "api", "database"]


def test_init_without_permission_creates_nothing_and_says_why(app: App, tmp_path: Path) -> None:
    app.host.add_repo(app.repo, {})
    app.box.faults.arm("forge-403", times=1, match="/labels")  # the list
    result = run(app, tmp_path, "init", "--apply")
    assert (result.returncode, result.stdout) == (1, "")
    assert "refused the request (status 403)" in result.stderr


def test_init_that_is_interrupted_names_what_it_created(app: App, tmp_path: Path) -> None:
    app.host.add_repo(app.repo, {})

    def refuse_third(exchange: Exchange) -> None:
        if len(app.host.writes(app.repo)) == 2 and not app.box.faults.armed:
            app.box.faults.arm("forge-403", times=None, match="/labels")

    app.box.observe(refuse_third)
    result = run(app, tmp_path, "init", "--apply")
    app.box.log.observers.remove(refuse_third)
    app.box.clear_faults()
    assert result.returncode == 3
    assert [line.split("  ")[0] for line in result.stdout.splitlines()] == ["bug", "enhancement"]
    assert "refused the request (status 403)" in result.stderr
    assert run(app, tmp_path, "init", "--apply").returncode == 0
    assert [*app.host.state.repo(app.repo).labels] == COMMON


def test_the_review_fits_a_terminal(app: App, tmp_path: Path) -> None:
    labels = {"bug": "", "Bugs": "", "area/system-configuration-of-the-entrance": "", "docs": ""}
    app.host.add_repo(app.repo, labels)
    add_history(app, {("bug",): 60, ("docs",): 50, ("Bugs",): 3})
    words = ("labels", "doctor", f"{app.on}:{app.repo}")
    shown = at_terminal(tmp_path, *words, environment=app.environ)
    assert "113 issues, 113 with labels" in shown
    review = shown[shown.index("Look-alike") :].splitlines()
    assert max(map(len, review)) <= WIDTH
    assert "  bug, Bugs  the same name but for plural: " in shown
    assert re.search(r"labels, 113 labelled issues\.\s*$", shown)
