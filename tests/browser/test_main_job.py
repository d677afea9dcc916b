"""The main job as a person does it: import, label by keyboard, undo, retrain, come back after a restart."""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import expect

from annotator import blinding, project, settings
from db.answers import decisions, queue
from db.label_sets import labels
from db.models import explanations, models, rounds
from db.people import annotators
from db.texts import diaries
from pages.widgets.session import LANGUAGE_COOKIE
from tests.browser.conftest import free_port
from tests.chromium import PATIENCE_MS
from tests.conftest import DIARIES, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

    from db import Database

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WORKER_MS = 600_000
"""The worker loads the encoder first, and other work may share the machine."""

SOON_MS = 2_000

PICTURES = os.environ.get("MAEUMGYEOL_SCREENSHOTS", "")
"""Folder for the pictures of the documents; empty for none. ``make pictures`` sets it."""

DIARY_COUNT = 120 if PICTURES else 60

FILM_SIZE = (960, 600)

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@contextmanager
def app(path: Path, port: int, *options: str) -> Iterator[None]:
    """Run the app with its worker as a user does, and end it with Ctrl-C."""
    command = [sys.executable, "-m", "annotator.cli", "app", "--db", str(path), "--port", str(port), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as running:
        try:
            assert running.stdout is not None
            assert f"http://127.0.0.1:{port}" in running.stdout.readline()
            yield
        finally:
            running.send_signal(signal.SIGINT)
            assert running.wait(30) == 0


def shoot(page: Page, name: str) -> None:
    """Take a page's picture at desktop and phone width."""
    if not PICTURES:
        return
    for device, size in (("desktop", DESKTOP), ("phone", PHONE)):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.wait_for_timeout(1500)  # plots and the sidebar move for a moment; nothing says when they stand still
        page.screenshot(path=Path(PICTURES) / f"{name}-{device}.png")
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]


class Film:
    """The moving picture of the README: what a person sees, from the first label to the new queue."""

    def __init__(self) -> None:
        self._frames: list[tuple[Image.Image, int]] = []

    def take(self, page: Page, *, seconds: float) -> None:
        """Add what the page shows now, and for how long it stays."""
        if PICTURES:
            page.wait_for_timeout(300)  # what has just been pressed is still being drawn
            shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            self._frames.append((shown.resize(FILM_SIZE, Image.Resampling.LANCZOS), round(1000 * seconds)))

    def save(self, name: str) -> None:
        if PICTURES:
            pictures, durations = zip(*self._frames, strict=True)
            few = [picture.quantize(64, dither=Image.Dither.NONE) for picture in pictures]
            target = Path(PICTURES) / f"{name}.gif"
            few[0].save(target, save_all=True, append_images=few[1:], duration=list(durations), loop=0, optimize=True)


def read(page: Page) -> None:
    """Wait until a board takes a press for the diary that it shows: one that has only just appeared can't be read."""
    page.locator(".board .text[data-readable]").wait_for()


def press(page: Page, code: str, key: str = "Process") -> None:
    """Press a key with the Korean input method on: the browser then knows it by its place only."""
    page.evaluate(
        """([code, key]) => document.body.dispatchEvent(
            new KeyboardEvent("keydown", {code, key, bubbles: true, composed: true, cancelable: true}))""",
        [code, key],
    )


def truth() -> dict[str, str]:
    """Return the label of each demo diary by its text."""
    with DIARIES.open(encoding="utf-8-sig", newline="") as file:
        return {row["text"]: row["label"] for row in csv.DictReader(file)}


def upload(page: Page, address: str, file: Path) -> None:
    page.goto(f"{address}/import")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="가져오기", exact=True).click()
    expect(page.get_by_text(re.compile(rf"{DIARY_COUNT}\s*개"))).not_to_have_count(0)


