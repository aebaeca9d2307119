"""Faults that people reported against similar bots: each input gives what its row asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from bot.core.enrichment import Enrichment
from bot.core.labels.policy import CurrentLabels
from bot.core.text.condense import condense
from bot.core.text.extractive_summary import extract_summary
from bot.core.text.sanitize import to_plain_markdown
from bot.core.types import Label
from bot.flow.enrich import enrich, prepare
from bot.llm.checks import check_model
from bot.llm.client import ModelClient
from bot.llm.openai import ChatCompletions
from bot.llm.protocol import Endpoint
from bot.settings import env_file
from bot.settings.load import SettingsError, load
from bot.wiring import model_client
from tests.configs import parse
from tests.fakes import make_issue, make_labellers
from tests.scripted_web import ScriptedWeb
from tests.serving import served
from tests.shared import require
from tests.whole.test_command_line import tagline

ISSUE = make_issue(
    "Login button", "The login button does nothing after the upgrade to Firefox 131."
)
SUMMARY = "The login button does nothing after the upgrade."
SHORT = "The login button does nothing."
LABELS = ("bug", "docs", "area/login")

# Row → file with a server's answer, summary, labels.
ANSWERS = {
    "7 harmony": ("09-harmony.json", SUMMARY, ["bug"]),
    "7 brackets": ("09-think-brackets.json", SUMMARY, ["bug"]),
    "7 thought": ("09-thought.json", SUMMARY, ["bug"]),
    "10 reasoning_content": ("14-answer-in-reasoning.json", SUMMARY, ["bug"]),
    "10 reasoning": ("14-answer-in-reasoning-ollama.json", SUMMARY, ["bug"]),
    "12 map": ("16-labels-as-map.json", SHORT, ["bug"]),
    "12 text": ("16-labels-as-text.json", SHORT, ["bug"]),
    "12 backticks": ("16-labels-in-ticks.json", SHORT, ["bug"]),
    "12 key": ("16-labels-key-label.json", SHORT, ["bug"]),
    "14 wrapped": ("18-wrapped.json", SUMMARY, ["bug"]),
    "14 schema": ("18-schema-first.json", SUMMARY, ["bug"]),
}


@pytest.fixture
def reports(shared: Path) -> Path:
    return require(shared / "reports")


def read(reports: Path, name: str) -> Any:
    return json.loads((reports / name).read_text(encoding="utf-8"))


class Server:
    """A model server that gives these responses in order, and the requests that it got."""

    def __init__(self, *responses: httpx.Response) -> None:
        self.responses = list(responses)
        self.requests: list[dict[str, Any]] = []
        endpoint = Endpoint("https://models.example/v1", "some-model", "", 2000, 5.0)
        compatible = ChatCompletions(limits=("max_tokens",), has_bounds=True)
        self.model = ModelClient(
            ScriptedWeb(self._answer), compatible, endpoint, lambda seconds: None
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(json.loads(request.content))
        return self.responses.pop(0)

    def enrich(self, *labels: str) -> Enrichment:
        known = [Label(name) for name in labels or LABELS]
        material = prepare(ISSUE, known, parse(None)[0])
        return enrich(material, CurrentLabels(), make_labellers(self.model))


def applied(enrichment: Enrichment) -> list[str]:
    return [label.label for label in enrichment.label_decision.apply]


@pytest.mark.parametrize("row", ANSWERS)
def test_an_answer_in_another_form_is_read_at_once(row: str, reports: Path) -> None:
    name, summary, labels = ANSWERS[row]
    found = Server(httpx.Response(200, json=read(reports, name))).enrich()
    assert (found.source, found.summary, applied(found)) == ("model", summary, labels)


def test_labels_without_their_emoji_are_matched(reports: Path) -> None:
    server = Server(httpx.Response(200, json=read(reports, "17-answer.json")))
    labels = read(reports, "17-emoji-labels.json")
    assert applied(server.enrich(*labels)) == labels


def test_a_stream_is_declined_and_read_if_it_comes_all_the_same(reports: Path) -> None:
    answer = json.dumps({"summary": SUMMARY, "labels": ["bug"]})
    event = (reports / "10-stream-omitted.txt").read_text(encoding="utf-8").split("data: ")[1]
    middle = event.replace('"..."', json.dumps(answer[:20])).strip()
    end = event.replace('"..."', json.dumps(answer[20:])).strip()
    body = f"data: {middle}\n\ndata: {end}\n\ndata: [DONE]\n\n"
    server = Server(httpx.Response(200, text=body, headers={"content-type": "text/event-stream"}))
    found = server.enrich()
    assert (found.summary, applied(found)) == (SUMMARY, ["bug"])
    assert server.requests[0]["stream"] is False


def test_a_failed_validation_of_the_format_leads_to_a_simpler_format(reports: Path) -> None:
    report, good = read(reports, "11-groq-400.json"), read(reports, "18-wrapped.json")
    refusal = httpx.Response(report["status"], json=report["body"])
    server = Server(refusal, refusal, httpx.Response(200, json=good))
    assert server.enrich().source == "model"
    forms = [request.get("response_format", {}).get("type") for request in server.requests]
    assert forms[0] == "json_schema"
    assert forms[-1] != "json_schema"


def test_an_error_in_a_good_response_is_an_outage(reports: Path) -> None:
    failure = httpx.Response(200, json=read(reports, "15-error-in-200.json"))
    server = Server(failure, failure)
    found = server.enrich()
    assert (found.source, found.why, found.fault) == ("rules", "status-429", "provider")
    assert len(server.requests) == 2


def test_a_base_url_without_a_version_is_named_with_the_address_that_was_called(
    reports: Path,
) -> None:
    settings = load({}, reports / "30-base-url-without-v1.env").model
    assert settings is not None
    web = ScriptedWeb(lambda request: httpx.Response(404, text="404 page not found"))
    (finding,) = check_model(model_client(settings, web), settings.variables)
    assert "http://127.0.0.1:11434/chat/completions" in finding.what
    assert "look at LLM_BASE_URL" in finding.fix


def test_a_type_beyond_the_two_hundredth_label_reaches_the_model(reports: Path) -> None:
    answer = {"summary": SUMMARY, "labels": ["C-bug"]}
    message = {"role": "assistant", "content": json.dumps(answer)}
    choice = {"message": message, "finish_reason": "stop"}
    server = Server(httpx.Response(200, json={"choices": [choice]}))
    labels = read(reports, "04-labels-213.json")
    found = server.enrich(*labels)
    prompt = json.loads(server.requests[0]["messages"][-1]["content"])
    shown = [label["name"] for label in prompt["labels"]]
    assert {"C-bug", "C-feature-request"} <= set(shown)
    assert (len(shown), found.labels_not_shown) == (200, len(labels) - 200)
    assert applied(found) == ["C-bug"]


def issues(reports: Path, name: str) -> list[dict[str, str]]:
    with (reports / name).open(encoding="utf-8") as rows:
        return [json.loads(row) for row in rows]


def test_letters_of_every_script_are_kept(reports: Path) -> None:
    for issue in issues(reports, "35-scripts.jsonl"):
        for text in filter(None, issue.values()):
            assert to_plain_markdown(text) == text


def test_a_permalink_is_shortened_as_an_address(reports: Path) -> None:
    (issue,) = issues(reports, "36-permalink.jsonl")
    condensed = condense(issue["body"])
    assert "data cut" not in condensed
    assert condensed.startswith(
        "The retry in https://github.com/acme-foundation/streaming-platform"
    )
    assert condensed.endswith("never stops when the broker is away.")


@pytest.mark.parametrize(
    ("name", "summary"),
    [
        ("37-quoted-comment.jsonl", "Option for a longer timeout"),
        ("38-unfenced-code.jsonl", "The program prints 6 instead of 9 when I run it."),
    ],
)
def test_what_is_not_prose_is_no_summary(name: str, summary: str, reports: Path) -> None:
    (issue,) = issues(reports, name)
    assert extract_summary(issue["title"], issue["body"]) == summary


# Settings.

# Row → file, the start of its only problem, a part of the value.
BAD_ENVIRONMENTS = {
    "16 encoding": ("20-utf16.env", "/", "save it as UTF-8"),
    "17 first line": ("22-key-first-line.env", "GITHUB_PRIVATE_KEY", "only the first line"),
    "33 password": ("27-redis-url.env", "REDIS_URL", "percent-encode its password"),
}


@pytest.mark.parametrize("row", BAD_ENVIRONMENTS)
def test_a_bad_environment_is_one_sentence_without_a_value(row: str, reports: Path) -> None:
    name, start, advice = BAD_ENVIRONMENTS[row]
    with pytest.raises(SettingsError) as error:
        load({}, reports / name)
    (line,) = error.value.problems
    assert line.startswith(start)
    assert advice in line
    assert not any(value in line for value in ("0123456789", "MIIEexample", "pa/ss", "word@"))


def test_quotes_of_docker_are_removed(reports: Path) -> None:
    lines = (reports / "19-docker.env").read_text(encoding="utf-8").splitlines()
    settings = load(dict(line.split("=", 1) for line in lines))  # as docker reads the file
    assert settings.github_webhook_secrets == ("0123456789abcdef0123",)
    assert settings.github_app_id == "1"
    assert "docker run --env-file" in settings.notices[0]


def test_a_secret_is_not_interpolated(reports: Path) -> None:
    settings = load({}, reports / "23-interpolated.env")
    assert settings.github_webhook_secrets == ("0123456789${abc}def0123",)


def test_the_proxies_of_a_file_are_no_misspelt_settings(reports: Path) -> None:
    variables = env_file.read(reports / "40-proxy.env").values
    assert load(variables).notices == ()


@pytest.mark.parametrize(
    ("words", "variable"),
    [
        (["enrich", "github:o/r#1"], "GITHUB_API_URL"),
        (["enrich", "gitlab:g/p#1"], "GITLAB_URL"),
        (["check", "--repo", "github:o/r"], "GITHUB_API_URL"),
        (["gitlab", "add-hook", "g/p", "--url", "https://tagline.example"], "GITLAB_URL"),
    ],
)
def test_a_web_page_in_place_of_an_api_is_a_sentence_that_names_the_variable(
    reports: Path, tmp_path: Path, words: list[str], variable: str
) -> None:
    page = (reports / "24-html-200.txt").read_text(encoding="utf-8").partition("text/html ")[2]
    routes = [Route("/{path:path}", lambda _: HTMLResponse(page))]
    with served(Starlette(routes=routes)) as url:
        environment = {
            "GITHUB_API_URL": url,
            "GITLAB_URL": url,
            "GITHUB_TOKEN": "github_pat_11AAAAAAA0000000000000",
            "GITLAB_TOKEN": "glpat-quokkaberry-0123",
            "REDIS_URL": "redis://127.0.0.1:1/0",
        }
        result = tagline(*words, cwd=tmp_path, environment=environment)
    said = result.stdout + result.stderr
    assert result.returncode in (1, 75), said
    assert variable in said
    assert "Unexpected error" not in said


@pytest.mark.parametrize("words", [["check"], ["run"], ["enrich", "github:o/r#1"]])
def test_an_env_file_in_utf_16_is_named(reports: Path, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / ".env").write_bytes((reports / "20-utf16.env").read_bytes())
    result = tagline(*words, cwd=tmp_path)
    said = result.stdout + result.stderr
    assert result.returncode in (1, 2)
    assert ".env" in said
    assert "Unexpected error" not in said
