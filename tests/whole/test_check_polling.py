"""`tagline check` with polling, and with the token of a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.simulation import Sandbox
from tests.whole.check_command import CheckCommand, messages
from tests.whole.polling import NO_WEBHOOKS


@pytest.fixture
def check_polling(check: CheckCommand, box: Sandbox) -> CheckCommand:
    """The command with polling and no webhooks; the App has none either."""
    box.webhook_url = None
    check.environment = {
        name: value for name, value in (check.environment | NO_WEBHOOKS).items() if value
    }
    return check


@pytest.fixture
def check_token(check_polling: CheckCommand, box: Sandbox) -> Iterator[CheckCommand]:
    """The same with the token of a person instead of an App."""
    environment = check_polling.environment
    del environment["GITHUB_APP_ID"], environment["GITHUB_PRIVATE_KEY"]
    environment["GITHUB_TOKEN"] = box.token
    yield check_polling
    box.access.scopes = box.access.token_expires_at = None


def test_polling_needs_no_webhook_and_says_how_late_an_issue_is_found(
    check_polling: CheckCommand,
) -> None:
    lines = messages(check_polling.lines(), "polling")
    assert "polled every 10 s: an issue is found up to 15 s after it was opened" in lines
    for forge in ("github", "gitlab"):
        assert f"{forge}: " in lines
    assert "repositories are polled: acme/" in lines


def test_named_repositories_are_looked_up(check_polling: CheckCommand) -> None:
    app = check_polling.app
    check_polling.environment["TAGLINE_POLL_REPOS"] = f"github:{app.repo},gitlab:acme/nothing"
    problem = check_polling.problem("polling")
    assert problem.startswith("gitlab:acme/nothing: not found → correct TAGLINE_POLL_REPOS")
    check_polling.environment["TAGLINE_POLL_REPOS"] = f"github:{app.repo}"
    assert f"github:{app.repo} is polled" in messages(check_polling.lines(), "polling")


def test_a_token_is_reported_with_what_it_needs(check_token: CheckCommand, box: Sandbox) -> None:
    lines = messages(check_token.lines(), "github")
    assert "the token is fine-grained: it needs the permissions Issues (read and write)" in lines
    assert "the token does not expire" in lines
    box.access.scopes = "read:org, public_repo"
    assert "token scopes: read:org, public_repo" in messages(check_token.lines(), "github")
    box.access.scopes = "gist"
    assert "create a token with the scope repo or public_repo" in check_token.problem("github")


def test_a_token_that_expires_soon_is_advice(check_token: CheckCommand, box: Sandbox) -> None:
    box.access.token_expires_at = datetime.now(UTC) + timedelta(days=5)
    (line,) = [x for x in check_token.lines() if "expires at" in x["what"]]
    assert (line["area"], line["level"], line["fix"][:7]) == ("github", "warning", "replace")


def test_an_expired_token_is_a_problem(check_token: CheckCommand, box: Sandbox) -> None:
    box.access.token_expires_at = datetime.now(UTC) - timedelta(days=1)
    wrong = [x for x in check_token.lines(code=1) if x["level"] == "problem"]
    assert {x["area"] for x in wrong} == {"github", "polling"}
    assert all(x["fix"] for x in wrong)
    assert all("GITHUB_TOKEN" in x["what"] for x in wrong)


def test_a_token_without_a_role_in_the_repository_is_a_problem(
    check_token: CheckCommand, box: Sandbox
) -> None:
    repo = check_token.app.repo
    assert "its issues can be labelled" in messages(
        check_token.lines("--repo", f"github:{repo}"), "repository"
    )
    box.state.repo(repo).read_only = True
    assert "the role Triage" in check_token.problem("repository", "--repo", f"github:{repo}")