def label_all(page: Page, db: Database, count: int) -> None:
    """Label diaries with their own labels, one physical key each."""
    known = truth()
    key_of = {label.name: label.key for label in labels.list_labels(db)}
    shown = page.get_by_role("article")
    for _ in range(count):
        before = decisions.last_decision_id(db)
        read(page)
        number = _number(shown)
        for _ in range(5):
            # Refused where a prediction comes between: it has to be seen before a press is about it.
            press(page, f"Digit{key_of[known[diaries.get_diary(db, number).text]]}")
            if _number(shown) != number:
                break
            read(page)
        expect(shown).not_to_contain_text(re.compile(rf"#{number}\b"))
        wait_until(page, lambda before=before: decisions.last_decision_id(db) == before + 1)


def _number(shown: Locator) -> int:
    """Return the number of the diary on the screen."""
    return int(re.search(r"#(\d+)", shown.inner_text()).group(1))  # type: ignore[union-attr]


def wait_until(page: Page, holds: object, *, timeout_ms: int = PATIENCE_MS) -> None:
    """Wait for a state of the database: one that does not come soon is the worker's, and takes its time."""
    waited = 0
    while waited < timeout_ms:
        if holds():  # type: ignore[operator]
            return
        pause = 50 if waited < SOON_MS else 500
        page.wait_for_timeout(pause)
        waited += pause
    raise AssertionError("The state did not come.")


