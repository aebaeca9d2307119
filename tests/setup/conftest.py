"""A wizard whose address is set, against a sandbox of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.setup.wizard import Wizard
from tests.simulation import Sandbox

Start = Callable[..., Wizard]


@pytest.fixture(scope="package")
def shared_box() -> Iterator[Sandbox]:
    with Sandbox().running() as box:
        yield box


@pytest.fixture
def box(shared_box: Sandbox) -> Iterator[Sandbox]:
    yield shared_box
    shared_box.clear_faults()
    shared_box.registrations.apps.clear()


@pytest.fixture
def start(box: Sandbox, tmp_path: Path, redis_url: str) -> Iterator[Start]:
    """Start a wizard with its own settings, and open the link."""
    with ExitStack() as running:

        def start(folder: Path = tmp_path / "data", **variables: str) -> Wizard:
            wizard = Wizard(box, folder, redis_url, **variables)
            running.enter_context(wizard.running())
            wizard.open()
            return wizard

        yield start


@pytest.fixture
def wizard(start: Start) -> Wizard:
    wizard = start()
    wizard.set_address()
    return wizard
