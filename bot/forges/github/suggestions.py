"""GitHub's issue suggestions: changes that wait until a person accepts or dismisses them.

A public preview, which a repository may have switched off.
https://docs.github.com/en/rest/issues/issues#list-issue-suggestions
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from bot.core.errors import PermanentError
from bot.core.types import Certainty, HeldSuggestion, IssueRef, LabelSuggestion
from bot.forges.cache import RepositoryCache
from bot.forges.github.paths import ISSUE
from bot.forges.github.repository_requests import RepositoryRequests
from bot.forges.values import text, timestamp

DAY_SECONDS = 86_400
CONFIDENCE: Mapping[Certainty, str] = {"sure": "high", "likely": "medium", "unsure": "low"}
PATH = ISSUE + "/suggestions"
ACTIONS = {"add_label": False, "set_type": True}  # whether it is about the type


class Suggestions:
    """`label_names` and `type_names` are the names of labels and types by GitHub's ids;
    `list_labels` and `list_types` put them there.
    """

    def __init__(
        self,
        api: RepositoryRequests,
        list_labels: Callable[[IssueRef], object],
        list_types: Callable[[IssueRef], object],
    ) -> None:
        self._call, self._list_pages = api.call, api.list_pages
        self._list_labels, self._list_types = list_labels, list_types
        self._works = RepositoryCache(self._probe, DAY_SECONDS)
        self.label_names = RepositoryCache(_know_no_names, DAY_SECONDS)
        self.type_names = RepositoryCache(_know_no_names, DAY_SECONDS)

    def work(self, ref: IssueRef) -> bool:
        """Return whether the repository takes suggestions; asked once a day."""
        return self._works.get(ref)

    def list(self, ref: IssueRef, state: str) -> tuple[HeldSuggestion, ...]:
        """Return the suggestions of labels and types; none where they are off by now."""
        try:
            listed = [*self._list_pages(PATH, ref, state=state)]
        except PermanentError:
            self._works.put(ref, False)
            return ()
        actions = {one.get("action") for one in listed}
        if "add_label" in actions and self.label_names.peek(ref) is None:
            self._list_labels(ref)
        if "set_type" in actions and self.type_names.peek(ref) is None:
            self._list_types(ref)
        labels, types = self.label_names.peek(ref) or {}, self.type_names.peek(ref) or {}
        return tuple(
            HeldSuggestion(
                id=int(one["id"]),
                name=name,
                is_type=is_type,
                state=text(one.get("state")),
                reason=text(one.get("rationale")),
                at=timestamp(one.get("updated_at")),
            )
            for one in listed
            if (is_type := ACTIONS.get(str(one.get("action")))) is not None
            and (name := (types if is_type else labels).get(one.get("target_id")))
        )

    def dismiss(self, ref: IssueRef, suggestion: int) -> None:
        """Dismiss a suggestion, unless a person has decided on it."""
        with suppress(PermanentError):
            self._call("POST", PATH + "/{id}/dismiss", ref, {"id": suggestion})

    def _probe(self, ref: IssueRef) -> bool:
        try:
            self._call("GET", PATH, ref)
        except PermanentError:
            return False
        return True


def encode(suggestion: LabelSuggestion, key: str) -> dict[str, object]:
    """Return a suggestion as a request has it, with its name at `key`."""
    content: dict[str, object] = {key: suggestion.label, "suggest": True}
    content["confidence"] = CONFIDENCE[suggestion.certainty]
    return content | ({"rationale": suggestion.reason} if suggestion.reason else {})


def _know_no_names(_: IssueRef) -> Mapping[object, str]:
    return {}
