"""The types that more than one package uses."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Literal

from bot.core.commands import CommandName, CommandState
from bot.core.text.stats import TextStats

JobKind = Literal[
    "opened",
    "reopened",
    "edited",
    "manual",  # a person runs `tagline enrich`
    "backfill",  # a person asks for labels on the issues of the past
    "heal",  # a model is asked again for an issue that got labels from rules
    "labels",  # people changed labels of an issue
    "command",  # a comment has commands
    "missing",  # the author may have given what the report lacked
    "closed",  # a person closed an issue, maybe as a duplicate
    "redo",  # the part of such a job that asks a model again
    "train",  # a repository's own labels are learned; its issue number is 0
    "forget",  # an account's repositories may be out of reach; the reference has the account alone
]
Certainty = Literal["sure", "likely", "unsure"]
Source = Literal["model", "classifier", "rules"]
# A model may replace their comment and labels.
PROVISIONAL_SOURCES = frozenset[str]({"classifier", "rules"})
Fault = Literal["", "provider", "answer"]
ModelSetting = Literal["", "key", "model", "url"]  # of a language model
Status = Literal[
    "writing",  # labels are about to be written; anything else is an end state
    "answered",  # a comment, by a model or by rules
    "quiet",  # labels by a model, and no comment
    "fallback",  # labels by rules, and no comment
    "suggested",  # a comment that only proposes labels
    "skipped",  # nothing may be written, or the comment was refused
    "unchanged",  # written before
    "dry-run",
    "deleted",  # a person deleted the comment
    "recorded",  # of a job alone: what people did with labels or older issues was recorded
    "trained",  # of a job alone: a repository has a new classifier
    "executed",  # of a job alone: commands in a comment were carried out
    "updated",  # of a job alone: the comment asks for less than before
    "forgotten",  # of a job alone: what was stored of repositories is removed
]


@dataclass(frozen=True, slots=True)
class IssueRef:
    """The address of an issue; with `number` 0, of a repository.

    `repo_id` and `account` are 0 and "" until the forge has given them. With a `repo_id`, `repo` is
    only shown to people: a delivery may have an old name, or none.
    """

    forge: str
    host: str
    repo: str
    number: int
    repo_id: int = 0
    account: str = ""

    @property
    def repo_key(self) -> str:
        """Return a key for the repository that survives a rename."""
        return f"{self.forge}:{self.host}:{self.repo_id or self.repo.lower()}"

    @property
    def key(self) -> str:
        """Return a key for the issue that survives a rename of its repository."""
        return f"{self.repo_key}:{self.number}"

    @property
    def repo_account_key(self) -> str:
        """Return a key for the repository and account: a delivery may name a wrong account."""
        return f"{self.repo_key} {self.account}".rstrip()

    @property
    def account_key(self) -> str:
        """Return a key for the account whose requests the forge's rate limits count together."""
        return f"{self.forge}:{self.host}:{self.account}"

    @property
    def repo_name(self) -> str:
        """Return the repository as people write it: `github:owner/name`, its id without a name."""
        return f"{self.forge}:{self.repo or self.repo_id}"

    def __str__(self) -> str:
        return f"{self.repo_name}#{self.number}"


@dataclass(frozen=True, slots=True)
class Rate:
    """The number of comments that a forge accepts from one account per minute and per hour."""

    per_minute: int
    per_hour: int


