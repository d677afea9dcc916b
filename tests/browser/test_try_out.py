"""써보기 in a browser that was opened too early."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import psutil
import pytest
from playwright.sync_api import expect

from annotator import project
from annotator.accounts import api_tokens
from tests import trying as small
from tests.chromium import wait_for
from tests.conftest import fill
from tests.web.gate.test_middleware import ask, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page


pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose model answers."""
    return small.make(tmp_path_factory.mktemp("try_out"))


@pytest.fixture(scope="module")
def port(path: Path) -> Iterator[int]:
    """One server for those who only ask: its predicting process takes seconds to start."""
    with serving(path) as port:
        yield port


def test_the_page_notices_by_itself_that_there_are_diaries_and_then_a_model(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "project.db"
    small.begin(path)
    with serving(path) as port:
        page.goto(f"http://127.0.0.1:{port}")
        page.locator("[data-test-script-state='notRunning']").wait_for()
        page.get_by_role("link", name="써보기").click()
        expect(page.get_by_text("아직 모델이 없어요")).to_be_visible()
        with closing(project.open_project(path)) as db:
            fill(db, 6)
            expect(page.get_by_text("첫 모델을 만들고 있어요")).to_be_visible()
            assert page.get_by_role("textbox").count() == 0
            small.teach(path, db)
        expect(page.get_by_role("button", name="감정 보기")).to_be_visible()
        assert page.get_by_text("첫 모델을 만들고 있어요").count() == 0


def test_an_answer_that_appears_under_a_resting_mouse_shows_its_own_evidence(page: Page, port: int) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"http://127.0.0.1:{port}/try_out")
    ask, legend = page.get_by_role("button", name="감정 보기"), page.locator(".legend-label")
    page.get_by_role("textbox").fill("정말 기쁘고 즐거운 하루였다. 눈물이 났다.")
    ask.click()
    answer = page.locator(".answer")
    expect(answer).to_contain_text("%", timeout=60_000)
    label = answer.inner_text().split()[0]
    expect(legend).to_contain_text(label, timeout=60_000)
    share = page.locator(".share", has_not_text=label).first
    box = share.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 5, steps=2)
    expect(legend).not_to_contain_text(label)
    page.mouse.move(2, 2)
    expect(legend).to_contain_text(label)
    # The page comes to the mouse: by its wheel, and not by a move.
    page.mouse.move(box["x"] + 5, box["y"] - 40)
    page.mouse.wheel(0, 45)
    wait_for(page, "() => document.querySelector('[data-testid=stMain]').scrollTop > 0")
    page.wait_for_timeout(500)
    assert label in legend.inner_text()


def test_the_page_and_the_service_of_one_server_ask_one_process_which_is_started_again_when_it_ends(
    page: Page, path: Path, port: int
) -> None:
    with project.opened(path) as db:
        token = api_tokens.add(db, "web", ["classify"])
    _try(page, port, "정말 기쁘고 즐거운 하루였다.")
    expect(page.locator(".answer")).to_contain_text("%", timeout=60_000)
    assert _classify(port, token) == 200
    (server,) = (child for child in psutil.Process().children() if "web.server" in child.cmdline())
    (predictor,) = server.children()
    predictor.kill()
    _try(page, port, "너무 슬프고 눈물이 났다.")
    expect(page.locator(".answer")).to_contain_text("%", timeout=60_000)
    assert _classify(port, token) == 200
    assert len(server.children()) == 1


def _try(page: Page, port: int, text: str) -> None:
    page.goto(f"http://127.0.0.1:{port}/try_out")
    page.get_by_role("textbox").fill(text)
    page.get_by_role("button", name="감정 보기").click()


def _classify(port: int, token: str) -> int:
    given = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return ask(port, "POST", "/api/v1/classifications", given, json.dumps({"texts": ["눈물이 났다"]}))[0]
