"""Hostile files through the page 가져오기, as a reviewer's browser sends them."""

from __future__ import annotations

import contextlib
import http.client
import time
from typing import TYPE_CHECKING

from playwright.sync_api import Error

from benchmarks.hostile_trials.outcome import Outcome
from benchmarks.hostile_trials.pages import Visit
from benchmarks.hostile_trials.web import send

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from benchmarks.hostile_corpus.hostile_file import HostileFile
    from benchmarks.hostile_corpus.requests import Keys
    from benchmarks.hostile_trials.target import Program

_HEALTH = b"GET /_stcore/health HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"
_PATIENCE_MS = 40_000
_ANSWERED = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app?.dataset.testScriptState === 'notRunning' &&
    !document.querySelector('[data-testid="stSpinner"]') &&
    !!document.querySelector('[data-testid="stMain"]')?.querySelector(
      '[data-testid="stAlert"], [data-testid="stDataFrame"], [data-testid="stFileUploaderFileErrorMessage"]'
    );
}"""


def can_be_uploaded(path: Path) -> bool:
    """Return whether a browser can send a file: an ordinary file whose name is text."""
    return path.is_file() and not path.is_symlink() and path.name.isprintable()


def try_uploads(
    browser: Browser, program: Program, keys: Keys, files: Iterable[tuple[HostileFile, Path]]
) -> Iterator[Outcome]:
    """Choose each file on the page, and import it where the page offers that."""
    visit = Visit(browser, program, keys.cookies["reviewer"])
    for file, path in files:
        if file.entry == "import" and can_be_uploaded(path):
            began = time.perf_counter()
            wrong = _upload(visit, path) or _is_slow(program)
            yield Outcome(f"upload {file.kind}", file.name, time.perf_counter() - began, wrong, program.deaths())
    visit.close()


def _upload(visit: Visit, path: Path) -> str:
    try:
        visit.open("import")
        visit.page.locator("input[type=file]").first.set_input_files(path)
        visit.page.wait_for_function(_ANSWERED, timeout=_PATIENCE_MS)
        start = visit.page.get_by_role("button", name="가져오기", exact=True)
        if start.count() and start.first.is_enabled():
            start.first.click()
            visit.page.wait_for_function(_ANSWERED, timeout=_PATIENCE_MS)
    except Error as error:
        return f"no answer: {str(error).splitlines()[0]}"
    text, happened = visit.read()
    if "Traceback" in text or "프로그램 안에서 문제가" in text:
        return "a fault was shown"
    return ", ".join(happened)


def _is_slow(program: Program) -> str:
    """Report if others are not answered within a second after a file was read."""
    began = time.perf_counter()
    with contextlib.suppress(OSError, http.client.HTTPException):
        if send(program.port, _HEALTH).status == 200:
            return "" if time.perf_counter() - began < 1 else "others wait"
    return "others get no answer"
