"""One Chromium for all tests of a run: Playwright can be started once in a process."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error, expect, sync_playwright
from playwright.sync_api import TimeoutError as TookTooLong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--process-per-site",
]

PATIENCE_MS = 180_000
"""How long a state is waited for; other work may share the machine."""


def find_chromium() -> str | None:
    """Return the program of the system's Chromium; None for Playwright's own.

    The shell without windows comes first: it renders the same, and opening a page takes half the processor time.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, for all browser tests. Without it they are skipped, loudly; under CI they fail."""
    path = find_chromium()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        if path is None and not Path(playwright.chromium.executable_path).exists():
            reason = "NO BROWSER, NOT TESTED: install chromium (apt-get install chromium) or run `playwright install`"
            if os.environ.get("CI") == "true":
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)
        chromium = playwright.chromium.launch(executable_path=path, headless=True, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


def wait_for(page: Page, expression: str, arg: Any = None, *, timeout_ms: int = PATIENCE_MS) -> None:
    """Wait until a JavaScript expression or function is true on a page.

    Playwright's own `wait_for_function` evaluates strings on the page, which the app's content policy forbids as soon
    as it has to look twice.

    Raises:
        TookTooLong: if it does not become true.
    """
    until = time.monotonic() + timeout_ms / 1000
    while time.monotonic() < until:
        try:
            if page.evaluate(expression, arg):
                return
        except Error:
            pass  # the page is being loaded anew
        page.wait_for_timeout(50)
    raise TookTooLong(f"{expression} has not become true within {timeout_ms} ms")