def settle(page: Page, last: Locator) -> None:
    """Wait until a page of Streamlit's own buttons takes keys: they come one by one, the last element at the end."""
    expect(last).to_be_visible()
    expect(page.locator("[data-test-script-state='notRunning']")).to_have_count(1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of unlabelled diaries in cp949, as Excel saves it."""
    rows = [(text,) for text in truth() if not re.search(r"[^\x00-\x7f가-힣ㄱ-ㅣ…‘’“”·~]", text)][:DIARY_COUNT]
    assert len(rows) == DIARY_COUNT
    target = tmp_path / "일기장.csv"
    with target.open("w", encoding="cp949", newline="") as out:
        csv.writer(out).writerows([("일기",), *rows])
    return target


def test_the_main_job_from_an_empty_folder_to_a_better_model(page: Page, file: Path, tmp_path: Path) -> None:
    path, port = tmp_path / "project.db", free_port()
    address = f"http://127.0.0.1:{port}"
    with app(path, port):
        page.goto(address)
        start = page.get_by_role("button", name="이 라벨로 시작하기")
        start.wait_for()
        shoot(page, "setup")
        start.click()
        expect(page.get_by_role("heading", name="일기 가져오기")).to_be_visible()
        upload(page, address, file)
        shoot(page, "import")
        page.goto("about:blank")  # a page that follows the worker takes processor time from it
        with closing(project.open_project(path)) as db:
            wait_until(page, lambda: models.find_active(db) is not None, timeout_ms=WORKER_MS)
            page.goto(address)
            expect(page.get_by_role("article")).to_contain_text(re.compile(r"#\d+"))
            label_all(page, db, 30)
            press(page, "Escape", "Escape")  # the word about haste
            press(page, "KeyZ", "ㅋ")
            press(page, "KeyZ", "ㅋ")
            me = annotators.get_or_create_id(db, "나")
            wait_until(page, lambda: decisions.count_by_kind(db, me).get("label") == 28)
            before = queue.list_head(db, 50)
            wait_until(page, lambda: _explained(db), timeout_ms=WORKER_MS)
            shoot(page, "label")
            page.goto(f"{address}/learn")
            page.get_by_role("button", name=re.compile("학습")).click()
            wait_until(page, lambda: _version(db) == 1, timeout_ms=WORKER_MS)
            expect(page.get_by_text("1판").first).to_be_visible()
            expect(page.get_by_text(re.compile("첫|1번째")).first).to_be_visible()
            shoot(page, "learn")
            assert queue.list_head(db, 50) != before
            page.goto(f"{address}/overview")
            page.locator(".js-plotly-plot").first.wait_for()
            shoot(page, "overview")
            kept = decisions.count_by_kind(db, me)
            if PICTURES:
                film_the_loop(page, address, db)
                kept = decisions.count_by_kind(db, me)
    with app(path, port), closing(project.open_project(path)) as db:
        page.goto(address)
        expect(page.get_by_text(f"내가 고른 일기 {kept['label']}")).to_be_visible()
        assert decisions.count_by_kind(db, me) == kept
        assert _version(db) == (2 if PICTURES else 1)


def film_the_loop(page: Page, address: str, db: Database) -> None:
    """Label, take one back, retrain, and look at what is asked for then: the moving picture of the README."""
    film = Film()
    settings.change(db, repeat_share=0.0)  # an answer to a hidden repeat is no new decision
    page.goto(address)
    label_all(page, db, 60)
    for _ in range(3):
        label_to_reasons(page, db)
        film.take(page, seconds=1.5)
        label_all(page, db, 1)
    press(page, "KeyZ", "ㅋ")
    page.get_by_text("되돌린 일기예요").first.wait_for()
    film.take(page, seconds=1.5)
    label_all(page, db, 1)
    page.goto(f"{address}/learn")
    retrain = page.get_by_role("button", name=re.compile("다시 학습하기"))
    settle(page, retrain)
    film.take(page, seconds=1.5)
    retrain.click()
    wait_until(page, lambda: rounds.find_open(db) is not None)
    film.take(page, seconds=1)
    wait_until(page, lambda: _version(db) == 2, timeout_ms=WORKER_MS)
    expect(page.get_by_role("heading", name=re.compile("2번째"))).to_be_visible()
    film.take(page, seconds=2.5)
    page.goto(address)
    label_to_reasons(page, db)
    film.take(page, seconds=3)
    film.save("loop")
    picture_the_documents(page, address)


def label_to_reasons(page: Page, db: Database) -> None:
    """Label while blind diaries come, which are shown without an answer, and wait for the reasons of the next one."""
    while blinding.is_blind(diaries.get_diary(db, queue.list_held(db)[0]), settings.load(db)):
        label_all(page, db, 1)
    page.locator(".board .evidence").first.wait_for(timeout=WORKER_MS)


def picture_the_documents(page: Page, address: str) -> None:
    """Take the pictures of an explanation, of searching, of the dark theme and of the English words."""
    folder = Path(PICTURES)
    shoot(page, "explanation")
    page.locator(".board .reading").screenshot(path=folder / "explanation-why.png")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(500)  # colours change in a moment
    page.screenshot(path=folder / "label-dark-desktop.png")
    page.emulate_media(color_scheme="light")
    page.goto(f"{address}/find?q=눈물")
    page.locator("mark").first.wait_for()
    page.screenshot(path=folder / "find-desktop.png")
    page.get_by_role("radio", name="바뀐 답").click()
    page.get_by_text("의 답이 달라졌어요").first.wait_for()
    page.wait_for_timeout(1000)  # the list follows the sentence
    page.screenshot(path=folder / "find-changed-desktop.png")
    page.context.add_cookies([{"name": LANGUAGE_COOKIE, "value": "en", "url": address}])
    page.goto(f"{address}/overview")
    page.locator(".js-plotly-plot").first.wait_for()
    page.wait_for_timeout(1500)  # plots move for a moment
    page.screenshot(path=folder / "overview-english-desktop.png")
    page.context.clear_cookies(name=LANGUAGE_COOKIE)


def _version(db: Database) -> int | None:
    active = models.find_active(db)
    return None if active is None else active.version


def _explained(db: Database) -> bool:
    active = models.find_active(db)
    chosen = settings.load(db)
    # Blind diaries are shown without one.
    shown = (i for i in queue.list_head(db, 20) if not blinding.is_blind(diaries.get_diary(db, i), chosen))
    return active is not None and explanations.find_explanation(db, next(shown), active.id, "eojeol") is not None
