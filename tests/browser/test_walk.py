"""Every page in both languages, themes and many sizes: nothing is cut or covered, and axe finds nothing serious.

Each page is loaded once for all that is looked for in it, the content policy's violations and the language among it.

The usual run looks at a part of the sizes. ``make walk`` looks at all of them, and keeps pictures where
``MAEUMGYEOL_WALK`` names a folder.
"""

from __future__ import annotations

import os
import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError as TookTooLong
from playwright.sync_api import expect

from annotator import project, settings
from annotator.messages import say
from pages.components.shell import streamlit_words
from pages.widgets.session import LANGUAGE_COOKIE
from pages.widgets.site import PAGES
from tests import walked
from tests.browser.conftest import keeping
from tests.browser.test_content_policy import settle, watched
from tests.chromium import wait_for
from tests.web.gate.test_middleware import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from annotator.messages import Language
    from tests.browser.conftest import Elsewhere

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FOLDER = os.environ.get("MAEUMGYEOL_WALK", "")
LOOKS = (Path(__file__).with_name("looks.js")).read_text("utf-8")
STEADY = """() => new Promise(done => {
    let [last, still] = ["", 0];
    const isFitting = plot => Math.abs(plot.querySelector(".main-svg").clientWidth - plot.clientWidth) <= 1;
    const look = () => {
        const main = document.querySelector('[data-testid="stMain"]');
        const plots = [...document.querySelectorAll(".js-plotly-plot:has(.main-svg)")];
        const now = [main?.scrollHeight, main?.clientWidth, plots.length].join();
        const isDrawn = plots.every(isFitting) && !document.querySelector('[data-stale="true"]');
        still = now === last && isDrawn ? still + 1 : 0;
        last = now;
        if (still >= 12) done(); else requestAnimationFrame(look);
    };
    look();
})"""
"""Resolves once nothing has moved for a dozen frames, nothing is faded, and every chart has the width of its column."""

BACKGROUND = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
WIDE = 700
"""Pixels below which the sidebar lies over the page."""

_AXE = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    # To read all rules of style takes a tenth of it, and none of these asks for them.
    "preload": {"assets": ["media"], "timeout": 10_000},
}
_GRAVE = ("serious", "critical")
_MOST_LOOKS = 5

_MOST_TABS = 60
_SOON_MS = 15_000
_BOARDS = {"label": ".board .text[data-readable]", "review": ".board .text:not(:empty)"}
"""What stands on a page once its board does."""

_STREAMLIT_WORDS = """words => {
  const said = [...document.querySelectorAll("[aria-label], [placeholder], [title]")].flatMap(e =>
    ["aria-label", "placeholder", "title"].map(name => e.getAttribute(name)));
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) said.push(texts.currentNode.nodeValue.trim());
  return said.filter(text => words.includes(text) || / per file$|^Made with |^Remove /.test(text ?? ""));
}"""
"""Streamlit's own words on a page, outside our boards."""


@dataclass(frozen=True)
class View:
    """A window: its size in pixels of the page, which are fewer where the browser zooms in."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


SIZES = [View(1440, 900), View(1200, 800), View(1280, 720), View(390, 844)]
ZOOMED = [View(960, 600), View(800, 533), View(853, 480), View(320, 640)]
"""The same windows at 150 %, which show two thirds of the page; the narrowest is what WCAG 1.4.10 asks for."""
ALL = SIZES + ZOOMED
USUAL = {"ko": [View(1440, 900), View(853, 480), View(390, 844)], "en": [View(1280, 720), View(390, 844)]}
AXED = {"ko": [("light", View(1440, 900))], "en": [("dark", View(390, 844))]}
ALL_AXED = [(theme, size) for theme in ("light", "dark") for size in (View(1440, 900), View(390, 844))]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A project in which every page has something to show."""
    path = tmp_path_factory.mktemp("walk") / "walk.db"
    project.init(path, seed="00" * 16, blind_share=0.0)
    with closing(project.open_project(path)) as db:
        walked.make(db)
        settings.change(db, speech_model=str(path.parent))  # so that one may speak, too
    with serving(path) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def address_of_nothing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An app that has no project yet, and so shows its set-up."""
    with serving(tmp_path_factory.mktemp("walk") / "none.db") as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def address_of_empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A project without a diary, whose pages say what to do first."""
    path = tmp_path_factory.mktemp("walk") / "empty.db"
    project.init(path, seed="00" * 16)
    with serving(path) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module", params=["ko", "en"])
