"""The configuration file of a forge: too long, missing and not readable now are different."""

from __future__ import annotations

import httpx
import pytest

from bot.core.config.parser import read
from bot.core.config.yaml_nodes import MAX_BYTES
from bot.core.errors import Retry
from bot.core.ports import Forge
from bot.core.types import IssueRef
from bot.forges.github.api import GitHub
from bot.forges.github.auth import TokenAuth
from bot.forges.github.client import GitHubClient
from bot.forges.gitlab.api import GitLab
from tests.scripted_web import ScriptedWeb

LIMIT = b"mode: off\n"


def web(name: str, answer: httpx.Response) -> ScriptedWeb:
    """A forge where each repository has this file, and where names are known by number."""

    def reply(request: httpx.Request) -> httpx.Response:
        if "tagline.y" in request.url.path:
            return answer
        place = f"acme/.{name}"
        return httpx.Response(200, json={"id": 7, "full_name": place, "path_with_namespace": place})

    return ScriptedWeb(reply)


def github(answer: httpx.Response) -> Forge:
    rest = GitHubClient(web("github", answer), "http://127.0.0.1")
    return GitHub(rest, TokenAuth(rest, "a-token"))


def gitlab(answer: httpx.Response) -> Forge:
    return GitLab("http://127.0.0.1", "a-token", web("gitlab", answer))


FORGES = {"github": github, "gitlab": gitlab}
# https://docs.github.com/en/rest/repos/contents: the raw media type
KINDS = {"github": "application/vnd.github.raw+json; charset=utf-8", "gitlab": "text/plain"}


def fetched(name: str, status: int, body: bytes, kind: str = "") -> str | None:
    answer = httpx.Response(status, headers={"content-type": kind or KINDS[name]}, content=body)
    place = IssueRef(
        name, "127.0.0.1", f"acme/.{name}", 1, 7, ""
    )  # no defaults of another repository apply
    return FORGES[name](answer).get_config_text(place)


@pytest.mark.parametrize("name", FORGES)
@pytest.mark.parametrize("size", [MAX_BYTES + 1, 17_000_000])
def test_only_the_beginning_of_a_file_that_is_too_long_is_fetched(name: str, size: int) -> None:
    text = fetched(name, 200, LIMIT + b"#" * (size - len(LIMIT)))
    assert text is not None
    assert len(text) == MAX_BYTES + 1
    reading = read(text)
    assert [str(problem) for problem in reading.problems] == ["keep the file under 64 KiB"]
    assert reading.config.mode == "off"


@pytest.mark.parametrize("name", FORGES)
def test_a_file_of_the_maximum_length_is_fetched_completely(name: str) -> None:
    text = fetched(name, 200, LIMIT + b"#" * (MAX_BYTES - len(LIMIT)))
    assert read(text).problems == ()


@pytest.mark.parametrize("name", FORGES)
@pytest.mark.parametrize("body", [b"\xff\xfe", b"language: fran\xe7ais\n", b"a: \xed\xa0\x80\n"])
def test_a_file_in_another_encoding_is_fetched(name: str, body: bytes) -> None:
    text = fetched(name, 200, LIMIT + body)
    assert read(text).config.mode == "off"


@pytest.mark.parametrize("name", FORGES)
def test_an_empty_file_is_a_file(name: str) -> None:
    assert fetched(name, 200, b"") == ""


@pytest.mark.parametrize("name", FORGES)
@pytest.mark.parametrize("status", [403, 404])
def test_a_missing_or_forbidden_file_is_none(name: str, status: int) -> None:
    assert fetched(name, status, b'{"message": "no"}', "application/json") is None


def test_a_folder_is_no_file() -> None:
    listing = b'[{"type": "file"}' + b', {"type": "file"}' * 9000 + b"]"
    assert fetched("github", 200, listing, "application/json; charset=utf-8") is None


@pytest.mark.parametrize("name", FORGES)
@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_file_that_could_not_be_fetched_is_tried_again(name: str, status: int) -> None:
    with pytest.raises(Retry):
        fetched(name, status, b"x" * (MAX_BYTES * 2), "text/html")


class Repository:
    """A repository with these files; the requested paths are kept."""

    def __init__(self, name: str, files: dict[str, str]) -> None:
        self.name, self.files, self.requested = name, files, list[str]()
        self.place = IssueRef(name, "127.0.0.1", f"acme/.{name}", 1, 7, "")
        web = ScriptedWeb(self._answer)
        rest = GitHubClient(web, "http://127.0.0.1")
        github = GitHub(rest, TokenAuth(rest, "a-token"))
        self.forge = github if name == "github" else GitLab("http://127.0.0.1", "a-token", web)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.partition("/contents/" if self.name == "github" else "/files/")[2]
        if not path:
            names = {"full_name": self.place.repo, "path_with_namespace": self.place.repo}
            return httpx.Response(200, json={"id": 7, **names})
        path = path.removesuffix("/raw")
        self.requested.append(path)
        if path not in self.files:
            return httpx.Response(404, json={"message": "404 File Not Found"})
        kind = {"content-type": KINDS[self.name]}
        return httpx.Response(200, headers=kind, content=self.files[path])


# Files of a repository, with {} for the host's name → the text that counts, and unread files.
PLACES: dict[str, tuple[list[str], str | None, list[str]]] = {
    "the usual name": ([".{}/tagline.yml"], ".{}/tagline.yml", []),
    "the other ending": ([".{}/tagline.yaml"], ".{}/tagline.yaml", []),
    "both endings": (
        [".{}/tagline.yaml", ".{}/tagline.yml"],
        ".{}/tagline.yml",
        [".{}/tagline.yaml"],
    ),
    "none": ([], None, []),
    "at the root": (["tagline.yml"], None, ["tagline.yml"]),
    "at the root, hidden": ([".tagline.yaml"], None, [".tagline.yaml"]),
    "one that counts and one at the root": (
        ["tagline.yml", ".{}/tagline.yaml"],
        ".{}/tagline.yaml",
        ["tagline.yml"],
    ),
}
OTHER = {"github": "gitlab", "gitlab": "github"}


@pytest.mark.parametrize("case", PLACES)
@pytest.mark.parametrize("name", FORGES)
def test_both_endings_are_read_and_other_places_are_named(name: str, case: str) -> None:
    files, read_path, unread = PLACES[case]
    one = Repository(name, {path.format(name): path.format(name) for path in files})
    expected = read_path.format(name) if read_path else None
    assert one.forge.get_config_text(one.place) == expected
    assert one.forge.list_unread_configs(one.place) == tuple(path.format(name) for path in unread)


@pytest.mark.parametrize("name", FORGES)
def test_a_file_in_the_other_host_s_folder_is_named(name: str) -> None:
    path = f".{OTHER[name]}/tagline.yml"
    one = Repository(name, {path: "mode: off"})
    assert one.forge.get_config_text(one.place) is None
    assert one.forge.list_unread_configs(one.place) == (path,)


@pytest.mark.parametrize("name", FORGES)
def test_the_second_name_is_requested_only_without_the_first(name: str) -> None:
    first, second = f".{name}/tagline.yml", f".{name}/tagline.yaml"
    with_first = Repository(name, {first: "version: 1"})
    with_first.forge.get_config_text(with_first.place)
    assert with_first.requested == [first]
    without = Repository(name, {})
    without.forge.get_config_text(without.place)
    without.forge.get_config_text(without.place)
    assert without.requested == [first, second]
