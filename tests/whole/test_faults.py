"""What fails on the way, and the end state that holds all the same."""

from __future__ import annotations

import pytest

from tests.whole.conftest import Build
from tests.whole.house import BODY, TITLE, House

# A model's fault → what the log says of it. Labels come from rules, no comment is written.
MODEL_FAULTS = {
    "model-400": "status-400",
    "model-413": "status-413",
    "model-422": "status-422",
    "model-429": "status-429",
    "model-429-long": "status-429",
    "model-500": "status-500",
    "model-503": "status-503",
    "model-529": "status-529",
    "model-timeout": "timeout",
    "model-drip": "timeout",
    "model-50mb": "too-long",
    "model-gzip-bomb": "too-long",
    "model-html": "not-json",
    "model-empty": "not-json",
    "model-rubbish": "not-json",
    "model-truncated": "truncated",
    "model-wrong-schema": "wrong-shape",
    "model-refusal": "refusal",
    "model-content-filter": "refusal or status-400",
    "model-tool-calls": "empty",
    "model-redirect": "status-302",
    "model-reset": "connection-lost",
    "model-401": "status-401",
    "model-403": "status-403",
    "model-404": "status-404",
}


@pytest.mark.parametrize("fault", MODEL_FAULTS)
def test_a_failing_model_leaves_labels_from_rules_and_no_comment(
    either_house: House, fault: str
) -> None:
    house = either_house
    house.box.fault(fault, times=None)
    number = house.issue()
    assert house.labels(number) == ["bug", "needs-review"]
    assert house.comments(number) == []
    (fallback,) = house.events("using fallback")
    assert fallback["why"] in MODEL_FAULTS[fault].split(" or ")
    assert house.box.leaks == []


@pytest.mark.parametrize("fault", ["model-429", "model-500", "model-reset", "model-html"])
def test_a_model_that_fails_once_is_asked_again_within_the_call(build: Build, fault: str) -> None:
    with build(LLM_TIMEOUT="6").open() as house:
        house.box.fault(fault)
        number = house.issue()
        assert len(house.comments(number)) == 1


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_server_without_formats_still_answers(build: Build, provider: str) -> None:
    with build(provider, LLM_TIMEOUT="6").open() as house:
        house.box.fault("model-400-response-format", times=None)
        numbers = [house.issue(), house.issue()]
        assert [len(house.comments(number)) for number in numbers] == [1, 1]


def test_prose_is_mended_within_the_call(build: Build) -> None:
    with build(LLM_TIMEOUT="6").open() as house:
        house.box.replies.append("I believe that this is a bug.")
        number = house.issue()
        (comment,) = house.comments(number)
        assert "without a language model" not in comment.body


FURTHER = {"LLM_TIMEOUT": "6", "LLM_FALLBACK_MODELS": "anthropic:second-choice"}


def test_the_next_model_answers_while_the_first_is_down(build: Build) -> None:
    with build(OPENAI_BASE_URL="http://127.0.0.1:9/v1", **FURTHER).open() as house:
        number = house.issue()
        (comment,) = house.comments(number)
        assert "second-choice" in comment.body
        (answered,) = house.events("enrichment succeeded")
        assert answered["model"] == "second-choice"
        (failed,) = house.events("a model failed")
        assert (failed["model"], failed["why"]) == ("sandbox-rules", "unreachable")


def test_where_every_model_fails_labels_come_from_rules(build: Build) -> None:
    with build(OPENAI_BASE_URL="http://127.0.0.1:9/v1", **FURTHER).open() as house:
        house.box.fault("model-rubbish", times=None)
        number = house.issue()
        assert house.labels(number) == ["bug", "needs-review"]
        assert house.comments(number) == []
        assert [e["model"] for e in house.events("a model failed")] == [
            "sandbox-rules",
            "second-choice",
        ]


def test_unknown_labels_of_a_model_are_never_set(house: House) -> None:
    house.box.fault("model-unknown-labels")
    number = house.issue()
    assert set(house.labels(number)) <= {"bug", "enhancement", "documentation", "area/login"}
    assert house.created_labels() == []


def test_a_refused_key_is_one_error_that_names_the_variable(build: Build) -> None:
    with build(OPENAI_API_KEY="not-the-key").open() as house:
        first, second = house.issue(), house.issue()
        errors = [event for event in house.events() if event["level"] == "error"]
        assert [e["event"] for e in errors] == [
            "the language model does not answer; look at OPENAI_API_KEY"
        ]
        assert len(house.box.model_requests) >= 1
        for number in (first, second):
            assert "bug" in house.labels(number)
            assert house.comments(number) == []


