"""`tagline backtest --file` and `tagline triage --history`: learn from the past, then compare."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.cli.backtest_report import build_report, format_report
from bot.cli.comparison import ComparisonOptions, compare_recent
from bot.cli.labelled_file import read_labelled
from bot.cli.main import cli
from bot.cli.replay import Material, Replay, make_split_material
from bot.core.config.schema import RepoConfig
from bot.core.ports import ModelCall
from bot.core.prompt import Prompt
from bot.core.reply import ModelAnswer, ParsedReply
from bot.core.types import Issue, IssueRef, Label, LabelSuggestion, Usage
from bot.learn.evaluation import Case
from tests.fakes import REF, FakeForge

Answers = tuple[Sequence[Case], Sequence[tuple[str, str, str]]]  # with the prompts
TITLES = {
    "bug": "The window crashes on start in release {}",
    "feature": "Please add an option for dark mode number {}",
    "docs": "The manual has a wrong sentence in chapter {}",
}


def make_rows(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [
        {"title": title.format(n), "body": "", "labels": [label], "number": 3 * n + k, **fields}
        for n in range(count)
        for k, (label, title) in enumerate(TITLES.items())
    ]


def write(path: Path, rows: Sequence[Any]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def read(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_newest_half_is_replayed_and_the_last_line_says_it_all(tmp_path: Path) -> None:
    result = run("backtest", "--file", write(tmp_path / "issues.jsonl", make_rows(40)))

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "All issues: 120 labelled issues, 60 replayed"
    sentence = result.stdout.rstrip().splitlines()[-1].strip()
    assert sentence == (
        "Of your last 60 issues, Tagline would have labelled 100 %, 100 % of them as you did."
    )


def test_the_json_has_figures_with_intervals_and_every_label(tmp_path: Path) -> None:
    report = read(run("backtest", "--json", "--file", write(tmp_path / "x", make_rows(40))))

    assert report["v"] == 1
    (repository,) = report["repositories"]
    assert (repository["issues"], repository["replayed"]) == (120, 60)
    (outcome,) = repository["runs"]
    assert (outcome["model"], outcome["cost_usd"], outcome["errors"]) == ("", 0, [])
    wilson = {"value": 1.0, "low": pytest.approx(0.940, abs=0.001), "high": 1.0, "of": 60}
    assert outcome["precision"] == wilson
    labels = {label["name"]: label for label in outcome["labels"]}
    assert set(labels) == set(TITLES)
    assert labels["bug"]["people"] == labels["bug"]["applied"] == 20
    assert labels["bug"]["apply_at"] >= 0.7


def test_with_a_split_what_is_learned_and_what_is_replayed_are_given(tmp_path: Path) -> None:
    rows = [
        *make_rows(15, split="train", repo="o/a"),
        *make_rows(4, split="test", repo="o/a"),
        *make_rows(15, split="train", repo="o/b"),
        *make_rows(2, split="test", repo="o/b"),
    ]
    file = tmp_path / "issues.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))

    report = read(run("backtest", "--json", "--file", file))

    found = [(x["repository"], x["learned_from"], x["replayed"]) for x in report["repositories"]]
    assert found == [("o/a", 45, 12), ("o/b", 45, 6)]
    assert report["mean"][0]["coverage"] == 1.0
    assert "Mean of 2 repositories" in run("backtest", "--file", file).stdout


def test_time_decides_what_came_before_not_the_order_of_the_file(tmp_path: Path) -> None:
    rows = make_rows(40)
    for n, row in enumerate(rows):
        row["created_at"] = f"2024-01-01T{n // 60:02}:{n % 60:02}:00Z"
    late = {**rows[0], "title": "Zebra is late", "created_at": "2025-01-01T00:00:00Z"}
    late["labels"] = ["feature"]

    report = read(run("backtest", "--json", "--file", write(tmp_path / "x", [late, *rows])))

    errors = report["repositories"][0]["runs"][0]["errors"]
    replayed = report["repositories"][0]["replayed"]
    assert replayed == 60
    assert all(error["title"] == "Zebra is late" for error in errors)


@pytest.mark.parametrize(
    "time",
    [float("nan"), float("inf"), 10**400, "soon", None, []],
    ids=["NaN", "infinite", "too large", "text", "null", "list"],
)
def test_an_issue_without_a_readable_time_is_the_oldest(tmp_path: Path, time: object) -> None:
    rows = [{"title": "x", "label": "bug", "labels": None, "created_at": time}]
    (one,) = read_labelled(str(write(tmp_path / "issues.jsonl", rows)))

    assert one.issue.labels == ("bug",)
    assert one.issue.created_at == 0.0


def test_where_no_issue_is_labelled_nothing_is_said_to_be_right(tmp_path: Path) -> None:
    rows = [{"title": f"Word{n}", "body": "", "label": f"topic {n}"} for n in range(20)]
    file = write(tmp_path / "issues.jsonl", rows)
    result, report = (
        run("backtest", "--file", file),
        read(run("backtest", "--json", "--file", file)),
    )

    sentence = result.stdout.rstrip().splitlines()[-1].strip()
    assert sentence == "Of your last 10 issues, Tagline would have labelled none."
    assert "- (no label was applied)" in result.stdout
    (outcome,) = report["repositories"][0]["runs"]
    assert (outcome["precision"]["value"], outcome["agreement"]["value"]) == (None, None)
    assert (report["mean"][0]["precision"], report["mean"][0]["coverage"]) == (None, 0.0)


def test_the_label_of_every_fallback_does_not_count(tmp_path: Path) -> None:
    config = tmp_path / "tagline.yml"
    config.write_text("fallback: {needs_review: look here}\n")
    rows = [*make_rows(40), {"title": "Odd", "body": "", "label": "look here"}]
    file = write(tmp_path / "issues.jsonl", rows)
    report = read(run("backtest", "--json", "--file", file, "--config", config))

    (outcome,) = report["repositories"][0]["runs"]
    assert outcome["agreement"]["value"] == 1.0
    assert "look here" not in [row["name"] for row in outcome["labels"]]


def test_issues_with_the_wrong_label_are_shown(tmp_path: Path) -> None:
    rows = make_rows(40)
    rows[-3]["labels"] = ["docs"]

    result = run("backtest", "--file", write(tmp_path / "x", rows))

    assert "#117 The window crashes on start in release 39" in result.stdout
    assert "bug; people: docs" in result.stdout


def test_pull_requests_and_unreadable_rows_are_left_out(tmp_path: Path) -> None:
    pulls = make_rows(5, is_pull=True)
    rows: list[Any] = [*make_rows(10), *pulls, "no issue"]

    result = run("backtest", "--json", "--file", write(tmp_path / "x", rows))

    assert read(result)["repositories"][0]["issues"] == 30
    assert "x, line 46: not an object with a title\n1 entry of " in result.stderr


def test_issues_of_no_split_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [*make_rows(10, split="train"), *make_rows(3, split="test"), *make_rows(2, split="dev")]

    result = run("backtest", "--json", "--file", write(tmp_path / "x", rows))

    assert read(result)["repositories"][0]["issues"] == 39
    assert 'Left out: 6 issues whose split is neither "train" nor "test".' in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["backtest"], "Give either REPO or --file."),
        (["backtest", "github:o/r", "--file", "one"], "Give either REPO or --file."),
        (["backtest", "github:o/r", "--labels", "one"], "--labels and --config need --file"),
        (["backtest", "--file", "one"], "too few labelled issues"),
        (["backtest", "--file", "none"], "has no issues"),
    ],
)
def test_what_cannot_be_replayed_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    write(tmp_path / "one", make_rows(10)[:1])
    write(tmp_path / "none", [])
    monkeypatch.chdir(tmp_path)

    result = run(*words)

    assert result.exit_code != 0
    assert message in result.output
    assert "Traceback" not in result.output


def test_labels_that_only_people_set_do_not_count(tmp_path: Path) -> None:
    rows = make_rows(20)
    for row in rows:
        row["labels"] = [*row["labels"], "wontfix", "good first issue"]

    report = read(run("backtest", "--json", "--file", write(tmp_path / "x", rows)))

    (outcome,) = report["repositories"][0]["runs"]
    assert {label["name"] for label in outcome["labels"]} == set(TITLES)
    assert outcome["recall"]["value"] == 1.0


@dataclass
class RecordingModel:
    """A language model that calls everything a bug. `prompts` are what it was asked."""

    prompts: list[tuple[str, str, str]] = field(default_factory=list)

    def complete(self, prompt: Prompt, call: ModelCall | None) -> ModelAnswer:
        assert call is not None
        assert (call.issue.labels, call.issue.type) == ((), "")
        self.prompts.append((prompt.system, prompt.user, json.dumps(prompt.schema)))
        reply = ParsedReply("The window crashes.", (LabelSuggestion("bug", "sure"),))
        return ModelAnswer(reply, Usage("recording", 10, 5, 0.001))


def make_issues(count: int) -> list[Issue]:
    return [
        Issue(
            ref=IssueRef("file", "", "", row["number"]),
            title=row["title"],
            body="",
            author="",
            is_bot=False,
            labels=tuple(row["labels"]),
            is_open=True,
            locked=False,
            confidential=False,
            is_pull_request=False,
            created_at=0.0,
        )
        for row in make_rows(count)
    ]


def answer_in_backtest(past: Sequence[Issue], recent: Sequence[Issue]) -> Answers:
    model = RecordingModel()
    material = make_split_material(
        "", [Label(name) for name in TITLES], RepoConfig(), (past, recent)
    )
    replay = Replay(material, lambda _: None)
    replay.learn()
    without, with_model = replay.run("", None, 1, None), replay.run("recording", model, 1, None)
    return [*without.cases, *with_model.cases], model.prompts


def answer_in_preview(past: Sequence[Issue], recent: Sequence[Issue]) -> Answers:
    model = RecordingModel()
    newest_first = [replace(x, ref=replace(REF, number=n)) for n, x in enumerate([*past, *recent])]
    current = replace(past[0], ref=REF)
    forge = FakeForge(current, tuple(map(Label, TITLES)), past=newest_first[::-1])
    options = [ComparisonOptions(len(recent), 0, service, "") for service in (None, model)]
    found = [compare_recent(forge, replace(REF, number=0), RepoConfig(), x) for x in options]
    cases = [each.case for comparison in found for each in comparison.issues]
    return cases, sorted(model.prompts)  # several threads ask


@pytest.mark.parametrize("answer", [answer_in_backtest, answer_in_preview])
def test_the_true_label_and_type_reach_no_feature_prompt_or_example(
    answer: Callable[[Sequence[Issue], Sequence[Issue]], Answers],
) -> None:
    """With other labels on the replayed issues, everything else is the same."""
    past, test = make_issues(20), make_issues(5)
    swapped = [
        replace(x, labels=("docs" if x.labels[0] == "bug" else "bug",), type="Task") for x in test
    ]
    (cases, prompts), (others, same_prompts) = answer(past, test), answer(past, swapped)

    assert [case.truth for case in cases] != [case.truth for case in others]
    without_truth = [(x.applied, x.suggested, x.ranking) for x in cases]
    assert without_truth == [(x.applied, x.suggested, x.ranking) for x in others]
    assert prompts == same_prompts
    assert len(prompts) == len(test)


def test_a_language_model_is_measured_with_its_cost() -> None:
    material = make_split_material(
        "", [Label(name) for name in TITLES], RepoConfig(), (make_issues(20), make_issues(5))
    )
    replay = Replay(material, lambda _: None)
    replay.learn()

    outcome = replay.run("recording", RecordingModel(), 1, None)

    assert outcome.totals.cost_usd == pytest.approx(0.015)
    assert all("bug" in case.applied or "bug" in case.suggested for case in outcome.cases)


def test_labels_are_learned_in_another_spelling_than_that_of_the_given_ones(tmp_path: Path) -> None:
    labels = write(tmp_path / "labels.json", [name.title() for name in TITLES])
    issues = write(tmp_path / "issues.jsonl", make_rows(40))
    report = read(run("backtest", "--json", "--file", issues, "--labels", labels))

    (outcome,) = report["repositories"][0]["runs"]
    assert [row["examples"] for row in outcome["labels"]] == [34, 33, 33]


def test_an_unknown_model_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_PROVIDER", "none")

    result = run("backtest", "--file", write(tmp_path / "x", make_rows(5)), "--model", "big-one")

    assert result.exit_code == 2
    assert "big-one" in result.output


def test_triage_learns_from_a_history(tmp_path: Path) -> None:
    history = write(tmp_path / "history", make_rows(20))
    issues = write(tmp_path / "issues", [{"title": "The manual has a wrong sentence in part two"}])

    with_history = read(run("triage", "--no-llm", "--json", "--file", issues, "--history", history))
    without = read(run("triage", "--no-llm", "--json", "--file", issues))

    found = [(label["name"], label["source"]) for label in with_history["labels"]]
    assert found == [("docs", "classifier")]
    assert without["source"] == "rules"


def test_a_history_without_labels_is_refused(tmp_path: Path) -> None:
    rows = [{"title": "A"}]
    history, issues = write(tmp_path / "history", rows), write(tmp_path / "issues", rows)

    result = run("triage", "--no-llm", "--file", issues, "--history", history)

    assert result.exit_code == 1
    assert "has no issues with labels to learn from" in result.output


def test_where_nothing_is_applied_no_share_of_right_labels_is_claimed(tmp_path: Path) -> None:
    rows = [{"title": f"Zeta {n}", "labels": [f"team-{n}"]} for n in range(20)]
    file = write(tmp_path / "x", rows)

    (outcome,) = read(run("backtest", "--json", "--file", file))["repositories"][0]["runs"]
    lines = run("backtest", "--file", file).stdout.splitlines()

    assert outcome["precision"] == {"value": None, "low": None, "high": None, "of": 0}
    assert (outcome["coverage"]["value"], outcome["agreement"]["value"]) == (0, None)
    assert "  labels that are right          - (no label was applied)" in lines
    assert lines[-2] == "  Of your last 10 issues, Tagline would have labelled none."
    names = "team-10, team-11, team-12, team-13, team-14, team-15, team-16, team-17 and 2 more"
    assert f"  Not learned, too rare: {names}" in lines


def test_labels_that_do_not_count_are_the_reason_why_there_is_nothing_to_replay(
    tmp_path: Path,
) -> None:
    rows = [{"title": f"Zeta {n}", "labels": ["wontfix"]} for n in range(20)]

    result = run("backtest", "--file", write(tmp_path / "x", rows))

    assert result.exit_code == 1
    assert "Left out: 20 whose labels do not count (labels about the work" in result.stdout


def test_models_are_compared_side_by_side() -> None:
    replay = Replay(make_material(), lambda _: None)
    replay.learn()
    runs = [replay.run(name, RecordingModel(), 1, None) for name in ("model-a", "model-b")]

    lines = list(format_report(build_report(replay, runs)))

    heading = next(line for line in lines if "in total" in line)
    assert heading.split() == ["in", "total", "(95", "%", "interval)", "model-a", "model-b"]
    bug = next(line.split() for line in lines if line.startswith("  bug "))
    assert bug[:2] == ["bug", "5"]
    assert bug[2:7] == bug[7:12], "the same figures for both"
    assert next(line.split() for line in lines if "cost" in line) == ["cost", "$0.0150", "$0.0150"]
    assert "Tagline with model-b would have labelled" in lines[-1]


def make_material(count: int = 5) -> Material:
    labels = [Label(name) for name in TITLES]
    return make_split_material("", labels, RepoConfig(), (make_issues(20), make_issues(count)))
