"""Private keys that are made for one run of the tests."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_rsa, _ec = rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256R1())


def _private(key: Private, form: PrivateFormat, password: str = "") -> str:
    lock = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, lock).decode().strip()


PEM = _private(_rsa, PrivateFormat.TraditionalOpenSSL)
OTHER_PEM = _private(rsa.generate_private_key(65537, 1024), PrivateFormat.TraditionalOpenSSL)
PKCS8 = _private(_rsa, PrivateFormat.PKCS8)
ENCRYPTED = _private(_rsa, PrivateFormat.PKCS8, "quokkaberry")
ENCRYPTED_TRADITIONAL = _private(_rsa, PrivateFormat.TraditionalOpenSSL, "quokkaberry")
OPENSSH = _private(_rsa, PrivateFormat.OpenSSH)
ELLIPTIC = _private(_ec, PrivateFormat.PKCS8)
ELLIPTIC_TRADITIONAL = _private(_ec, PrivateFormat.TraditionalOpenSSL)
PUBLIC = (
    _rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().strip()
)
PUBLIC_SSH = _rsa.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
