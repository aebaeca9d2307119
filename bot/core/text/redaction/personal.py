"""E-mail addresses, public IP addresses and phone numbers, and text that only looks like them."""

from __future__ import annotations

import re

from bot.core.text.redaction.row import Row, build_row
from bot.core.text.redaction.words import compile_words

_CONTEXT_CHARS = 300
_CUE_CHARS = 40

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_LOCAL = (  # private, loopback, link-local, documentation, benchmark and multicast networks
    r"(?:0|10|127|22[4-9]|2[345]\d)\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\."
    r"|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|192\.0\.[02]\.|198\.(?:1[89]|51\.100)\."
    r"|203\.0\.113\.|1\.2\.3\.4"
)
_PUBLIC = re.compile(rf"(?!{_LOCAL})(?:{_OCTET}\.){{3}}{_OCTET}")
_CUE_WORD = re.compile(r"[^\W_]+|§")
_VERSION_WORDS = frozenset(
    {
        *("v", "ver", "build", "jar", "package", "driver", "firmware", "sdk", "framework"),
        *("section", "chapter", "clause", "§"),
    }
)
_VERSION_STARTS = ("version", "release", "upgrad", "updat")
_ADDRESS_WORDS = frozenset(
    {
        *(
            "ip",
            "ipv4",
            "ips",
            "address",
            "addr",
            "peeraddr",
            "inet",
            "subnet",
            "route",
            "endpoint",
        ),
        *(
            "host",
            "hosts",
            "hostname",
            "server",
            "peer",
            "client",
            "gateway",
            "proxy",
            "node",
            "remote",
        ),
        *("dns", "nameserver", "resolver", "ping", "ssh", "curl", "bind", "source"),
    }
)
_ADDRESS_STARTS = ("connect", "listen", "dest")
_PORT = re.compile(r":\d{2,5}(?![\d.])|/\d")
_SURE_OCTET = 100  # parts of versions are seldom this high
_SURE_FIRST = 30
_FILENAME = re.compile(
    r"(?i).*\.(?:png|jpe?g|gif|svg|webp|ico|[cm]?[jt]sx?|s?css|html?|json|ya?ml|vue|toml|lock"
    r"|tgz|gz|tar|jar|exe|deb|rpm|apk|whl|dll|conf|cfg|ini|log|txt|xml|csv"
    r"|service|socket|target|timer|mount|automount|slice|scope|swap|device"
    r"|data|ident|value|length|text)"
)
_LABEL_OF_CODE = re.compile(r"(?:git|this|super|return|break|continue)@")
_INTEGER_LIMITS = ("2147483647", "2147483648", "4294967295", "4294967296")
_SEPARATED = re.compile(r"\+\d{1,4}(?:[ ()/-]{1,2}\d{1,8})+")
_PLAIN_NUMBER = re.compile(r"\+(?:1[2-9]\d{9}|[2-9]\d{9,13})")
_DOTTED = re.compile(r"\+\d{1,3}(?:\.\d{2,4}){3,}")
_MIN_PHONE_DIGITS, _MAX_PHONE_DIGITS = 7, 15
_PHONE_WORD = compile_words(
    (
        *("phone", "tel", "telephone", "telefone", "telefon", "telefonnummer", "teléfono"),
        *("téléphone", "telefoon", "mobile", "mobil", "mobiel", "mobiltelefon", "mob", "cell"),
        *("cellphone", "cellular", "celular", "fax", "whatsapp", "whats app", "handy", "hotline"),
        *("rufnummer", "телефон", "тел", "电话", "電話", "手机", "携帯", "전화"),
    )
)


def is_no_mailbox(match: re.Match[str]) -> bool:
    """Return whether this is a file, a unit of systemd, code, or a host with a path."""
    before, _, last = match[0].rpartition(".")
    is_code = last.isupper() and before.rpartition("@")[2].islower() and last != "COM"
    is_followed = match.string.startswith(("(", ":~", ":/"), match.end())
    looks_otherwise = _LABEL_OF_CODE.match(match[0]) or _FILENAME.fullmatch(match[0])
    return is_code or is_followed or bool(looks_otherwise)


