"""Every payload in every place, on every page, for every role: nothing fires, and what is shown is shown as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.hostile_corpus import PAYLOADS, Payload
from benchmarks.hostile_trials.pages import PAGES, Visit, not_literal, pages_of, try_pages
from benchmarks.hostile_trials.planting import plant, sentinel
from benchmarks.hostile_trials.target import make_keys, started

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from benchmarks.hostile_corpus.requests import Keys
    from benchmarks.hostile_trials.target import Program


@pytest.mark.browser
@pytest.mark.slow
def test_no_payload_fires_and_each_is_shown_as_it_is_on_every_page_for_every_role(
    browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "planted.db"
    plant(path, PAYLOADS)
    with started("app", path) as app:
        outcomes = list(try_pages(browser, app, make_keys(path), PAYLOADS))
    assert {outcome.name for outcome in outcomes if outcome.kind == "page"} == {
        f"{role} at /{name}" for role, names in PAGES.items() for name in names
    }
    wrong = {outcome.name: outcome.wrong or outcome.death for outcome in outcomes}
    assert {name: what for name, what in wrong.items() if what} == {}


def test_every_page_of_the_app_is_looked_at() -> None:
    assert {"", "people", "settings", "review", "import", "team", "password"} <= set(PAGES["administrator"])
    assert set(pages_of("annotator")) < set(pages_of("reviewer")) < set(pages_of("administrator"))


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(
    ("markup", "noticed"),
    [
        ("<img src=x onerror='window.__pwned=1'>", "__pwned"),
        ("<b onclick='x()'>x</b>", "B onclick"),
        ("<a href='javascript:x()'>x</a>", "href=javascript:x()"),
        ("<a href='https://evil.example'>x</a>", "href=https://evil.example"),
        ("<iframe srcdoc='x'></iframe>", "IFRAME"),
        ("<img src=x onerror='alert(1)'>", "alert"),
        ("<img src='http://192.0.2.1/x.png'>", "request to 192.0.2.1"),
    ],
)
def test_the_browser_notices_what_fires(browser: Browser, app: Program, keys: Keys, markup: str, noticed: str) -> None:
    visit = Visit(browser, app, keys.cookies["annotator"])
    visit.page.goto("about:blank")  # where no policy stands in the way
    visit.page.evaluate(_PLANT, markup)
    visit.page.wait_for_timeout(300)  # an error handler runs after the picture could not be had
    assert noticed in visit.read()[1]
    visit.close()


_PLANT = """markup => {
  const host = document.body.appendChild(document.createElement("div"));
  host.attachShadow({mode: "open"}).innerHTML = markup;
}"""


def test_what_is_swallowed_or_formatted_is_told_from_what_is_shown_as_it_is() -> None:
    payloads = [Payload("x", ":smile:"), Payload("x", "**a**"), Payload("x", "<b>c</b>"), Payload("x", "d")]
    page = f"😄 {sentinel(0)} **a** {sentinel(1)}\nc {sentinel(2)}"
    shown, changed = not_literal(page, payloads)
    assert (shown, changed.keys()) == ({0, 1, 2}, {0, 2})
