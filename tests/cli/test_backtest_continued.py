"""`tagline backtest` continues where it was stopped."""

from __future__ import annotations

from pathlib import Path

from bot.cli.checkpoint import MAX_AGE_SECONDS, Checkpoint
from bot.cli.replay import Replay
from tests.cli.test_backtest import RecordingModel, make_material


def test_a_backtest_that_was_stopped_asks_a_model_only_for_the_other_issues(tmp_path: Path) -> None:
    stopped = Replay(make_material(), lambda _: None, Checkpoint(tmp_path))
    stopped.learn()
    expected = stopped.run("recording", RecordingModel(), 1, None)
    saved = sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_size)
    assert len(saved) == 1 + len(expected.cases), "the classifier and an answer for each issue"
    for path in saved[:4]:
        path.unlink()

    checkpoint, model = Checkpoint(tmp_path), RecordingModel()
    continued = Replay(make_material(), lambda _: None, checkpoint)
    continued.learn()
    outcome = continued.run("recording", model, 1, None)

    assert outcome.cases == expected.cases
    assert outcome.totals == expected.totals
    assert (len(model.prompts), checkpoint.loaded) == (4, len(saved) - 4)
    checkpoint.delete()
    assert not list(tmp_path.iterdir())


def test_what_a_stopped_backtest_leaves_has_no_text_of_issues(tmp_path: Path) -> None:
    replay = Replay(make_material(), lambda _: None, Checkpoint(tmp_path / "new"))
    replay.learn()
    replay.run("recording", RecordingModel(), 1, None)

    left = b"".join(path.read_bytes() for path in (tmp_path / "new").iterdir())
    assert left
    assert b"window" not in left
    assert b"release" not in left


def test_a_damaged_or_an_outdated_result_is_computed_again(tmp_path: Path) -> None:
    first = Replay(make_material(), lambda _: None, Checkpoint(tmp_path))
    first.learn()
    expected = first.run("recording", RecordingModel(), 1, None)
    for path in tmp_path.iterdir():
        path.write_bytes(b"damaged")

    again, model = Replay(make_material(), lambda _: None, Checkpoint(tmp_path)), RecordingModel()
    again.learn()

    assert again.run("recording", model, 1, None).cases == expected.cases
    assert len(model.prompts) == len(expected.cases)


def test_results_that_nobody_used_for_a_week_are_deleted(tmp_path: Path) -> None:
    Checkpoint(tmp_path).save("old", b"x")
    at = (tmp_path / "old").stat().st_mtime

    Checkpoint(tmp_path).delete_old(at + MAX_AGE_SECONDS - 1)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    Checkpoint(tmp_path).delete_old(at + MAX_AGE_SECONDS + 1)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    checkpoint = Checkpoint(tmp_path / "file" / "folder")

    checkpoint.save("key", b"x")

    assert checkpoint.load("key") is None