def test_without_a_provider_labels_and_a_comment_come_from_rules(build: Build) -> None:
    with build(provider="").open() as house:
        number = house.issue()
        assert house.labels(number) == ["bug", "needs-review"]
        (comment,) = house.comments(number)
        assert "without a language model" in comment.body


# A forge's fault → the job's state. Nothing is ever doubled.
FORGE_FAULTS = {
    "forge-500": "waiting",
    "forge-502": "waiting",
    "forge-503": "waiting",
    "forge-429": "waiting",
    "forge-404": "waiting",
    "forge-reset": "waiting",
    "comment-502": "waiting",
    "forge-410": "done",
    "forge-403-permission": "done",
    "forge-422": "done",
    "labels-403": "done",
    "labels-422": "done",
    "comment-403": "done",
}


@pytest.mark.parametrize("fault", FORGE_FAULTS)
def test_a_failing_forge_is_waited_for_or_left_alone(house: House, fault: str) -> None:
    house.box.fault(fault, times=None)
    number = house.issue()
    assert house.ended().state == FORGE_FAULTS[fault]
    assert len(house.comments(number)) == (1 if fault.startswith("labels-") else 0)
    assert not house.events("unexpected error")


@pytest.mark.parametrize("fault", ["github-403-secondary", "github-403-exhausted"])
def test_an_installation_that_waits_for_its_limit_is_waited_for(house: House, fault: str) -> None:
    house.box.fault(fault, times=None)
    house.issue()
    assert house.ended().state == "waiting"
    (waits,) = house.events("error, tried again later")
    assert waits["seconds"] >= (60 if fault.endswith("secondary") else 250)


def test_gitlab_tells_only_when_its_limit_ends(house: House) -> None:
    house.box.fault("gitlab-429-reset", times=None)
    house.issue()
    (waits,) = house.events("error, tried again later")
    assert 50 <= waits["seconds"] <= 75


def test_credentials_that_the_forge_refuses_are_a_dead_letter_and_one_error(house: House) -> None:
    house.box.fault("forge-401", times=None)
    house.issue()
    assert house.ended().state == "dead"
    (error,) = house.events("gave up; kept as a dead letter")
    assert {"github": "GITHUB_APP_ID", "gitlab": "GITLAB_TOKEN"}[house.on] in error["why"]
    assert house.redis.zcard("tagline:issues.XQ") == 1


def test_a_dead_letter_gives_its_claim_back_so_that_a_redelivery_runs(house: House) -> None:
    house.box.fault("forge-401", times=None)
    number = house.issue()
    house.box.clear_faults()
    house.host.redeliver(house.opened.id)
    assert house.ended().outcome == "answered"
    assert len(house.comments(number)) == 1


def test_labels_that_may_not_be_set_are_suggested(house: House) -> None:
    house.box.fault("labels-403", times=None)
    number = house.issue()
    (comment,) = house.comments(number)
    assert "Suggested, not applied: `bug`" in comment.body
    assert house.labels(number) == []


@pytest.mark.parametrize(("deed", "why"), [("lock_issue", "locked"), ("close_issue", "closed")])
def test_an_issue_that_changed_before_its_job_is_left_alone(
    build: Build, deed: str, why: str
) -> None:
    with build().open(at_work=False) as house:
        number = house.host.open_issue(house.repo, TITLE, BODY)
        getattr(house.host, deed)(house.repo, number)
        with house.working():
            job = house.end_of(house.opened.job or "")
        assert (job.outcome, job.why) == ("skipped", why)
        assert house.host.writes(house.repo) == []


def test_an_issue_that_was_deleted_before_its_job_is_left_alone(build: Build) -> None:
    with build().open(at_work=False) as house:
        number = house.host.open_issue(house.repo, TITLE, BODY)
        house.host.delete_issue(house.repo, number)
        with house.working():
            job = house.end_of(house.opened.job or "")
        # GitHub says that it is gone; GitLab's 404 may also mean that it is not there yet.
        assert job.state == {"github": "done", "gitlab": "waiting"}[house.on]
        assert house.host.writes(house.repo) == []


def test_an_issue_that_moved_is_left_to_its_new_repository(house: House) -> None:
    house.host.add_repo(f"{house.repo}-new")
    number = house.issue()
    house.host.transfer_issue(house.repo, number, f"{house.repo}-new", deliver=False)
    assert house.again().why in ("moved elsewhere", "closed")
    assert len(house.comments(number)) <= 1
