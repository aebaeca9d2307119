"""How the simulated forges treat labels."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelRules:
    """How a forge treats labels. `scoped`: `key::value` replaces another value of its key.

    `joined`: a change of several labels is one event.
    """

    fold_case: bool = True
    scoped: bool = False
    joined: bool = False


GITHUB = LabelRules()
GITLAB = LabelRules(fold_case=False, scoped=True, joined=True)


def find_scope(label: str) -> str:
    """Return the key of `key::value`, up to the last pair of colons; empty for none."""
    return label.rpartition("::")[0]
