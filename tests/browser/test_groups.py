"""Many diaries are labelled at once in a real browser: by keyboard alone, on a phone, and taken back as one."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import expect

from annotator import project
from annotator.labelling import board
from db.answers import group_checks
from db.connection import rows, write
from db.people import annotators
from tests import reviewed
from tests.browser.served import address as address
from tests.browser.served import db as db
from tests.browser.served import served as served
from tests.browser.test_main_job import shoot
from tests.browser.test_walk import LOOKS, STEADY, View
from tests.browser.test_walk import _axe_faults as axe_faults
from tests.browser.test_walk import _layout_faults as layout_faults
from tests.chromium import wait_for
from tests.conftest import import_ours
from tests.reviewed import HAPPY, SAD

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from db import Database

pytestmark = [pytest.mark.browser, pytest.mark.slow]

COUNT = 40

_HAPPY = (
    *("친구랑 떡볶이를 먹었다", "동생이랑 한강을 걸었다", "엄마가 김밥을 싸 주셨다", "시험이 드디어 끝났다"),
    *("할머니 댁에 다녀왔다", "오랜만에 언니를 만났다", "첫 월급을 받았다", "고양이가 무릎에서 잤다"),
    *("새 운동화를 신고 나갔다", "비가 그치고 무지개가 떴다"),
)
_SAD = (
    *("할머니가 많이 편찮으시다", "단짝이 멀리 이사를 갔다", "키우던 금붕어가 죽었다", "또 면접에서 떨어졌다"),
    *("생일인데 아무도 몰랐다", "아빠 목소리가 자꾸 떠오른다", "혼자 저녁을 먹었다", "오래된 편지를 읽었다"),
    *("친한 선배가 그만뒀다", "강아지가 집에 오지 않는다"),
)


def _rows() -> str:
    """Return diaries that alternate between two moods, as `reviewed` takes them."""
    happy = [f"오늘은 {what}. {how}" for how in ("정말 즐거웠다!", "하루 종일 기분이 좋다.") for what in _HAPPY]
    sad = [f"오늘은 {what}. {how}" for how in ("자꾸 눈물이 난다.", "밤에 눈물이 났다.") for what in _SAD]
    return "\n".join(["text", *(text for pair in zip(happy, sad, strict=True) for text in pair)])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty undecided diaries of two moods, each mood close together, and a model that knows them."""
    path = tmp_path_factory.mktemp("groups") / "project.db"
    project.init(path, seed="00" * 16, blind_share=0.0)
    with closing(project.open_project(path)) as opened:
        import_ours(opened, _rows(), "일기.csv")
        with write(opened):
            opened.conn.execute("update diaries set part = 'pool'")
        reviewed.add_model(opened)
        reviewed.add_vectors(opened)
    return path


def _open(page: Page, address: str, search: str = "?view=groups") -> None:
    page.goto(f"{address}/find{search}")
    expect(page.locator(".cards[data-readable]")).to_be_visible()


def _standing(db: Database) -> dict[int, int]:
    return dict(rows(db, "select diary_id, label_id from standing order by diary_id"))


def test_by_keyboard_alone_a_group_is_labelled_but_for_an_exception_and_taken_back(
    page: Page, address: str, db: Database
) -> None:
    _open(page, address)
    cards = page.get_by_role("checkbox")
    expect(cards).to_have_count(COUNT // 2)
    expect(page.get_by_text("20편 가운데 20편을 골랐어요")).to_be_visible()
    shoot(page, "find-groups")
    for _ in range(60):
        page.keyboard.press("Tab")
        if cards.first.evaluate("element => element === element.getRootNode().activeElement"):
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(cards.nth(1)).not_to_be_checked()
    expect(page.get_by_text("20편 가운데 19편을 골랐어요")).to_be_visible()
    page.keyboard.press("2")
    expect(page.get_by_text("17편에 행복을 붙였어요. 2편은 남겨 두었다가")).to_be_visible()
    held = set(group_checks.list_held_ids(db))
    labelled = _standing(db)
    assert len(labelled) == 17
    assert set(labelled.values()) == {HAPPY}
    assert not held & labelled.keys()
    shoot(page, "find-groups-done")
    page.reload()
    expect(page.get_by_text("되돌릴 수 있는 것: 행복 17편")).to_be_visible()
    page.keyboard.press("z")
    expect(page.get_by_text("행복 17편을 한꺼번에 되돌렸어요")).to_be_visible()
    assert _standing(db) == {}


def test_a_press_that_is_sent_again_after_a_reload_counts_once(page: Page, address: str, db: Database) -> None:
    _open(page, address)
    page.get_by_role("button", name="행복", exact=False).first.dblclick()
    expect(page.get_by_text("18편에 행복을 붙였어요")).to_be_visible()
    ((token, who),) = rows(db, "select token, annotator_id from group_acts")
    name = dict(annotators.list_annotators(db))[who]
    # As if the answer had never come: what the tab would send again.
    event = {"type": "label", "token": token, "kind": "similar", "ids": list(_standing(db)), "label_id": HAPPY}
    pending = [f"maeumgyeol-group-{board.storage_scope(db, name)}", json.dumps({**event, "shown": 20, "at": 1})]
    page.evaluate("([key, value]) => sessionStorage.setItem(key, value)", pending)
    page.reload()
    expect(page.get_by_text("되돌릴 수 있는 것: 행복 18편")).to_be_visible()
    wait_for(page, "key => sessionStorage.getItem(key) === null", arg=pending[0])
    assert len(rows(db, "select id from group_acts")) == 1
    assert len(_standing(db)) == 18


def test_on_a_phone_cards_are_tapped_and_nothing_scrolls_sideways(page: Page, address: str, db: Database) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    _open(page, address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("checkbox").nth(2).click()
    expect(page.get_by_text("20편 가운데 19편을 골랐어요")).to_be_visible()
    page.get_by_role("button", name="행복", exact=False).first.click()
    expect(page.get_by_text("17편에 행복을 붙였어요")).to_be_visible()
    assert set(_standing(db).values()) == {HAPPY}


@pytest.mark.parametrize(("size", "theme"), [(View(1440, 900), "light"), (View(390, 844), "dark")])
def test_nothing_of_a_grid_is_cut_and_axe_finds_nothing_serious(
    page: Page, address: str, size: View, theme: Literal["light", "dark"]
) -> None:
    page.add_init_script(LOOKS)
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.set_viewport_size({"width": size.width, "height": size.height})
    _open(page, address)
    page.evaluate(STEADY)
    assert [*layout_faults(page), *axe_faults(page)] == []
    page.get_by_role("checkbox").nth(1).click()
    page.get_by_role("button", name="행복", exact=False).first.click()
    expect(page.get_by_text("17편에 행복을 붙였어요")).to_be_visible()
    page.evaluate(STEADY)
    assert [*layout_faults(page), *axe_faults(page)] == []


def test_hits_of_a_search_are_labelled_as_a_grid(page: Page, address: str, db: Database) -> None:
    page.goto(f"{address}/find?q=눈물")
    expect(page.get_by_role("link", name="찾기", exact=True)).to_be_visible()
    page.get_by_role("button", name="모아서 라벨 붙이기").click()
    expect(page.locator(".cards[data-readable]")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(COUNT // 2)
    expect(page.get_by_text("골라 온 일기예요")).to_be_visible()
    page.keyboard.press("5")
    expect(page.get_by_text("18편에 슬픔을 붙였어요")).to_be_visible()
    assert set(_standing(db).values()) == {SAD}
