"""Until a page is usable: label, review and overview with 100,000 diaries and what twenty people decided of them.

    python benchmarks/pages.py --json out.json

A real server without a worker, a real Chromium. A page is usable when its script has ended, nothing on it is still
a placeholder and what it is about is there.

``server_ms``: the run of the script, without a browser. ``switch_ms``: from the click in the navigation, by the
browser's own clock.
``reload_ms``: the address opened in a browser that has been here before. ``cold_ms``: in one that has not, which loads
Streamlit's own code as well. Medians; the first of each kind is not counted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

# In place of this folder, where this file would be taken for the package `pages`.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import sync_playwright
from streamlit.testing.v1 import AppTest

from annotator.messages import say
from benchmarks import machine, team_project
from web import streamlit_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, JSHandle, Page

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("label", "review", "overview")
TARGET_MS = {"label": 300, "review": 1000, "overview": 1000}

_TIMEOUT = 120_000
_USABLE = """name => {
    const app = document.querySelector('[data-testid="stApp"]');
    const main = document.querySelector('[data-testid="stMain"]');
    if (!app || !main || app.dataset.testScriptState !== 'notRunning') return false;
    if (main.querySelector('[data-testid="stSkeleton"]') || main.querySelector('[data-stale="true"]')) return false;
    const boards = [...main.querySelectorAll('[data-testid="stBidiComponentIsolated"]')];
    const isThere = name === 'overview'
        ? main.querySelectorAll('.main-svg').length > 2
        : boards.some((board) => /#\\d/.test(board.shadowRoot?.textContent ?? ""));
    return isThere && performance.now();
}"""


def main() -> None:
    """Make the project, open each page several times in each way, and write the figures."""
    arguments = _arguments()
    result: dict[str, Any] = {"machine": machine.describe(), "diaries": arguments.diaries, "people": arguments.people}
    result["decisions"], result["target_ms"] = arguments.decided * arguments.overlap, TARGET_MS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "project.db"
        team_project.build(
            path,
            rows=arguments.diaries,
            people=arguments.people,
            decided=arguments.decided,
            overlap=arguments.overlap,
        )
        os.environ["MAEUMGYEOL_DB"] = str(path)
        result["server_ms"] = {name: _median(_server(name), arguments.runs) for name in PAGES}
        with served() as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium") or shutil.which("chromium-headless-shell"),
                args=["--no-sandbox", "--disable-gpu", "--no-first-run"],
            )
            result |= _in_browser(browser, address, arguments.runs)
            browser.close()
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--diaries", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--decided", type=int, default=20_000)
    parser.add_argument("--overlap", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _median(run: Callable[[], float], runs: int) -> float:
    """Return the median in ms; the first run, which fills caches, is not counted."""
    return round(1000 * statistics.median([run() for _ in range(runs + 1)][1:]), 1)


def _server(name: str) -> Callable[[], float]:
    streamlit_options.load()
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run()
    app.switch_page(f"pages/{name}/page.py")

    def run() -> float:
        began = time.perf_counter()
        app.run()
        assert not app.error, app.error[0].value
        return time.perf_counter() - began

    return run


@contextmanager
def served() -> Iterator[str]:
    """Serve the project that the environment names, without a worker, for the length of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "web.server", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait_for(address: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The server did not start.")


def _in_browser(browser: Browser, address: str, runs: int) -> dict[str, dict[str, float]]:
    def cold(name: str) -> float:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="ko-KR", bypass_csp=True)
        seconds = _open(context.new_page(), address, name)
        context.close()
        return seconds

    times = {"cold_ms": {name: _median(lambda name=name: cold(name), runs) for name in PAGES}}
    page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="ko-KR", bypass_csp=True)
    times["reload_ms"] = {name: _median(lambda name=name: _open(page, address, name), runs) for name in PAGES}
    times["switch_ms"] = {name: _median(lambda name=name: _switch(page, name), runs) for name in PAGES}
    return times


def _open(page: Page, address: str, name: str) -> float:
    began = time.perf_counter()
    page.goto(f"{address}/{'' if name == 'label' else name}")
    _usable(page, name)
    return time.perf_counter() - began


def _switch(page: Page, name: str) -> float:
    """Go to this page by its link, from a page that holds little."""
    page.get_by_role("link", name=say("frame.import", "ko")).click()
    page.get_by_role("heading", name=say("import_page.title", "ko")).wait_for(timeout=_TIMEOUT)
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
    # A click by hand needs none of the waiting by which the test tool makes sure that the link stands still.
    page.evaluate(
        "addEventListener('click', event => { window.clickedAt = event.timeStamp }, {capture: true, once: true})"
    )
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=say(f"frame.{name}", "ko"), exact=True).click()
    return float(_usable(page, name).evaluate("usableAt => (usableAt - window.clickedAt) / 1000"))


def _usable(page: Page, name: str) -> JSHandle:
    """Wait for it; return when it was, in ms of the browser's clock."""
    return page.wait_for_function(_USABLE, arg=name, timeout=_TIMEOUT)


if __name__ == "__main__":
    main()
