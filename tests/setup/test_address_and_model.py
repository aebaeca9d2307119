"""The steps “Address”, “Model” and “Start”, with good and with bad input."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bot.settings.load import load
from tests.conftest import free_port
from tests.setup.conftest import Start
from tests.setup.wizard import Wizard, alert, status
from tests.simulation import Sandbox
from tests.waiting import wait_until

KEYS = ("OPENAI_API_KEY", "LLM_PROVIDER")


@pytest.fixture
def other_program() -> Iterator[str]:
    """A server that redirects to https below /moved, fails below /down, and else says hello."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = 301 if self.path.startswith("/moved") else 200
            self.send_response(502 if self.path.startswith("/down") else status)
            self.send_header("Location", f"https://elsewhere.example{self.path}")
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", "Enter the address"),
        ("bot.example.com", "must start with http:// or https://"),
        ("http://bot.example.com", "is not encrypted"),
        ("ftp://bot.example.com", "must start with http:// or https://"),
        ("https://user:word@bot.example.com", "must not contain a user name"),
        ("https://bot.example.com/webhooks/github", "ends before /webhooks"),
        ("https://bot.example.com/setup", "ends before /setup"),
        ("https://bot.example.com:port", "not a valid URL"),
        ("http://169.254.169.254", "never allowed"),
        ("{other}", "Another program answers"),
        ("{other}/down", "answers with status 502"),
        ("{other}/moved", "redirects to https://elsewhere.example/moved, and"),
    ],
)
def test_an_address_that_does_not_lead_here_is_explained(
    start: Start, other_program: str, url: str, expected: str
) -> None:
    wizard = start()
    page = wizard.post("address", url=url.format(other=other_program), how="check")
    assert expected in alert(page)
    assert "Use it without the check" not in page.text
    assert wizard.stored == ""


def test_an_address_that_only_others_can_reach_may_be_used(start: Start) -> None:
    wizard = start()
    url = f"http://127.0.0.1:{free_port()}"
    page = wizard.post("address", url=url, how="check")
    assert "cannot be reached from here (ConnectError)" in alert(page)
    assert wizard.stored == ""
    page = wizard.post("address", url=url, how="unchecked")
    assert f"{url} is not checked" in status(page)
    assert f'PUBLIC_URL="{url}"' in wizard.stored


def test_another_tagline_is_another_program(start: Start, tmp_path: Path) -> None:
    wizard, other = start(), start(tmp_path / "other")
    assert "Another program answers" in alert(wizard.post("address", url=other.url, how="check"))


def test_a_data_dir_that_cannot_be_written_is_explained(start: Start) -> None:
    wizard = start(Path("/proc/tagline"))
    assert "cannot be written" in alert(wizard.post("address", url=wizard.url, how="check"))
    assert "PUBLIC_URL=" in wizard.post("address", url=wizard.url, how="check", once="1").text


def test_a_model_is_tested_before_its_key_is_stored(box: Sandbox, wizard: Wizard) -> None:
    page = wizard.post("model", provider="openai", key=box.model_key)
    assert status(page) == "gpt-6-luna answers. 1,000 issues cost about $0.14."
    assert f'OPENAI_API_KEY="{box.model_key}"' in wizard.stored
    assert box.model_key not in wizard.get("/model").text
    assert "rules" in status(wizard.post("model", provider="none"))
    assert "OPENAI_API_KEY" not in wizard.stored


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("model-401", "look at the key"),
        ("model-402", "no credit left"),
        ("model-429-long", "its limit is reached: look at the account"),
        ("model-404", "look at the model's name"),
        ("model-html", "supports JSON schemas"),
    ],
)
def test_a_key_that_cannot_be_used_is_explained(
    box: Sandbox, wizard: Wizard, fault: str, expected: str
) -> None:
    box.fault(fault, times=None)
    page = wizard.post("model", provider="openai", key=box.model_key)
    assert expected in alert(page)
    assert box.model_key not in page.text
    assert not any(name in wizard.stored for name in KEYS)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"provider": "openai"}, "OPENAI_API_KEY is not set"),
        ({"provider": "anthropic"}, "ANTHROPIC_API_KEY is not set"),
        ({"provider": "compatible"}, "LLM_MODEL is not set"),
        ({"provider": "compatible", "model": "m"}, "LLM_BASE_URL is not set"),
        ({"provider": "quokka", "key": "k"}, "Choose a provider"),
        ({}, "Choose a provider"),
        ({"provider": "openai", "key": "your-api-key"}, "placeholder"),
        ({"provider": "openai", "key": "two words"}, "contains a blank"),
        (
            {"provider": "openai", "key": "k" * 20, "base_url": "http://127.0.0.1:1"},
            "Another server",
        ),
    ],
    ids=str,
)
def test_an_incomplete_choice_is_explained(
    wizard: Wizard, fields: dict[str, str], expected: str
) -> None:
    assert expected in alert(wizard.post("model", **fields))
    assert not any(name in wizard.stored for name in KEYS)


