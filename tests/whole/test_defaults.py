"""The configuration of an organisation or group; a repository's own file replaces it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.whole.app import LABELS, App

CONFIG_REPOSITORIES = {"github": ".github", "gitlab": ".gitlab"}
_numbers = count(1)


class Organisation:
    """The owner of the app's repository, with a file for all of its repositories."""

    def __init__(self, app: App, path: str = "") -> None:
        self.app, self.name = app, f"org{next(_numbers)}"
        self.owner = f"{self.name}/{path}".rstrip("/")
        app.repo = f"{self.owner}/widget"
        app.host.add_repo(app.repo, LABELS)

    def write_config(self, text: str, group: str = "", ending: str = ".yml") -> None:
        repo = f"{group or self.owner}/{CONFIG_REPOSITORIES[self.app.on]}"
        path = self.app.host.config_path.replace(".yml", ending)
        self.app.host.add_repo(repo, files={path: text})

    def uninstall(self) -> None:
        for repo in self.app.host.state.repos():
            repo.installed = repo.installed and not repo.name.startswith(f"{self.name}/")


@pytest.fixture
def organisation(app: App) -> Iterator[Organisation]:
    organisation = Organisation(app)
    yield organisation
    organisation.uninstall()


def test_the_organisation_s_file_is_used_for_a_repository_without_one(
    organisation: Organisation,
) -> None:
    app = organisation.app
    organisation.write_config("mode: suggest")
    number = app.issue()
    assert app.labels(number) == []
    (comment,) = app.comments(number)
    assert "Suggested, not applied" in comment.body


def test_the_organisation_s_file_may_have_the_other_ending(organisation: Organisation) -> None:
    organisation.write_config("mode: suggest", ending=".yaml")
    assert organisation.app.labels(organisation.app.issue()) == []


@pytest.mark.parametrize("own", ["", "comment: {max_words: 30}\n"], ids=["empty", "other keys"])
def test_a_repository_s_own_file_replaces_it(organisation: Organisation, own: str) -> None:
    app = organisation.app
    organisation.write_config("mode: suggest")
    app.configure(own)
    assert "bug" in app.labels(app.issue())


def test_an_organisation_whose_file_may_not_be_read_has_none(organisation: Organisation) -> None:
    app = organisation.app
    organisation.write_config("mode: suggest")
    config_repo = app.host.state.repo(f"{organisation.owner}/{CONFIG_REPOSITORIES[app.on]}")
    config_repo.installed = False
    assert "bug" in app.labels(app.issue())


def test_the_nearest_group_s_file_is_used(app: App) -> None:
    organisation = Organisation(app, "team")
    organisation.write_config("mode: 'off'", group=organisation.name)
    number = app.issue()
    assert (app.labels(number), app.comments(number)) == ([], [])
    nearer = Organisation(app, "team")
    nearer.write_config("mode: 'off'", group=nearer.name)
    nearer.write_config("mode: apply")
    assert "bug" in app.labels(app.issue())
