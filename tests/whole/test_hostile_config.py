"""Issues are answered whatever the configuration file contains."""

from __future__ import annotations

import pytest

from tests.whole.app import App

HUGE = "language: de\n" + "# a comment\n" * 1_600_000


def test_a_first_file_of_17_mb_is_reported_and_labels_are_only_suggested(app: App) -> None:
    app.configure(HUGE)
    number = app.issue()
    (comment,) = app.comments(number)
    assert "keep the file under 64 KiB" in comment.body
    assert app.labels(number) == []


def test_a_limit_at_the_beginning_of_a_file_of_17_mb_is_applied(app: App) -> None:
    app.configure("mode: off\n" + HUGE)
    number = app.issue()
    assert (app.labels(number), app.comments(number)) == ([], [])


def test_the_log_contains_no_text_of_a_file_with_anchors(
    app: App, capfd: pytest.CaptureFixture[str]
) -> None:
    app.configure("labels:\n  describe:\n    bug: &mark x\n    docs: &mark forged-line\n")
    assert len(app.comments(app.issue())) == 1
    printed = app.lines.getvalue() + "".join(capfd.readouterr())
    assert "forged-line" not in printed
    assert "mark" not in printed.replace("marker", "")