def profile(request: pytest.FixtureRequest, browser: Browser) -> Iterator[tuple[BrowserContext, Elsewhere, Language]]:
    """A browser in one language."""
    language: Language = request.param
    with keeping(browser, {"ko": "ko-KR", "en": "en-US"}[language]) as (context, others):
        context.add_init_script(LOOKS)
        yield context, others, language


@pytest.fixture
def tab(profile: tuple[BrowserContext, Elsewhere, Language], address: str) -> Iterator[tuple[Page, Language]]:
    """A tab in which nothing is left of the test before. A test fails whose page asks another machine for something."""
    context, others, language = profile
    context.add_cookies([{"name": LANGUAGE_COOKIE, "value": language, "url": address}])
    page = context.new_page()
    page.set_viewport_size(_of(USUAL[language][0]))
    yield page, language
    if page.url != "about:blank":
        page.evaluate("localStorage.clear()")
    page.close()
    context.clear_cookies()
    assert others.take_asked() == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_keeps_to_policy_and_language_nothing_is_cut_or_covered_and_axe_finds_nothing_serious(
    address: str, tab: tuple[Page, Language], name: str
) -> None:
    page, language = tab
    violations = watched(page)
    page.goto(f"{address}/{name}")
    settle(page)
    assert violations == []
    _check_language(page, language, name)
    if name == "overview":
        assert page.locator(".js-plotly-plot").count() > 0
    assert _list_faults(*tab, name, wait_for=_BOARDS.get(name, "")) == {}
    assert violations == []


def _check_language(page: Page, language: Language, name: str) -> None:
    expect(page.locator("html")).to_have_attribute("lang", language)
    title, app = re.escape(say(f"frame.{name}", language)), re.escape(say("app.name", language))
    expect(page).to_have_title(re.compile(rf"^{title}.* · {app}"))
    if language == "ko":
        wait_for(page, f"words => ({_STREAMLIT_WORDS})(words).length === 0", list(streamlit_words.WORDS))


def test_nothing_is_cut_or_covered_at_set_up(address_of_nothing: str, tab: tuple[Page, Language]) -> None:
    page, _ = tab
    page.goto(address_of_nothing)
    assert _list_faults(*tab, "setup", wait_for=".st-key-setup_start button") == {}


@pytest.mark.parametrize("name", PAGES if FOLDER else ["label"])
def test_nothing_is_cut_or_covered_before_the_first_diary(
    address_of_empty: str, tab: tuple[Page, Language], name: str
) -> None:
    page, _ = tab
    page.goto(f"{address_of_empty}/{name}")
    assert _list_faults(*tab, f"{name}-empty") == {}


def _list_faults(page: Page, language: Language, name: str, *, wait_for: str = "") -> dict[str, list[str]]:
    """Return what is wrong with the page that is open, each with the windows in which it is.

    Args:
        wait_for: what stands on the page once it is whole, as a CSS selector.
    """
    sizes, axed = (ALL, ALL_AXED) if FOLDER else (USUAL[language], AXED[language])
    page.locator("[data-test-script-state='notRunning']").wait_for()
    if wait_for:
        page.locator(wait_for).first.wait_for()
    faults: dict[str, list[str]] = {}
    for size in sizes:
        _resize(page, size)
        for fault in [*_press_faults(page, name), *_layout_faults(page)]:
            faults.setdefault(fault, []).append(str(size))
        for theme in _themes(size, axed, language):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            page.evaluate(STEADY)
            if (theme, size) in axed:
                for fault in _lasting_axe_faults(page):
                    faults.setdefault(fault, []).append(f"{size} {theme}")
            if FOLDER:
                page.screenshot(path=Path(FOLDER) / f"{name}-{language}-{theme}-{size}.png")
    return faults


@pytest.mark.parametrize("name", ["label", "review", "find", "dictionary", "settings"])
def test_tab_leads_everywhere_and_the_focus_is_seen(address: str, tab: tuple[Page, Language], name: str) -> None:
    page, language = tab
    if language == "en":
        pytest.skip("the same elements in other words")
    page.set_viewport_size(_of(SIZES[0]))
    reached = _tab_through(page, f"{address}/{name}")
    assert len(reached) > 20
    if not all(reached.values()):
        # A page that is drawn anew is without its styles for a moment.
        again = _tab_through(page, f"{address}/{name}")
        reached = {what: is_seen or again.get(what, False) for what, is_seen in reached.items()}
    assert [what for what, is_seen in reached.items() if not is_seen] == []
    assert page.evaluate("findMoving()") == []


