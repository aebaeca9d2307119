"""A repository that is searched for older issues, by each client over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from urllib.parse import parse_qs

import pytest

from bot import wiring
from bot.core.related import RelatedCandidate, SearchQuery
from bot.core.types import IssueRef
from bot.forges.registry import FORGES, ForgeClient
from bot.sandbox.search_server import SearchServer
from bot.settings.load import load
from tests.simulation import Exchange, Host, Sandbox

TITLE = "Upload fails with a timeout"
NO_LIMIT = 100_000
ANY = SearchQuery(("upload", "timeout"), "any")
_numbers = count(1)


@dataclass
class Case:
    """A repository with an issue, and the client that searches for others like it."""

    box: Sandbox
    host: Host
    forge: ForgeClient
    ref: IssueRef

    def open(self, title: str, body: str = "", **more: object) -> int:
        return self.host.open_issue(self.ref.repo, title, body, deliver=False, **more)  # type: ignore[arg-type]

    def search(self, *queries: SearchQuery, title: str = TITLE) -> tuple[RelatedCandidate, ...]:
        return self.forge.related.search(self.ref, queries, title)

    def find(self, *queries: SearchQuery, title: str = TITLE) -> list[int]:
        """Return the numbers of the issues that are found, the lowest first."""
        return sorted(one.number for one in self.search(*queries, title=title))

    @property
    def server(self) -> SearchServer:
        return (self.box.github if self.is_github else self.box.gitlab.gitlab).searches

    @property
    def is_github(self) -> bool:
        return self.ref.forge == "github"

    def requests(self) -> list[Exchange]:
        """Return the searches in this repository."""
        return [one for one in self.host.exchanges if self._is_search(one)]

    def _is_search(self, one: Exchange) -> bool:
        if self.is_github:
            return one.path == "/search/issues" and f"repo:{self.ref.repo} " in read(one, "q")
        return one.path.endswith(f"/projects/{self.ref.repo_id}/issues") and "search=" in one.query


def read(exchange: Exchange, name: str) -> str:
    return parse_qs(exchange.query).get(name, [""])[0]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox().running() as box:
        yield box


@pytest.fixture
def forges(box: Sandbox) -> Iterator[dict[str, ForgeClient]]:
    """Clients that know nothing of the servers yet, and servers without limits."""
    for server in (box.github, box.gitlab.gitlab):
        server.searches = SearchServer(NO_LIMIT, NO_LIMIT)
    settings, clients = load(box.environment()), wiring.clients()
    yield {name: entry.client(settings, clients) for name, entry in FORGES.items()}
    clients.close()
    box.faults.clear()


def make_case(box: Sandbox, forges: dict[str, ForgeClient], name: str) -> Case:
    repo = f"acme/related{next(_numbers)}"
    host = box.hosts[name]
    host.add_repo(repo)
    ref = forges[name].complete_ref(IssueRef(name, "", repo, 0))
    case = Case(box, host, forges[name], ref)
    case.ref = replace(ref, number=case.open(TITLE))
    return case
