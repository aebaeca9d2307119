"""One file for a whole organisation or group; a repository's own wins as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.whole.app import LABELS, App

HOLDERS = {"github": ".github", "gitlab": ".gitlab"}
_numbers = count(1)


class Organisation:
    """The owner of the house's repository, with a file for all of its repositories."""

    def __init__(self, house: App, path: str = "") -> None:
        self.house, self.name = house, f"org{next(_numbers)}"
        self.owner = f"{self.name}/{path}".rstrip("/")
        house.repo = f"{self.owner}/widget"
        house.host.add_repo(house.repo, LABELS)

    def hold(self, text: str, group: str = "") -> None:
        place = f"{group or self.owner}/{HOLDERS[self.house.on]}"
        self.house.host.add_repo(place, files={self.house.host.config_path: text})

    def leave(self) -> None:
        for repo in self.house.host.state.repos():
            repo.installed = repo.installed and not repo.name.startswith(f"{self.name}/")


@pytest.fixture
def organisation(house: App) -> Iterator[Organisation]:
    made = Organisation(house)
    yield made
    made.leave()


def test_the_organisation_s_file_holds_where_a_repository_has_none(
    organisation: Organisation,
) -> None:
    house = organisation.house
    organisation.hold("mode: suggest")
    number = house.issue()
    assert house.labels(number) == []
    (comment,) = house.comments(number)
    assert "Suggested, not applied" in comment.body


@pytest.mark.parametrize("own", ["", "comment: {max_words: 30}\n"], ids=["empty", "other keys"])
def test_a_repository_s_own_file_wins_as_a_whole(organisation: Organisation, own: str) -> None:
    house = organisation.house
    organisation.hold("mode: suggest")
    house.configure(own)
    assert "bug" in house.labels(house.issue())


def test_an_organisation_whose_file_may_not_be_read_has_none(organisation: Organisation) -> None:
    house = organisation.house
    organisation.hold("mode: suggest")
    holder = house.host.state.repo(f"{organisation.owner}/{HOLDERS[house.on]}")
    holder.installed = False
    assert "bug" in house.labels(house.issue())


def test_the_nearest_group_s_file_holds(house: App) -> None:
    organisation = Organisation(house, "team")
    organisation.hold("mode: 'off'", group=organisation.name)
    number = house.issue()
    assert (house.labels(number), house.comments(number)) == ([], [])
    nearer = Organisation(house, "team")
    nearer.hold("mode: 'off'", group=nearer.name)
    nearer.hold("mode: apply")
    assert "bug" in house.labels(house.issue())
