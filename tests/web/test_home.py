"""`/` says what the server is and whether it works, and nothing private."""

from __future__ import annotations

import pytest

from tests.web.client import LocalReceiver


def test_the_page_says_what_this_is_and_that_it_works() -> None:
    client = LocalReceiver()
    answer = client.request("GET", "/")
    assert answer.status_code == 200
    assert "Running: webhooks are received" in answer.text
    assert "tagline setup" in answer.text
    assert 'href="/setup"' not in answer.text
    assert client.request("GET", "/setup").status_code == 404
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_where_no_forge_has_a_secret_it_names_polling_instead_of_webhooks() -> None:
    client = LocalReceiver()
    client.parsers.update(dict.fromkeys(client.parsers))
    text = client.request("GET", "/").text
    assert "Running: Tagline looks for new issues itself" in text
    assert "webhooks are received and queued" not in text


def test_without_redis_it_says_so() -> None:
    client = LocalReceiver()
    client.queue.down = True
    assert "Redis does not answer" in client.request("GET", "/").text


@pytest.mark.parametrize(
    ("path", "kind"), [("page.css", "text/css"), ("icon.svg", "image/svg+xml")]
)
def test_its_files_are_served(path: str, kind: str) -> None:
    answer = LocalReceiver().request("GET", f"/static/{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)


@pytest.mark.parametrize(
    "path", ["/static/", "/static/home.html", "/static/../app.py", "/static/%2e%2e/app.py"]
)
def test_no_other_file_is(path: str) -> None:
    assert LocalReceiver().request("GET", path).status_code == 404
