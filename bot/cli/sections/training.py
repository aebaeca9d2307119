"""What was learned from a repository's history, and why something was not."""

from __future__ import annotations

from bot.cli.sections.section import Repository, Row, Section
from bot.cli.terminal import format_time
from bot.core.text.numbers import format_count, format_share
from bot.core.training import TrainingState
from bot.flow.classify import MIN_HISTORY
from bot.flow.schedule_training import find_pause
from bot.learn import codec
from bot.learn.model import RepositoryModel

SWITCHED_OFF = "learn.from_history is false"


def show_training(repository: Repository) -> Section:
    """Return when the repository's classifier was trained and will be, or why it was not."""
    state = repository.store.training.training_state(repository.ref.repo_key)
    rows = [] if state is None else [_describe_training(repository, state)]
    return Section(
        "training",
        "Learned from this repository's history",
        rows,
        ("trained", "from", "next training", ""),
        _format_training,
        "Not trained yet: that begins within minutes of the first delivery that a worker processes."
        " Repositories take turns: one is trained at a time."
        if repository.in_force.config.learn.from_history
        else f"Not trained: {SWITCHED_OFF}.",
    )


def _describe_training(repository: Repository, state: TrainingState) -> Row:
    """Return the JSON; `next_at` is None where a training has begun, is due or is switched off."""
    return {
        "status": state.status,
        "trained_at": state.trained_at or None,
        "examples": state.examples,
        "read": state.read,
        "next_at": _find_next(repository, state),
        "why_not": _explain_training(repository, state),
    }


def _find_next(repository: Repository, state: TrainingState) -> float | None:
    if not repository.in_force.config.learn.from_history:
        return None
    if state.status == "waiting":
        return state.retry_at
    return state.ended_at + find_pause(state) if state.status in ("trained", "skipped") else None


def _explain_training(repository: Repository, state: TrainingState) -> str:
    """Return why the last training gave no classifier, or why it is not used; else ""."""
    if not repository.in_force.config.learn.from_history:
        return SWITCHED_OFF
    if state.status == "waiting":
        return f"waits: {state.why}"
    if state.status != "trained":
        return state.why
    gone = not repository.store.training.model_version(repository.ref.repo_key)
    return "the classifier is lost and is trained again" if gone else ""


def _format_training(row: Row) -> tuple[str, ...]:
    at = format_time(row["trained_at"]) if row["trained_at"] else "never"
    examples = f"{format_count(row['examples'], 'issue')} with labels, of {row['read']:,} read"
    other = "-" if row["why_not"] == SWITCHED_OFF else "due"
    following = format_time(row["next_at"]) if row["next_at"] else other
    return at, examples if row["trained_at"] else "-", following, row["why_not"]


def show_learned(repository: Repository) -> Section:
    """Return what the classifier has learned of each label, or why it says nothing about it."""
    data = repository.store.training.model(repository.ref.repo_key)
    model = codec.load(data) if data and repository.in_force.config.learn.from_history else None
    learned = sorted(model.labels, key=lambda x: (bool(x.why_silent), -x.examples)) if model else ()
    rows = [
        {
            "label": one.name,
            "examples": one.examples,
            "apply_at": one.apply_at,
            "precision": one.precision,
            "coverage": one.coverage,
            "why_not_applied": one.explain(model.target if model else 0.0),
        }
        for one in learned
    ]
    return Section(
        "learned",
        "Labels that the classifier knows, as measured on issues that were held out",
        rows,
        ("label", "issues", "applied from", "precision", "coverage", "not applied because"),
        _format_learned,
        "None.",
        "A label is applied where its probability reaches the threshold from which it was right"
        " often enough (labels.precision in tagline.yml); coverage is the share of its issues that"
        f" get it then.{_explain_unused(model)}{_explain_target(repository, model)}",
    )


def _explain_unused(model: RepositoryModel | None) -> str:
    """Return a sentence where rules only suggest labels that nobody uses, else ""."""
    if model is None or model.examples < MIN_HISTORY or all(x.examples for x in model.labels):
        return ""
    return f" A label that none of {model.examples:,} labelled issues has, rules only suggest."


def _explain_target(repository: Repository, model: RepositoryModel | None) -> str:
    """Return a sentence where the classifier was trained for another precision, else ""."""
    wanted = repository.in_force.config.labels.precision
    if model is None or model.target == wanted:
        return ""
    return (
        f" These figures are for {format_share(model.target)}; labels.precision is"
        f" {format_share(wanted)} now, and the classifier is trained again after the next issue."
    )


def _format_learned(row: Row) -> tuple[str, ...]:
    cells = map(format_share, (row["apply_at"], row["precision"], row["coverage"]))
    return row["label"], str(row["examples"]), *cells, row["why_not_applied"]
