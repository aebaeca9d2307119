"""Finds labels that exclude each other, from the history."""

from __future__ import annotations

from collections.abc import Sequence

_MAX_SHARED = 0.05  # of a label's issues that have another label of the group
_MIN_EXPECTED = 3.0  # issues with both, if the labels had nothing to do with each other


def find_groups(history: Sequence[Sequence[str]], names: Sequence[str]) -> list[int]:
    """Return the number of each label's group, -1 for none; the most frequent labels come first."""
    holders = [{n for n, labels in enumerate(history) if name in labels} for name in names]
    groups: list[tuple[list[int], set[int]]] = []
    for k, own in enumerate(holders):
        for members, covered in groups:
            expected = len(own) * len(covered) / max(1, len(history))
            if expected >= _MIN_EXPECTED and len(own & covered) <= _MAX_SHARED * len(own):
                members.append(k)
                covered.update(own)
                break
        else:
            groups.append(([k], set(own)))
    numbers = [-1] * len(names)
    for number, (members, _) in enumerate(x for x in groups if len(x[0]) > 1):
        for k in members:
            numbers[k] = number
    return numbers
