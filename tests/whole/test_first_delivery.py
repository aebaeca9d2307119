"""From a signed delivery to a comment and labels."""

from __future__ import annotations

import re

from tests.whole.app import App


def test_an_opened_issue_gets_one_comment_and_its_labels(app_either_format: App) -> None:
    app = app_either_format
    number = app.issue()
    (comment,) = app.comments(number)
    assert comment.body.startswith("**Summary (automated):** ")
    assert "bug" in app.labels(number)
    assert not app.created_labels()
    (done,) = app.events("enrichment succeeded")
    assert done["labels"] >= 1
    assert done["tokens_in"] > 0


def test_no_issue_text_and_no_secret_is_logged_or_kept_in_redis(app: App) -> None:
    number = app.issue("Zanzibarfish breaks", "The quokkaberry crashed with an error ghs_abc123.")
    assert len(app.comments(number)) == 1
    client = app.redis
    stored = [
        value
        for key in client.scan_iter()
        for value in (
            client.hgetall(key).items() if client.type(key) == b"hash" else [client.dump(key)]
        )
    ]
    for word in ("anzibarfish", "uokkaberry", "sandbox-key", "ghs_"):
        assert word not in app.lines.getvalue()
        assert word.encode() not in repr(stored).encode()


def test_the_log_shows_the_steps_of_a_delivery(app: App) -> None:
    app.issue()
    steps = [event["event"] for event in app.events() if event.get("issue")]
    steps.remove("accepted")  # a worker may log before the receiver does
    assert steps == ["starting enrichment", "enrichment succeeded"]
    deliveries = {event["delivery"] for event in app.events("starting enrichment")}
    assert all(re.fullmatch(r"[\w-]{10,}", one) for one in deliveries)
