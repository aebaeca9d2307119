"""Addresses: REDIS_URL in every wrong spelling, and plain http to public hosts."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.settings.load import SettingsError, load
from bot.settings.urls import check_redis_url
from tests.settings.test_load import COMPATIBLE, OPENAI, problems

# A wrong URL → what its problem says.
WRONG = {
    "redis://:quok/kaberry@redis:6379/0": "percent-encode its password",
    "redis://:quok#kaberry@redis:6379/0": "percent-encode its password",
    "redis://:quok?kaberry@redis:6379/0": "percent-encode its password",
    "redis://:quok/ka#berry@redis:6379/0": "percent-encode its password",
    "redis://:/quokkaberry@redis": "percent-encode its password",
    "redis://:quok[kaberry@redis": "percent-encode its password",
    "redis://:quok kaberry@redis": "percent-encode its password",
    "redis://user:quok%kab@erry@re dis/0": "percent-encode its password",
    "redis://:12/34@redis:6379/0": "percent-encode its password",
    "redis://:quokkaberry@a:1,b:2,c:3/0": "lists several servers",
    "redis://a,b/0": "lists several servers",
    "redis://:quokkaberry@redis:6379,ssl=True": "lists several servers",
    "redis://:quokkaberry@redis:port/0": "port that is not a number",
    "redis://:quokkaberry@redis:66000/0": "port that is not a number",
    "redis://:quokkaberry@redis:6379/quokkaberry": "the number of a database",
    "redis://:quokkaberry@redis/0/1": "the number of a database",
    "redis://:quokkaberry@redis/0?bogus=1": "none of: client_name, db",
    "redis://:quokkaberry@redis/0?db=quokkaberry": "a wrong value for its option db",
    "redis://:quokkaberry@redis/0?ssl_cert_reqs=none": "start with rediss://",
    "rediss://redis/0?ssl_cert_reqs=quokkaberry": "a wrong value for its option ssl_cert_reqs",
    "rediss://redis/0?ssl_ca_certs=/quokkaberry.pem": "(No such file or directory)",
    "redis://[::1": "not valid: write it as [::1]",
    "redis://:quokkaberry@[::1/0": "not valid: write it as [::1]",
    "redis://::1]:6379": "not valid: write it as [::1]",
    "redis://:6379/0": "names no host",
    "unix://": "names no socket",
    "redis:localhost:6379": "must start with redis://, rediss:// or unix://",
    "redis-sentinel://quokkaberry": "must start with redis://, rediss:// or unix://",
    "localhost:6379": "must start with redis://, rediss:// or unix://",
    "quokkaberry": "must start with redis://, rediss:// or unix://",
}
GOOD = (
    *("redis://localhost", "redis://localhost/", "redis://localhost:6379/15", "redis://"),
    *("redis://:p%2Fa%23ss@redis:6379/0", "redis://user:pa$s!w*rd@my_redis.internal:6379/0"),
    *("redis://[::1]:6379/0", "redis://[fe80::1%25eth0]/0", "rediss://redis.example:6380/1"),
    *("unix:///run/redis.sock", "unix:///run/redis.sock?db=2", "unix://:pw@/run/redis.sock"),
    *("redis://redis/0?socket_timeout=2.5&health_check_interval=30", "redis://redis?password=pw"),
    *("rediss://redis/0?ssl_cert_reqs=none&ssl_check_hostname=false", "redis://redis?protocol=3"),
)


@pytest.mark.parametrize("url", WRONG)
def test_a_url_of_redis_that_does_not_parse_is_one_sentence_without_its_value(url: str) -> None:
    with pytest.raises(SettingsError) as error:
        load({"REDIS_URL": url})
    (line,) = error.value.problems
    assert line.startswith("REDIS_URL ")
    assert WRONG[url] in line
    assert "quok" not in line


@pytest.mark.parametrize("url", GOOD)
def test_a_good_url_is_accepted(url: str) -> None:
    assert load({"REDIS_URL": url}).redis_url == url


def test_the_file_of_an_authority_is_looked_for_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("x")
    assert check_redis_url(f"rediss://redis/0?ssl_ca_certs={path}") == ""
    assert check_redis_url(f"rediss://redis/0?ssl_ca_path={tmp_path}") == ""


PARTS = st.sampled_from(
    [*"s:@/?#[]%,&=02é", "redis", "unix", "://", "::1", "%2F", "localhost", "6379", "none", "db="]
)


@settings(deadline=None)
@given(st.lists(PARTS, max_size=12).map("".join))
def test_the_client_accepts_every_url_without_a_problem(text: str) -> None:
    for url in (text, f"redis://{text}", f"rediss://:pw@{text}", f"unix:///{text}"):
        if not check_redis_url(url):
            with redis.Redis.from_url(url, socket_timeout=1) as client:
                client.connection_pool.make_connection()


def test_a_password_is_masked_as_written_and_as_sent() -> None:
    loaded = load({"REDIS_URL": "redis://:p%2Fa@redis/0?password=other"})
    assert {*loaded.secrets} == {"p%2Fa", "p/a", "other"}


# Plain http.

PUBLIC, PRIVATE = "93.184.215.14", "10.1.2.3"


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The addresses of each name; others do not resolve."""
    known: dict[str, list[str]] = {}

    def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(0, 0, 0, "", (address, 0)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


@pytest.mark.parametrize(
    "name",
    ["GITLAB_URL", "GITHUB_API_URL", "LLM_BASE_URL", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"],
)
@pytest.mark.parametrize("found", [[PUBLIC], [PRIVATE, PUBLIC], []], ids=str)
def test_plain_http_to_a_public_name_is_refused_at_the_start(
    name: str, found: list[str], resolve: dict[str, list[str]]
) -> None:
    if found:
        resolve["git.acme.dev"] = found
    provider = {"LLM_BASE_URL": COMPATIBLE, "OPENAI_BASE_URL": OPENAI}.get(
        name, {"LLM_PROVIDER": "anthropic", "ANTHROPIC_API_KEY": "k"}
    )
    with pytest.raises(SettingsError, match=f"^{name} must start with https://") as error:
        load({**provider, name: "http://git.acme.dev/v1"})
    assert len(error.value.problems) == 1
    load({**provider, name: "https://git.acme.dev/v1"})


@pytest.mark.parametrize(
    "host", ["gitlab", "gitlab.internal", "gitlab.lan", "git.home.arpa", "app.svc.cluster.local"]
)
def test_plain_http_to_a_private_name_needs_no_look_up(
    host: str, resolve: dict[str, list[str]]
) -> None:
    assert load({"GITLAB_URL": f"http://{host}"}).gitlab_url == f"http://{host}"


def test_plain_http_to_a_name_of_the_private_network_is_accepted(
    resolve: dict[str, list[str]],
) -> None:
    resolve["git.acme.dev"] = [PRIVATE, "fd12::1"]
    assert load({"GITLAB_URL": "http://git.acme.dev"}).gitlab_url == "http://git.acme.dev"


METADATA = [  # tests/core/test_url_policy.py has every form of an address
    "http://169.254.169.254/v1",
    "http://[fd00:0ec2:0::254]:8080",
    "http://METADATA.google.internal./v1",
]


@pytest.mark.parametrize("url", METADATA)
@pytest.mark.parametrize(
    "name", ["LLM_BASE_URL", "OPENAI_BASE_URL", "GITHUB_API_URL", "GITLAB_URL"]
)
def test_link_local_and_metadata_addresses_are_refused(name: str, url: str) -> None:
    environ = COMPATIBLE if name == "LLM_BASE_URL" else OPENAI
    (line,) = problems({**environ, name: url})
    assert line == f"{name} names a link-local or metadata address, which is never allowed."


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("GITHUB_API_URL", "http://ghe.example/api/v3"),
        ("GITHUB_API_URL", "http://10.0.0.5/api/v3"),
        ("GITLAB_URL", "http://8.8.8.8"),
        ("OPENAI_BASE_URL", "http://[2606:4700::1111]/v1"),
        ("LLM_BASE_URL", "http://1.1.1.1:11434/v1"),
    ],
)
def test_a_token_needs_https(name: str, url: str) -> None:
    environ = COMPATIBLE if name == "LLM_BASE_URL" else OPENAI
    (line,) = problems({**environ, name: url})
    assert line == f"{name} must start with https://, because its token would be sent unencrypted."
    load({**environ, name: url.replace("http:", "https:")})
