"""Loads the App's private key at the start, and says in which shape a wrong one is."""

from __future__ import annotations

import base64
import re

HOW = "set it to the text of the .pem file, to the same with \\n for line ends, or to its base64"
AGAIN = "copy the whole .pem file again, or name it in GITHUB_PRIVATE_KEY_FILE"
CREATE = "create a private key on the App's page and use that file"
# Text in it → its shape and what to do.
SHAPES = (
    (r"^PuTTY-User-Key-File", f"is a key of PuTTY: {CREATE}"),
    (r"^(?:ssh-|ecdsa-)", f"is a public SSH key: {CREATE}"),
    (r"^(?:~|\.{0,2}/|[A-Za-z]:\\)[^\n]*$", "is the path of a file: set GITHUB_PRIVATE_KEY_FILE"),
    (r"-----BEGIN [A-Z ]*PUBLIC KEY-----", f"is a public key: {CREATE}"),
    (r"-----BEGIN [A-Z ]*CERTIFICATE(?: REQUEST)?-----", f"is a certificate: {CREATE}"),
    (
        r"-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: *4, *ENCRYPTED",
        "is an encrypted private key: decrypt it with `openssl rsa -in KEY.pem -out PLAIN.pem`",
    ),
    (r"-----BEGIN OPENSSH PRIVATE KEY-----", f"is an SSH key: {CREATE}"),
    (r"-----BEGIN (?:EC|DSA) P", f"is not an RSA key, as the keys of GitHub Apps are: {CREATE}"),
)
BEGIN, END = re.compile(r"-----BEGIN [A-Z ]+-----"), re.compile(r"-----END [A-Z ]+-----")
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+")


def read(text: str) -> tuple[str, str]:
    """Return the key as PEM text and its problem, one of them empty.

    `text` is PEM, PEM with `\\n` for line ends, or base64 of PEM.
    """
    if not text:
        return "", ""
    if "-----" not in text and BASE64.fullmatch(text):
        text = _decode(text) or text
    if re.search(r"\\\\+[nr]", text):
        return "", f"has its line ends escaped twice (\\\\n): write \\n, or {AGAIN}"
    lines = text.replace("\\r", "").replace("\\n", "\n").splitlines()
    pem = "\n".join(line.strip() for line in lines).strip()
    problem = _find_shape(pem) or _load(pem)
    return ("", problem) if problem else (pem, "")


def _decode(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except ValueError:
        return ""


def _find_shape(pem: str) -> str:
    """Return the problem of a text that is recognizably no whole RSA private key, else ""."""
    for pattern, problem in SHAPES:
        if re.search(pattern, pem, re.MULTILINE if "PuTTY" in pattern else 0):
            return problem
    begin, end = BEGIN.search(pem), END.search(pem)
    if begin and not end:
        first = "only the first line" if not pem[begin.end() :].strip() else "only the beginning"
        return (
            f"holds {first} of a key: put all of it in double quotes, with \\n for line ends, or"
            " name its file in GITHUB_PRIVATE_KEY_FILE"
        )
    if end and not begin:
        return f"lacks the first line of a key: {AGAIN}"
    if not begin:
        return f"is not a PEM private key: {HOW}"
    if "\n" not in pem:
        return f"has lost its line ends: {AGAIN}"
    return ""


def _load(pem: str) -> str:
    """Return why cryptography, which is imported for a key only, refuses the text, else ""."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:  # without the test of its primes, which takes a second
        key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return f"is a damaged private key: {AGAIN}"
    if not isinstance(key, RSAPrivateKey):
        return f"is not an RSA key, as the keys of GitHub Apps are: {CREATE}"
    return ""
