"""Decides which addresses outgoing requests may use: never link-local or metadata addresses."""

from __future__ import annotations

import ipaddress
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "instance-data"})
# Instance metadata services outside 169.254.0.0/16 and fe80::/10.
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
    """Return the address in any spelling, also 2852039166 and 0xa9fea9fe; None for a name."""
    try:
        return _extract_ipv4(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return ipaddress.ip_address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def is_forbidden(host: str) -> bool:
    """Return whether connections to this host name or address are never allowed."""
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
    """Return whether this is an address of this host or of a private network."""
    address = parse(host)
    return address is not None and not address.is_global


def _extract_ipv4(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address contains, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