def is_no_public_address(match: re.Match[str]) -> bool:
    return not _PUBLIC.fullmatch(match[0]) or _is_version(match)


def _is_version(match: re.Match[str]) -> bool:
    """Return whether four numbers are a version or a section rather than an address.

    They are an address before a port or a network's size. They are a version after such a word, in
    a list of versions, and where they end in 0; low numbers also without a word for an address.
    """
    if _PORT.match(match.string, match.end()):
        return False
    if match[0].endswith(".0"):
        return True
    before = match.string[max(0, match.start() - _CUE_CHARS) : match.start()].lower()
    words = _CUE_WORD.findall(before)
    if _is_named(words[-2:], _VERSION_WORDS, _VERSION_STARTS):
        return True
    if before.endswith(", ") and _is_in_list_of_versions(match):
        return True
    octets = [int(octet) for octet in match[0].split(".")]
    is_high = octets[0] >= _SURE_FIRST or max(octets) >= _SURE_OCTET or len(set(octets)) == 1
    return not is_high and not _is_named(words[-3:], _ADDRESS_WORDS, _ADDRESS_STARTS)


def _is_in_list_of_versions(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - _CONTEXT_CHARS) : match.start()]
    return "version" in before.rpartition("\n")[2].lower()


def _is_named(words: list[str], exact: frozenset[str], starts: tuple[str, ...]) -> bool:
    return not exact.isdisjoint(words) or any(word.startswith(starts) for word in words)


def is_no_phone(match: re.Match[str]) -> bool:
    """Return whether a number with a plus is an offset, a coordinate, a time or an integer."""
    number = match[0]
    if _PLAIN_NUMBER.fullmatch(number):
        return number[1:] in _INTEGER_LIMITS
    if "." in number:
        return not _DOTTED.fullmatch(number)
    return not _SEPARATED.fullmatch(number)


def is_no_named_phone(match: re.Match[str]) -> bool:
    digits = sum(map(str.isdigit, match["value"]))
    return not _MIN_PHONE_DIGITS <= digits <= _MAX_PHONE_DIGITS


ROWS: tuple[Row, ...] = (
    build_row(
        "email",
        "@ %40",
        r"[\w.+-](?<![\w.+-].)[\w.+-]*+(?:@|%40)(?!v?\d+\.\d|\d+x\.)[\w.-]*\.[^\W\d_]{2,24}(?!\w)",
        is_no_mailbox,
    ),
    build_row(
        "ip",
        ".",
        r"[0-9](?<![\w.@^~-].)(?<![=<>~!]=.)(?<![\w.-]/.)[0-9]{0,2}+(?:\.[0-9]{1,3}+){3}"
        r"(?!\.?\w|-[A-Za-z]|=)",
        is_no_public_address,
    ),
    build_row(
        "ip",
        ":",
        r"[23](?<![\w:.].)(?!001:0?db8:)[0-9a-fA-F]{3}:"
        r"(?=[0-9a-fA-F:]{0,34}::|(?:[0-9a-fA-F]{1,4}:){6})[0-9a-fA-F:]{1,34}(?!\w)",
        lambda _: False,
    ),
    build_row(
        "phone",
        "+",
        r"\+(?<![\w+./=*)-].)(?!(?:19|20)\d\d-)[1-9](?:[ .()/-]{0,2}\d){8,13}(?!\d|\.\d|[eE][+-])",
        is_no_phone,
    ),
    build_row(
        "phone",
        "phone tel mob cell fax whats handy hotline rufnummer телефон тел 电话 電話 手机 携帯 전화",
        rf"{_PHONE_WORD}(?:[ \t]{{1,2}}(?i:number|nummer|numéro|no|nr|num)\.?)?[\"'`*_]{{0,3}}"
        r"(?:[ \t]{0,4}[:=.：#]{1,2}[ \t]{0,4}|[ \t]{1,4}(?:(?:is|at|ist|me|us|on)[ \t]{1,4})?)"
        r"[\"'`*_]{0,3}"
        r"(?P<value>\(?[+0-9][0-9]{0,14}+(?:[ ()./-]{1,2}[0-9]{2,8}+){0,5})(?![\w.]|-\d)",
        is_no_named_phone,
    ),
)
