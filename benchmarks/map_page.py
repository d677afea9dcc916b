"""The map in a browser: until it is drawn, how long a frame takes, and from a lasso to what it selects.

    python benchmarks/map_page.py --diaries 50000 --json out.json

A real server without a worker behind its gate, a real Chromium without a graphics card. The map is a made-up one, drawn
by nobody: how long that takes measures `benchmarks/map_layout.py`. ``server_ms``: reading what the map shows, without
Streamlit. ``open_ms``: from the address to the first frame. ``frame_ms``: drawing all points anew, as after a zoom, by
the browser's own clock. ``lasso_ms``: from letting go to the number of what is selected. Medians.
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

# In place of this folder, where this file would be taken for the package `pages`.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import os

import numpy as np
from playwright.sync_api import sync_playwright

from annotator import project
from annotator.accounts import diary_access
from annotator.finding import map_clusters, pool_map
from annotator.finding.query import Query
from benchmarks import machine, team_project
from benchmarks.pages import served
from db.models import models
from db.texts import diaries
from learner.layout import layout_store
from learner.layout.layout_store import LAID_OUT, About

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from db import Database

_CLUSTERS = 24
_TIMEOUT = 120_000


def main() -> None:
    """Make a project with a map, look at it several times in each way, and write the figures."""
    arguments = _arguments()
    result: dict[str, Any] = {"machine": machine.describe(), "diaries": arguments.diaries}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "project.db"
        team_project.build(path, rows=arguments.diaries, people=5, decided=arguments.diaries // 10, overlap=1)
        with closing(project.open_project(path)) as db:
            _lay_out(db, path)
            result["server_ms"] = _median(lambda: _read(db, path), arguments.runs)
        os.environ["MAEUMGYEOL_DB"] = str(path)
        with served() as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium-headless-shell") or shutil.which("chromium"),
                args=["--no-sandbox", "--disable-gpu", "--no-first-run"],
            )
            page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="ko-KR")
            result["open_ms"] = _median(lambda: _open(page, address), arguments.runs)
            result["frame_ms"] = round(statistics.median(_frames(page)), 1)
            result["lasso_ms"] = _median(lambda: _lasso(page), arguments.runs)
            browser.close()
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--diaries", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _median(run: Callable[[], object], runs: int) -> float:
    """Return the median in ms; the first run, which fills caches, is not counted."""
    taken = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return round(1000 * statistics.median(taken[1:]), 1)


def _lay_out(db: Database, path: Path) -> None:
    """Store a map on which diaries lie in round heaps."""
    rng, ids = np.random.default_rng(0), diaries.list_ids(db)
    group = rng.integers(0, _CLUSTERS, len(ids))
    places = rng.normal(0, 60, (_CLUSTERS, 2))[group] + rng.normal(0, 9, (len(ids), 2))
    active = models.find_active(db)
    about = About(active.encoder_hash if active else "", "2026-01-01T00:00:00.000Z", len(ids), _CLUSTERS, 0)
    folder = project.vectors_folder(path)
    layout_store.store(folder, about, ids, places.astype(np.float32), group, np.full(len(ids), LAID_OUT, np.int32))


def _read(db: Database, path: Path) -> None:
    actor = diary_access.owner(0)
    shown = pool_map.read(db, path, actor, Query())
    map_clusters.list_clusters(db, path, shown)


def _open(page: Page, address: str) -> None:
    page.goto(f"{address}/find?view=map")
    page.locator("canvas[data-drawn]").wait_for(timeout=_TIMEOUT)


def _frames(page: Page) -> list[float]:
    canvas, taken = page.locator("canvas[data-drawn]"), []
    page.locator("[data-test-script-state='notRunning']").wait_for(timeout=_TIMEOUT)
    for key in ("+", "-", "+", "+", "0"):
        before = canvas.get_attribute("data-milliseconds")
        canvas.press(key)
        page.wait_for_function(
            "([canvas, before]) => canvas.dataset.milliseconds !== before", arg=[canvas.element_handle(), before]
        )
        taken.append(float(canvas.get_attribute("data-milliseconds") or "nan"))
    return taken


def _lasso(page: Page) -> None:
    """Draw around the middle; the way of the mouse itself is not what is measured, so it is short."""
    canvas: Locator = page.locator("canvas[data-drawn]")
    status = page.get_by_role("status").filter(has_text="편")
    if status.count():
        page.get_by_role("toolbar").get_by_role("button").last.click()
        status.wait_for(state="detached", timeout=_TIMEOUT)
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 80, y - 80)
    page.mouse.down()
    for dx, dy in ((80, -80), (80, 80), (-80, 80), (-80, -70)):
        page.mouse.move(x + dx, y + dy)
    page.mouse.up()
    status.wait_for(timeout=_TIMEOUT)


if __name__ == "__main__":
    main()
