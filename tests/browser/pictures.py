"""`make pictures`: pictures of the real pages for `docs/`, from a headless Chromium."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.browser.conftest import Watched, running_chromium, running_demo, watch
from tests.browser.setup_person import ROOT, Installation, Person, installing
from tests.simulation import Sandbox

DOCS = ROOT / "docs"
VIEW = {"width": 960, "height": 920}
TITLE = "Login button does nothing in Firefox 131"
BODY = "The login button does nothing in Firefox 131 after the upgrade to 4.2. It worked before."


def main() -> None:
    """Write `docs/setup-*.png` and `docs/demo.png`, and print their sizes."""
    with running_chromium() as browser, tempfile.TemporaryDirectory() as folder:
        page = watch(browser.new_context(viewport=VIEW, color_scheme="light"), Watched())
        with Sandbox().running() as box, installing(box, Path(folder)) as installation:
            show_setup(page, box, installation)
        with running_demo(Path(folder)) as address:
            show_demo(page, address)


def show_setup(page: Any, box: Sandbox, installation: Installation) -> None:
    """Walk through setup with GitHub up to the choice of the mode."""
    person = Person(page, installation.url)
    page.goto(installation.link)
    person.click("Check and continue")
    person.wait_for("host")
    person.fill("Organisation", "acme")
    take(page, "setup-host")
    person.click("Create the App on GitHub")
    person.click("Create GitHub App for acme")
    person.wait_for("delivery")
    person.click("Install the App on GitHub")
    person.click("Install")
    page.wait_for_url(f"{installation.url}/setup/*")
    page.goto(f"{installation.url}/setup/model")
    person.fill("Key", box.model_key)
    page.set_viewport_size({"width": 960, "height": 580})
    take(page, "setup-model")


def show_demo(page: Any, address: str) -> None:
    """Open an issue in the demo and wait for its comment."""
    page.goto(address)
    page.click("#open")
    page.wait_for_selector("article .bot")
    page.wait_for_selector("#status .ended")
    page.set_viewport_size({"width": 1280, "height": 760})
    take(page, "demo")


def take(page: Any, name: str) -> None:
    path = DOCS / f"{name}.png"
    page.screenshot(path=path)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
