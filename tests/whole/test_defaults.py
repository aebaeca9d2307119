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

    def __init__(self, app: App, path: str = "") -> None:
        self.app, self.name = app, f"org{next(_numbers)}"
        self.owner = f"{self.name}/{path}".rstrip("/")
        app.repo = f"{self.owner}/widget"
        app.host.add_repo(app.repo, LABELS)

    def hold(self, text: str, group: str = "") -> None:
        place = f"{group or self.owner}/{HOLDERS[self.app.on]}"
        self.app.host.add_repo(place, files={self.app.host.config_path: text})

    def leave(self) -> None:
        for repo in self.app.host.state.repos():
            repo.installed = repo.installed and not repo.name.startswith(f"{self.name}/")


@pytest.fixture
def organisation(app: App) -> Iterator[Organisation]:
    made = Organisation(app)
    yield made
    made.leave()


def test_the_organisation_s_file_holds_where_a_repository_has_none(
    organisation: Organisation,
) -> None:
    app = organisation.app
    organisation.hold("mode: suggest")
    number = app.issue()
    assert app.labels(number) == []
    (comment,) = app.comments(number)
    assert "Suggested, not applied" in comment.body


@pytest.mark.parametrize("own", ["", "comment: {max_words: 30}\n"], ids=["empty", "other keys"])
def test_a_repository_s_own_file_wins_as_a_whole(organisation: Organisation, own: str) -> None:
    app = organisation.app
    organisation.hold("mode: suggest")
    app.configure(own)
    assert "bug" in app.labels(app.issue())


def test_an_organisation_whose_file_may_not_be_read_has_none(organisation: Organisation) -> None:
    app = organisation.app
    organisation.hold("mode: suggest")
    holder = app.host.state.repo(f"{organisation.owner}/{HOLDERS[app.on]}")
    holder.installed = False
    assert "bug" in app.labels(app.issue())


def test_the_nearest_group_s_file_holds(app: App) -> None:
    organisation = Organisation(app, "team")
    organisation.hold("mode: 'off'", group=organisation.name)
    number = app.issue()
    assert (app.labels(number), app.comments(number)) == ([], [])
    nearer = Organisation(app, "team")
    nearer.hold("mode: 'off'", group=nearer.name)
    nearer.hold("mode: apply")
    assert "bug" in app.labels(app.issue())
