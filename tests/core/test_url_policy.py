"""Which addresses are link-local, metadata, near or far, however they are written."""

from __future__ import annotations

import pytest

from bot.core.url_policy import is_forbidden, is_loopback, is_near

FORBIDDEN = (
    "169.254.169.254 169.254.170.2 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.43518"
    " fe80::1 fe80::1%eth0 ::ffff:169.254.169.254 ::ffff:a9fe:a9fe 64:ff9b::a9fe:a9fe"
    " 2002:a9fe:a9fe::1 fd00:ec2::254 fd00:0ec2:0::254 fd20:ce::254 100.100.100.200 168.63.129.16"
    " 192.0.0.192 fd00:ec2::23 metadata METADATA.google.internal. instance-data 224.0.0.1 ff02::1"
)
NEAR = "127.0.0.1 ::1 10.0.0.7 172.16.3.4 192.168.1.1 100.64.0.1 fd12:3456::1 ::ffff:10.0.0.1"
FAR = "8.8.8.8 140.82.121.6 2606:50c0:8000::154 ::ffff:8.8.8.8 2002:808:808::1"
NAMES = "api.github.com gitlab.corp ollama localhost"


@pytest.mark.parametrize("host", FORBIDDEN.split())
def test_link_local_and_metadata_addresses_are_forbidden(host: str) -> None:
    assert is_forbidden(host)


@pytest.mark.parametrize("host", [*NEAR.split(), *FAR.split(), *NAMES.split()])
def test_others_are_allowed(host: str) -> None:
    assert not is_forbidden(host)


def test_private_addresses_are_near_and_names_are_not_known_to_be() -> None:
    assert all(map(is_near, NEAR.split()))
    assert not any(map(is_near, (FAR + " " + NAMES).split()))


def test_loopback_has_names_too() -> None:
    assert all(map(is_loopback, ["127.0.0.1", "127.8.8.8", "::1", "localhost", "gitlab.localhost"]))
    assert not any(map(is_loopback, ["10.0.0.1", "localhost.evil.example", "128.0.0.1"]))
