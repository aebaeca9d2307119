"""`tagline export`, on both hosts."""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path
from typing import Any

from tests.whole.app import BODY, TITLE, App
from tests.whole.test_command_line import CommandResult, tagline

MONTH_AGO = 40 * 86_400
SECRET = "glpat-" + "quokkaberry0123456789"
SILENT = "redis://127.0.0.1:1/0"


def export(app: App, folder: Path, form: str, **environment: str) -> CommandResult:
    words = ("export", f"{app.on}:{app.repo}", "--format", form)
    result = tagline(*words, cwd=folder, environment={**app.environ, **environment})
    assert "Traceback" not in result.stderr
    return result


def add(app: App, title: str, body: str, *labels: str, **more: Any) -> int:
    at = time.time() - MONTH_AGO
    options = {"labels": list(labels), "created_at": at, "deliver": False, **more}
    return app.host.open_issue(app.repo, title, body, **options)


def add_history(app: App) -> None:
    """Add two issues to learn from, and one of each kind that is left out."""
    number = add(app, "=SUM(A1) fails", f'The token {SECRET} is refused, "why"?', "bug")
    app.host.close_issue(app.repo, number, deliver=False)
    number = add(
        app,
        "The manual has no index",
        "I looked for the chapter on exports and did not find it.",
        "documentation",
        "wontfix",
    )
    app.host.close_issue(app.repo, number, deliver=False)
    add(app, "Only for people", "They decide about this.", "wontfix")
    add(app, "No label", "Nobody has read this.")
    program = "scan[bot]" if app.on == "github" else "group_7_bot_ab"
    add(app, "A program found this", "It looks for such things.", "bug", bot=True, author=program)
    if app.on == "github":
        add(app, "A pull request", "It changes the code.", "bug", pull_request=True)
    else:
        add(app, "Between us", "This stays confidential.", "bug", confidential=True)


def test_the_examples_are_what_the_model_gets_and_what_people_chose(
    app: App, tmp_path: Path
) -> None:
    app.configure("comment: {similar: 0}")  # the prompt without examples
    add_history(app)
    result = export(app, tmp_path, "openai-jsonl")
    assert result.returncode == 0, result.stderr
    rows = [json.loads(line)["messages"] for line in result.stdout.splitlines()]
    answers = [[x["name"] for x in json.loads(row[2]["content"])["labels"]] for row in rows]
    assert answers == [["documentation"], ["bug"]]
    assert SECRET not in result.stdout
    for text in ("A pull request", "confidential", "A program", "No label", "Only for people"):
        assert text not in result.stdout
    assert "Exported: 2. Left out: 1 opened by programs; 1 without a label" in result.stderr

    app.issue(TITLE, BODY)
    asked = json.loads(app.box.model_requests[-1].body["messages"][1]["content"])
    assert asked["labels"] == json.loads(rows[0][1]["content"])["labels"]
    assert app.box.model_requests[-1].body["messages"][0] == rows[0][0]


def test_the_table_can_be_opened_without_running_anything(app: App, tmp_path: Path) -> None:
    add_history(app)
    result = export(app, tmp_path, "csv")
    header, *rows = csv.reader(io.StringIO(result.stdout))
    assert header == ["number", "title", "body", "labels"]
    assert [(row[1], row[3]) for row in rows] == [
        ("The manual has no index", "documentation"),
        ("'=SUM(A1) fails", "bug"),
    ]
    assert rows[1][2].startswith("The token [redacted:")
    assert rows[1][2].endswith('is refused, "why"?')


def test_a_label_of_the_bot_counts_only_where_redis_cannot_tell(app: App, tmp_path: Path) -> None:
    number = app.issue(TITLE, BODY)
    assert app.labels(number) == ["bug", "area/login"]
    known = export(app, tmp_path, "csv")
    assert known.stdout.count("\n") == 1
    assert known.returncode == 1
    assert "no issues with labels that people have confirmed" in known.stderr
    assert "1 with labels that may be Tagline's, which nobody has confirmed" in known.stderr

    unknown = export(app, tmp_path, "csv", REDIS_URL=SILENT)
    assert f"\n{number},{TITLE}," in unknown.stdout
    assert "Redis does not answer, so labels that Tagline set cannot be told" in unknown.stderr


def test_an_export_of_nothing_says_what_is_missing(app: App, tmp_path: Path) -> None:
    add(app, "No label", "Nobody has read this.")
    result = export(app, tmp_path, "openai-jsonl")
    assert (result.returncode, result.stdout) == (1, "")
    assert "Exported: 0. Left out: none." in result.stderr
    missing = (
        f"Nothing to export from {app.on}:{app.repo}: it has no issues with labels. Set labels"
    )
    assert missing in " ".join(result.stderr.split())

    add(app, "Only for people", "They decide about this.", "wontfix")
    program = "scan[bot]" if app.on == "github" else "group_7_bot_ab"
    result = export(app, tmp_path, "csv")
    assert (result.returncode, result.stdout) == (1, "number,title,body,labels\n")
    assert "no issues with a label that Tagline may set and learn" in result.stderr

    for n in range(2):
        add(app, f"A program found this {n}", "It looks.", "bug", bot=True, author=program)
    result = export(app, tmp_path, "csv")
    assert result.returncode == 1
    assert "no issues with labels that people have opened" in result.stderr


def test_an_export_without_texts_names_the_format_that_needs_none(app: App, tmp_path: Path) -> None:
    add(app, "It fails", "", "bug")
    result = export(app, tmp_path, "openai-jsonl")
    assert result.returncode == 1
    assert "--format csv needs neither." in result.stderr
    assert export(app, tmp_path, "csv").returncode == 0


def test_an_export_after_a_rate_limit_prints_no_part(app: App, tmp_path: Path) -> None:
    for n in range(120):
        add(app, f"It fails {n}", "Since the update it stops.", "bug")
    app.limit_rate_after_a_page_of_issues()
    result = export(app, tmp_path, "csv")
    assert (result.returncode, result.stdout) == (75, "")
    assert "after 100 issues were read. Try again in" in result.stderr
