"""The setup page over HTTP, served by a receiver of this process, against the sandbox."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx

from bot.cli.serve import Receiver
from bot.cli.setup_preview import preview_issues
from bot.settings.load import load
from bot.setup.offer import SetupOffer
from tests.conftest import free_port
from tests.simulation import Sandbox

TAG = re.compile(r"<[^>]+>")


class Wizard:
    """A person with the cookie. A form is sent with the page's token, as a browser does."""

    def __init__(self, box: Sandbox, folder: Path, redis_url: str, **variables: str) -> None:
        self.box, self.folder = box, folder
        self.port = free_port()
        self.settings = load(
            {
                "DATA_DIR": str(folder),
                "PORT": str(self.port),
                "REDIS_URL": redis_url,
                "GITHUB_API_URL": box.github_url,
                "OPENAI_BASE_URL": box.openai_url,
                **variables,
            }
        )
        self.url = f"http://127.0.0.1:{self.port}"
        self.offer = SetupOffer(self.settings, preview_issues)
        self.web = httpx.Client(base_url=self.url, trust_env=False, timeout=30)

    @contextmanager
    def running(self) -> Iterator[Wizard]:
        with Receiver(self.settings, self.offer.app):
            try:
                yield self
            finally:
                self.web.close()
                self.offer.close()

    def open(self) -> None:
        answer = self.web.get(self.offer.link.replace(self.url, ""))
        assert answer.status_code == 303, answer.text
        self.web.cookies.update(answer.cookies)

    def get(self, path: str) -> httpx.Response:
        return self.web.get(f"/setup{path}", follow_redirects=True)

    def post(self, step: str, **fields: str) -> httpx.Response:
        """Send the form of a step and return the page to which it leads."""
        page = {"github": "host", "gitlab": "host", "preview": "mode"}.get(step, step)
        (token,) = set(re.findall(r'name="form_token" value="(\w+)"', self.get(f"/{page}").text))
        return self.web.post(
            f"/setup/{step}",
            data={"form_token": token, **fields},
            headers={"origin": self.url},
            follow_redirects=True,
        )

    def set_address(self) -> None:
        assert self.post("address", url=self.url, how="check").url.path == "/setup/host"

    def register(self, owner: str = "acme", name: str = "", confirmed: str = "") -> tuple[str, str]:
        """Go to GitHub and confirm there; return the code and the state that it sends back.

        `confirmed` is the name that the person enters where GitHub says that `name` is taken.
        """
        bridge = self.post("github", owner=owner, name=name).text
        address, manifest = (
            html.unescape(re.findall(pattern, bridge)[0])
            for pattern in (r'action="([^"]+)"', r'name="manifest" value="([^"]+)"')
        )
        shown = httpx.post(address, data={"manifest": manifest}, trust_env=False)
        assert shown.status_code == 200, shown.text
        fields = dict(re.findall(r"name='(\w+)' value='([^']*)'", shown.text))
        answer = httpx.post(f"{self.box.url}/settings/apps", data=fields, trust_env=False)
        if confirmed:
            assert "Name has already been taken" in answer.text
            fields["name"] = confirmed
            answer = httpx.post(f"{self.box.url}/settings/apps", data=fields, trust_env=False)
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        return query["code"][0], query["state"][0]

    def come_back(self, code: str, state: str) -> httpx.Response:
        return self.web.get(
            "/setup/github/created", params={"code": code, "state": state}, follow_redirects=True
        )

    @property
    def stored(self) -> str:
        path = self.settings.stored_file
        return path.read_text() if path.exists() else ""


def alert(page: httpx.Response) -> str:
    """Return the page's error, "" for none."""
    found = re.findall(r'role="alert">(.*?)</p>', page.text, re.DOTALL)
    return html.unescape(TAG.sub("", found[0])) if found else ""


def status(page: httpx.Response) -> str:
    found = re.findall(r'role="status">(.*?)</p>', page.text, re.DOTALL)
    return html.unescape(TAG.sub("", found[0])) if found else ""
