"""`tagline preview` of a real repository's recorded issues and labels."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.core.test_sanitize import RENDERER
from tests.serving import served
from tests.whole.test_command_line import tagline

REPO = "huggingface/datasets"


def read_rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def github(shared: Path) -> Iterator[str]:
    """The API's address of a server with the recorded objects; it has no files."""
    recorded = read_rows(shared / "eval" / "raw_issue_objects.jsonl.gz")
    newest = sorted(recorded, key=lambda issue: issue["created_at"], reverse=True)
    # GitHub's own answers have this key only for pull requests.
    issues = [{k: v for k, v in x.items() if v or k != "pull_request"} for x in newest]
    labels = read_rows(shared / "eval" / "labels.jsonl.gz")

    def paged(items: list[dict[str, Any]], request: Request) -> Response:
        size, page = (int(request.query_params[name]) for name in ("per_page", "page"))
        return JSONResponse(items[(page - 1) * size : page * size])

    async def answer(request: Request) -> Response:
        match request.url.path.removeprefix(f"/repos/{REPO}"):
            case "":
                return JSONResponse({"id": 1, "full_name": REPO})
            case "/labels":
                return paged(labels, request)
            case "/issues":
                return paged(issues, request)
        return JSONResponse({"message": "Not Found"}, 404)

    with served(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        yield url


def preview(github: str, folder: Path, *words: str) -> str:
    started = time.monotonic()
    result = tagline(
        *("preview", f"github:{REPO}", *words), cwd=folder, environment={"GITHUB_API_URL": github}
    )
    assert result.returncode == 0, result.stderr
    assert time.monotonic() - started < 20
    return result.stdout


def test_a_real_repository_is_previewed_by_rules_in_seconds(github: str, tmp_path: Path) -> None:
    report = json.loads(preview(github, tmp_path, "--json"))

    assert [len(report["issues"]), report["cost_usd"]] == [20, 0]
    assert report["learned_from"] > 50
    agreement = report["agreement"]
    assert 0 < agreement["both"] <= agreement["proposed"]
    assert agreement["issues"] == 7
    assert all(issue["summary"] for issue in report["issues"])
    text = preview(github, tmp_path).splitlines()
    assert text[-1] == report["sentence"]
    assert any(line.split() == ["label", "people", "Tagline", "both"] for line in text)


def test_the_issues_of_a_real_repository_are_text_in_markdown(github: str, tmp_path: Path) -> None:
    tokens = RENDERER.parse(preview(github, tmp_path, "--markdown"))

    inner = {child.type for token in tokens for child in token.children or ()}
    assert inner <= {"text", "code_inline"}
    rows = [token for token in tokens if token.type == "tr_open"]
    assert len(rows) > 22
