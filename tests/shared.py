"""Material from outside the project: payloads, API descriptions, attacks, labelled issues.

It is in `shared` beside the checkout or in the folder in `TAGLINE_SHARED`. Without it the tests
that need it are skipped; with `TAGLINE_REQUIRE_SHARED=1` they fail instead.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest


def shared_folder() -> Path:
    """Return the folder of the material, whether it exists or not."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    return Path(os.environ.get("TAGLINE_SHARED") or beside)


def absent(path: Path) -> NoReturn:
    """Skip the test, or fail it where the material is required."""
    reason = f"{path} does not exist; TAGLINE_SHARED names the folder of the shared material"
    if os.environ.get("TAGLINE_REQUIRE_SHARED") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def require(path: Path) -> Path:
    """Return the path if it exists; else see `absent`."""
    if not path.exists():
        absent(path)
    return path
