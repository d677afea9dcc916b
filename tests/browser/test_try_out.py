"""써보기 in a browser that was opened too early."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from annotator import project
from tests import trying as small
from tests.conftest import ROOT, fill

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.conftest import StartApp

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_page_notices_by_itself_that_there_are_diaries_and_then_a_model(
    page: Page, start_app: StartApp, tmp_path: Path
) -> None:
    path = tmp_path / "project.db"
    small.begin(path)
    address = start_app(ROOT / "streamlit_app.py", env={"MAEUMGYEOL_DB": str(path)})
    page.goto(address)
    page.get_by_role("link", name="써보기").click()
    expect(page.get_by_text("아직 모델이 없어요")).to_be_visible()
    with closing(project.open_project(path)) as db:
        fill(db, 6)
        expect(page.get_by_text("첫 모델을 만들고 있어요")).to_be_visible()
        assert page.get_by_role("textbox").count() == 0
        small.teach(path, db)
    expect(page.get_by_role("button", name="감정 보기")).to_be_visible()
    assert page.get_by_text("첫 모델을 만들고 있어요").count() == 0
