"""The map in a real browser, under the content policy: lasso and box, by keyboard alone, and on a phone."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from playwright.sync_api import expect

from annotator import project
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from annotator.worker.runtime import WorkerRuntime
from annotator.worker.tasks import pool_map, predictions, zero_shot_model
from db.connection import rows, write
from db.texts import diaries
from learner.encoders.encoder import default_cache
from tests import mapped, reviewed
from tests.browser.served import address as address
from tests.browser.served import db as db
from tests.browser.served import served as served
from tests.browser.test_content_policy import watched
from tests.browser.test_main_job import shoot, wait_until
from tests.browser.test_walk import LOOKS, STEADY, View
from tests.browser.test_walk import _axe_faults as axe_faults
from tests.browser.test_walk import _layout_faults as layout_faults
from tests.conftest import DIARIES, copy_project, import_ours
from tests.web.gate.test_middleware import serving

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from db import Database

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LEFT = [(0.02, 0.02), (0.45, 0.02), (0.45, 0.98), (0.02, 0.98), (0.02, 0.05)]
"""Around the happy ones, as shares of the canvas."""
BETWEEN = [(0.47, 0.1), (0.53, 0.1), (0.53, 0.3), (0.47, 0.3), (0.47, 0.12)]
"""Where nothing lies."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of eighty diaries on a map, of which 지민 has labelled all but the last eight."""
    path = tmp_path_factory.mktemp("map") / "project.db"
    project.init(path, seed="00" * 16, blind_share=0.0)
    with closing(project.open_project(path)) as opened:
        reviewed.make(opened, 80)
        with write(opened):
            opened.conn.execute("delete from standing where diary_id > 72")
        mapped.lay_out(opened)
    return path


def _open(page: Page, address: str, count: int = 80) -> Locator:
    page.goto(f"{address}/find?view=map")
    canvas = page.get_by_role("img", name=f"일기 {count}편의 지도")
    expect(canvas).to_have_attribute("data-drawn", str(count))
    canvas.scroll_into_view_if_needed()
    return canvas


def _drag(page: Page, canvas: Locator, path: list[tuple[float, float]]) -> None:
    canvas.evaluate("canvas => canvas.scrollIntoView({ block: 'center' })")
    box = canvas.bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def test_a_lasso_leads_to_the_list_the_grid_and_the_queue(page: Page, address: str, db: Database) -> None:
    violations = watched(page)
    canvas = _open(page, address)
    _drag(page, canvas, LEFT)
    status = page.get_by_role("status").filter(has_text="고른 일기")
    expect(status).to_have_text("고른 일기 40편")
    expect(page.get_by_text("모델의 답을 볼 수 있는 40편: 행복 40편").first).to_be_visible()

    page.get_by_role("button", name="다음 차례로").first.click()
    expect(page.get_by_text("4편을 다음 차례로 보냈어요")).to_be_visible()
    queued = rows(db, "select diary_id from queue where strategy = 'searched' order by place")
    assert queued == [(73,), (75,), (77,), (79,)]
    expect(status).to_have_text("고른 일기 40편")

    page.get_by_role("button", name="목록", exact=True).first.click()
    expect(page.get_by_text("찾은 일기 40편")).to_be_visible()
    assert "selection=" in page.url
    page.goto(page.url)
    expect(page.get_by_text("찾은 일기 40편")).to_be_visible()

    canvas = _open(page, address)
    _drag(page, canvas, LEFT)
    page.get_by_role("button", name="모아 보기").first.click()
    expect(page.get_by_text("골라 온 일기예요")).to_be_visible()
    assert violations == []


def test_a_lasso_over_nothing_helps_on_and_what_is_forgotten_leaves_a_selection(
    page: Page, made: Path, tmp_path: Path
) -> None:
    path = copy_project(made, tmp_path)  # what is forgotten leaves the files beside a project, too
    with serving(path) as port, closing(project.open_project(path)) as db:
        canvas = _open(page, f"http://127.0.0.1:{port}")
        _drag(page, canvas, BETWEEN)
        expect(page.get_by_role("status").filter(has_text="고른 자리에 일기가 없어요")).to_be_visible()
        expect(page.get_by_text("점이 있는 곳을 에워싸 주세요")).to_be_visible()

        page.get_by_role("button", name="상자", exact=True).click()
        _drag(page, canvas, [(0.02, 0.02), (0.45, 0.98)])
        status = page.get_by_role("status").filter(has_text="고른 일기")
        expect(status).to_have_text("고른 일기 40편")
        forgetting.forget(db, None, Selection(ids=(1, 2)))
        page.get_by_text("사람의 라벨", exact=True).click()
        expect(status).to_have_text("고른 일기 39편")
        expect(page.get_by_role("img", name="일기 78편의 지도")).to_have_attribute("data-drawn", "78")


