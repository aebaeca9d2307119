"""The part of the faked forge that has issue types, as GitHub."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace

from bot.core.errors import Forbidden
from bot.core.types import Issue, IssueRef, Label, LabelChange


class FakeTypes:
    """`types` are those of the repository, `type_changes` those of its issue, each a minute after
    the one before. With `drops_types` a type is accepted and not set."""

    current: Issue
    types: tuple[Label, ...]
    drops_types: bool
    type_changes: list[LabelChange]
    changes_from: float
    personal: bool
    writes: list[str]

    def _call(self, method: str, ref: IssueRef) -> AbstractContextManager[None]:
        raise NotImplementedError

    def list_types(self, ref: IssueRef) -> tuple[Label, ...]:
        with self._call("list_types", ref):
            return self.types

    def set_type(self, ref: IssueRef, name: str) -> bool:
        with self._call("set_type", ref):
            if self.drops_types:
                return False
            if name not in ("", *(one.name for one in self.types)):
                raise Forbidden(f"no type {name!r} (status 422)")
            self._change_type(name, own=True)
            self.writes.append("type")
        return True

    def list_type_changes(self, ref: IssueRef) -> tuple[LabelChange, ...]:
        with self._call("list_type_changes", ref):
            return tuple(self.type_changes)

    def person_sets_type(self, name: str) -> None:
        self._change_type(name, own=False)

    def _change_type(self, name: str, *, own: bool) -> None:
        at, by_bot = (
            self.changes_from + 60 * (len(self.type_changes) + 1),
            own and not self.personal,
        )
        for one, added in ((self.current.type, False), (name, True)):
            if one and self.current.type != name:
                self.type_changes.append(LabelChange(one, added, at, own, by_bot))
        self.current = replace(self.current, type=name)
