"""The types of `tagline setup`: what is configured, its steps, and what prevents one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.core.errors import TaglineError

StepName = Literal["address", "host", "delivery", "model", "mode"]
StepState = Literal["done", "current", "open"]


class SetupProblem(TaglineError):
    """The person at the setup page acts: one sentence with its fix. Nothing was stored.

    `may_ignore` = the person may go on without correcting it.
    """

    def __init__(self, text: str, *, may_ignore: bool = False) -> None:
        super().__init__(text)
        self.may_ignore = may_ignore


@dataclass(frozen=True, slots=True)
class SetupState:
    """What of the configuration is in force, without secrets.

    `public_url` is "" and `poll_seconds` is not 0 where Tagline looks for issues itself. `hosts`
    maps a connected forge to a description; `verified` are those whose signature was verified since
    the start, `refused` those of which a wrong one arrived. `model` is "none" for rules only, ""
    while nothing was chosen.
    """

    public_url: str = ""
    poll_seconds: int = 0
    hosts: Mapping[str, str] = field(default_factory=dict)
    verified: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    install_url: str = ""
    model: str = ""
    mode: str = "apply"
    keeps: bool = True  # whether settings are stored; else they are shown once
    github_url: str = ""
    gitlab_url: str = ""
    local_url: str = ""
    repository: str = ""  # to propose for a preview
    waiting_for: str = ""  # the account for which GitHub registers an App now


@dataclass(frozen=True, slots=True)
class Step:
    """A step as the page lists it."""

    name: StepName
    title: str
    state: StepState
    result: str


@dataclass(frozen=True, slots=True)
class Registration:
    """A form that the browser sends to GitHub: its address and the App's manifest as JSON."""

    url: str
    manifest: str


@dataclass(frozen=True, slots=True)
class ManualHook:
    """The values of a webhook that a person has to create, because the token may not.

    `secret_field` is the name of the secret's field in the forge's form.
    """

    settings_url: str
    url: str
    secret_field: str
    secret: str


@dataclass(frozen=True, slots=True)
class PreviewedIssue:
    """The labels and the summary that an issue would get, and the labels that it has."""

    number: int
    title: str
    proposed: tuple[str, ...]
    actual: tuple[str, ...]
    summary: str


@dataclass(frozen=True, slots=True)
class SetupPreview:
    """What Tagline would do on the newest issues; `sentence` sums it up, `cost` is for a person."""

    repository: str
    sentence: str
    cost: str
    issues: tuple[PreviewedIssue, ...]
