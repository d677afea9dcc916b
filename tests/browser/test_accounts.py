"""Accounts as people meet them: in a real browser, against the app as it is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from annotator import project
from annotator.accounts import accounts, passwords, sessions
from annotator.importing import import_file
from annotator.labelling.queueing import enqueue_import
from db.answers import queue
from db.people import audit_log
from pages.widgets.session import COOKIE
from tests.browser.conftest import free_port
from tests.browser.test_main_job import app, shoot
from tests.browser.test_open_board import HOLD_SOCKETS, cut
from tests.chromium import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser

PASSWORD = "correct horse 1"
LISTENS = """() => {
    const form = document.createElement("form");
    form.setAttribute("action", "/logout");
    form.dataset.scope = "probe";
    document.body.append(form);
    localStorage.setItem("maeumgyeol-kept:probe:tab", "sealed");
    form.dispatchEvent(new Event("submit", { bubbles: true }));
    form.remove();
    return localStorage.getItem("maeumgyeol-kept:probe:tab") === null;
}"""
"""Whether the page removes what somebody kept as a form of its kind is sent, asked with a form that goes nowhere."""

DIARY = "오늘은 종일 비가 왔다. 우산을 나눠 쓴 친구가 고마웠다. 번호는 010-1234-5678이다."


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("accounts") / "accounts.db"
    project.init(path)
    with project.opened(path) as db:
        import_file(db, f'text\n"{DIARY}"\n'.encode(), "a.csv", after=enqueue_import)
        accounts.add(db, None, "수아", "administrator", password=PASSWORD)
        accounts.add(db, None, "지민", "annotator", password=PASSWORD)
        accounts.add(db, None, "하준", "reviewer", password=PASSWORD)
    return path


@pytest.fixture(scope="module")
def address(path: Path) -> Iterator[str]:
    port = free_port()
    with app(path, port, "--no-worker"):
        yield f"http://127.0.0.1:{port}"


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("이름").fill(name)
    page.get_by_label("비밀번호").fill(password)
    page.get_by_role("button", name="로그인").click()


def open_as(page: Page, address: str, name: str) -> None:
    page.goto(address)
    sign_in(page, name)
    expect(page.get_by_test_id("stSidebarUserContent").get_by_text(name, exact=True)).to_be_visible()


def test_a_deep_link_leads_over_the_login_and_holds_until_the_logout(
    address: str, page: Page, context: BrowserContext
) -> None:
    page.goto(f"{address}/overview")
    expect(page).to_have_url(f"{address}/login?next=/overview")
    shoot(page, "login")
    sign_in(page, "하준")
    expect(page.get_by_role("heading", name="현황")).to_be_visible()
    assert "maeumgyeol_session" not in page.evaluate("document.cookie")
    other = context.new_page()
    other.goto(f"{address}/learn")
    expect(other.get_by_role("heading", name="학습", exact=True)).to_be_visible()
    page.get_by_role("button", name="로그아웃").click()
    expect(page.get_by_text("로그아웃했어요")).to_be_visible()
    # The page says it, or, where its connection was lost just then, the notice that takes the page's place.
    expect(other.get_by_text("로그인이 끝났어요")).to_be_visible()
    expect(other.get_by_role("heading", name="학습", exact=True)).to_have_count(0)
    other.get_by_role("link", name="로그인").click()
    expect(other.get_by_role("heading", name="로그인")).to_be_visible()


def test_signing_out_removes_ones_own_kept_presses_and_no_one_elses(address: str, page: Page) -> None:
    open_as(page, f"{address}/overview", "하준")  # at the label page the others' diaries would be held
    scope = page.locator("form[action='/logout']").get_attribute("data-scope")
    assert scope
    mine, theirs = f"maeumgyeol-kept:{scope}:tab", "maeumgyeol-kept:another-person:tab"
    for name in (mine, theirs, "maeumgyeol:swipe"):
        page.evaluate("name => localStorage.setItem(name, 'sealed')", name)
    wait_for(page, LISTENS)  # the button is there sooner
    page.get_by_role("button", name="로그아웃").click()
    expect(page.get_by_text("로그아웃했어요")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('maeumgyeol')).sort()") == [
        theirs,
        "maeumgyeol:swipe",
    ]


def test_the_language_that_was_chosen_is_there_again_after_a_reload_and_after_signing_out(
    address: str, page: Page
) -> None:
    page.goto(f"{address}/overview")
    page.get_by_role("link", name="English").click()
    page.get_by_label("Name").fill("하준")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_text("한국어").click()
    expect(page.get_by_role("heading", name="현황")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="현황")).to_be_visible()
    page.get_by_text("English").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_making_the_first_account_ends_signed_in(tmp_path: Path, page: Page) -> None:
    path, port = tmp_path / "alone.db", free_port()
    project.init(path)
    with app(path, port, "--no-worker"):
        page.goto(f"http://127.0.0.1:{port}/people")
        page.get_by_role("link", name="관리자 계정 만들기").click()
        page.get_by_label("이름").fill("수아")
        for password in ("dkssudgktpdy", PASSWORD):
            page.get_by_label("새 비밀번호").fill(password)
            page.get_by_label("비밀번호 한 번 더").fill(password)
            page.get_by_role("button", name="만들고 시작하기").click()
            if password != PASSWORD:
                expect(page.get_by_role("alert")).to_contain_text("흔한 낱말")
                page.get_by_label("이름").fill("수아")
        expect(page.get_by_role("heading", name="사람들")).to_be_visible()
        expect(page.get_by_text("수아 (나)")).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)


def test_a_login_that_is_guessed_has_to_wait(address: str, path: Path, page: Page) -> None:
    with project.opened(path) as db:
        accounts.add(db, None, "알아맞힐 사람", "annotator", password=PASSWORD)
    page.goto(address)
    for i in range(passwords.TRIES_PER_NAME):
        sign_in(page, "알아맞힐 사람", f"guess number {i}")
        expect(page.get_by_role("alert")).to_contain_text("맞지 않아요")
    sign_in(page, "알아맞힐 사람")
    expect(page.get_by_role("alert")).to_contain_text("분 뒤에 다시")


def test_names_that_look_like_addresses_are_no_links(address: str, path: Path, page: Page) -> None:
    names = ["www.evil.kr", "http://evil.kr/x", "a@evil.kr", "[x](http://evil.kr)", "<http://evil.kr>", "ftp://evil.kr"]
    with project.opened(path) as db:
        for name in names:
            accounts.add(db, None, name, "annotator")
            accounts.invite(db, None, name, "annotator")
    open_as(page, f"{address}/people", "수아")
    for name in names[:2]:
        expect(page.get_by_text(name[-6:]).first).to_be_visible()
    expect(page.locator('a[href*="evil"], a[href^="mailto"], img[src*="evil"]')).to_have_count(0)
    page.get_by_text("English").click()
    expect(page.get_by_role("heading", name="People", exact=True)).to_be_visible()
    expect(page.locator('a[href*="evil"], a[href^="mailto"]')).to_have_count(0)


def test_an_annotator_at_the_administrators_address_gets_a_sentence(address: str, page: Page) -> None:
    refusal = page.get_by_text("지금 역할로는 할 수 없는 일이에요")
    open_as(page, f"{address}/people", "지민")
    expect(refusal).to_be_visible()
    expect(page.get_by_text("수아")).to_have_count(0)
    for closed in ("overview", "review"):
        page.goto(f"{address}/{closed}")
        expect(refusal).to_be_visible()
        expect(page.get_by_text("수아")).to_have_count(0)
    expect(page.get_by_role("link", name="사람들")).to_have_count(0)
    expect(page.get_by_role("link", name="라벨링")).to_be_visible()


def test_an_administrator_looks_under_the_mask_and_that_is_on_record(address: str, path: Path, page: Page) -> None:
    open_as(page, address, "수아")
    article = page.get_by_role("article")
    expect(article).to_contain_text("●●●-●●●●-●●●●")
    page.get_by_role("button", name="가린 곳 보기").click()
    expect(article).to_contain_text("010-1234-5678")
    expect(page.get_by_role("button", name="가린 곳 보기")).to_have_count(0)
    with project.opened(path) as db:
        looked = [entry for entry in audit_log.list_entries(db) if entry.action == "mask.reveal"]
        assert [entry.name for entry in looked] == ["수아"]
        queue.release_person(db, accounts.get_id(db, "수아"))


def test_who_is_invited_closed_and_promoted_meets_it_at_the_next_press(
    address: str, path: Path, browser: Browser, page: Page
) -> None:
    open_as(page, f"{address}/people", "수아")
    page.get_by_label("이름", exact=True).fill("서연")
    page.get_by_role("button", name="초대 링크 만들기").click()
    link = page.get_by_text("/invite/").inner_text()
    shoot(page, "people")
    theirs = browser.new_context(locale="ko-KR")
    member = theirs.new_page()
    member.goto(link)
    member.get_by_label("새 비밀번호").fill(PASSWORD)
    member.get_by_label("비밀번호 한 번 더").fill(PASSWORD)
    member.get_by_role("button", name="시작하기").click()
    expect(member.get_by_text("라벨러")).to_be_visible()

    page.reload()
    with project.opened(path) as db:
        change = page.locator(f".st-key-people_change_{accounts.get_id(db, '서연')}")
    change.get_by_role("button").click()
    expect(page.get_by_role("button", name="계정 닫기")).to_be_visible()
    page.get_by_role("radio", name="검토자").last.click()
    expect(member.get_by_text("검토자")).to_be_visible()
    expect(member.get_by_role("link", name="현황")).to_be_visible()

    page.keyboard.press("Escape")
    change.get_by_role("button").click()
    page.get_by_role("button", name="계정 닫기").click()
    expect(member.get_by_text("지금은 쓸 수 없는 계정이에요")).to_be_visible()
    expect(member.get_by_text(DIARY[:12]).filter(visible=True)).to_have_count(0)
    theirs.close()


@pytest.mark.parametrize(
    ("ended", "sentence"), [("logout", "로그인이 끝났어요"), ("closed", "지금은 쓸 수 없는 계정이에요")]
)
def test_a_page_that_lost_its_connection_is_out_of_sight_once_its_login_has_ended(
    address: str, path: Path, page: Page, context: BrowserContext, ended: str, sentence: str
) -> None:
    name = f"시우 {ended}"
    page.add_init_script(HOLD_SOCKETS)
    with project.opened(path) as db:
        accounts.add(db, None, name, "reviewer", password=PASSWORD)
        open_as(page, f"{address}/overview", name)
        expect(page.get_by_role("heading", name="현황")).to_be_visible()
        if ended == "logout":
            sessions.logout(db, next(cookie["value"] for cookie in context.cookies() if cookie["name"] == COOKIE))
        else:
            accounts.set_disabled(db, None, accounts.get_id(db, name), disabled=True)
        cut(page)
        expect(page.get_by_text(sentence)).to_be_visible()
        for hidden in (page.locator("h1, h2, p"), page.get_by_text(name, exact=True)):
            expect(hidden.filter(visible=True)).to_have_count(0)
        shoot(page, f"closed-page-{ended}")
        if ended == "logout":
            page.get_by_role("link", name="로그인").click()
            sign_in(page, name)
            expect(page.get_by_role("heading", name="현황")).to_be_visible()
