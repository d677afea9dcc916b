"""Finding in a real browser: a word, an old label that is fixed, hits sent to the queue; on a phone, by keyboard."""

from __future__ import annotations

import contextlib
import re
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.sync_api import TimeoutError as TookTooLong
from playwright.sync_api import expect

from annotator import project
from annotator import settings as project_settings
from db.answers import decisions
from db.connection import write
from db.models import models, predictions
from db.models.models import NewModel
from db.people import annotators
from tests import reviewed
from tests.browser.served import address as address
from tests.browser.served import db as db
from tests.browser.served import served as served
from tests.browser.test_main_job import shoot
from tests.reviewed import HAPPY

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from db import Database

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WORDS = "찾을 말"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of thirty diaries, of which 지민 has labelled all but the last eight."""
    path = tmp_path_factory.mktemp("find") / "project.db"
    project.init(path, seed="00" * 16, blind_share=0.0)
    with closing(project.open_project(path)) as opened:
        reviewed.make(opened, 30)
        with write(opened):
            opened.conn.execute("delete from standing where diary_id > 22")
    return path


def _open(page: Page, address: str, search: str = "") -> None:
    page.goto(f"{address}/find{search}")
    expect(page.get_by_role("heading", name="찾기")).to_be_visible()


def test_a_word_is_found_an_old_label_fixed_and_hits_are_sent(page: Page, address: str, db: Database) -> None:
    _open(page, address)
    page.get_by_label(WORDS).fill("눈물")
    page.get_by_label(WORDS).press("Enter")
    expect(page.get_by_text("찾은 일기 15편")).to_be_visible()
    expect(page.locator("mark").first).to_have_text("눈물")
    assert "q=" in page.url
    shoot(page, "find-list")

    page.get_by_role("button", name="다음 차례로 보내기").click()
    page.get_by_role("button", name="앞의 25편").click()
    expect(page.get_by_text("4편을 다음 차례로 보냈어요")).to_be_visible()
    queue = db.conn.execute("select diary_id from queue where strategy = 'searched' order by place").fetchall()
    assert queue == [(30,), (28,), (26,), (24,)]

    _open(page, address, "?q=0번째")
    expect(page.get_by_text("찾은 일기 3편")).to_be_visible()
    page.get_by_role("button", name=re.compile(r"(?<!\d)1번 열기")).click()
    expect(page.get_by_role("heading", name=re.compile(r"^1번 일기"))).to_be_visible()
    shoot(page, "find-diary")
    page.get_by_role("button", name="행복", exact=True).click()
    expect(page.get_by_text("행복으로 저장했어요.")).to_be_visible()
    given = {
        d.label_id
        for d in decisions.list_standing(db, [1])
        if d.annotator_id == annotators.get_or_create_id(db, "서연")
    }
    assert given == {HAPPY}


def test_by_keyboard_alone_a_diary_is_found_and_opened(page: Page, address: str) -> None:
    _open(page, address)
    page.get_by_label(WORDS).focus()
    page.keyboard.type("29번째")
    page.keyboard.press("Enter")
    expect(page.get_by_text("찾은 일기 1편")).to_be_visible()
    button = page.get_by_role("button", name=re.compile("30번 열기"))
    for _ in range(30):
        page.keyboard.press("Tab")
        if button.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="30번 일기")).to_be_visible()


def test_a_link_to_a_view_opens_it_and_a_phone_shows_it_without_scrolling_sideways(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    _open(page, address, "?label=슬픔&differs=model")
    expect(page.get_by_text("찾은 일기 1편")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, "find-phone")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/find?diary=1")
    expect(page.get_by_role("heading", name="1번 일기")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, "find-diary-phone")


def test_a_diary_that_is_not_there_is_said(page: Page, address: str) -> None:
    page.goto(f"{address}/find?diary=999")
    expect(page.get_by_role("link", name="찾기", exact=True)).to_be_visible()
    expect(page.get_by_text("999번 일기가 없어요")).to_be_visible()
    page.get_by_role("button", name="목록으로").click()
    expect(page.get_by_text("찾은 일기 30편")).to_be_visible()


def test_the_label_pages_last_answers_lead_to_their_diaries(page: Page, address: str) -> None:
    page.goto(address)
    link = page.get_by_role("link", name=re.compile(r"번 일기 열기")).first
    expect(link).to_be_visible()
    target = link.get_attribute("href") or ""
    assert re.fullmatch(r"\.?/?find\?diary=\d+", target)


@pytest.fixture
def two_versions(db: Database) -> None:
    """A second version, which answers no sad diary rightly any more."""
    old = models.list_models(db)[0]
    proba = predictions.load_predictions(db, old).copy()
    proba[1::2] = np.roll(proba[1::2], 1, axis=1)
    made = models.add_model(db, NewModel("instant", "bundled", "encoder", old.label_ids, b"", {}))
    predictions.store_predictions(db, made, proba)


@pytest.mark.usefixtures("two_versions")
def test_what_a_version_changed_leads_to_its_diaries_and_back(page: Page, address: str) -> None:
    _open(page, address)
    page.get_by_role("radio", name="바뀐 답").click()
    expect(page.get_by_text("두 판이 모두 답한 30편 가운데 15편의 답이 달라졌어요.")).to_be_visible()
    page.locator("[data-test-script-state='notRunning']").wait_for()
    _choose(page, "답의 쌍", "슬픔 → 중립")
    expect(page).to_have_url(re.compile("was="))
    expect(page.get_by_text("슬픔 90% → 중립 90%").first).to_be_visible()
    shoot(page, "find-changed")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name=re.compile("번 열기")).first.click()
    page.get_by_role("button", name="목록으로").click()
    expect(page.get_by_text("찾은 일기 15편")).to_be_visible()


def _choose(page: Page, name: str, option: str) -> None:
    """Choose an option of a list, which closes when the page is drawn again meanwhile."""
    for _ in range(5):
        box = page.get_by_role("combobox", name=name)
        box.click()
        box.fill(option)
        with contextlib.suppress(TookTooLong):
            page.get_by_role("option", name=re.compile(option)).click(timeout=5_000)
            return


def test_feelings_over_time_are_drawn_and_fit_a_phone(page: Page, address: str, db: Database) -> None:
    with write(db):
        db.conn.execute("update diaries set author = '가람', written_on = date('2026-01-01', (9 * id) || ' days')")
    _open(page, address)
    page.get_by_role("radio", name="감정의 흐름").click()
    # 서연 has decided as well.
    expect(page.get_by_text("여러 사람이 함께 쓰는 프로젝트라 닫혀 있어요")).to_be_visible()
    project_settings.change(db, feelings_over_time=True)
    page.reload()
    expect(page.get_by_text("글쓴이가 그때 느낀 마음을 재지 않아요")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_be_visible()
    shoot(page, "find-time")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
