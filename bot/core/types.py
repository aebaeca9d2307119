"""The nouns of Tagline: what comes in, what is decided and what is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

JobKind = Literal["opened", "reopened", "edited", "manual", "heal"]
Certainty = Literal["sure", "likely", "unsure"]
Source = Literal["model", "rules"]
Fault = Literal["", "provider", "answer"]
Status = Literal[
    "writing",  # labels are about to be written; anything else is an end state
    "answered",
    "fallback",
    "skipped",
    "unchanged",
    "suggested",
    "dry-run",
    "quiet",
    "deleted",
]


@dataclass(frozen=True, slots=True)
class IssueRef:
    """Where an issue lives. `repo_id` and `account` are 0 and "" until the forge has told them.

    With a `repo_id`, `repo` is for people to read: a delivery may have it wrong, or "".
    """

    forge: str
    host: str
    repo: str
    number: int
    repo_id: int = 0
    account: str = ""

    @property
    def repo_key(self) -> str:
        """One text per repository that survives its rename."""
        return f"{self.forge}:{self.host}:{self.repo_id or self.repo.lower()}"

    @property
    def key(self) -> str:
        """One text per issue that survives a rename of its repository."""
        return f"{self.repo_key}:{self.number}"

    @property
    def place_key(self) -> str:
        """One text per repository and account: a delivery may be wrong about the account."""
        return f"{self.repo_key} {self.account}".rstrip()

    @property
    def account_key(self) -> str:
        """One text per account whose requests a forge counts together."""
        return f"{self.forge}:{self.host}:{self.account}"

    def __str__(self) -> str:
        return f"{self.forge}:{self.repo or self.repo_id}#{self.number}"


@dataclass(frozen=True, slots=True)
class Rate:
    """How many comments a forge takes from one account in any minute and any hour."""

    per_minute: int
    per_hour: int


@dataclass(frozen=True, slots=True)
class Job:
    """One reason to look at an issue. `received_at` is in seconds since the epoch."""

    id: str
    kind: JobKind
    ref: IssueRef
    received_at: float


@dataclass(frozen=True, slots=True)
class Ignored:
    """An authentic delivery that asks for nothing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Label:
    """A repository's label. `settable` is False where the forge's API cannot name it."""

    name: str
    description: str = ""
    settable: bool = True


@dataclass(frozen=True, slots=True)
class Whole:
    """What the whole text of an issue told, of which only a part is kept.

    `input` is the fingerprint of title and body, `words` how many they have, counted up to
    `bounded.COUNTED`; `cut` is how many characters are missing between the body's head and tail.
    """

    input: str
    words: int
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue as the forge shows it now. `created_at` is in seconds since the epoch.

    `commented` = there are comments, or the forge does not say. `whole` is None where `body` is all
    of it.
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
    commented: bool = True
    whole: Whole | None = None


@dataclass(frozen=True, slots=True)
class OwnComment:
    """A comment of ours."""

    id: int
    body: str


@dataclass(frozen=True, slots=True)
class LabelSuggestion:
    """A label that the model or a rule names, with its reason in plain text."""

    label: str
    certainty: Certainty
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one enrichment cost: the model, tokens, US dollars (None where no price is known)."""

    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float | None = 0.0


@dataclass(frozen=True, slots=True)
class LabelDecision:
    """The label policy's answer: what is written, what is only said, what we set before.

    `remove` are labels that rules had set and the model did not choose.
    """

    apply: tuple[LabelSuggestion, ...] = ()
    suggest: tuple[str, ...] = ()
    keep: tuple[LabelSuggestion, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Enrichment:
    """A summary (plain text, not yet escaped) and labels, where they are from, and why.

    `labels_usable` is False where the repository has no label that may be applied. `fault` is what
    kept a model from answering and may pass: its provider, or this one answer.
    """

    summary: str
    label_decision: LabelDecision
    source: Source
    why: str = ""
    fault: Fault = ""
    labels_usable: bool = True
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An issue whose answer also fits another of the same text: its number and labels."""

    number: int
    choices: tuple[LabelSuggestion, ...]


@dataclass(frozen=True, slots=True)
class Marker:
    """What the hidden line of our comment remembers."""

    labels: tuple[str, ...]
    prompt: str
    source: str
    input: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All that will be written. `comment` is None where nothing is to be said."""

    ref: IssueRef
    add_labels: tuple[str, ...]
    comment: str | None
    marker: Marker
    remove_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """An issue that fell back waits for a model: since when (seconds since the epoch), how many
    tries failed, and how many answers of the model anybody had got by the last of them."""

    since: float
    tries: int
    answers: int


@dataclass(frozen=True, slots=True)
class Record:
    """What Redis remembers of an issue: ids, label names and reasons, never its text.

    `labels` are those we added, `removed` those of them that a person took off again, `by_rules`
    those that a model's answer may still take off.
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one job ended."""

    job: Job
    record: Record
    plan: Plan | None = None
    enrichment: Enrichment | None = None