def test_a_compatible_server_needs_no_key(box: Sandbox, wizard: Wizard) -> None:
    fields = {"base_url": box.openai_url, "model": "sandbox-rules", "key": box.model_key}
    page = wizard.post("model", provider="compatible", **fields)
    assert status(page).startswith("sandbox-rules answers. Its price is not known")


def test_the_last_step_needs_a_host_and_closes_the_page(box: Sandbox, wizard: Wizard) -> None:
    assert "Connect GitHub or GitLab first" in alert(wizard.post("mode", mode="apply"))
    wizard.come_back(*wizard.register())
    assert "Choose one of the modes" in alert(wizard.post("mode", mode="all"))
    assert not wizard.offer.may_work
    page = wizard.post("mode", mode="suggest")
    assert (page.url.path, wizard.offer.may_work) == ("/", True)
    assert load({"DATA_DIR": str(wizard.folder)}).mode == "suggest"
    for path in ("", "/host", "/github/created?code=a&state=b", "/reachable/x", "/static/setup.js"):
        assert wizard.web.get(f"/setup{path}").status_code == 404, path
    assert not wizard.offer.link_file.exists() or wizard.offer.link_file.stat().st_mode & 0o77 == 0


def test_a_preview_compares_ten_issues_and_writes_nothing(box: Sandbox, wizard: Wizard) -> None:
    wizard.come_back(*wizard.register())
    box.web_install("tagline-acme")
    repo = box.add_repo("acme/previewed", {"bug": "Something is broken", "enhancement": ""})
    for number in range(12):
        box.open_issue(repo.id, f"Crash number {number}", "It crashes with an exception on start.")
    wizard.post("model", provider="openai", key=box.model_key)
    page = wizard.post("preview", repository="github:acme/previewed")
    assert page.url.path == "/setup/mode"
    assert page.text.count("<b>#") == 10
    assert 'value="github:acme/previewed"' in page.text
    assert "Tagline: <code>bug</code>. It has: none." in page.text
    assert "Cost of this preview: $0.000" in page.text
    assert "10" in status(page)
    assert all(box.labels(repo.id, number) == [] for number in range(1, 13))


def test_a_preview_keeps_to_the_budget_of_a_day(box: Sandbox, start: Start) -> None:
    wizard = start(TAGLINE_BUDGET_USD_PER_DAY="0")
    wizard.set_address()
    wizard.come_back(*wizard.register())
    box.web_install("tagline-acme")
    repo = box.add_repo("acme/without-budget", {"bug": "Something is broken"})
    box.open_issue(repo.id, "Crash at the start", "It crashes with an exception.")
    wizard.post("model", provider="openai", key=box.model_key)
    page = wizard.post("preview", repository="github:acme/without-budget")
    assert "Tagline: <code>bug</code>" in page.text
    assert "Cost of this preview: $0.00." in page.text


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ("", "The repository cannot be read"),
        ("nonsense", "The repository cannot be read"),
        ("github:acme/nowhere", "not found"),
    ],
)
def test_a_repository_without_a_preview_is_explained(
    wizard: Wizard, repository: str, expected: str
) -> None:
    wizard.come_back(*wizard.register())
    assert expected in alert(wizard.post("preview", repository=repository))


def test_the_page_does_not_wait_for_a_slow_model(
    box: Sandbox, wizard: Wizard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.setup.tasks.WAIT_SECONDS", 0.05)
    box.fault("model-429")  # tried again after two seconds
    page = wizard.post("model", provider="openai", key=box.model_key)
    assert "Working: this takes up to a minute" in status(page)
    assert 'http-equiv="refresh"' in page.text
    assert "data-seen" in page.text
    wait_until(lambda: "gpt-6-luna answers" in status(wizard.get("/model")))
    page = wizard.get("/model")
    assert 'href="/setup/mode">Continue' in page.text
    assert "data-seen" not in page.text