def _tab_through(page: Page, url: str) -> dict[str, bool]:
    """Return what Tab reaches on a page, and whether one sees that it has the focus."""
    page.goto(url)
    page.locator("[data-test-script-state='notRunning']").wait_for()
    page.evaluate(STEADY)
    reached: dict[str, bool] = {}
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        if (focus := page.evaluate("findFocus()")) is not None:
            reached[focus[0]] = focus[1]
    return reached


def test_a_theme_that_is_chosen_holds_on_every_page_and_after_a_reload(
    address: str, tab: tuple[Page, Language]
) -> None:
    page, language = tab
    words = {"ko": ("화면 설정", "어둡게", "자동"), "en": ("Display", "Dark", "System")}[language]
    page.goto(f"{address}/learn")
    page.get_by_text(words[0]).click()
    page.get_by_label(words[1], exact=True).check()
    for name in ("learn", "team", "settings"):
        page.goto(f"{address}/{name}")
        page.locator("[data-test-script-state='notRunning']").wait_for()
        assert page.evaluate(BACKGROUND) == "rgb(23, 25, 29)", name
    page.get_by_text(words[0]).click()
    page.get_by_label(words[2], exact=True).check()
    page.locator("[data-test-script-state='notRunning']").wait_for()
    wait_for(page, f"{BACKGROUND} === 'rgb(253, 252, 250)'")


def _of(size: View) -> Any:
    return {"width": size.width, "height": size.height}


def _themes(size: View, axed: list[tuple[str, View]], language: Language) -> list[str]:
    if FOLDER:
        return ["light", "dark"]
    return [theme for theme, at in axed if at == size]


def _resize(page: Page, size: View) -> None:
    page.set_viewport_size(_of(size))
    page.evaluate(STEADY)
    shut = page.locator('[data-testid="stSidebarCollapseButton"] button')
    if size.width < WIDE and shut.is_visible():
        shut.click()
        page.locator('[data-testid="stSidebar"][aria-expanded="false"]').wait_for(state="attached")
        page.evaluate(STEADY)


def _layout_faults(page: Page) -> list[str]:
    faults = [f"cut: {cut}" for cut in page.evaluate("findCut()")]
    if sideways := page.evaluate("scrollsSideways()"):
        faults.append(f"scrolls sideways by {sideways} pixels")
    seen: dict[str, str | None] = {}
    page.evaluate("scrollToTop()")
    for _ in range(30):
        for text, over in page.evaluate("findCovered()").items():
            seen[text] = over if seen.get(text, over) is not None else None
        if not page.evaluate("scrollOn(0.6)"):
            break
    # A board that grows between two looks moves what lies below it, so that a text may be seen at an edge alone.
    covered = [text for text, over in seen.items() if over is not None and page.evaluate("staysCovered", text)]
    page.evaluate("scrollToTop()")
    return faults + [f"covered: {text} by {seen[text]}" for text in covered]


def _press_faults(page: Page, name: str) -> list[str]:
    """Return which buttons that decide about a diary lie below the window, where the text above can't be seen."""
    if name not in _BOARDS:
        return []
    try:
        wait_for(page, "findBelow().length === 0", timeout_ms=_SOON_MS)
    except TookTooLong:
        return [f"below the window: {words}" for words in page.evaluate("findBelow()")]
    return []


def _lasting_axe_faults(page: Page) -> list[str]:
    """Return what axe finds each time: while Streamlit draws anew, its lists have its own roles for a moment."""
    faults = _axe_faults(page)
    for _ in range(_MOST_LOOKS):
        if not faults:
            break
        page.locator("[data-test-script-state='notRunning']").wait_for()
        faults = [fault for fault in _axe_faults(page) if fault in faults]
    return faults


def _axe_faults(page: Page) -> list[str]:
    violations = Axe().run(page, options=_AXE).response["violations"]
    return [
        f"{each['id']} ({each['impact']}): {node['html'][:150]} {node['failureSummary'].splitlines()[1].strip()}"
        for each in violations
        if each["impact"] in _GRAVE
        for node in each["nodes"]
    ]
