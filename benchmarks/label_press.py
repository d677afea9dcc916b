"""One press on the label page: until the next diary is painted, and until the press is confirmed as saved.

    python benchmarks/label_press.py --data diaries.tsv --json out.json

A real server, a real Chromium, 10,000 diaries; presses come when the one before is confirmed. Also: from the command
to a label page that takes keys, on the demo diaries.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from playwright.sync_api import sync_playwright

from annotator import demo, project
from benchmarks import machine
from benchmarks.main_job import PORT, App, import_rows, read_texts
from db.answers import decisions
from db.connection import scalar

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PRESS = """async () => {
    const hosts = [...document.querySelectorAll("[data-testid='stBidiComponentIsolated']")];
    const root = hosts.map((host) => host.shadowRoot).find((each) => each?.querySelector("#diary-heading"));
    const heading = root.querySelector("#diary-heading");
    const frame = () => new Promise(requestAnimationFrame);
    // A diary that has only just appeared takes no press: nobody can have read it.
    while (!root.querySelector(".text[data-readable]")) await frame();
    const before = heading.textContent, began = performance.now();
    let painted = null;
    document.body.dispatchEvent(new KeyboardEvent("keydown",
        {key: "1", code: "Digit1", bubbles: true, composed: true, cancelable: true}));
    while (true) {
        if (painted === null && heading.textContent !== before) painted = performance.now() - began;
        const kept = Object.values(sessionStorage).every(x => !(JSON.parse(x).events || []).length);
        if (painted !== null && kept) return [painted, performance.now() - began];
        await frame();
    }
}"""


def main() -> None:
    """Measure presses and the start, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="label")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--presses", type=int, default=200)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    result: dict[str, Any] = {"machine": machine.describe(), "data": arguments.data.name, "rows": arguments.rows}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-headless-shell"),
            args=["--no-sandbox", "--disable-gpu", "--no-first-run"],
        )
        texts, truth = read_texts(arguments)
        path = Path(folder) / "project.db"
        import_rows(path, Path(folder) / "diaries.csv", texts, truth)
        result |= _presses(browser, path, arguments.presses)
        result["start_seconds"] = _starts(browser, Path(folder), arguments.starts)
        browser.close()
    machine.write(arguments.json, result)


def _presses(browser: Browser, path: Path, count: int) -> dict[str, Any]:
    with App(path), closing(project.open_project(path)) as db:
        page = _open(browser)
        before = decisions.last_decision_id(db)
        times = np.array([page.evaluate(PRESS) for _ in range(count)])
        # An answer to a diary that was shown once more, unannounced, is stored apart.
        again = int(scalar(db, "select count(*) from repeats"))
        decision_count = decisions.last_decision_id(db) - before + again
        page.close()
    return {
        "presses": count,
        "kept": decision_count,
        "next_diary_ms": _spread(times[:, 0]),
        "confirmed_ms": _spread(times[:, 1]),
    }


def _spread(values: Any) -> dict[str, float]:
    return {"median": float(np.median(values)), "p95": float(np.percentile(values, 95)), "most": float(values.max())}


def _open(browser: Browser) -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"http://127.0.0.1:{PORT}")
    page.get_by_role("article").filter(has_text="#").wait_for(timeout=60_000)
    return page


def _starts(browser: Browser, folder: Path, count: int) -> list[dict[str, float]]:
    """Time the app from its command, with an empty database each time: the second start is the warm one."""
    starts = []
    for number in range(count):
        path = folder / f"start-{number}.db"
        began = time.perf_counter()
        demo.set_up(path)
        with App(path):
            up = time.perf_counter() - began
            page = _open(browser)
            starts.append({"address_printed": up, "label_page": time.perf_counter() - began})
            page.close()
    return starts


if __name__ == "__main__":
    main()
