"""The same actions, queries and faults on both hosts, so that one scenario can drive either."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from tests.simulation import Host, Sandbox, forge_faults

from .conftest import Receiver, app_token, mint

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
    headers = {"authorization": f"token {mint(box).json()['token']}"}
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


ACTIONS: list[tuple[Callable[[Host, int], object], str]] = [
    (lambda host, n: host.edit_issue(REPO, n, title="New"), "edited"),
    (lambda host, n: host.close_issue(REPO, n), "closed"),
    (lambda host, n: host.reopen_issue(REPO, n), "reopened"),
    (lambda host, n: host.comment_by_person(REPO, n, "Hi"), "created"),
    (lambda host, n: host.transfer_issue(REPO, n, REPO), "opened"),
]


@pytest.mark.parametrize(("act", "action"), ACTIONS)
def test_actions_send_webhooks_of_the_same_name(
    side: Side, number: int, receiver: Receiver, act: Callable[[Host, int], object], action: str
) -> None:
    side.host.webhook_url = receiver.url
    act(side.host, number)
    assert action in [delivery.action for delivery in side.host.deliveries]
    assert all(delivery.status == 202 for delivery in side.host.deliveries)


def test_an_opened_issue_is_delivered_and_redelivered(side: Side, receiver: Receiver) -> None:
    host, host.webhook_url = side.host, receiver.url
    number = host.open_issue(REPO, "Title", "Body")
    opened = host.opened
    assert (opened.number, opened.status, opened.job) == (number, 202, "job-1")
    host.redeliver(opened.guid)
    host.deliver(opened.event, opened.payload)
    first, again, anew = host.deliveries
    assert (again.guid, again.body, again.redelivery) == (first.guid, first.body, True)
    assert anew.guid != first.guid
    assert [d.action for d in host.deliveries] == ["opened"] * 3


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
    host.delete_comment_by_person(REPO, number, theirs)
    shown = host.show(REPO, number)
    assert [c["body"] for c in shown["comments"]] == ["Ours"]
    assert sorted(shown["labels"]) == ["bug", "made up"]


def test_the_configuration_is_set_where_the_host_keeps_it(side: Side) -> None:
    side.host.set_config(REPO, "version: 1")
    files = side.host.state.repo(REPO).files
    assert files == {f".{side.host.host}/tagline.yml": "version: 1"}


def test_a_deleted_issue_is_gone(side: Side, number: int) -> None:
    side.host.delete_issue(REPO, number)
    assert side.read(number).status_code in (404, 410)


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
def test_a_comment_meets_the_fault_once_on_either_host(
    box: Sandbox, side: Side, number: int, fault: str
) -> None:
    box.fault(fault)
    assert side.comment(number).status_code == STATUSES[fault]
    assert side.host.exchanges[-1].fault == fault
    assert side.host.bot_comments(REPO, number) == []
    assert side.comment(number).status_code == 201


def test_a_comment_meets_a_fault_of_its_host_once(box: Sandbox, side: Side, number: int) -> None:
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
    box.fault(next(iter(OF_ONE_HOST[other])), times=None)
    assert side.read(number).status_code == 200


def test_the_hosts_are_independent(box: Sandbox, side: Side, number: int) -> None:
    other = next(host for host in box.hosts.values() if host is not side.host)
    assert not other.state.repo(REPO).issues
    assert httpx.get(f"{box.github_url}/app", headers=bearer(box)).status_code == 200


def bearer(box: Sandbox) -> dict[str, str]:
    return {"authorization": f"Bearer {app_token(box)}"}