@dataclass(frozen=True, slots=True)
class Job:
    """A task for one issue. `id` is the delivery's; `received_at` is in seconds since the epoch.

    `comment` is the id of a comment with `commands`.
    """

    id: str
    kind: JobKind
    ref: IssueRef
    received_at: float
    comment: int = 0
    commands: tuple[CommandName, ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """A label of a repository. `settable` is False where the forge's API cannot address it."""

    name: str
    description: str = ""
    settable: bool = True


# An older one gets no answer to its events, except to a change of its labels.
MAX_ISSUE_AGE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue as the forge returns it now; its times are in seconds since the epoch.

    `comments` is their number, 1 where the forge gives none. `text_stats` is None until
    `bound_body` has run. `other_type` is the type of a work item that is not one of those
    which count as issues, "" for an issue. `handled` is True where a person has closed or assigned
    it, or has set its milestone. `type` is the name of GitHub's issue type, "" without one.
    """

    ref: IssueRef
    title: str
    body: str
    author: str
    is_bot: bool
    labels: tuple[str, ...]
    is_open: bool
    locked: bool
    confidential: bool
    is_pull_request: bool
    created_at: float
    comments: int = 1
    text_stats: TextStats | None = None
    other_type: str = ""
    handled: bool = False
    type: str = ""
    updated_at: float = 0.0


@dataclass(frozen=True, slots=True)
class OwnComment:
    """A comment that the bot wrote."""

    id: int
    body: str


@dataclass(frozen=True, slots=True)
class LabelSuggestion:
    """A label that a labeller chose, its reason in plain text, and the classifier's probability."""

    label: str
    certainty: Certainty
    reason: str = ""
    source: Source = "model"
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """The cost of one answer: model, tokens and US dollars (None where the price is unknown)."""

    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float | None = 0.0


@dataclass(frozen=True, slots=True)
class LabelDecision:
    """The result of the label policy, or of the one for issue types.

    `apply` are labels to set, `suggested` those that the comment only mentions, `keep` labels that
    the bot set before and that still hold, `remove` labels that rules set and the model did not
    choose. `demoted` are the names of suggested labels that people removed too often, `withheld`
    those of labels to set that are not suggested where they cannot be set.
    """

    apply: tuple[LabelSuggestion, ...] = ()
    suggested: tuple[LabelSuggestion, ...] = ()
    keep: tuple[LabelSuggestion, ...] = ()
    remove: tuple[str, ...] = ()
    demoted: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()

    @property
    def suggest(self) -> tuple[str, ...]:
        """Return the names of the suggested labels."""
        return tuple(label.label for label in self.suggested)

    def with_only(self, names: Collection[str]) -> LabelDecision:
        """Return the decision where only these labels may be set: the others are suggested."""
        kept = tuple(label for label in self.apply if label.label in names)
        excluded = {*names, *self.withheld}
        others = (label for label in self.apply if label.label not in excluded)
        suggested = {label.label: label for label in (*others, *self.suggested)}
        return replace(self, apply=kept, suggested=tuple(suggested.values()))


class FromSource:
    """Has a `source`. Text and labels from rules are provisional: a model's may replace them."""

    __slots__ = ()
    source: str

    @property
    def by_model(self) -> bool:
        return self.source == "model"

    @property
    def provisional(self) -> bool:
        return self.source in PROVISIONAL_SOURCES


@dataclass(frozen=True, slots=True)
class Marker(FromSource):
    """The content of the hidden line in the bot's comment. `type` is the type that the bot set."""

    labels: tuple[str, ...]
    prompt: str
    source: str
    input: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """An issue with fallback labels waits for a model.

    `since` is in seconds since the epoch, `tries` counts failed tries, and `answers` is the number
    of answers that the models had given to all workers at the last of them.
    """

    since: float
    tries: int
    answers: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A label or type that the bot set or, unless `applied`, suggested in its comment."""

    label: str
    source: Source
    certainty: Certainty
    applied: bool = True
    score: float | None = None


@dataclass(frozen=True, slots=True)
class HeldSuggestion:
    """A label or type that the forge holds until a person decides; id and state are the forge's.

    `reason` is the text that came with it, "" where it is stored. `at` is when the state was last
    changed, in seconds since the epoch, 0 where that is not known.
    """

    id: int
    name: str
    is_type: bool = False
    state: str = "pending"
    reason: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class LabelChange:
    """A label or type that was added to an issue, or removed from it, as the forge reports it.

    `at` is in seconds since the epoch. `own` is True for the bot's account, which may be a person's
    with a personal token; `by_bot` for an account of a program.
    """

    name: str
    added: bool
    at: float
    own: bool = False
    by_bot: bool = False


@dataclass(frozen=True, slots=True)
class Record(FromSource):
    """The stored state of an issue: ids, label names and reasons, never its text.

    `labels` are those that the bot added, `removed` those of them that a person removed, `by_rules`
    those that a model's answer may still remove. `choices` are the source and the certainty of what
    it added and suggested. `type` is the issue type that it set or suggested; `type_by_rules` is
    True while a model's answer may still replace it. `held` are its suggestions on the forge whose
    end is not recorded yet, `declined` those that people dismissed. `commands` is what people told
    it in comments, `usage` the cost of the latest answer, `related` the numbers of the older issues
    that its comment names.
    """

    status: Status
    why: str = ""
    labels: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    by_rules: tuple[str, ...] = ()
    comment_id: int = 0
    input: str = ""
    source: str = ""
    delivery: str = ""
    wait: Wait | None = None
    choices: tuple[Choice, ...] = ()
    type: Choice | None = None
    type_by_rules: bool = False
    held: tuple[HeldSuggestion, ...] = ()
    declined: tuple[HeldSuggestion, ...] = ()
    commands: CommandState = field(default_factory=CommandState)
    usage: Usage = Usage()
    missing: int = 0  # items that the comment asks for
    related: tuple[int, ...] = ()

    @property
    def has_decided(self) -> bool:
        """Return whether the bot has chosen labels; a skipped issue's record has no `input`."""
        return bool(self.input)
