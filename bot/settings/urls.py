"""Checks addresses from the environment. Each `check` returns the problem, or ""."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from bot.core import url_policy

# Endings of names that are never public: RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`, and
# those that private networks use.
PRIVATE_ENDINGS = (
    *(".localhost", ".local", ".internal", ".home.arpa", ".test"),
    *(".lan", ".home", ".corp", ".intranet", ".private", ".localdomain", ".svc", ".consul"),
)
NOT_ENCRYPTED = "must start with https://, because its token would be sent unencrypted"
REDIS_SCHEMES = ("redis", "rediss", "unix")
ENCODE = "percent-encode its password (/ is %2F, # is %23, ? is %3F, @ is %40, % is %25)"
HOST = re.compile(r"[\w.:%-]+", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,9}")
SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
FLAG = re.compile(r"(?i:0|1|true|false|yes|no|on|off)")
ANY = re.compile(r"[^\0]+")
# Options of redis-py that may stand behind `?`.
REDIS_OPTIONS: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(("username", "password", "client_name"), ANY),
    **dict.fromkeys(("db", "health_check_interval"), NUMBER),
    **dict.fromkeys(("socket_timeout", "socket_connect_timeout"), SECONDS),
    **dict.fromkeys(("retry_on_timeout",), FLAG),
    "protocol": re.compile("[23]"),
}
TCP_OPTIONS: Mapping[str, re.Pattern[str]] = {"socket_keepalive": FLAG}
# https://redis.readthedocs.io/en/stable/connections.html#redis.Redis.from_url
TLS_OPTIONS: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"), ANY),
    **dict.fromkeys(("ssl_password", "ssl_ciphers"), ANY),
    "ssl_cert_reqs": re.compile("none|optional|required"),
    "ssl_check_hostname": FLAG,
}
TLS_FILES = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")


def check_base_url(url: str, *, only_loopback: bool) -> str:
    """Return the problem of a base URL. `bot.http` checks the address of a name again.

    Without TLS are allowed: loopback, and unless `only_loopback`, hosts of private networks.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").lower()
        parts.port  # noqa: B018 - raises on a wrong port
    except ValueError:
        return "is not a valid URL: write it as https://HOST or https://HOST:PORT"
    if parts.scheme not in ("http", "https") or not host:
        return "must start with http:// or https:// and name a host"
    if not HOST.fullmatch(host):
        return (
            "must have a host name in ASCII without blanks; an international name starts with xn--"
        )
    if parts.username is not None or parts.password is not None:
        return "must not contain a user name or password"
    if parts.query or parts.fragment:
        return "must not contain ? or #"
    if url_policy.is_forbidden(host):
        return "names a link-local or metadata address, which is never allowed"
    if parts.scheme == "http" and not url_policy.is_loopback(host):
        return NOT_ENCRYPTED if only_loopback or not _is_private(host) else ""
    return ""


def _is_private(host: str) -> bool:
    """Return whether a host is one of a private network: by its name, else by its addresses."""
    if url_policy.parse(host):
        return url_policy.is_near(host)
    if "." not in host or host.endswith(PRIVATE_ENDINGS):
        return True
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # a public name as far as one can see
        return False
    return all(url_policy.is_near(str(address[0])) for *_, address in found)


def read_networks(text: str) -> tuple[tuple[str, ...], str]:
    """Return the networks of a comma list, and its problem or ""."""
    items = [item.strip() for item in text.split(",")]
    try:
        networks = [ipaddress.ip_network(item) for item in items if item]
    except ValueError:
        return (), (
            "must list addresses and networks such as 10.0.0.5,10.1.0.0/16, separated by commas; a"
            " network's address ends in zeros"
        )
    if any(network.prefixlen == 0 for network in networks):
        return (), "must not include every address: list your proxies"
    return tuple(map(str, networks)), ""


def check_redis_url(url: str) -> str:
    """Return the problem of REDIS_URL, so that redis-py accepts every URL without one."""
    server = url.partition("://")[2].rpartition("@")[2].partition("/")[0]
    if "," in server:
        return "lists several servers; name one, because Redis Cluster and Sentinel do not work"
    try:
        parts = urlsplit(url)
        host, has_port = parts.hostname, parts.port is not None
    except ValueError:
        if "[" in server or "]" in server:
            return "has an IPv6 address that is not valid: write it as [::1]"
        return f"has a port that is not a number up to 65535, or a wrong character: {ENCODE}"
    if parts.scheme not in REDIS_SCHEMES or "://" not in url:
        return "must start with redis://, rediss:// or unix://"
    if parts.fragment or "#" in url:
        return f"contains a #: {ENCODE}"
    if any(c.isspace() or not c.isprintable() for c in url):
        return f"contains a blank: {ENCODE}"
    if parts.scheme == "unix":
        problem = "" if parts.path else "names no socket: write it as unix:///path/to/redis.sock"
    else:
        problem = _check_server(url, host or "", parts.path, has_port=has_port)
    return problem or _check_options(parts.scheme, parts.query)


def _check_server(url: str, host: str, path: str, *, has_port: bool) -> str:
    if "@" in path or "@" in urlsplit(url).query:
        return f"has a special character in its password: {ENCODE}"
    if host and not HOST.fullmatch(host):
        return f"has a wrong character in its host, or a password that is not encoded: {ENCODE}"
    if not host and has_port:
        return "names no host: write it as redis://HOST:PORT/0"
    if not re.fullmatch(r"/?|/[0-9]{1,9}", path):
        return f"must end with the number of a database, such as /0; else {ENCODE}"
    return ""


def _check_options(scheme: str, query: str) -> str:
    tls = TLS_OPTIONS if scheme == "rediss" else {}
    allowed = {**REDIS_OPTIONS, **({} if scheme == "unix" else TCP_OPTIONS), **tls}
    for name, values in parse_qs(query, keep_blank_values=True).items():
        if name in TLS_OPTIONS and name not in allowed:
            return f"must start with rediss:// for its option {name}"
        if name not in allowed:
            return f"has an option behind ? that is none of: {', '.join(sorted(allowed))}"
        if not all(allowed[name].fullmatch(value) for value in values):
            return f"has a wrong value for its option {name}"
        if name in TLS_FILES and (why := _why_unreadable(values[0])):
            return f"has an option {name} whose file cannot be read ({why}): correct its path"
    return ""


def _why_unreadable(path: str) -> str:
    try:
        file = Path(path)
        if not file.is_dir():
            file.read_bytes()
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or "not a path"
    return ""


def redis_passwords(url: str) -> tuple[str, ...]:
    """Return the password of a valid URL in all its spellings, for masking."""
    parts = urlsplit(url)
    written = parts.password or ""
    options = parse_qs(parts.query)
    named = [*options.get("password", ()), *options.get("ssl_password", ())]
    return tuple(dict.fromkeys(x for x in (written, unquote(written), *named) if x))
