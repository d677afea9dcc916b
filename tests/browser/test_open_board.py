"""A board that stays open while everything around it changes, and while the server is away."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect

from annotator import project, settings
from annotator.accounts import accounts, sessions
from annotator.label_sets import editing, guidelines
from db.answers import decisions, queue
from db.people import annotators
from db.texts import diaries
from pages.widgets.session import COOKIE
from tests import trying as small
from tests.browser.conftest import free_port
from tests.browser.test_main_job import shoot, wait_until
from tests.conftest import ROOT, copy_project, fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Locator, Page

    from db import Database

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASSWORD = "correct horse 1"


@contextmanager
def serving(path: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the app behind its gate, without a worker, for the length of the block or until it is killed."""
    command = [sys.executable, "-m", "web.server", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MAEUMGYEOL_DB": str(path)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            _wait_until_served(server, port)
            yield server
        finally:
            server.kill()


def _wait_until_served(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)  # nothing to wait on before the port is open
    raise AssertionError("The server did not start.")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of forty diaries, with a model of a tiny encoder."""
    path = tmp_path_factory.mktemp("made") / "project.db"
    small.begin(path)
    with closing(project.open_project(path)) as db:
        settings.change(db, blind_share=0.0, repeat_share=0.0)
        fill(db, 40)
        small.teach(path, db)
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    """The project for a test that has a server of its own."""
    return copy_project(made, tmp_path)


@pytest.fixture(scope="module")
def served(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """One server for the tests that let it live, and its project, in which they go on with what the last one left."""
    path, port = copy_project(made, tmp_path_factory.mktemp("served")), free_port()
    with serving(path, port):
        yield path, f"http://127.0.0.1:{port}"


@pytest.fixture
def desk_to_open(page: Page, served: tuple[Path, str]) -> Iterator[Desk]:
    path, address = served
    with closing(project.open_project(path)) as db:
        queue.release_person(db, annotators.get_or_create_id(db, "나"))
        yield Desk(page, db, address)


@pytest.fixture
def desk(desk_to_open: Desk) -> Desk:
    """The board in a tab, opened for the first of the diaries that nobody has decided."""
    return desk_to_open.open()


# Chromium keeps the websockets that are open when a page goes offline.
HOLD_SOCKETS = """
    const sockets = (window.sockets = []);
    window.WebSocket = class extends WebSocket {
        constructor(...how) {
            super(...how);
            sockets.push(this);
        }
    };
"""


def cut(page: Page) -> None:
    """Lose the connection at once: without a network a browser may wait for seconds for the other side's goodbye."""
    page.evaluate(
        """() => window.sockets.splice(0).forEach(socket => {
            socket.close();
            socket.dispatchEvent(new CloseEvent("close", { code: 1006 }));
        })"""
    )


class Desk:
    """The label board in a tab, and the database behind it."""

    def __init__(self, page: Page, db: Database, address: str) -> None:
        self.page = page
        self.db = db
        self.address = address
        self._last_id = decisions.last_decision_id(db)

    @property
    def text(self) -> Locator:
        return self.page.locator(".board .text")

    @property
    def hint(self) -> Locator:
        return self.page.locator(".board .hint")

    @property
    def alarm(self) -> Locator:
        return self.page.locator(".board .alarm")

    @property
    def banner(self) -> Locator:
        return self.page.locator(".connection")

    def open(self) -> Desk:
        self.page.add_init_script(HOLD_SOCKETS)
        self.page.goto(self.address)
        self.read()
        return self

    def read(self) -> None:
        self.page.locator(".board .frame:not(.undoing) .text[data-readable]").wait_for()

    def shown(self) -> int:
        """Return the number of the diary on the screen, whose text must be there."""
        found = re.search(r"#(\d+)", self.page.locator(".board .heading").inner_text())
        assert found is not None
        return int(found[1])

    def shows_its_text(self) -> None:
        text = diaries.get_diary(self.db, self.shown()).text
        expect(self.text).to_have_text(text)
        expect(self.text).to_be_visible()

    def press(self, key: str) -> int:
        """Press a key for the diary on the screen; return its number."""
        self.read()
        number = self.shown()
        self.page.keyboard.press(key)
        expect(self.page.locator(".board .heading")).not_to_contain_text(re.compile(rf"#{number}\b"))
        return number

    def decide(self, key: str) -> None:
        """Label the diary on the screen and see that it is this one that was labelled."""
        self.read()
        self.shows_its_text()
        label = next(label for label in editing.list_labels(self.db) if label.key == key)
        before, waiting = decisions.last_decision_id(self.db), self.unconfirmed()
        number = self.press(key)
        wait_until(self.page, lambda: decisions.last_decision_id(self.db) > before)
        made = decisions.list_standing(self.db, [number])
        assert [(one.diary_id, one.label_id) for one in made] == [(number, label.id)]
        wait_until(self.page, lambda: self.unconfirmed() <= waiting)

    def unconfirmed(self) -> int:
        """Return how many presses the tab holds, of whomever, that it has not been told are kept."""
        return int(
            self.page.evaluate(
                """() => Object.entries(sessionStorage).filter(([key]) => key.startsWith("maeumgyeol-board:"))
                    .reduce((sum, [, log]) => sum + JSON.parse(log).events.length, 0)"""
            )
        )

    def kept(self) -> list[tuple[int, int | None]]:
        """Return diary and label of every decision made here that is in force, in the order in which they were made."""
        made = decisions.list_standing(self.db, list(range(1, diaries.last_diary_id(self.db) + 1)))
        ours = [one for one in made if one.id > self._last_id]
        return [(one.diary_id, one.label_id) for one in sorted(ours, key=lambda one: one.id)]


def _change_labels(db: Database, name: str) -> None:
    me = annotators.get_or_create_id(db, "나")
    first = editing.list_labels(db)[0]
    editing.edit(db, {first.id: {"name": name, "definition": "화가 난 마음"}}, annotator_id=me)


def _add_label(db: Database) -> None:
    editing.add(db, editing.NewLabel("그리움", key="9"), annotator_id=annotators.get_or_create_id(db, "나"))


def _write_guideline(db: Database) -> None:
    first = editing.list_labels(db)[0]
    me = annotators.get_or_create_id(db, "나")
    guidelines.write_guideline(db, first.id, None, "소리를 질렀다면 화남", ["문을 쾅 닫았다."], annotator_id=me)


def test_whatever_changes_around_an_open_board_its_text_stays_and_presses_are_about_it(
    page: Page, context: BrowserContext, served: tuple[Path, str], desk: Desk
) -> None:
    desk.decide("1")
    elsewhere: list[tuple[Callable[[], object], Callable[[], object]]] = [
        (lambda: settings.change(desk.db, several_labels=True), _seen(desk, ".further")),
        (lambda: settings.change(desk.db, intensity=True), _seen(desk, ".strip")),
        (lambda: _change_labels(desk.db, "화남"), _seen(desk, ".label .name", "화남")),
        (lambda: _add_label(desk.db), _seen(desk, ".label .name", "그리움")),
        (lambda: _write_guideline(desk.db), _first_label_says(desk, "소리를 질렀다면")),
        (lambda: settings.change(desk.db, mask=False), lambda: page.wait_for_timeout(2000)),
        (lambda: settings.change(desk.db, mask=True), lambda: page.wait_for_timeout(2000)),
        (lambda: small.teach(served[0], desk.db), lambda: page.wait_for_timeout(2000)),
        (lambda: page.emulate_media(color_scheme="dark"), lambda: page.wait_for_timeout(500)),
        (lambda: page.emulate_media(color_scheme="light"), lambda: page.wait_for_timeout(500)),
    ]
    for change, has_arrived in elsewhere:
        before = desk.shown()
        change()
        has_arrived()
        assert desk.shown() == before
        desk.shows_its_text()
        desk.decide("2")
    for language, skip in (("English", "Skip"), ("한국어", "건너뛰기")):
        page.get_by_text(language, exact=True).click()
        expect(page.get_by_role("button", name=skip)).to_be_visible()
        desk.shows_its_text()
        desk.decide("3")
    other = context.new_page()
    other.goto(f"{desk.address}/settings")
    other.get_by_text("감정을 여러 개 고르기").click()
    expect(page.locator(".board .further .adding")).to_be_hidden()
    other.get_by_text("English", exact=True).click()
    expect(other.get_by_role("heading", name="Settings")).to_be_visible()
    other.close()
    page.bring_to_front()
    desk.decide("4")
    assert len(desk.kept()) == 14


def _seen(desk: Desk, selector: str, text: str = "") -> Callable[[], object]:
    return lambda: expect(desk.page.locator(f".board {selector}").filter(has_text=text).first).to_be_visible()


def _first_label_says(desk: Desk, text: str) -> Callable[[], object]:
    first = desk.page.locator(".board .label").first
    return lambda: expect(first).to_have_attribute("title", re.compile(text))


def test_a_memo_goes_on_being_typed_while_the_labels_change(page: Page, desk: Desk) -> None:
    desk.read()
    page.keyboard.press("m")
    page.keyboard.type("1번")
    _change_labels(desk.db, "성남")
    expect(page.locator(".board .label .name").first).to_have_text("성남")
    page.keyboard.type(" 2번 3")
    memo = page.get_by_role("textbox", name="메모", exact=True)
    expect(memo).to_have_value("1번 2번 3")
    page.keyboard.press("Escape")
    desk.decide("5")
    assert len(desk.kept()) == 1
    (newest,) = decisions.list_recent(desk.db, annotators.get_or_create_id(desk.db, "나"), limit=1)
    assert newest.memo == "1번 2번 3"


def test_what_is_pressed_while_the_server_is_dead_arrives_once_when_it_is_back(page: Page, path: Path) -> None:
    port = free_port()
    with closing(project.open_project(path)) as db:
        desk = Desk(page, db, f"http://127.0.0.1:{port}")
        with serving(path, port) as server:
            desk.open()
            desk.decide("1")
            desk.read()
            in_the_middle = desk.shown()
            page.keyboard.press("2")
            server.send_signal(signal.SIGKILL)
            server.wait()
        pressed = [(in_the_middle, 2)]
        expect(desk.banner).to_have_text("서버와 연결이 끊겼어요. 이어지는 대로 하던 일을 계속할 수 있어요.")
        pressed.append((desk.press("3"), 3))
        expect(desk.alarm).to_contain_text("아직 저장되지 않았어요")
        shoot(page, "offline")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(
            page.get_by_text(re.compile("Connecting|Connection error|Streamlit")).filter(visible=True)
        ).to_have_count(0)
        while page.locator(".board .frame.without-diary").count() == 0:
            desk.read()
            pressed.append((desk.shown(), 4))
            page.keyboard.press("4")
        page.keyboard.press("5")
        expect(desk.hint).to_contain_text("아직 일기가 없어서 저장하지 않았어요.")
        with serving(path, port):
            expect(desk.banner).to_be_hidden()
            wait_until(page, lambda: len(desk.kept()) == 1 + len(pressed))
            assert desk.kept()[1:] == [(number, key) for number, key in pressed]
            expect(desk.alarm).to_be_hidden()
            desk.decide("6")
            assert len({number for number, _ in desk.kept()}) == len(desk.kept())


def test_without_a_network_presses_are_kept_and_it_is_said_what_is_missing(
    page: Page, context: BrowserContext, served: tuple[Path, str], desk: Desk
) -> None:
    desk.decide("1")
    context.set_offline(True)
    cut(page)
    expect(desk.banner).to_contain_text("인터넷 연결이 끊겼어요.")
    number = desk.press("2")
    expect(desk.alarm).to_contain_text("아직 저장되지 않았어요 (1건)")
    context.set_offline(False)
    wait_until(page, lambda: (number, 2) in desk.kept())
    expect(desk.banner).to_be_hidden()
    expect(desk.alarm).to_be_hidden()


def test_a_press_that_can_neither_be_sent_nor_stored_is_refused(
    page: Page, context: BrowserContext, served: tuple[Path, str], desk: Desk
) -> None:
    desk.decide("1")
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError') } }")
    desk.decide("2")
    context.set_offline(True)
    cut(page)
    expect(desk.banner).to_be_visible()
    desk.read()
    number = desk.shown()
    page.keyboard.press("3")
    expect(desk.hint).to_contain_text("적어 둘 자리가 없어서 저장하지 않았어요.")
    assert desk.shown() == number
    context.set_offline(False)
    expect(desk.banner).to_be_hidden()
    desk.decide("3")
    assert [label for _, label in desk.kept()] == [1, 2, 3]


def test_what_the_server_refuses_is_said_until_somebody_has_read_it(page: Page, desk: Desk) -> None:
    desk.read()
    number = desk.shown()
    seventh = next(label for label in editing.list_labels(desk.db) if label.key == "7")
    editing.retire(desk.db, seventh.id, annotator_id=annotators.get_or_create_id(desk.db, "나"))
    page.keyboard.press("7")
    refusals = page.locator(".board .refusals")
    expect(refusals).to_contain_text(f"저장하지 않았어요: 일기 #{number}")
    shoot(page, "refused")
    desk.decide("2")
    expect(refusals).to_be_visible()
    page.keyboard.press("Escape")
    expect(refusals).to_be_hidden()


def _sign_in(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.get_by_label("이름").fill(name)
    page.get_by_label("비밀번호").fill(PASSWORD)
    page.get_by_role("button", name="로그인").click()


def test_what_somebody_pressed_before_being_signed_out_counts_for_them_and_for_nobody_else(
    page: Page, context: BrowserContext, path: Path
) -> None:
    port = free_port()
    with closing(project.open_project(path)) as db:
        for name in ("수아", "지민"):
            accounts.add(db, None, name, "administrator", password=PASSWORD)
        desk = Desk(page, db, f"http://127.0.0.1:{port}")
        suah = accounts.get_id(db, "수아")
        with serving(path, port):
            page.goto(f"{desk.address}/labels2")
            expect(page).to_have_url(re.compile(r"/login\?next=/labels2$"))
            page.add_init_script(HOLD_SOCKETS)
            _sign_in(page, desk.address, "수아")
            desk.decide("1")
            context.set_offline(True)
            cut(page)
            expect(desk.banner).to_be_visible()
            number = desk.press("2")
            token = next(cookie["value"] for cookie in context.cookies() if cookie["name"] == COOKIE)
            sessions.logout(db, token)
            context.set_offline(False)
            expect(desk.banner).to_contain_text("로그인이 끝났어요.")
            shoot(page, "signed-out")
            page.on("dialog", lambda dialog: dialog.accept())
            page.get_by_role("link", name="로그인").click()
            page.get_by_label("이름").fill("지민")
            page.get_by_label("비밀번호").fill(PASSWORD)
            page.get_by_role("button", name="로그인").click()
            desk.decide("3")
            assert number not in [one for one, _ in desk.kept()]
            context.clear_cookies()
            _sign_in(page, desk.address, "수아")
            wait_until(page, lambda: (number, 2) in desk.kept())
            made = decisions.list_standing(db, [number])
            assert [one.annotator_id for one in made] == [suah]


ADDRESSES = ["/labels2", "/없는주소", "/review/1/2", "/review/..%2fnope", "/x.html", "/LABEL/x", "/index.html"]


def test_an_address_that_is_none_leads_to_a_page_of_ours_and_each_page_has_one_address(
    page: Page, desk_to_open: Desk
) -> None:
    desk = desk_to_open
    for wrong in ADDRESSES:
        answer = page.goto(f"{desk.address}{wrong}")
        assert answer is not None
        assert answer.status == 404
        expect(page.get_by_role("heading", name="없는 주소예요")).to_be_visible()
    shoot(page, "not-found")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", name="There is no such address")).to_be_visible()
    page.emulate_media(color_scheme="dark")
    shoot(page, "not-found-dark")
    page.get_by_role("link", name="To the start page").click()
    desk.read()
    expect(page).to_have_url(f"{desk.address}/")
    for written in ("/label", "/label/", "/Label"):
        assert page.request.get(f"{desk.address}{written}").url == f"{desk.address}/"
    page.goto(f"{desk.address}/Label")
    desk.read()
    expect(page).to_have_url(f"{desk.address}/")
    for written in ("/review/", "/Review"):
        assert page.request.get(f"{desk.address}{written}").url == f"{desk.address}/review"
    for written in ("/review/", "/review?x=1"):
        page.goto(f"{desk.address}{written}")
        expect(page.get_by_role("heading", name="검토")).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)
