"""The steps of a training run in a process of their own; its end is never an error of a thread."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.errors import Postponed, TrainingFailed
from bot.core.types import Issue, Label
from bot.learn.codec import load
from bot.learn.features import extract_features
from bot.learn.packing import unpack_examples
from bot.queue import trainer
from bot.queue.trainer import ProcessTrainer
from tests.fakes import NOW, make_issue


def issues(count: int = 40) -> list[Issue]:
    """Return issues of two labels, which their titles tell apart."""
    kinds = (("The {} screen crashes", "bug"), ("Please add a {} theme", "feature"))
    return [
        replace(make_issue(kinds[n % 2][0].format(f"w{n}"), "Text.", [kinds[n % 2][1]]))
        for n in range(count)
    ]


def python(code: str) -> ProcessTrainer:
    """Return a trainer whose process runs this code."""
    return ProcessTrainer(lambda _: [sys.executable, "-c", code])


@pytest.fixture
def working() -> ProcessTrainer:
    return ProcessTrainer(lambda command: command)


def test_a_model_is_learned_from_pages_of_issues(working: ProcessTrainer) -> None:
    pages = [working.extract(issues()[:20]), working.extract(issues()[20:])]
    examples = unpack_examples(pages[0])
    assert examples is not None
    assert [example.labels for example in examples[:2]] == [("bug",), ("feature",)]
    assert examples[0].features == extract_features("The w0 screen crashes", "Text.")
    model = load(working.fit(pages, [Label("bug"), Label("feature")], 0.9, NOW))
    assert model is not None
    assert (model.examples, model.trained_at, model.target) == (40, NOW, 0.9)
    best, _ = model.rank(extract_features("Please add a dark theme", "Text."))[0]
    assert best == "feature"


def test_a_package_of_the_same_name_in_the_present_directory_is_not_run(
    working: ProcessTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "__init__.py").write_text("raise SystemExit('another package')")
    monkeypatch.chdir(tmp_path)
    assert unpack_examples(working.extract(issues())) is not None


def test_examples_hold_no_readable_text(working: ProcessTrainer) -> None:
    examples = unpack_examples(working.extract([make_issue("Zebra", "Secret giraffe", ["bug"])]))
    assert "zebra" not in repr(examples).lower()
    assert "giraffe" not in repr(examples).lower()


def test_damaged_pages_are_left_out(working: ProcessTrainer) -> None:
    page = working.extract(issues())
    assert unpack_examples(page[:-9]) is None
    model = load(working.fit([b"", page[:-9], page], [Label("bug")], 0.9, NOW))
    assert model is not None
    assert model.examples == 40


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os; os.kill(os.getpid(), 9)", "was killed (signal 9)"),
        ("import nothing_of_this_name", "failed: ModuleNotFoundError"),
        ("import sys; sys.exit(3)", "failed: ?"),
    ],
)
def test_a_process_that_ends_badly_is_a_reason(code: str, why: str) -> None:
    with pytest.raises(TrainingFailed) as failed:
        python(code).extract(issues())
    assert why in str(failed.value)


def test_the_reason_has_no_values_of_the_issues(working: ProcessTrainer) -> None:
    broken = replace(make_issue("Zebra"), created_at="yesterday")  # type: ignore[arg-type]
    with pytest.raises(TrainingFailed) as failed:
        working.extract([broken])
    assert "ValidationError in extract" in str(failed.value)
    assert "Zebra" not in str(failed.value)


def test_a_process_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "EXTRACT_SECONDS", 0.2)
    with pytest.raises(TrainingFailed, match="ran longer than"):
        python("import time; time.sleep(60)").extract(issues())


def test_a_process_that_cannot_start_is_a_reason() -> None:
    with pytest.raises(TrainingFailed, match="does not start"):
        ProcessTrainer(lambda _: ["/nowhere/python"]).extract(issues())


def test_a_worker_that_stops_ends_the_process_and_tries_again_later() -> None:
    slow = python("import time; time.sleep(60)")
    threading.Timer(0.3, slow.stop).start()
    started = time.monotonic()
    with pytest.raises(Postponed):
        slow.extract(issues())
    assert time.monotonic() - started < 10
    with pytest.raises(Postponed):
        slow.extract(issues())


def test_the_process_has_the_lowest_priority_and_no_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    code = "import os, sys; sys.stdout.write(repr(dict(os.environ)))"
    assert b"secret" not in python(code).extract(issues())
    main = "from bot.queue import trainer_process as t; import os, sys"
    code = f"{main}; t.STEPS = {{'nice': lambda _: b'%d' % os.nice(0)}}; t.main('nice')"
    assert int(python(code).extract(issues())) == max(os.nice(0), 19)
