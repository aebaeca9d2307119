"""The same actions, queries and faults on both hosts, so that one scenario can drive either."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from tests.simulation import Host, Sandbox, forge_faults

from .conftest import create_token

REPO = "acme/both"


@dataclass
class Side:
    """A host, and the bot's few calls in the form of that host."""

    host: Host
    web: httpx.Client
    comments: str
    issue: str
    label: Callable[[int, str], httpx.Response]

    def comment(self, number: int, body: str = "Ours", timeout: float = 5) -> httpx.Response:
        url = self.comments.format(number=number)
        return self.web.post(url, json={"body": body}, timeout=timeout)

    def read(self, number: int) -> httpx.Response:
        return self.web.get(self.issue.format(number=number))


@contextmanager
def github(box: Sandbox) -> Iterator[Side]:
    headers = {"authorization": f"token {create_token(box).json()['token']}"}
    base = f"{box.github_url}/repos/{REPO}"
    with httpx.Client(base_url=base, headers=headers) as web:
        yield Side(
            box,
            web,
            "/issues/{number}/comments",
            "/issues/{number}",
            lambda n, name: web.post(f"/issues/{n}/labels", json={"labels": [name]}),
        )


@contextmanager
def gitlab(box: Sandbox) -> Iterator[Side]:
    base = f"{box.gitlab_url}/api/v4/projects/{box.gitlab.state.repo(REPO).id}"
    with httpx.Client(base_url=base, headers={"private-token": box.gitlab.token}) as web:
        yield Side(
            box.gitlab,
            web,
            "/issues/{number}/notes",
            "/issues/{number}",
            lambda n, name: web.put(f"/issues/{n}", json={"add_labels": [name]}),
        )


CLIENTS = {"github": github, "gitlab": gitlab}


@pytest.fixture(params=CLIENTS)
def side(box: Sandbox, request: pytest.FixtureRequest) -> Iterator[Side]:
    for host in box.hosts.values():
        host.add_repo(REPO, {"bug": "Broken", "question": ""})
    with CLIENTS[request.param](box) as found:
        yield found


@pytest.fixture
def number(side: Side) -> int:
    return side.host.open_issue(REPO, "Title", "Body", labels=["question"], deliver=False)


def test_queries_separate_people_from_the_bot(side: Side, number: int) -> None:
    host = side.host
    theirs = host.comment_by_person(REPO, number, "Theirs")
    assert side.comment(number).status_code == 201
    assert side.label(number, "bug").status_code == 200
    assert side.label(number, "made up").status_code == 200
    host.unlabel_by_person(REPO, number, "question")
    assert [c.body for c in host.comments(REPO, number)] == ["Theirs", "Ours"]
    assert [c.body for c in host.bot_comments(REPO, number)] == ["Ours"]
    assert host.labels(REPO, number) == ["bug", "made up"]
    assert host.created_labels(REPO) == ["made up"]
    assert len(host.writes()) == len(host.writes(REPO)) == 3
    assert (host.writes()[0].method, host.writes()[0].request_json) == ("POST", {"body": "Ours"})
    host.delete_comment_by_person(REPO, number, theirs)
    shown = host.show(REPO, number)
    assert [c["body"] for c in shown["comments"]] == ["Ours"]
    assert sorted(shown["labels"]) == ["bug", "made up"]


STATUSES = {f"forge-{status}": status for status in forge_faults.GITLAB_MESSAGES}
OF_ONE_HOST = {
    "github": {
        "github-403-secondary": 403,
        "github-403-abuse": 403,
        "github-403-exhausted": 403,
        "github-422-quickly": 422,
        "token-expired": 401,
    },
    "gitlab": {"gitlab-429-reset": 429, "gitlab-422-quickly": 422},
}


@pytest.mark.parametrize("fault", STATUSES)
def test_a_comment_gets_the_fault_once_on_either_host(
    box: Sandbox, side: Side, number: int, fault: str
) -> None:
    box.fault(fault)
    assert side.comment(number).status_code == STATUSES[fault]
    assert side.host.exchanges[-1].fault == fault
    assert side.host.bot_comments(REPO, number) == []
    assert side.comment(number).status_code == 201


def test_a_comment_gets_a_fault_of_its_host_once(box: Sandbox, side: Side, number: int) -> None:
    faults = OF_ONE_HOST[side.host.host]
    for stored, (fault, status) in enumerate(faults.items()):
        box.fault(fault)
        assert side.comment(number).status_code == status
        assert side.host.exchanges[-1].fault == fault
        assert len(side.host.bot_comments(REPO, number)) == stored
        with CLIENTS[side.host.host](box) as renewed:
            assert renewed.comment(number).status_code == 201


@pytest.mark.parametrize(
    ("fault", "status"), [("comment-stored-502", 502), ("comment-stored-not-json", 201)]
)
def test_a_stored_comment_has_a_lost_answer(
    box: Sandbox, side: Side, number: int, fault: str, status: int
) -> None:
    box.fault(fault)
    answer = side.comment(number)
    assert (answer.status_code, answer.text[:6]) == (status, "<html>")
    assert len(side.host.bot_comments(REPO, number)) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [("comment-stored-reset", httpx.ReadError), ("comment-stored-timeout", httpx.ReadTimeout)],
)
def test_a_stored_comment_gets_no_answer(
    box: Sandbox, side: Side, number: int, fault: str, error: type[httpx.TransportError]
) -> None:
    box.fault(fault)
    with pytest.raises(error):
        side.comment(number, timeout=0.3)
    assert len(side.host.bot_comments(REPO, number)) == 1
    assert side.comment(number).status_code == 201


def test_a_fault_of_one_host_leaves_the_other_alone(box: Sandbox, side: Side, number: int) -> None:
    other = next(name for name in box.hosts if name != side.host.host)
    assert not box.hosts[other].state.repo(REPO).issues
    box.fault(next(iter(OF_ONE_HOST[other])), times=None)
    assert side.read(number).status_code == 200
