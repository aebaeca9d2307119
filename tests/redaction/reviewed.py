"""Verdicts on the redactions in the real issues, by the start of a hash of kind and value.

After a change of the table read what `python -m tests.redaction` lists as unread, and add it here.
"""

from __future__ import annotations

EXAMPLE_ADDRESS = "user@example.invalid"  # the sets have it in place of every e-mail address

RIGHT = {
    "488e14d1c532a95b": "a peer's public address in a log",
    "c1b42adfbee20348": "the access key of a test server",
    "22daae518bf932ef": "the secret key of the same server, in the argument of a call",
    "c761f95b0fee2c6c": "its root password",
    "03a7c31561fb1713": "a download token in an address",
    "8f600ad9e0e948f1": "a download token in an address",
    "eccc581b41dc9126": "a password in an address, with an anonymised end",
    "36c2d8edd771df30": "a password in an address",
    "6df8c69a1ab84e8b": "a secret key in an address",
    "580996ed5dce1b87": "the password of a shared folder",
    "a1470fce942f9b5f": "the password of a test node",
}
WRONG = {
    "975df00d1b497f50": "the signature in the address of a public picture",
    "e197721a08455122": "the signature in the address of a public picture",
    "27a4d1187ffd037a": "the word password in an example address",
}
