"""The settings that `tagline setup` stores in DATA_DIR, in one file that only its owner can read.

One file, so that an App's id, key and secret are replaced together or not at all.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

FILE = "settings.env"
GITHUB_APP = ("GITHUB_APP_ID", "GITHUB_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET")
GITLAB_HOOK = ("GITLAB_TOKEN", "GITLAB_SIGNING_TOKEN", "GITLAB_WEBHOOK_SECRET")
MODEL = ("LLM_PROVIDER", "LLM_MODEL", "LLM_BASE_URL")
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "LLM_API_KEY")
# Stored variables that belong together → those that, set elsewhere, replace all of them.
GROUPS = (
    (GITHUB_APP, GITHUB_APP),
    ((*GITLAB_HOOK, "GITLAB_URL"), GITLAB_HOOK),
    ((*MODEL, *KEYS), ("LLM_PROVIDER",)),
)
ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})


def select(stored: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """Return those of the stored variables that are in force: the others are set already.

    A credential from one place is never joined with one from the other.
    """
    values = {name: value for name, value in stored.items() if not _is_set(variables, name)}
    for members, deciding in GROUPS:
        if any(_is_set(variables, name) for name in deciding):
            values = {name: value for name, value in values.items() if name not in members}
    return values


def _is_set(variables: Mapping[str, str], name: str) -> bool:
    return bool(variables.get(name, "").strip() or variables.get(f"{name}_FILE", "").strip())


def render(values: Mapping[str, str]) -> str:
    """Return lines NAME="value", for `.env` or for `docker run --env-file`."""
    return "".join(f'{name}="{value.translate(ESCAPES)}"\n' for name, value in values.items())


def write(path: Path, text: str) -> None:
    """Replace a file, readable for its owner only, in one step. Raises `OSError`.

    After an error the old file is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
