"""The label board in a real browser: every press counts once, and the text is shown as it was typed."""

from __future__ import annotations

import json
import re
import secrets
import statistics
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import profile, run_app
from tests.chromium import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize

    from tests.browser.conftest import RunningApp

pytestmark = pytest.mark.browser

HARNESS = Path(__file__).with_name("harness_label_board.py")

WINDOW: ViewportSize = {"width": 1280, "height": 800}

# What Streamlit hears when somebody goes back to another address of the page: it runs the script for that.
TAKE_PLACE = """url => {
    sessionStorage.clear();
    localStorage.clear();
    history.pushState(null, "", url);
    window.dispatchEvent(new PopStateEvent("popstate"));
}"""


class Board:
    """The board in a tab, with the file that its server keeps events in."""

    def __init__(self, page: Page, url: str, state: Path) -> None:
        self.page = page
        self.url = url
        self.state = state

    def load(self) -> Board:
        """Open the page and wait for the first diary."""
        self.page.goto(self.url)
        expect(self.text).not_to_be_empty()
        return self

    def open(self) -> Board:
        """Take the place of the board in a page that is loaded already, of which the browser then keeps nothing."""
        self.page.evaluate(TAKE_PLACE, self.url)
        expect(self.page.locator(f".st-key-board-{self.state.stem} .board .text")).not_to_be_empty()
        expect(self.page.locator(".board")).to_have_count(1)
        return self

    @property
    def text(self) -> Locator:
        return self.page.locator(".board .text")

    def press(self, *keys: str) -> None:
        """Press keys as somebody who reads: each once a diary has been in sight for a moment."""
        for key in keys:
            self.read()
            self.page.keyboard.press(key)

    def rush(self, *keys: str) -> None:
        """Press keys one after the other, whatever is on the screen."""
        for key in keys:
            self.page.keyboard.press(key)

    def read(self) -> None:
        """Wait until a press counts for the diary on the screen."""
        self.page.locator(".board .frame:not(.undoing) .text[data-readable]").wait_for()

    def dispatch(self, **event: Any) -> None:
        """Send a key event as an input method would; Playwright's own keyboard has none."""
        self.read()
        script = """event => document.body.dispatchEvent(
            new KeyboardEvent("keydown", { bubbles: true, composed: true, cancelable: true, ...event }))"""
        self.page.evaluate(script, event)

    def expect_kept(self, count: int) -> None:
        """Wait until the server has kept so many events and the browser knows it."""
        expect(self.page.get_by_text(f"kept {count}", exact=True)).to_be_visible()
        wait_for(self.page, "() => Object.values(sessionStorage).every(x => !JSON.parse(x).events?.length)")

    def kept(self) -> list[dict[str, Any]]:
        lines = self.state.read_text("utf-8").splitlines() if self.state.exists() else []
        return [json.loads(line) for line in lines]

    def labels(self) -> list[int]:
        return [event["label_id"] for event in self.kept() if event["kind"] == "label"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """One server for all boards, and the folder in which it keeps what each of them sends."""
    folder = tmp_path_factory.mktemp("boards")
    with run_app(HARNESS, str(folder), log=folder / "server.log") as address:
        yield address, folder


@pytest.fixture(scope="module")
def tab(browser: Browser, server: tuple[str, Path]) -> Iterator[Page]:
    """One tab for the boards of most tests, one after the other: to load Streamlit anew for each takes a second."""
    with profile(browser) as context:
        page = context.new_page()
        page.goto(server[0])
        yield page


@pytest.fixture
def open_board(tab: Page, server: tuple[str, Path]) -> Callable[..., Board]:
    """Open a board that starts from nothing, as for somebody new; keywords are what the server can be asked for."""

    tab.set_viewport_size(WINDOW)
    tab.mouse.move(0, 0)
    return lambda **settings: _make_board(tab, server, settings).open()


@pytest.fixture
def load_board(page: Page, server: tuple[str, Path]) -> Callable[..., Board]:
    """Open such a board in a tab of its own, for tests that change what else belongs to a tab."""

    return lambda **settings: _make_board(page, server, settings).load()


def _make_board(page: Page, server: tuple[str, Path], settings: dict[str, object]) -> Board:
    address, folder = server
    state = folder / f"{secrets.token_hex(8)}.jsonl"
    return Board(page, f"{address}/?{urlencode({'state': state.name, **settings})}", state)


def test_twenty_presses_in_a_row_arrive_once_and_in_order_on_a_slow_server(open_board: Callable[..., Board]) -> None:
    board = open_board(delay=0.2)
    keys = list("12345671234567123456")
    board.press(*keys)
    board.expect_kept(20)
    assert board.labels() == [int(key) for key in keys]
    assert [event["diary_id"] for event in board.kept()] == list(range(1, 21))


def test_a_press_for_a_diary_that_nobody_can_have_read_is_refused_and_said_to_be(
    open_board: Callable[..., Board],
) -> None:
    board = open_board()
    hint = board.page.locator(".board .hint")
    board.read()
    board.rush("1", "1", "2")
    expect(hint).to_have_text("방금 나온 일기라 저장하지 않았어요. 읽고 나서 눌러 주세요.")
    board.expect_kept(1)
    board.read()
    board.page.get_by_role("button", name=re.compile("^행복")).dblclick()
    board.expect_kept(2)
    expect(board.text).to_contain_text("3번째 일기.")
    assert [(event["diary_id"], event["label_id"]) for event in board.kept()] == [(1, 1), (2, 2)]


@pytest.mark.parametrize(
    "damage",
    [
        "text => text.replaceChildren()",
        "text => { text.firstChild.textContent = '다른 글' }",
        "text => { Object.assign(text.style, { transition: 'none', opacity: 0 }) }",
        "text => { text.style.visibility = 'hidden' }",
        "text => { text.hidden = true }",
        "text => text.remove()",
        """text => {
            const sheet = document.createElement("div");
            sheet.style = "position: fixed; inset: 0; z-index: 999999; background: white";
            text.getRootNode().host.after(sheet);
        }""",
    ],
)
def test_no_press_counts_while_the_text_of_the_diary_is_out_of_sight(
    open_board: Callable[..., Board], damage: str
) -> None:
    board = open_board()
    hint = board.page.locator(".board .hint")
    for key in ("1", "Enter", "s", "f", "z", "Numpad2"):
        board.text.evaluate(damage)
        board.rush(key)
        expect(hint).to_be_visible()
        hint.evaluate("hint => { hint.hidden = true }")
    board.text.evaluate(damage)
    board.page.locator(".board .label").first.dispatch_event("click")
    expect(hint).to_have_text("일기가 가려져 있어서 저장하지 않았어요. 읽고 나서 다시 눌러 주세요.")
    assert board.kept() == []


def test_a_text_that_something_took_away_is_drawn_again_with_the_first_press(open_board: Callable[..., Board]) -> None:
    board = open_board()
    board.read()
    board.text.evaluate("text => text.replaceChildren()")
    board.rush("3")
    expect(board.text).to_contain_text("1번째 일기.")
    board.press("3")
    board.expect_kept(1)
    assert board.labels() == [3]


def test_nothing_is_pressed_ahead_for_diaries_that_are_still_to_come(open_board: Callable[..., Board]) -> None:
    board = open_board(delay=2)
    board.press(*"123456")
    expect(board.page.get_by_text("일기를 가져오고 있어요…")).to_be_visible()
    board.rush("7")
    expect(board.page.locator(".board .hint")).to_contain_text("아직 일기가 없어서 저장하지 않았어요.")
    board.expect_kept(6)
    expect(board.text).to_contain_text("7번째 일기.")
    assert board.labels() == [1, 2, 3, 4, 5, 6]


def test_hangul_input_does_not_matter(open_board: Callable[..., Board]) -> None:
    board = open_board(keys="123qwer")
    board.dispatch(key="ㅂ", code="KeyQ")
    board.dispatch(key="Process", code="KeyW", isComposing=True)
    board.dispatch(key="Process", code="Digit3", keyCode=229)
    board.dispatch(key="ㄹ", code="KeyR")
    board.expect_kept(4)
    assert board.labels() == [4, 5, 3, 7]


def test_commands_work_in_hangul_too(open_board: Callable[..., Board]) -> None:
    board = open_board()
    board.dispatch(key="ㄴ", code="KeyS")
    board.dispatch(key="ㄹ", code="KeyF")
    board.expect_kept(2)
    board.dispatch(key="ㅋ", code="KeyZ")
    board.expect_kept(3)
    assert [event["kind"] for event in board.kept()] == ["skip", "flag", "undo"]


def test_numpad_digits_label_and_its_enter_accepts(open_board: Callable[..., Board]) -> None:
    board = open_board()
    board.press("Numpad2", "NumpadEnter", "Enter")
    board.expect_kept(3)
    assert board.labels() == [2, 5, 5]
    accepted = board.kept()[1]
    assert (accepted["model_id"], accepted["shown_label_id"], accepted["shown_proba"]) == (3, 5, 0.41)


def test_a_held_key_counts_once(open_board: Callable[..., Board]) -> None:
    board = open_board()
    board.read()
    board.page.keyboard.down("1")
    for _ in range(5):
        board.page.keyboard.down("1")  # Playwright marks these as repeated
    board.page.keyboard.up("1")
    board.press("2")
    board.expect_kept(2)
    assert board.labels() == [1, 2]


def test_keys_with_control_are_left_alone(open_board: Callable[..., Board]) -> None:
    board = open_board()
    board.press("Control+1", "Alt+2", "Meta+3", "4")
    board.expect_kept(1)
    assert board.labels() == [4]


def test_typing_a_memo_decides_nothing_and_the_memo_is_kept(open_board: Callable[..., Board]) -> None:
    board = open_board()
    board.press("m")
    board.page.keyboard.type("1 rcsz 슬픔보다 그리움 2")
    board.press("Enter", "5")
    board.expect_kept(1)
    event = board.kept()[0]
    assert (event["label_id"], event["memo"]) == (5, "1 rcsz 슬픔보다 그리움 2")
    expect(board.page.get_by_role("textbox", name="메모", exact=True)).to_have_value("")


def test_a_memo_survives_new_data_from_the_server(open_board: Callable[..., Board]) -> None:
    board = open_board(delay=0.3)
    board.press("1", "m")
    board.page.keyboard.type("쓰는 중")
    board.expect_kept(1)
    expect(board.page.get_by_role("textbox", name="메모", exact=True)).to_have_value("쓰는 중")
    expect(board.page.get_by_role("textbox", name="메모", exact=True)).to_be_focused()


def test_typing_elsewhere_decides_nothing_but_a_radio_does_not_block_keys(open_board: Callable[..., Board]) -> None:
    board = open_board()
    board.page.get_by_label("다른 칸").fill("")
    board.page.keyboard.type("12s")
    board.page.get_by_text("둘", exact=True).click()
    board.press("6")
    board.expect_kept(1)
    assert board.labels() == [6]


def test_enter_only_hints_on_a_blind_diary(open_board: Callable[..., Board]) -> None:
    board = open_board(case="blind")
    board.press("Enter")
    expect(board.page.get_by_text("예측을 가린 일기예요. 감정을 직접 골라 주세요.")).to_be_visible()
    expect(board.page.locator(".board .percent").first).to_be_hidden()
    board.press("2")
    board.expect_kept(1)
    assert (board.labels(), board.kept()[0]["shown_label_id"]) == ([2], None)


def test_undo_follows_pending_decisions_and_blocks_until_the_diary_is_back(open_board: Callable[..., Board]) -> None:
    board = open_board(delay=0.3)
    board.press("1", "2", "z", "7", "3")
    board.expect_kept(5)
    assert [(event["kind"], event["diary_id"], event["label_id"]) for event in board.kept()] == [
        ("label", 1, 1),
        ("label", 2, 2),
        ("undo", None, None),
        ("label", 2, 7),
        ("label", 3, 3),
    ]


def test_an_undone_diary_shows_what_was_chosen_before(open_board: Callable[..., Board]) -> None:
    board = open_board()
    board.press("m")
    board.page.keyboard.type("다시 볼 것")
    board.press("Escape", "2", "Backspace")
    expect(board.page.get_by_text("되돌린 일기예요. 이전 선택: 행복")).to_be_visible()
    expect(board.text).to_contain_text("1번째 일기.")
    expect(board.page.get_by_role("textbox", name="메모", exact=True)).to_have_value("다시 볼 것")
    expect(board.page.get_by_role("button", name="행복, 이전 선택")).to_be_visible()


def test_several_undos_walk_back_one_by_one(open_board: Callable[..., Board]) -> None:
    board = open_board(delay=0.1)
    board.press("1", "2", "3")
    board.rush("z", "z", "z", "z")
    # Its text stays when it has gone from sight, which on a slow server it may before all is kept.
    expect(board.page.locator(".board .hint")).to_have_text("되돌릴 것이 없어요.")
    board.expect_kept(6)
    expect(board.text).to_contain_text("1번째 일기.")


def test_a_reload_keeps_the_holder_and_resends_what_was_not_confirmed(open_board: Callable[..., Board]) -> None:
    board = open_board(delay=1)
    board.press("1", "2", "3")
    before = json.loads(board.page.evaluate("key => sessionStorage[key]", f"maeumgyeol-board:{board.state.stem}"))
    assert len(before["events"]) == 3
    board.load()
    board.expect_kept(3)
    assert board.labels() == [1, 2, 3]
    expect(board.text).to_contain_text("4번째 일기.")
    board.press("4")
    board.expect_kept(4)
    assert {event["holder"] for event in board.kept()} == {before["holder"]}


def test_a_duplicated_tab_gets_a_holder_of_its_own(open_board: Callable[..., Board]) -> None:
    board = open_board()
    board.press("1")
    board.expect_kept(1)
    kept = board.page.evaluate("() => JSON.stringify(sessionStorage)")
    with closing(board.page.context.new_page()) as twin:
        twin.add_init_script(f"Object.assign(sessionStorage, {kept})")
        other = Board(twin, board.url, board.state).load()
        other.press("2")
        other.expect_kept(2)
    assert len({event["holder"] for event in board.kept()}) == 2


def test_presses_while_the_server_is_away_are_saved_when_it_is_back_also_from_a_closed_tab_but_for_nobody_else(
    page: Page, context: BrowserContext, tmp_path: Path, running_app: RunningApp
) -> None:
    closed = context.new_page()
    with running_app(HARNESS, str(tmp_path)) as url:
        stays = _make_board(page, (url, tmp_path), {}).load()
        goes = _make_board(closed, (url, tmp_path), {}).load()
        for board in (goes, stays):
            board.page.bring_to_front()
            board.press("1")
            board.expect_kept(1)
    for board, memo in ((stays, ""), (goes, "남몰래 적은 말")):
        board.page.bring_to_front()
        board.page.get_by_role("button", name="Close").click()  # Streamlit's notice, which the app doesn't have
        board.page.locator(".board .memo").fill(memo)
        board.page.keyboard.press("Escape")
        board.press("2", "3")
        expect(board.text).to_contain_text("4번째 일기.")
        expect(board.page.get_by_role("alert").filter(has_text="아직 저장되지 않았어요 (2건)")).to_be_visible()
    kept_names = f"Object.keys(localStorage).filter(name => name.startsWith('maeumgyeol-kept:{goes.state.stem}:'))"
    (name,) = closed.evaluate(kept_names)
    sealed = closed.evaluate("name => localStorage[name]", name)
    for word in ("label", "token", "남몰래", "lease"):
        assert word not in sealed, "what lies in the browser is encrypted"
    closed.close()
    with running_app(HARNESS, str(tmp_path), port=int(url.rsplit(":", 1)[1])):
        stays.expect_kept(3)
        assert stays.labels() == [1, 2, 3]
        other = Board(context.new_page(), f"{goes.url}&key={'cd' * 32}&scope=other", goes.state).load()
        other.read()
        assert len(other.kept()) == 1, "whoever is somebody else leaves it alone"
        back = Board(context.new_page(), goes.url, goes.state).load()
        back.expect_kept(3)
        assert back.labels() == [1, 2, 3]
        assert [event["memo"] for event in back.kept()] == ["", "남몰래 적은 말", ""]
        assert back.page.evaluate(kept_names) == []


def test_the_end_is_said_and_undo_still_works(open_board: Callable[..., Board]) -> None:
    board = open_board(diaries=2)
    board.press("1", "2")
    expect(board.page.get_by_text("모두 끝났어요. 고마워요!")).to_be_visible()
    board.rush("z")
    expect(board.text).to_contain_text("2번째 일기.")


def test_markup_in_a_diary_stays_text(open_board: Callable[..., Board]) -> None:
    board = open_board(case="hostile")
    text = board.text.evaluate("node => node.textContent")
    for part in ("<img src=x onerror='window.hit=1'> **굵게** :smile: $x$ 5~6시, 7~8시", "<script>", "🙂 끝."):
        assert part in text
    assert board.page.locator(".board .text img, .board .text script").count() == 0
    assert board.page.evaluate("() => window.hit") is None
    for says in (".evidence-text", ".contrast"):
        expect(board.page.locator(says)).to_contain_text("‘<img src=x onerror='window.hit=1'>’")
    assert board.page.locator(".board :is(img, script)").count() == 0


def test_evidence_follows_the_label_that_is_looked_at(open_board: Callable[..., Board]) -> None:
    board = open_board()
    evidence, deletion = board.page.locator(".evidence-text"), board.page.locator(".deletion")
    expect(evidence).to_have_text("‘눈물이’ 때문에 슬픔으로 봤어요.")
    expect(deletion).to_have_text("이 낱말을 빼면 슬픔이 41%에서 20%로 떨어져요.")
    expect(board.page.locator(".contrast")).to_have_text("불안이 아닌 이유: ‘눈물이’")
    assert board.page.locator(".text .word.for").all_inner_texts() == ["눈물이"]
    board.page.mouse.move(5, 5)
    board.page.get_by_role("button", name="행복").hover()
    expect(evidence).to_have_text("‘그래도’ → 행복 쪽 · ‘눈물이’ → 반대쪽")
    expect(deletion).to_be_hidden()
    board.page.mouse.move(5, 5)
    expect(deletion).to_be_visible()
    board.press("v")
    expect(evidence).to_contain_text("불안")


def test_a_label_that_appears_under_a_resting_mouse_is_not_looked_at(open_board: Callable[..., Board]) -> None:
    board = open_board()
    evidence = board.page.locator(".evidence-text")
    box = board.page.get_by_role("button", name="행복").bounding_box()
    assert box is not None
    board.page.mouse.move(box["x"] + 5, box["y"] + 5, steps=2)
    expect(evidence).to_contain_text("행복 쪽")
    open_board()
    board.page.mouse.move(box["x"] + 5, box["y"] + 5)
    expect(evidence).to_have_text("‘눈물이’ 때문에 슬픔으로 봤어요.")
    board.page.mouse.move(box["x"] + 9, box["y"] + 5, steps=2)
    expect(evidence).to_contain_text("행복 쪽")


def test_a_negation_is_tinted_with_what_it_negates(open_board: Callable[..., Board]) -> None:
    board = open_board(case="negation")
    words = board.page.locator(".text .word")
    assert words.all_inner_texts() == ["울지 않았다."]
    expect(words).to_have_class(re.compile(r"\bagainst\b"))
    assert words.evaluate("word => getComputedStyle(word, '::after').content") == '"−" / " (슬픔의 반대 근거)"'


def test_the_arc_has_a_cell_for_each_sentence_and_points_at_it(open_board: Callable[..., Board]) -> None:
    board = open_board()
    cells = board.page.get_by_role("group", name="문장마다 본 감정").get_by_role("button")
    assert cells.all_inner_texts() == ["불", "불", "슬"]
    expect(cells.nth(2)).to_have_accessible_name("3번째 문장: 슬픔 50%")
    cells.nth(1).hover()
    expect(board.page.locator(".sentence.pointed")).to_have_text("오늘은 눈물이 났다.")
    cells.nth(0).focus()
    board.press("ArrowRight", "ArrowRight")
    expect(board.page.locator(".sentence.pointed")).to_have_text("그래도 괜찮다.")
    board.press("5")
    board.expect_kept(1)
    assert board.labels() == [5], "a key labels also from there"


def test_a_click_counts_and_leaves_enter_to_the_prediction(open_board: Callable[..., Board]) -> None:
    board = open_board()
    board.read()
    board.page.get_by_role("button", name="분노").click()
    board.press("Enter")
    board.expect_kept(2)
    assert board.labels() == [1, 5]


def test_enter_on_a_button_reached_by_tab_presses_that_button(open_board: Callable[..., Board]) -> None:
    board = open_board()
    for _ in range(20):
        if board.page.locator(".board .label:focus").count():
            break
        board.press("Tab")
    board.press("Enter")
    board.expect_kept(1)
    assert board.labels() == [1]


def test_the_key_sheet_opens_and_keys_wait_meanwhile(open_board: Callable[..., Board]) -> None:
    board = open_board()
    board.press("?")
    expect(board.page.get_by_role("dialog")).to_be_visible()
    board.press("1", "Escape", "h", "h", "2")
    board.expect_kept(1)
    assert board.labels() == [2]


def test_a_phone_needs_no_sideways_scrolling(open_board: Callable[..., Board]) -> None:
    board = open_board(case="long")
    board.page.set_viewport_size({"width": 390, "height": 844})
    expect(board.page.get_by_role("button", name="혐오")).to_be_in_viewport(ratio=1)
    assert board.page.evaluate("() => document.scrollingElement.scrollWidth") <= 390
    heights = board.page.locator(".board .labels button").evaluate_all("all => all.map(x => x.offsetHeight)")
    assert min(heights) >= 44


EDGES = """() => {
  const board = document.querySelector(".board") ?? [...document.querySelectorAll("*")].find(each =>
    each.shadowRoot?.querySelector(".board")).shadowRoot.querySelector(".board");
  const edge = (part, side) => board.querySelector(part).getBoundingClientRect()[side];
  const isCut = name => name.scrollWidth > name.clientWidth;
  return {
    between: edge(".deciding", "top") - edge(".reading", "bottom"),
    below: innerHeight - edge(".commands", "bottom"),
    cut: [...board.querySelectorAll(".label .name")].filter(isCut).length,
  };
}"""


@pytest.mark.parametrize(("width", "height"), [(390, 844), (960, 600), (720, 560)])
def test_the_buttons_stand_whole_below_the_text_whatever_appears_above_it(
    tab: Page, open_board: Callable[..., Board], width: int, height: int
) -> None:
    tab.set_viewport_size({"width": width, "height": height})
    board = open_board(case="long")  # the offer appears when the text has its room already
    for _ in range(2):  # with the offer to practise, and without it
        wait_for(board.page, f"() => (edges => edges.below >= 0 && edges.between >= 0)(({EDGES})())")
        assert board.page.evaluate(EDGES)["cut"] == 0
        board.page.locator(".tour-offer button").last.evaluate("made => made.click()")
        expect(board.page.locator(".tour-offer")).to_be_hidden()


def test_keys_are_shown_by_the_pointer_and_not_by_the_width(load_board: Callable[..., Board]) -> None:
    board = load_board()
    board.page.set_viewport_size({"width": 390, "height": 844})
    expect(board.page.locator(".label .cap").first).to_be_visible()
    board.page.set_viewport_size({"width": 1200, "height": 900})
    devtools = board.page.context.new_cdp_session(board.page)
    devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    expect(board.page.locator(".label .cap").first).to_be_hidden()
    expect(board.page.locator(".command.help")).to_be_hidden()


def test_press_to_next_diary_is_measured(open_board: Callable[..., Board]) -> None:
    board = open_board(case="long")
    script = """() => new Promise(resolve => {
        const host = document.querySelector("[data-testid='stBidiComponentIsolated']");
        const text = host.shadowRoot.querySelector(".text");
        const start = performance.now();
        new MutationObserver((_, observer) => {
            observer.disconnect();
            requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
        }).observe(text, { childList: true });
        document.body.dispatchEvent(new KeyboardEvent("keydown",
            { key: "1", code: "Digit1", bubbles: true, composed: true, cancelable: true }));
    })"""
    times = []
    for count in range(1, 21):
        board.read()
        times.append(board.page.evaluate(script))
        board.expect_kept(count)
    times.sort()
    print(f"\npress to next diary painted: median {statistics.median(times):.0f} ms, p95 {times[18]:.0f} ms")


def _marks(board: Board) -> list[tuple[list[int], str, int]]:
    events = [event for event in board.kept() if event["kind"] == "rationale"]
    return [(event["span"], event["verdict"], event["label_id"]) for event in events]


def test_a_click_on_a_word_marks_it_right_then_wrong_then_not_at_all(open_board: Callable[..., Board]) -> None:
    board = open_board(delay=0.1)
    word = board.text.get_by_text("눈물이", exact=True)
    span = [12, 15]  # of "1번째 일기. 오늘은 눈물이 났다. …"
    marks = board.page.locator(".board .marks")
    word.click()
    expect(word).to_have_attribute("data-mark", "right")
    expect(marks).to_have_text("✓ ‘눈물이’: ‘슬픔’의 근거 맞음")
    word.click()
    word.click()
    board.expect_kept(3)
    assert _marks(board) == [(span, "right", 5), (span, "wrong", 5), (span, "none", 5)]
    expect(word).not_to_have_attribute("data-mark", "wrong")
    board.text.get_by_text("오늘은", exact=True).click()  # a word without a tint
    board.press("2")
    board.expect_kept(5)
    assert board.labels() == [2]
    assert {event["diary_id"] for event in board.kept()} == {1}


def test_a_double_click_marks_twice(open_board: Callable[..., Board]) -> None:
    board = open_board()
    board.text.get_by_text("눈물이", exact=True).dblclick()
    board.expect_kept(2)
    assert [verdict for _, verdict, _ in _marks(board)] == ["right", "wrong"]


def test_a_mark_survives_a_reload_and_counts_as_no_decision(open_board: Callable[..., Board]) -> None:
    board = open_board(delay=0.5)
    board.text.get_by_text("눈물이", exact=True).click()
    board.load()
    expect(board.text.get_by_text("눈물이", exact=True)).to_have_attribute("data-mark", "right")
    board.expect_kept(1)
    board.press("z")
    expect(board.page.get_by_text("되돌릴 것이 없어요.")).to_be_visible()


def test_words_are_marked_by_keyboard_in_a_mode_that_leaves_labelling_its_keys(
    open_board: Callable[..., Board],
) -> None:
    board = open_board()
    word = board.text.get_by_text("눈물이", exact=True)
    board.press("w")
    expect(word).to_be_focused()
    expect(word).to_have_attribute("role", "button")
    board.press("Space", "Space", "ArrowRight", "Enter")
    expect(word).to_have_attribute("data-mark", "wrong")
    board.expect_kept(3)
    assert [verdict for _, verdict, _ in _marks(board)] == ["right", "wrong", "right"]
    board.press("Escape")
    expect(word).not_to_have_attribute("role", "button")
    board.press("Enter", "w", "3")
    board.expect_kept(5)
    assert board.labels() == [5, 3]
    expect(board.text).to_contain_text("3번째 일기.")
    expect(board.text.locator("[role=button]")).to_have_count(0)


def test_a_blind_diary_has_no_words_to_mark(open_board: Callable[..., Board]) -> None:
    board = open_board(case="blind")
    board.press("w")
    expect(board.page.get_by_text("아직 표시할 낱말이 없어요.")).to_be_visible()
    expect(board.page.get_by_role("button", name="낱말 표시")).to_be_hidden()


# More than one emotion, help lines, a break


def test_without_the_options_a_press_says_nothing_of_further_emotions(open_board: Callable[..., Board]) -> None:
    board = open_board()
    expect(board.page.locator(".board .further")).to_be_hidden()
    expect(board.page.locator(".board .help-lines")).to_be_hidden()
    board.press("ArrowRight", "Shift+Digit2")
    board.expect_kept(1)
    assert board.labels() == [2], "Shift changes nothing"
    assert not {"other_label_ids", "intensity"} & set(board.kept()[0])


def test_keys_are_learned_on_practice_diaries_of_which_nothing_is_kept(open_board: Callable[..., Board]) -> None:
    board = open_board()
    page = board.page
    board.read()
    page.get_by_role("button", name="연습하기").click()
    tour = page.get_by_role("dialog")
    expect(tour.get_by_role("heading")).to_have_text("연습 일기 1/3")
    board.rush("KeyS")  # not what is asked for: nothing happens
    expect(tour.get_by_role("heading")).to_have_text("연습 일기 1/3")
    board.rush("2")
    expect(tour.get_by_role("heading")).to_have_text("연습 일기 2/3")
    board.rush("Enter", "KeyS")
    expect(tour.get_by_text("되돌리기 키를 누르면")).to_be_visible()
    board.rush("KeyZ")
    expect(tour.get_by_role("heading")).to_have_text("다 익혔어요!")
    board.rush("Enter")
    expect(tour).to_be_hidden()
    expect(page.get_by_role("button", name="연습하기")).to_be_hidden()
    assert board.kept() == []
    board.press("2")
    board.expect_kept(1)
    assert board.labels() == [2]


def test_further_emotions_help_lines_and_a_break(open_board: Callable[..., Board]) -> None:
    board = open_board(further=1, case="care", break_minutes=50)
    page = board.page
    expect(page.get_by_text("자살예방 상담전화 109")).to_be_visible()
    board.press("Shift+Digit3", "Shift+Digit4", "Shift+Digit3", "Shift+Digit6", *["ArrowRight"] * 4, "ArrowLeft")
    expect(page.get_by_role("button", name="당황, 더함")).to_be_visible()
    expect(page.get_by_role("button", name="세기 3")).to_have_attribute("aria-pressed", "true")
    board.press("2")
    board.expect_kept(1)
    kept = board.kept()[0]
    assert (kept["label_id"], kept["other_label_ids"], kept["intensity"]) == (2, [4, 6], 3)
    expect(page.locator(".history li").first).to_have_text("행복 + 당황 + 중립 · 3")
    # The next diary begins without them, and a click adds while that is switched on.
    page.get_by_role("button", name="감정 더하기").click()
    page.get_by_role("button", name=re.compile("^불안")).click()
    page.get_by_role("button", name="세기 5").click()
    board.press("Enter")
    board.expect_kept(2)
    assert (board.kept()[1]["label_id"], board.kept()[1]["other_label_ids"], board.kept()[1]["intensity"]) == (
        5,
        [3],
        5,
    )
    board.press("KeyZ")
    board.expect_kept(3)
    expect(page.locator(".returned")).to_have_text("되돌린 일기예요. 이전 선택: 슬픔 + 불안 · 5")
    expect(page.get_by_role("button", name="세기 5")).to_have_attribute("aria-pressed", "true")
    board.press("KeyS")
    board.expect_kept(4)
    assert (board.kept()[3]["other_label_ids"], board.kept()[3]["intensity"]) == ([], None)
    _work_for(page, minutes=60)
    note = page.locator(".pause")
    expect(note).to_contain_text("60분째")
    before = page.locator(".labels").bounding_box()
    board.press("1")
    board.expect_kept(5)
    assert board.labels()[-1] == 1, "a press goes on as if nothing were there"
    board.press("Escape")
    expect(note).to_be_hidden()
    assert page.locator(".labels").bounding_box() == before, "and nothing has moved"


def test_ten_labels_within_a_second_each_are_worth_a_word_once_and_all_count(
    page: Page, load_board: Callable[..., Board]
) -> None:
    # Ten presses of a test on a busy machine can take long; the page's own clock says they were quick.
    page.add_init_script("{ const now = performance.now.bind(performance); performance.now = () => now() / 50; }")
    board = load_board()
    note = page.locator(".pause")
    for count in range(1, 10):
        board.press("1")
        board.expect_kept(count)
    expect(note).to_be_hidden()
    board.press("1")
    board.expect_kept(10)
    expect(note).to_contain_text("10편을 1초 안에 골랐어요")
    board.press("Escape")
    expect(note).to_be_hidden()
    for count in range(11, 22):
        board.press("2")
        board.expect_kept(count)
    expect(note).to_be_hidden()
    assert board.labels() == [1] * 10 + [2] * 11


SWIPE = """([dx, dy]) => {
    const root = [...document.querySelectorAll("*")].map(e => e.shadowRoot).find(r => r?.querySelector(".reading"));
    const reading = root.querySelector(".reading");
    const at = (type, x, y) => reading.dispatchEvent(new PointerEvent(type,
        {pointerType: "touch", isPrimary: true, clientX: x, clientY: y, bubbles: true, composed: true}));
    at("pointerdown", 300, 300);
    at("pointermove", 300 + dx / 2, 300 + dy / 2);
    at("pointerup", 300 + dx, 300 + dy);
}"""


def test_a_swipe_to_the_left_skips_where_somebody_has_asked_for_it(open_board: Callable[..., Board]) -> None:
    board = open_board()
    page = board.page
    board.read()
    page.evaluate(SWIPE, [-200, 0])
    board.press("1")
    board.expect_kept(1)
    assert board.kept()[0]["kind"] == "label", "it is off until somebody asks for it"
    page.evaluate("localStorage.setItem('maeumgyeol:swipe', '1')")
    for way in ([-40, 0], [-200, 150], [200, 0]):
        board.read()
        page.evaluate(SWIPE, way)
    page.evaluate(SWIPE, [-200, 20])
    board.expect_kept(2)
    assert board.kept()[1]["kind"] == "skip", "and short, slanted and other ways mean nothing"
    page.evaluate("localStorage.removeItem('maeumgyeol:swipe')")


def _work_for(page: Page, *, minutes: int) -> None:
    """Make the tab believe that it has been worked in for so long."""
    page.evaluate(
        """minutes => {
            const [key] = Object.keys(sessionStorage).filter(key => key.includes("pause:"));
            const now = Date.now();
            const times = { since: now - minutes * 60000, last: now, events: [] };
            sessionStorage.setItem(key, JSON.stringify(times));
        }""",
        minutes,
    )
    page.reload()
    expect(page.locator(".board .text")).not_to_be_empty()
