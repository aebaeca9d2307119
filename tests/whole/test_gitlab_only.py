"""What only GitLab has: confidential issues, quick actions, scoped labels, hooks of groups."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.whole.app import BODY, TITLE, App
from tests.whole.conftest import Build

SCOPED = {
    "type::bug": "Something is broken",
    "type::feature": "Something new",
    "area::login": "Signing in",
    "needs, review": "A name with a comma",
    'say "please"': "A name with quotes",
    "x" * 255: "A long name",
}


def reply(summary: str, *labels: str) -> str:
    named = [{"name": name, "certainty": "sure", "reason": "said so"} for name in labels]
    return json.dumps({"summary": summary, "labels": named})


def test_confidential_issues_reach_no_model_and_get_no_comment(house: App) -> None:
    number = house.host.open_issue(house.repo, TITLE, BODY, confidential=True)
    assert house.host.deliveries[-1].status == 202
    assert house.host.deliveries[-1].job is None
    assert house.host.writes(house.repo) == []
    assert (house.labels(number), house.comments(number)) == ([], [])


def test_an_issue_that_turns_confidential_before_its_job_is_left_alone(build: Build) -> None:
    with build().open(at_work=False) as house:
        asked = len(house.box.model_requests)
        number = house.host.open_issue(house.repo, TITLE, BODY)
        job = house.opened.job or ""
        house.box.gitlab.make_confidential(house.repo, number)
        with house.working():
            assert house.end_of(job).why == "confidential"
        assert len(house.box.model_requests) == asked
        assert house.host.writes(house.repo) == []


def test_nothing_that_is_posted_is_a_quick_action(house: App) -> None:
    hostile = "/close\n/label ~wontfix\r\n/c\rlose\n```\n/lock\n```\n> /confidential\n- /title x"
    house.box.replies.append(reply(hostile, "bug"))
    number = house.issue(title="/close", body="/close\n/label ~wontfix\nIt crashed.")
    house.box.fault("model-500", times=None)
    house.configure("comment: {on_fallback: true}")
    assert house.box.gitlab.quick_actions == []
    (comment,) = house.comments(number)
    for line in re.split(r"[\n\r\v\f\x85\u2028\u2029]", comment.body):
        assert not re.match(r"[\s>*+-]*/[A-Za-z_]", line)


def test_a_person_s_scoped_label_is_never_replaced(house: App) -> None:
    house.host.add_repo(f"{house.repo}-scoped", SCOPED)
    house.repo += "-scoped"
    house.box.replies.append(reply("It is broken.", "type::bug", "area::login"))
    number = house.issue(labels=["type::feature"])
    assert sorted(house.labels(number)) == ["area::login", "type::feature"]
    (comment,) = house.comments(number)
    assert "Suggested, not applied: `type::bug`" in comment.body


def test_one_scoped_label_per_key(house: App) -> None:
    house.host.add_repo(f"{house.repo}-scoped", SCOPED)
    house.repo += "-scoped"
    house.box.replies.append(reply("It is broken.", "type::bug", "type::feature"))
    assert house.labels(house.issue()) == ["type::bug"]


def test_a_label_with_a_comma_is_only_suggested(house: App) -> None:
    house.host.add_repo(f"{house.repo}-scoped", SCOPED)
    house.repo += "-scoped"
    names = ("needs, review", 'say "please"', "x" * 255)
    house.box.replies.append(reply("It is broken.", *names))
    number = house.issue()
    assert sorted(house.labels(number)) == ['say "please"', "x" * 255]
    assert house.created_labels() == []
    assert "`needs, review`" in house.comments(number)[0].body


def test_a_hook_of_the_project_and_of_its_group_make_one_comment(house: App) -> None:
    house.box.gitlab.group_hook = True
    try:
        number = house.issue()
    finally:
        house.box.gitlab.group_hook = False
    opened = [d for d in house.host.deliveries if d.action == "opened"][-2:]
    assert len({delivery.job for delivery in opened}) == 1
    assert len(house.comments(number)) == 1


@pytest.mark.parametrize("kind", ["Task", "Incident"])
def test_other_work_items_are_left_alone_unless_the_operator_wants_them(
    build: Build, kind: str
) -> None:
    with build().open() as house:
        house.host.open_issue(house.repo, TITLE, BODY, type=kind)
        assert house.host.deliveries[-1].job is None
    with build(GITLAB_ISSUE_TYPES="issue,task,incident").open() as house:
        number = house.issue(type=kind)
        assert len(house.comments(number)) == 1


def test_the_plain_token_lets_in_where_no_signing_token_is_set(
    build: Build, tmp_path: Path
) -> None:
    gitlab = build().box.gitlab
    signing, gitlab.signing_token = gitlab.signing_token, None
    secret, gitlab.webhook_secret = gitlab.webhook_secret, "a-plain-gitlab-secret-token"
    try:
        with build(GITLAB_WEBHOOK_SECRET="a-plain-gitlab-secret-token").open() as house:
            assert len(house.comments(house.issue())) == 1
    finally:
        gitlab.signing_token, gitlab.webhook_secret = signing, secret
