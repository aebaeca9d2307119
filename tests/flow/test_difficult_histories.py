"""What is learned from histories that teach little or contradict themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bot.core.types import Issue, Label
from tests.flow.training_case import LABELS, Case
from tests.history import make_history


def with_labels(issues: Sequence[Issue], name: Callable[[int], str]) -> list[Issue]:
    return [replace(issue, labels=(name(issue.ref.number),)) for issue in issues]


@pytest.mark.parametrize(
    ("past", "applied"),
    [
        pytest.param(with_labels(make_history(400), lambda n: f"l{n}"), set(), id="400 labels"),
        pytest.param(
            with_labels(make_history(120), lambda n: ("bug", "regression")[n // 6 % 2]),
            set(),
            id="labels that contradict each other",
        ),
        pytest.param(
            [replace(x, title="", body="") for x in make_history(60)], set(), id="no text"
        ),
        pytest.param(
            make_history(
                90,
                {
                    "bug": "{n} の画面で例外が発生して落ちる",
                    "regression": "{n} версия стала медленнее после обновления",
                    "documentation": "{n} 文档缺少安装说明",
                },
            ),
            {"bug", "regression", "documentation"},
            id="other languages",
        ),
    ],
)
def test_a_difficult_history_teaches_what_it_can(past: list[Issue], applied: set[str]) -> None:
    case = Case(past)
    case.forge.repository = (*LABELS, *(Label(f"l{n}") for n in range(1, 401)))
    assert case.train().record.status == "trained"
    assert set(case.learned) == applied
    assert case.model
    silent = [label for label in case.model.labels if label.apply_at is None]
    assert all(label.why_silent or label.suggest_at is not None for label in silent)
