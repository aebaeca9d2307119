"""Material nobody here wrote, read from beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_folder() -> Path:
    """Return where the shared material should be, whether it is there or not."""
    beside = Path(__file__).resolve().parents[2].parent / "shared"
    return Path(os.environ.get("TAGLINE_SHARED") or beside)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded payloads, API descriptions and attacks."""
    folder = shared_folder()
    if not (folder / "contracts").is_dir():
        pytest.skip(f"the shared material is not at {folder}; TAGLINE_SHARED names its place")
    return folder
