"""Where outgoing calls may lead: never to link-local or metadata addresses."""

from __future__ import annotations

import ipaddress
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "instance-data"})
# Where clouds tell their machines secrets, beside 169.254.0.0/16 and fe80::/10.
METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "fd00:ec2::254",  # Amazon
        "fd00:ec2::23",
        "fd20:ce::254",  # Google
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure
        "192.0.0.192",  # Oracle
    )
)
NAT64 = ipaddress.ip_network("64:ff9b::/96")


def parse(host: str) -> Address | None:
    """An address however it is written (2852039166 and 0xa9fea9fe are some); None for a name."""
    try:
        return _inner(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return ipaddress.ip_address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def is_forbidden(host: str) -> bool:
    """Whether nothing of ours may ever connect there."""
    name = host.rstrip(".").lower()
    address = parse(name)
    if address is None:
        return name in METADATA_NAMES
    return address.is_link_local or address.is_multicast or address in METADATA


def is_loopback(host: str) -> bool:
    address = parse(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback


def is_near(host: str) -> bool:
    """Whether an address is of this host or of a private network."""
    address = parse(host)
    return address is not None and not address.is_global


def _inner(address: Address) -> Address:
    """The address of version 4 that one of version 6 stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
