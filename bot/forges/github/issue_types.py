"""The issue types of a repository and of an issue on GitHub.

https://docs.github.com/en/rest/repos/issue-types
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.errors import PermanentError
from bot.core.types import IssueRef, Label
from bot.forges.cache import RepositoryCache
from bot.forges.github.issue import read_label_name
from bot.forges.github.paths import ISSUE, REPO
from bot.forges.github.repository_requests import RepositoryRequests
from bot.forges.values import require_objects, text

TYPES_SECONDS = 300


class IssueTypes:
    """`names` gets the names by id."""

    def __init__(
        self, api: RepositoryRequests, names: RepositoryCache[Mapping[object, str]]
    ) -> None:
        self._call, self._names = api.call, names
        self._cache = RepositoryCache(self._fetch, TYPES_SECONDS)

    def list(self, ref: IssueRef) -> tuple[Label, ...]:
        return self._cache.get(ref)

    def set(self, ref: IssueRef, name: str) -> bool:
        """Set an issue's type and return whether it has it then.

        GitHub answers 200 without any change where the right to set it is missing. A request with
        more than the type could replace labels.
        """
        try:
            data = self._call("PATCH", ISSUE, ref, data={"type": name or None})
        except PermanentError:
            self._cache.discard(ref, self._cache.get(ref))  # it may be renamed or disabled
            raise
        now = read_label_name(data.get("type")) if isinstance(data, dict) else None
        return now is not None and now.casefold() == name.casefold()

    def _fetch(self, ref: IssueRef) -> tuple[Label, ...]:
        """Return the types that are enabled; none where there are none, as for a user's own."""
        try:
            data = self._call("GET", REPO + "/issue-types", ref)
        except PermanentError:
            return ()
        listed = require_objects("GitHub", data)
        self._names.put(ref, {one.get("id"): text(one.get("name")) for one in listed})
        return tuple(
            Label(name, text(one.get("description")))
            for one in listed
            if one.get("is_enabled") is not False and (name := text(one.get("name")))
        )
