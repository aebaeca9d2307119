"""Reports about the platforms and the web edge: each input gives what its row asks for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import wiring
from bot.core import refs
from bot.core.config.parser import read as read_config
from bot.core.errors import Forbidden, OperatorError, Retry, TaglineError
from bot.core.types import IssueRef
from bot.flow.process import why_skip
from bot.forges.registry import FORGES
from bot.settings.load import Settings, load
from tests.fakes import make_job
from tests.scripted_web import ScriptedWeb
from tests.shared import require
from tests.web.client import SECRET, LocalReceiver, sign

TOKENS = {"GITHUB_TOKEN": "ghp_x", "GITLAB_TOKEN": "glpat-x"}


@pytest.fixture
def reports(shared: Path) -> Path:
    return require(shared / "reports")


def text(reports: Path, name: str) -> str:
    return (reports / name).read_text(encoding="utf-8")


def settings(**values: str) -> Settings:
    return load({**TOKENS, **values})


def refusal(forge: str, given: Settings, answer: Callable[[httpx.Request], httpx.Response]) -> Any:
    """Return the error of reading an issue from a server that answers so."""
    client = FORGES[forge].client(given, ScriptedWeb(answer))
    with pytest.raises(TaglineError) as caught:
        client.get_issue(IssueRef(forge, "any.example", "acme/widget", 3, 77))
    return caught.value


def test_16_an_api_address_that_answers_with_a_page_is_named(reports: Path) -> None:
    page = text(reports, "24-html-200.txt").partition("text/html ")[2]
    answer = httpx.Response(200, headers={"content-type": "text/html"}, text=page)
    for forge, variable, url in (
        ("github", "GITHUB_API_URL", "https://ghe.example"),
        ("gitlab", "GITLAB_URL", "https://wiki.example"),
    ):
        error = refusal(forge, settings(**{variable: url}), lambda _: answer)
        assert type(error) is Retry
        assert str(error).startswith(f"{variable}: the server answered with a web page")


def test_19_a_redirect_to_https_names_the_address(reports: Path) -> None:
    report = text(reports, "25-http-to-https.txt")
    url = report.partition("GITLAB_URL=")[2].partition(";")[0]

    def redirect(request: httpx.Request) -> httpx.Response:
        location = str(request.url.copy_with(scheme="https"))
        return httpx.Response(301, headers={"location": location})

    error = refusal("gitlab", settings(GITLAB_URL=url), redirect)
    assert isinstance(error, OperatorError)
    assert "set GITLAB_URL to that address" in str(error)
    assert url.replace("http:", "https:") in str(error)


def test_20_the_platform_s_reason_is_kept(reports: Path) -> None:
    report = json.loads(text(reports, "26-403-with-reason.json"))
    answer = httpx.Response(report["status"], json=report["body"])
    error = refusal("gitlab", settings(), lambda _: answer)
    assert isinstance(error, Forbidden)
    assert error.refused
    assert report["body"]["error"] in str(error)
    assert report["body"]["error_description"] in str(error)


def test_22_a_link_of_ghe_com_is_accepted(reports: Path) -> None:
    assignment, _, _, link = text(reports, "29-ghe-com.txt").split()
    forms = wiring.url_forms(settings(**dict([assignment.split("=")])))
    found = refs.parse(link, forms)
    assert (found.forge, found.repo, found.number) == ("github", "acme/widget", 1)


def test_24_a_final_slash_is_accepted(reports: Path) -> None:
    path = text(reports, "32-trailing-slash.txt").split()[1]
    body = b'{"zen": "x"}'
    headers = [
        ("content-type", "application/json"),
        ("x-github-event", "ping"),
        ("x-github-delivery", "d-1"),
        ("x-hub-signature-256", sign(body)),
    ]
    assert LocalReceiver().request("POST", path, body, headers).status_code == 202


def test_25_an_incident_without_a_type_in_its_delivery_is_skipped(reports: Path) -> None:
    payload = json.loads(text(reports, "34-gitlab-incident-no-type.json"))
    receiver = LocalReceiver()
    headers = [
        ("content-type", "application/json"),
        ("x-gitlab-event", "Issue Hook"),
        ("x-gitlab-token", SECRET),
    ]
    body = json.dumps(payload).encode()
    assert receiver.request("POST", "/webhooks/gitlab", body, headers).status_code == 202
    (job,) = receiver.queue.jobs.values()
    shown = payload["object_attributes"]
    issue = {**shown, "issue_type": "incident", "state": "opened", "author": {"username": "ann"}}
    web = ScriptedWeb(lambda _: httpx.Response(200, json=issue))
    read = FORGES["gitlab"].client(settings(), web).get_issue(job.ref)
    assert why_skip(make_job(), read, read_config(None).config) == "a work item of type 'incident'"
    both = settings(GITLAB_ISSUE_TYPES="issue,incident")
    read = FORGES["gitlab"].client(both, web).get_issue(job.ref)
    assert "type" not in why_skip(make_job(), read, read_config(None).config)


@pytest.mark.parametrize("forge", FORGES)
def test_29_a_file_with_the_other_ending_is_read(reports: Path, forge: str) -> None:
    content = text(reports, "39-tagline.yaml")
    place = f"acme/.{forge}"

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith(("/tagline.yaml", "/tagline.yaml/raw")):
            return httpx.Response(200, headers={"content-type": "text/plain"}, text=content)
        if "tagline" in path:
            return httpx.Response(404, json={"message": "404 File Not Found"})
        names = {"full_name": place, "path_with_namespace": place}
        return httpx.Response(200, json={"id": 77, **names})

    client = FORGES[forge].client(settings(), ScriptedWeb(answer))
    found = client.get_config_text(IssueRef(forge, "any.example", place, 3, 77))
    assert read_config(found).config.mode == "off"
