"""Issues with labels that people chose → examples for a language model, or rows of a table.

`privacy.redact` applies to their texts as it does to a prompt.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bot.core.config.schema import RepoConfig
from bot.core.labels.issue_types import find_types
from bot.core.labels.names import fold
from bot.core.labels.process import is_process_label
from bot.core.prompt import MAX_LABELS, MAX_SUMMARY, Prompt
from bot.core.text.placeholders import is_summary
from bot.core.text.redact import redact
from bot.core.text.sanitize import to_one_line
from bot.core.types import Issue, Label
from bot.flow.enrich import list_usable_labels, prepare, redact_issue

COLUMNS = ("number", "title", "body", "labels")
LABEL_SEPARATOR = ";"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # of a cell that a spreadsheet may run


@dataclass(frozen=True, slots=True)
class Exporter:
    """Exports issues of a repository with these labels and issue types."""

    labels: Sequence[Label]
    config: RepoConfig
    types: Sequence[Label] = ()

    def list_labels(self, issue: Issue) -> tuple[str, ...]:
        """Return the issue's type and labels that the bot may set and that its text can show."""
        types = find_types(self.types, self.labels, self.config)
        choices = types.list_choices(list_usable_labels(self.labels, self.config))
        usable = {fold(choice.name) for choice in choices}
        return tuple(
            name
            for name in types.merge(issue).labels
            if fold(name) in usable and not is_process_label(name)
        )

    def make_example(self, issue: Issue) -> Mapping[str, Any] | None:
        """Return a conversation with the messages that Tagline sends and the right answer.

        https://platform.openai.com/docs/guides/supervised-fine-tuning. Returns None for an issue
        without a sentence for the summary, or without one of the labels that the prompt has.
        """
        material = prepare(issue, self.labels, self.config, types=self.types)
        request = material.build_prompt()
        summary = redact(
            to_one_line(material.extract_summary(), MAX_SUMMARY), self.config.privacy.redact
        )
        offered = _list_offered(request)
        labels = [name for name in self.list_labels(issue) if name in offered][:MAX_LABELS]
        if not labels or not is_summary(summary, issue.title):
            return None
        answer = {
            "summary": summary,
            "labels": [{"name": name, "certainty": "sure", "reason": ""} for name in labels],
        }
        contents = {
            "system": request.system,
            "user": request.user,
            "assistant": msgspec.json.encode(answer).decode(),
        }
        return {"messages": [{"role": role, "content": x} for role, x in contents.items()]}

    def make_row(self, issue: Issue) -> tuple[str, ...]:
        """Return the cells of `COLUMNS`. A spreadsheet runs none of them as a formula."""
        clean = redact_issue(issue, self.config.privacy.redact)
        labels = LABEL_SEPARATOR.join(self.list_labels(issue))
        texts = (clean.title, clean.body.replace("\r\n", "\n"), labels)
        return str(issue.ref.number), *(map(_protect, texts))


def _list_offered(request: Prompt) -> Collection[str]:
    """Return the labels that an answer to the prompt may have."""
    name = request.schema["properties"]["labels"]["items"]["properties"]["name"]
    return frozenset(name.get("enum", ()))


def _protect(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
