"""The simulated batch APIs refuse what the vendors refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import WEB
from tests.simulation import Sandbox

BODY = {"model": "m", "messages": [{"role": "user", "content": "{}"}], "max_completion_tokens": 9}
LINE = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": BODY}
PARAMS = {"model": "m", "messages": [{"role": "user", "content": "{}"}], "max_tokens": 9}
CREATE = {"endpoint": "/v1/chat/completions", "completion_window": "24h"}
Call = Callable[..., httpx.Response]


@pytest.fixture
def openai(box: Sandbox) -> Call:
    headers = {"authorization": f"Bearer {box.model_key}"}
    return lambda method, path, **given: WEB.request(
        method, box.openai_url + path, headers=headers, **given
    )


@pytest.fixture
def anthropic(box: Sandbox) -> Call:
    headers = {"x-api-key": box.model_key, "anthropic-version": "2023-06-01"}
    url = f"{box.anthropic_url}/v1/messages/batches"
    return lambda method, path, **given: WEB.request(method, url + path, headers=headers, **given)


def upload(call: Call, *lines: dict[str, Any], purpose: str = "batch") -> httpx.Response:
    content = "\n".join(map(json.dumps, lines))
    return call("POST", "/files", files={"file": ("x.jsonl", content)}, data={"purpose": purpose})


def create(call: Call, file: str, **change: Any) -> httpx.Response:
    return call("POST", "/batches", json={**CREATE, "input_file_id": file, **change})


def test_openai_answers_a_batch_at_a_later_poll_and_deletes_files(openai: Call) -> None:
    file = upload(openai, LINE, {**LINE, "custom_id": "b"}).json()["id"]
    batch = create(openai, file, metadata={"k": "v"}).json()
    assert (batch["status"], batch["output_file_id"]) == ("validating", None)
    states = [openai("GET", f"/batches/{batch['id']}").json()["status"] for _ in range(2)]
    assert states == ["in_progress", "completed"]
    output = openai("GET", f"/batches/{batch['id']}").json()["output_file_id"]
    lines = [json.loads(x) for x in openai("GET", f"/files/{output}/content").text.splitlines()]
    assert [(x["custom_id"], x["response"]["status_code"]) for x in lines] == [
        ("a", 200),
        ("b", 200),
    ]
    assert openai("GET", "/batches").json()["data"][0]["metadata"] == {"k": "v"}
    assert openai("DELETE", f"/files/{output}").json()["deleted"]
    assert openai("GET", f"/files/{output}/content").status_code == 404
    assert openai("POST", f"/batches/{batch['id']}/cancel").status_code == 409


def test_openai_lists_files_by_purpose_the_newest_first(openai: Call) -> None:
    ids = [upload(openai, LINE).json()["id"] for _ in range(3)]
    found = openai("GET", "/files", params={"purpose": "batch", "order": "desc", "limit": 2}).json()
    assert [one["id"] for one in found["data"]] == [ids[2], ids[1]]
    assert (found["data"][0]["filename"], found["has_more"]) == ("x.jsonl", True)
    assert openai("GET", "/files", params={"purpose": "batch_output"}).json()["data"] == []
    for wrong in ({"limit": 0}, {"order": "newest"}, {"name": "x.jsonl"}):
        assert openai("GET", "/files", params=wrong).status_code == 400


def test_openai_refuses_wrong_uploads_and_batches(openai: Call, box: Sandbox) -> None:
    assert upload(openai, LINE, purpose="fine-tune").status_code == 400
    assert openai("POST", "/files", json={}).status_code == 400
    file = upload(openai, LINE).json()["id"]
    for change in ({"completion_window": "1h"}, {"endpoint": "/v1/x"}, {"extra": 1}):
        assert create(openai, file, **change).status_code == 400
    assert create(openai, "file-none").status_code == 400
    expiry = {"anchor": "created_at", "seconds": 60}
    assert create(openai, file, output_expires_after=expiry).status_code == 400
    assert WEB.get(f"{box.openai_url}/batches").status_code == 401


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([LINE, LINE], "duplicate_custom_id"),
        ([LINE, {**LINE, "custom_id": "b", "body": {**BODY, "model": "n"}}], "mismatched_model"),
        ([{**LINE, "url": "/v1/responses"}], "mismatched_endpoint"),
        ([{"custom_id": "a"}], "invalid_request"),
        ([], "empty_file"),
    ],
)
def test_openai_fails_a_batch_whose_file_is_wrong(
    openai: Call, lines: list[dict[str, Any]], code: str
) -> None:
    batch = create(openai, upload(openai, *lines).json()["id"]).json()["id"]
    found = [openai("GET", f"/batches/{batch}").json() for _ in range(2)][-1]
    assert (found["status"], found["errors"]["data"][0]["code"]) == ("failed", code)


def test_anthropic_answers_a_batch_at_a_later_poll_and_deletes_it(anthropic: Call) -> None:
    wrong = {"custom_id": "b", "params": {**PARAMS, "temperature": 1}}
    requests = [{"custom_id": "a", "params": PARAMS}, wrong]
    batch = anthropic("POST", "", json={"requests": requests}).json()["id"]
    assert anthropic("DELETE", f"/{batch}").status_code == 400
    assert anthropic("GET", f"/{batch}/results").status_code == 404
    found = [anthropic("GET", f"/{batch}").json() for _ in range(2)]
    assert [x["processing_status"] for x in found] == ["in_progress", "ended"]
    assert found[1]["results_url"].endswith(f"/v1/messages/batches/{batch}/results")
    lines = [json.loads(x) for x in anthropic("GET", f"/{batch}/results").text.splitlines()]
    assert {x["custom_id"]: x["result"]["type"] for x in lines} == {
        "a": "succeeded",
        "b": "errored",
    }
    assert anthropic("DELETE", f"/{batch}").json()["type"] == "message_batch_deleted"
    assert anthropic("GET", f"/{batch}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"requests": []},
        {"requests": [{"custom_id": "a b", "params": PARAMS}]},
        {"requests": [{"custom_id": "a", "params": PARAMS, "model": "m"}]},
        {"requests": [{"custom_id": "a", "params": PARAMS}] * 2},
    ],
)
def test_anthropic_refuses_wrong_batches(anthropic: Call, body: dict[str, Any]) -> None:
    assert anthropic("POST", "", json=body).status_code == 400
