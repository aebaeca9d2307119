"""Fixtures for material from outside the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shared import require, shared_folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded payloads, API descriptions and attacks."""
    require(shared_folder() / "contracts")
    return shared_folder()
