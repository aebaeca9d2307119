"""The App's private key is loaded at the start, and a wrong one is told by its shape."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings.load import SettingsError, load
from tests.settings import keys
from tests.settings.keys import PEM

BODY = PEM.splitlines()[1:-1]

# A good key in other forms.
GOOD = {
    "text": PEM,
    "blank line at its end": PEM + "\n\n",
    "line ends of Windows": PEM.replace("\n", "\r\n"),
    "indented, as in YAML": PEM.replace("\n", "\n    "),
    "escaped": PEM.replace("\n", "\\n"),
    "escaped line ends of Windows": PEM.replace("\n", "\\r\\n"),
    "escaped, in quotes": '"' + PEM.replace("\n", "\\n") + '\\n"',
    "base64": base64.b64encode(PEM.encode()).decode(),
    "base64 in lines": base64.encodebytes(PEM.encode()).decode(),
    "PKCS8": keys.PKCS8,
}

# A wrong key → its shape in the message.
WRONG = {
    "first line only": (PEM.splitlines()[0], "only the first line"),
    "the beginning": (PEM[:300], "only the beginning"),
    "without the first line": ("\n".join(PEM.splitlines()[1:]), "lacks the first line"),
    "escaped twice": (PEM.replace("\n", "\\\\n"), "escaped twice"),
    "escaped three times": (PEM.replace("\n", "\\\\\\n"), "escaped twice"),
    "blanks for line ends": (PEM.replace("\n", " "), "lost its line ends"),
    "no line ends": (PEM.replace("\n", ""), "lost its line ends"),
    "a line is missing": ("\n".join(PEM.splitlines()[:3] + PEM.splitlines()[4:]), "damaged"),
    "a letter is missing": (PEM.replace(BODY[2], BODY[2][1:]), "damaged"),
    "public": (keys.PUBLIC, "is a public key"),
    "public, base64": (base64.b64encode(keys.PUBLIC.encode()).decode(), "is a public key"),
    "public, PKCS1": (keys.PUBLIC.replace("PUBLIC", "RSA PUBLIC"), "is a public key"),
    "public SSH": (keys.PUBLIC_SSH, "is a public SSH key"),
    "certificate": (PEM.replace("RSA PRIVATE KEY", "CERTIFICATE"), "is a certificate"),
    "encrypted": (keys.ENCRYPTED, "is an encrypted private key"),
    "encrypted, old form": (keys.ENCRYPTED_TRADITIONAL, "is an encrypted private key"),
    "encrypted, escaped": (keys.ENCRYPTED.replace("\n", "\\n"), "is an encrypted private key"),
    "OpenSSH": (keys.OPENSSH, "is an SSH key"),
    "PuTTY": (f"PuTTY-User-Key-File-3: ssh-rsa\n{BODY[0]}", "is a key of PuTTY"),
    "elliptic": (keys.ELLIPTIC, "is not an RSA key"),
    "elliptic, old form": (keys.ELLIPTIC_TRADITIONAL, "is not an RSA key"),
    "a path": ("/etc/tagline/app.pem", "is the path of a file"),
    "a text": ("quokkaberry", "is not a PEM private key"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_key_is_read_in_each_form(name: str) -> None:
    settings = load({"GITHUB_APP_ID": "1", "GITHUB_PRIVATE_KEY": GOOD[name]})
    assert settings.github_private_key == (keys.PKCS8 if name == "PKCS8" else PEM)


@pytest.mark.parametrize("in_file", [False, True], ids=["variable", "file"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_key_is_one_problem_that_names_its_shape(
    name: str, in_file: bool, tmp_path: Path
) -> None:
    text, shape = WRONG[name]
    path = tmp_path / "key"
    path.write_text(text)
    given = {"GITHUB_PRIVATE_KEY": text}
    with pytest.raises(SettingsError) as error:
        load({"GITHUB_PRIVATE_KEY_FILE": str(path)} if in_file else given)
    (line,) = error.value.problems
    variable = "GITHUB_PRIVATE_KEY_FILE" if in_file else "GITHUB_PRIVATE_KEY"
    assert line.startswith(f"{variable} ")
    assert shape in line
    assert not [part for part in (*BODY, "quokkaberry", "/etc/") if part in line]


def test_a_receiver_without_a_key_loads_no_cryptography() -> None:
    code = (
        "import sys; from bot.settings.load import load;"
        "load({'GITHUB_WEBHOOK_SECRET': '0123456789abcdef', 'GITHUB_APP_ID': '1'});"
        "print({'cryptography', 'jwt', 'httpx', 'redis'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
