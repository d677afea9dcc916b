"""써보기 in a browser: from the press until the prediction, and until the words that it is based on.

    python benchmarks/try_out.py --data diaries.csv --json out.json

The app is started afresh with the demo diaries, as `make app` does. The first text is asked about as soon as the page
takes one, while models are still being loaded; the next ones while the worker explains the diaries; the last ones when
it has nothing left to do.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

# In place of this folder, where this file's neighbour would be taken for the package `pages`.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import sync_playwright

from annotator import project
from annotator.messages import say
from benchmarks import machine
from benchmarks.main_job import PORT, App, is_idle, read_texts

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
LENGTH = 60
_TIMEOUT = 180_000
_IS_THERE = """([part, kind]) => {
    const board = document.querySelector('.st-key-try_out_board [data-testid="stBidiComponentIsolated"]')?.shadowRoot;
    const text = board?.querySelector('.text')?.textContent ?? "";
    // The board lays out spaces and line ends anew.
    if (text.replace(/\\s/g, "") !== part.replace(/\\s/g, "")) return false;
    const found = board.querySelector(kind === "words" ? '.legend-label' : '.percent')?.textContent;
    return Boolean(found) && performance.now();
}"""


def main() -> None:
    """Ask about a few texts in each state of a new project."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT / "annotator" / "demo" / "diaries.csv")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="label")
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=3, help="texts in each state but the first")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    about = sorted(read_texts(arguments)[0], key=lambda text: abs(len(text) - LENGTH))
    first, *texts = about[: 2 * arguments.runs + 1]
    result: dict[str, Any] = {"machine": machine.describe(), "data": arguments.data.name}
    result["characters"] = [len(text) for text in (first, *texts)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "project.db"
        with App(path, "--demo"), closing(project.open_project(path)) as db, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium") or shutil.which("chromium-headless-shell"),
                args=["--no-sandbox", "--disable-gpu", "--no-first-run"],
            )
            page = browser.new_page(viewport={"width": 1280, "height": 1000}, locale="ko-KR")
            page.goto(f"http://127.0.0.1:{PORT}/try_out")
            result["at_once"] = _summary([_ask(page, first)])
            result["worker_busy"] = _summary([_ask(page, text) for text in texts[: arguments.runs]])
            while not is_idle(db):
                time.sleep(1)
            result["worker_idle"] = _summary([_ask(page, text) for text in texts[arguments.runs :]])
            browser.close()
    machine.write(arguments.json, result)


def _ask(page: Page, text: str) -> dict[str, float]:
    """Return the seconds from the press until each part of the answer is there, by the browser's clock."""
    page.locator("textarea").fill(text, timeout=_TIMEOUT)
    page.evaluate(
        "addEventListener('click', event => { window.clickedAt = event.timeStamp }, {capture: true, once: true})"
    )
    page.get_by_role("button", name=say("try_out.ask", "ko")).click()
    return {
        part: page.wait_for_function(_IS_THERE, arg=[text, part], timeout=_TIMEOUT).evaluate(
            "at => (at - window.clickedAt) / 1000"
        )
        for part in ("prediction", "words")
    }


def _summary(rows: list[dict[str, float]]) -> dict[str, float]:
    return {f"{part}_s": round(statistics.median(row[part] for row in rows), 2) for part in rows[0]}


if __name__ == "__main__":
    main()
