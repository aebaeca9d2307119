"""A model learns from labelled issues, and only what they show."""

from __future__ import annotations

from bot.core.types import Label
from bot.learn.codec import dump, load
from bot.learn.features import extract_features
from bot.learn.model import Example
from bot.learn.train import MIN_EXAMPLES, train

LABELS = (Label("bug"), Label("feature"), Label("printer"), Label("priority"))
CRASHES = ("The window crashes", "Crash on start", "It crashes when I save", "Crash in the menu")
WISHES = ("Please add a dark mode", "Add export to CSV", "Support for tabs", "Add a search field")


def make_history(rounds: int = 10) -> list[Example]:
    examples: list[Example] = []
    for n in range(rounds):
        for title, label in [*((x, "bug") for x in CRASHES), *((x, "feature") for x in WISHES)]:
            features = extract_features(f"{title} {n}", f"Seen in version {n}.")
            examples.append(Example(features, (label, "priority"), float(len(examples))))
    return examples


def test_a_model_applies_the_label_that_similar_issues_have() -> None:
    model = train(make_history(), LABELS, target=0.9, trained_at=0.0)

    crash = model.predict(extract_features("It crashes when I print", ""))
    wish = model.predict(extract_features("Please add a print button", ""))

    assert [(x.label, x.certainty != "unsure") for x in crash] == [("bug", True)]
    assert [(x.label, x.certainty != "unsure") for x in wish] == [("feature", True)]


def test_a_label_without_enough_issues_is_silent_and_says_why() -> None:
    model = train(make_history(), LABELS, target=0.9, trained_at=0.0)

    reasons = {label.name: label.why_silent for label in model.labels}
    assert reasons["printer"] == "no labelled issue has it"
    assert "work on an issue" in reasons["priority"]
    assert not reasons["bug"]
    few = train(make_history()[:MIN_EXAMPLES], LABELS, target=0.9, trained_at=0.0)
    assert "8 are needed" in {label.name: label.why_silent for label in few.labels}["bug"]


def test_a_model_survives_its_bytes() -> None:
    model = train(make_history(), LABELS, target=0.9, trained_at=5.0)
    features = extract_features("Crash after an update", "")

    loaded = load(dump(model))

    assert loaded is not None
    assert loaded == model
    assert loaded.predict(features) == model.predict(features)
    assert dump(train(make_history(), LABELS, target=0.9, trained_at=5.0)) == dump(model)
