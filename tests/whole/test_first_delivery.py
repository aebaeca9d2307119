"""A signed delivery in, a comment and labels out."""

from __future__ import annotations

import re

import pytest

from tests.whole.app import App


def test_an_opened_issue_gets_one_comment_and_its_labels(either_house: App) -> None:
    house = either_house
    number = house.issue()
    (comment,) = house.comments(number)
    assert comment.body.startswith("**Summary (automated):** ")
    assert "bug" in house.labels(number)
    assert not house.created_labels()
    (done,) = house.events("enrichment succeeded")
    assert done["labels"] >= 1
    assert done["tokens_in"] > 0


def test_the_same_delivery_twice_is_one_job(house: App) -> None:
    number = house.issue()
    opened = house.opened
    house.host.redeliver(opened.id)
    again = next(d for d in reversed(house.host.deliveries) if d.redelivery)
    assert (again.status, again.job) == (202, opened.job)
    assert len(house.comments(number)) == 1


def test_two_deliveries_for_one_issue_make_one_comment(house: App) -> None:
    number = house.issue()
    assert house.again().outcome == "unchanged"
    assert len(house.comments(number)) == 1
    assert len(house.events("enrichment succeeded")) == 1


def test_a_comment_that_was_stored_but_answered_502_is_adopted(house: App) -> None:
    house.box.fault("comment-stored-502")
    number = house.issue()
    assert len(house.comments(number)) == 1
    assert house.ended().outcome == "answered"


@pytest.mark.parametrize("fault", ["comment-stored-reset", "comment-stored-not-json"])
def test_a_comment_whose_answer_was_lost_is_adopted(house: App, fault: str) -> None:
    house.box.fault(fault)
    number = house.issue()
    assert len(house.comments(number)) == 1
    assert house.ended().state == "done"


def test_an_expired_token_is_minted_again(house: App) -> None:
    house.issue()
    house.box.fault("token-expired")
    number = house.issue()
    assert len(house.comments(number)) == 1
    assert house.ended().tries == 1


def test_a_label_that_a_person_removed_does_not_come_back(house: App) -> None:
    house.configure("on: [opened, edited]")
    number = house.issue()
    assert "bug" in house.labels(number)
    house.host.unlabel_by_person(house.repo, number, "bug")
    house.host.edit_issue(house.repo, number, body="It crashed again with an error, a real bug.")
    assert house.ended().outcome == "answered"
    assert "bug" not in house.labels(number)
    (comment,) = house.comments(number)
    assert "crashed again" in comment.body


def test_a_comment_that_a_person_deleted_is_never_posted_again(house: App) -> None:
    number = house.issue()
    (comment,) = house.comments(number)
    house.host.delete_comment_by_person(house.repo, number, comment.id)
    assert house.again().why == "a person deleted our comment"
    assert house.comments(number) == []


def test_no_issue_text_and_no_secret_is_logged_or_kept_in_redis(house: App) -> None:
    number = house.issue("Zanzibarfish breaks", "The quokkaberry crashed with an error ghs_abc123.")
    assert len(house.comments(number)) == 1
    client = house.redis
    kept = [
        value
        for key in client.scan_iter()
        for value in (
            client.hgetall(key).items() if client.type(key) == b"hash" else [client.dump(key)]
        )
    ]
    for word in ("anzibarfish", "uokkaberry", "sandbox-key", "ghs_"):
        assert word not in house.lines.getvalue()
        assert word.encode() not in repr(kept).encode()


def test_the_log_tells_the_story_of_a_delivery(house: App) -> None:
    house.issue()
    story = [event["event"] for event in house.events() if event.get("issue")]
    story.remove("accepted")  # a worker may be faster than the receiver's line
    assert story == ["starting enrichment", "enrichment succeeded"]
    delivery = {event["delivery"] for event in house.events("starting enrichment")}
    assert all(re.fullmatch(r"[\w-]{10,}", one) for one in delivery)


def test_a_comment_that_was_stored_but_never_answered_is_adopted(
    house: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.forges.requests.CALL_SECONDS", 0.6)
    house.box.fault("comment-stored-timeout")
    number = house.issue()
    assert len(house.comments(number)) == 1
    assert house.ended().state == "done"
