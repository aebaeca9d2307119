"""`tagline github manifest`: the simulated GitHub registers an App from what it prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from tests.simulation import Sandbox
from tests.whole.test_command_line import ROOT, tagline


@pytest.mark.parametrize("organisation", ["", "acme"])
def test_the_manifest_is_that_of_the_repository_and_is_accepted(
    box: Sandbox, tmp_path: Path, organisation: str
) -> None:
    environment = {"PUBLIC_URL": "https://bot.example.org", "GITHUB_API_URL": box.github_url}
    words = ["--github-org", organisation] if organisation else []
    result = tagline("github", "manifest", *words, cwd=tmp_path, environment=environment)
    manifest = json.loads(result.stdout)
    assert manifest["hook_attributes"]["url"] == "https://bot.example.org/webhooks/github"
    published = (ROOT / "app.yaml").read_text()
    for key in (*manifest["default_permissions"], *manifest["default_events"]):
        assert re.search(rf"^  (- )?{key}\b", published, re.MULTILINE), key
    account = f"/organizations/{organisation}" if organisation else ""
    path = f"{account}/settings/apps/new"
    assert path in result.stderr
    data = {"manifest": result.stdout}
    page = httpx.post(f"{box.url}{path}?state=s", data=data, trust_env=False)
    assert page.status_code == 200
    assert manifest["name"] in page.text


def test_an_app_without_a_webhook_is_for_polling(tmp_path: Path) -> None:
    result = tagline("github", "manifest", cwd=tmp_path, environment={})
    assert result.returncode == 2
    assert "PUBLIC_URL is not set" in result.stderr
    polling = {"TAGLINE_POLL_SECONDS": "60"}
    result = tagline("github", "manifest", cwd=tmp_path, environment=polling)
    assert "hook_attributes" not in json.loads(result.stdout)
