"""Two annotators and a reviewer in browsers of their own, from a file that is imported to labels that are exported."""

from __future__ import annotations

import csv
import io
import re
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from annotator import project
from annotator.accounts import accounts
from db.answers import decisions
from db.label_sets import labels
from db.review import reviews
from db.texts import diaries
from tests import reviewed
from tests.browser.conftest import free_port
from tests.browser.test_accounts import PASSWORD, open_as
from tests.browser.test_main_job import WORKER_MS, app, press, read, settle, wait_until
from tests.chromium import PATIENCE_MS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from db import Database

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SLOW_MS = 6000
"""A slow connection between the press of a download and the first byte asked for."""

TRUTH = {
    "오늘은 종일 비가 왔다. 우산을 나눠 쓴 친구가 고마웠다.": "행복",
    "택시 기사가 반말을 했다. 아직도 화가 난다.": "분노",
    "할머니 목소리가 듣고 싶다. 사진만 봐도 눈물이 난다.": "슬픔",
    "빨래를 돌리고 장을 보고 저녁을 먹었다.": "중립",
}
DISPUTED, OTHERWISE = "빨래를 돌리고 장을 보고 저녁을 먹었다.", "행복"
"""What one of the two annotators says of one diary."""

REVIEWER, FIRST, SECOND = "서연", "지민", "하준"


@pytest.fixture(autouse=True)
def _patient() -> Iterator[None]:
    """Three browsers at once on two cores: what one does holds up the others."""
    expect.set_options(timeout=WORKER_MS)
    yield
    expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "team.db"
    project.init(path, seed="00" * 16, overlap=2, repeat_share=0.0, gold_share=0.0, blind_share=0.0)
    with project.opened(path) as db:
        # Somebody has to be in charge of an app with accounts.
        accounts.add(db, None, "수아", "administrator", password=PASSWORD)
        accounts.add(db, None, REVIEWER, "reviewer", password=PASSWORD)
        for name in (FIRST, SECOND):
            accounts.add(db, None, name, "annotator", password=PASSWORD)
    return path


@contextmanager
def _signed_in(browser: Browser, address: str, name: str) -> Iterator[Page]:
    """Open the app in a browser profile that is this person's alone."""
    with closing(browser.new_context(viewport={"width": 1280, "height": 800}, locale="ko-KR")) as context:
        context.set_default_timeout(WORKER_MS)
        page = context.new_page()
        open_as(page, address, name)
        yield page


def _import(page: Page, address: str, folder: Path, db: Database) -> None:
    file = folder / "일기장.csv"
    file.write_text("\n".join(["text", *(f'"{text}"' for text in TRUTH)]), "utf-8")
    page.goto(f"{address}/import")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="가져오기", exact=True).click()
    wait_until(page, lambda: diaries.count_diaries(db) == len(TRUTH), timeout_ms=WORKER_MS)


def _label_one(page: Page, db: Database, *, otherwise: bool) -> None:
    """Give the diary on screen its label by the keyboard, as one who reads the disputed one otherwise or not."""
    shown = page.get_by_role("article")
    expect(shown).to_contain_text(re.compile(r"#\d+"))
    number = int(re.search(r"#(\d+)", shown.inner_text()).group(1))  # type: ignore[union-attr]
    text = diaries.get_diary(db, number).text
    name = OTHERWISE if otherwise and text == DISPUTED else TRUTH[text]
    key_of = {label.name: label.key for label in labels.list_labels(db)}
    before = decisions.last_decision_id(db)
    read(page)
    press(page, f"Digit{key_of[name]}")
    wait_until(page, lambda: decisions.last_decision_id(db) == before + 1, timeout_ms=WORKER_MS)
    expect(shown.filter(has_text=re.compile(rf"#{number}\b"))).to_have_count(0)


def _adjudicate(page: Page, address: str, db: Database) -> int:
    """Settle the one diary on which the two differ, and return its id."""
    page.goto(f"{address}/review")
    article = page.get_by_role("article")
    expect(article).to_contain_text(DISPUTED)
    expect(page.get_by_text(FIRST).first).to_be_visible()
    expect(page.get_by_text(SECOND).first).to_be_visible()
    number = int(re.search(r"#(\d+)", article.inner_text()).group(1))  # type: ignore[union-attr]
    expect(page.locator(".review-frame.busy")).to_have_count(0)
    read(page)
    page.keyboard.press(next(label.key for label in labels.list_labels(db) if label.name == TRUTH[DISPUTED]))
    wait_until(page, lambda: reviews.find_standing(db, number) is not None, timeout_ms=WORKER_MS)
    return number


def _export(page: Page, address: str) -> list[dict[str, str]]:
    page.goto(f"{address}/overview")
    button = page.locator(".st-key-overview_export button")
    settle(page, button)
    with page.expect_download() as download:
        button.click()
    page.wait_for_timeout(SLOW_MS)  # the file outlasts the runs that the clocks of all open pages begin meanwhile
    # Fetched with the cookies of this browser: some builds of Chromium cancel downloads where nobody can be asked.
    answer = page.context.request.get(download.value.url)
    assert answer.ok
    return list(csv.DictReader(io.StringIO(answer.body().decode("utf-8-sig"), newline="")))


def test_two_annotators_and_a_reviewer_go_from_a_file_to_settled_labels(
    browser: Browser, path: Path, tmp_path: Path
) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        db = stack.enter_context(closing(project.open_project(path)))
        # The worker's part is a look at the decisions, which the test takes itself: nothing here needs an encoder.
        stack.enter_context(app(path, port, "--no-worker"))
        reviewer, first, second = (
            stack.enter_context(_signed_in(browser, address, name)) for name in (REVIEWER, FIRST, SECOND)
        )
        _import(reviewer, address, tmp_path, db)
        for _ in TRUTH:
            _label_one(first, db, otherwise=False)
            _label_one(second, db, otherwise=True)
        for page, other in ((first, SECOND), (second, FIRST)):
            expect(page.get_by_text("모두 읽었어요")).to_be_visible()
            expect(page.get_by_text(other)).to_have_count(0)
        standing = decisions.list_standing(db, list(range(1, len(TRUTH) + 1)))
        assert len(standing) == 2 * len(TRUTH), "everybody has decided every diary once"

        assert reviewed.refresh(db)
        settled = _adjudicate(reviewer, address, db)
        rows = {row["text"]: row for row in _export(reviewer, address)}
        assert {text: row["label"] for text, row in rows.items()} == TRUTH
        assert all(name in rows[DISPUTED]["decisions"] for name in (FIRST, SECOND))
        assert int(rows[DISPUTED]["id"]) == settled
