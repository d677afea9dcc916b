"""A reviewer at the keyboard: accept, correct with a note, send back, undo; and what the annotator sees of it."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from annotator import project
from db.answers import training_data
from db.people import annotators
from db.review import reviews
from tests import reviewed
from tests.browser.served import address as address
from tests.browser.served import db as db
from tests.browser.served import served as served
from tests.browser.test_main_job import settle, shoot, wait_until
from tests.browser.test_open_board import HOLD_SOCKETS, cut
from tests.reviewed import HAPPY, SAD

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page

    from db import Database


pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of twelve diaries of which three are worth a review."""
    path = tmp_path_factory.mktemp("review") / "project.db"
    project.init(path, seed="00" * 16, blind_share=0.0)
    with closing(project.open_project(path)) as opened:
        reviewed.make(opened)
    return path


def _shown(page: Page) -> int:
    match = re.search(r"#(\d+)", page.get_by_role("article").inner_text())
    assert match is not None
    return int(match[1])


def _settle(page: Page) -> None:
    """Wait until the board takes keys: while a press is on its way or a text has just appeared, it refuses them."""
    expect(page.locator(".review-frame.busy")).to_have_count(0)
    expect(page.locator(".review-frame .text[data-readable]")).to_have_count(1)


def test_a_reviewer_accepts_corrects_sends_back_and_undoes(page: Page, address: str, db: Database) -> None:
    page.goto(f"{address}/review")
    article = page.get_by_role("article")
    expect(article).to_contain_text("#3")
    expect(page.get_by_text("행복 1, 중립 1")).to_be_visible()
    shoot(page, "review")

    page.keyboard.press("j")
    expect(article).not_to_contain_text("#3")
    first = _shown(page)
    assert first in (1, 2)
    _settle(page)
    page.keyboard.press("a")
    wait_until(page, lambda: reviews.find_standing(db, first) is not None)
    expect(page.get_by_role("status").filter(has_text=f"#{first}")).to_be_visible()

    _settle(page)
    page.keyboard.press("z")
    wait_until(page, lambda: reviews.find_standing(db, first) is None)
    expect(article).to_contain_text(f"#{first}")

    _settle(page)
    true_label = HAPPY if first == 1 else SAD
    page.keyboard.press(str(true_label))
    note = page.get_by_role("textbox", name=re.compile("인가요"))
    expect(note).to_be_focused()
    page.keyboard.type("a <b>bold</b> reason 1 z")
    page.keyboard.press("Enter")
    wait_until(page, lambda: (review := reviews.find_standing(db, first)) is not None and review.kind == "correct")
    labelled = training_data.list_labelled(db, part="pool")
    assert labelled.label_ids[labelled.diary_ids == first].tolist() == [true_label]

    other = 3 - first
    page.get_by_role("button", name=re.compile(rf"#{other}\b")).click()
    expect(article).to_contain_text(f"#{other}")
    _settle(page)
    page.keyboard.press("b")
    page.keyboard.type("<img src=x onerror=alert(1)> **again**")
    page.keyboard.press("Enter")
    wait_until(page, lambda: (review := reviews.find_standing(db, other)) is not None and review.kind == "return")
    me = annotators.get_or_create_id(db, "지민")
    assert reviews.count_returned(db, me) == 1

    expect(article).to_contain_text("#3")
    _settle(page)
    page.keyboard.press("m")
    wait_until(page, lambda: (review := reviews.find_standing(db, 3)) is not None and review.kind == "ambiguous")
    expect(page.get_by_text("다 봤어요")).to_be_visible()

    reviewed.label(db, 12, SAD)  # who decided last is there again in a new tab
    page.goto(f"{address}/corrections")
    expect(page.get_by_text("<img src=x onerror=alert(1)> **again**")).to_be_visible()
    shoot(page, "corrections")
    settle(page, page.get_by_role("textbox", name="메모"))
    page.wait_for_timeout(500)  # a press sooner than anybody can read is refused
    page.keyboard.press(str(SAD if true_label == HAPPY else HAPPY))
    wait_until(page, lambda: reviews.count_returned(db, me) == 0)


def test_what_a_reviewer_presses_without_the_text_or_the_server_is_refused_and_said_to_be(
    page: Page, context: BrowserContext, address: str, db: Database
) -> None:
    page.add_init_script(HOLD_SOCKETS)
    page.goto(f"{address}/review")
    _settle(page)
    first, notice = _shown(page), page.locator(".notice-line")
    page.locator(".review-frame .text").evaluate("text => { text.hidden = true }")
    page.keyboard.press("a")
    expect(notice).to_have_text("일기가 가려져 있어서 저장하지 않았어요. 읽고 나서 다시 눌러 주세요.")
    page.locator(".review-frame .text").evaluate("text => { text.hidden = false }")
    context.set_offline(True)
    cut(page)
    expect(page.locator(".connection")).to_contain_text("인터넷 연결이 끊겼어요.")
    page.keyboard.press("a")
    expect(notice).to_have_text("서버와 연결이 끊겨서 저장하지 않았어요. 이어지면 다시 눌러 주세요.")
    shoot(page, "review-offline")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert reviews.find_standing(db, first) is None
    context.set_offline(False)
    expect(page.locator(".connection")).to_be_hidden()
    _settle(page)
    page.keyboard.press("a")
    wait_until(page, lambda: reviews.find_standing(db, first) is not None)