def test_a_kind_that_is_hidden_is_not_selected_and_a_point_says_what_it_is(page: Page, address: str) -> None:
    canvas = _open(page, address)
    page.get_by_role("button", name="행복 40").click()
    _drag(page, canvas, LEFT)
    expect(page.get_by_role("status").filter(has_text="고른 자리에 일기가 없어요")).to_be_visible()
    page.get_by_role("button", name="행복 40").click()

    # Which point lies where is known from the map that was stored.
    rng = np.random.default_rng(0)
    places = np.column_stack([np.where(np.arange(1, 81) % 2 == 1, -10, 10), np.zeros(80)]) + rng.uniform(-2, 2, (80, 2))
    canvas.evaluate("canvas => canvas.scrollIntoView({ block: 'center' })")
    box = canvas.bounding_box()
    assert box is not None
    low, high = places.min(axis=0), places.max(axis=0)
    unit = 0.94 * min(box["width"] / (high[0] - low[0]), box["height"] / (high[1] - low[1]))
    away = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(away, np.inf)
    loneliest = int(away.min(axis=1).argmax())
    dx, dy = (places[loneliest] - (low + high) / 2) * unit
    at = (box["x"] + box["width"] / 2 + dx, box["y"] + box["height"] / 2 - dy)
    page.mouse.move(*at)
    expect(page.locator(".map-tip")).to_contain_text(f"#{loneliest + 1} · ")
    expect(page.locator(".map-tip")).to_contain_text(f"{loneliest}번째 날")
    page.mouse.click(*at)
    expect(page.get_by_role("status").filter(has_text="고른 일기")).to_have_text("고른 일기 1편")
    expect(page.get_by_role("button", name=f"{loneliest + 1}번 열기")).to_be_visible()


def _other_picture(page: Page, canvas: Locator, before: str) -> str:
    """Return what the canvas shows once that is something else."""
    wait_until(page, lambda: canvas.evaluate("canvas => canvas.toDataURL()") != before)
    return str(canvas.evaluate("canvas => canvas.toDataURL()"))


def test_by_keyboard_alone_clusters_are_chosen_and_the_map_is_moved(page: Page, address: str) -> None:
    canvas = _open(page, address)
    before = canvas.evaluate("canvas => canvas.toDataURL()")
    for key in ("+", "ArrowRight"):
        canvas.press(key)
        after = _other_picture(page, canvas, before)
        assert after != before
        before = after
    choose = page.get_by_role("button", name="지도에서").first
    choose.focus()
    page.keyboard.press("Enter")
    status = page.get_by_role("status").filter(has_text="고른 일기")
    expect(status).to_have_text("고른 일기 40편")
    canvas.focus()
    page.keyboard.press("Escape")
    expect(status).to_have_count(0)
    page.get_by_role("button", name="목록", exact=True).first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("찾은 일기 40편")).to_be_visible()


@pytest.mark.parametrize(("size", "theme"), [(View(1440, 900), "light"), (View(390, 844), "dark")])
def test_nothing_of_the_map_is_cut_and_axe_finds_nothing_serious(
    page: Page, address: str, size: View, theme: Literal["light", "dark"]
) -> None:
    page.add_init_script(LOOKS)
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.set_viewport_size({"width": size.width, "height": size.height})
    canvas = _open(page, address)
    _drag(page, canvas, LEFT)
    expect(page.get_by_role("status").filter(has_text="고른 일기")).to_have_text("고른 일기 40편")
    page.evaluate(STEADY)
    shoot(page, f"find-map-{theme}")
    assert [*layout_faults(page), *axe_faults(page)] == []


def test_the_demo_diaries_lie_on_a_map_as_the_worker_draws_it(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "demo.db"
    project.init(path, seed="00" * 16, blind_share=0.1)
    with closing(project.open_project(path)) as opened, closing(WorkerRuntime(path, cache=default_cache())) as runtime:
        import_ours(opened, DIARIES.read_text("utf-8-sig"), "diaries.csv")
        on_map = diaries.list_ids(opened)[::2]  # the others wait to be encoded
        runtime.encode_missing(opened, on_map)
        while zero_shot_model.first_model(runtime, opened) or predictions.predict(runtime, opened):
            pass
        while pool_map.draw(runtime, opened):
            pass
    with serving(path) as port:
        canvas = _open(page, f"http://127.0.0.1:{port}", len(on_map))
        words = page.locator("strong").all_inner_texts()
        assert len([each for each in words if "·" in each]) >= 3, "most clusters have words of their own"
        _drag(page, canvas, [(0.3, 0.1), (0.5, 0.1), (0.55, 0.6), (0.3, 0.6), (0.3, 0.15)])
        expect(page.get_by_role("status").filter(has_text=re.compile("고른 일기 [0-9]+편"))).to_be_visible()
        canvas.evaluate("canvas => canvas.scrollIntoView({ block: 'center' })")
        shoot(page, "find-map")


def test_on_a_phone_the_clusters_come_first_and_nothing_is_wider_than_the_screen(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    canvas = _open(page, address)
    heading = page.get_by_role("heading", name="비슷한 일기 묶음")
    expect(heading).to_be_visible()
    above, below = heading.bounding_box(), canvas.bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] < below["y"]
    assert below["x"] >= 0
    assert below["x"] + below["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    heading.scroll_into_view_if_needed()
    shoot(page, "find-map-phone")
