"""Payloads on every page, for every role, in a real browser: nothing may fire, and what is shown is shown as it is."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
import unicodedata
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.sync_api import Error, sync_playwright

from annotator.accounts.permissions import ROLES, Person, Role, may
from annotator.messages.visible import visible
from benchmarks.hostile_trials.outcome import Outcome
from benchmarks.hostile_trials.planting import sentinel
from pages.widgets import site

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from playwright.sync_api import Browser, BrowserContext, Page

    from benchmarks.hostile_corpus.payloads import Payload
    from benchmarks.hostile_corpus.requests import Keys
    from benchmarks.hostile_trials.target import Program

_FURTHER = ("password", "nope")
"""A page of the gate, and one that does not exist."""


def pages_of(role: Role) -> list[str]:
    """Return the addresses of the pages that a role may open, the bare one for the label page."""
    person = Person(0, "", role, is_solo=False)
    return ["" if name == site.HOME else name for name, (_, _, right) in site.PAGES.items() if may(person, right)]


PAGES: dict[Role, list[str]] = {role: [*pages_of(role), *_FURTHER] for role in ROLES}

_TIMEOUT_MS = 30_000
_MOST_DIARIES = 30

_WATCH = """(() => {
  const fired = window.zqFired = [];
  Object.defineProperty(window, "__pwned", {set: () => fired.push("__pwned"), get: () => undefined});
  for (const name of ["alert", "confirm", "prompt", "print", "open"]) window[name] = () => fired.push(name);
})()"""

_READ = """() => {
  const texts = [], odd = [];
  const own = location.host;
  const foreign = (value) => {
    try {
      const {protocol, host} = new URL(value, location.href);
      return /^(javascript|vbscript):$/.test(protocol) || (/^(https?|ftp|mailto):$/.test(protocol) && host !== own);
    } catch { return false; }
  };
  const strange = /^(object|embed|base|portal|marquee|keygen|isindex|math|frame|frameset|xmp)$/i;
  const leading = /^(href|src|action|formaction|background|data|poster|xlink:href)$/i;
  const visit = (node) => {
    if (node.nodeType === Node.TEXT_NODE) { texts.push(node.data); return; }
    if (node.nodeType === Node.ELEMENT_NODE) {
      if (["STYLE", "SCRIPT", "NOSCRIPT", "TEMPLATE"].includes(node.nodeName)) {
        if (/evil\\.example|__pwned/.test(node.textContent)) odd.push(node.nodeName);
        return;
      }
      if (strange.test(node.nodeName)) odd.push(node.nodeName);
      if (node.nodeName === "IFRAME" && node.hasAttribute("srcdoc")) odd.push("IFRAME");
      for (const {name, value} of node.attributes) {
        if (/^on/i.test(name)) odd.push(`${node.nodeName} ${name}`);
        if (leading.test(name) && foreign(value)) odd.push(`${name}=${value}`);
      }
      if (/^(INPUT|TEXTAREA)$/.test(node.nodeName)) texts.push("\\n", node.value, "\\n");
    }
    if (node.shadowRoot) for (const child of node.shadowRoot.childNodes) visit(child);
    for (const child of node.childNodes) visit(child);
  };
  visit(document.documentElement);
  return {text: texts.join(""), odd, fired: window.zqFired ?? []};
}"""

_DONE = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  if (!app) return document.readyState === 'complete' && !!document.querySelector('main');
  const main = document.querySelector('[data-testid="stMain"]');
  return app.dataset.testScriptState === 'notRunning' && !!main && !main.querySelector('[data-testid="stSkeleton"]')
    && !main.querySelector('[data-stale="true"]')
    && !!main.querySelector('h1, h2, [data-testid="stAlert"], [data-testid="stBidiComponentIsolated"], button');
}"""
_BOARD_DONE = """() => [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')].some(
  (host) => /#\\d/.test(host.shadowRoot?.textContent ?? ""))"""
_HEADING = """() => [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')]
  .map((host) => host.shadowRoot?.querySelector("article :is(h1, h2, h3)")?.textContent ?? "").join("")"""
_BOARDS = {"": f"() => ({_HEADING})() !== ''", "review": _BOARD_DONE}
"""How the pages that draw everything themselves signal that they have done so."""
_BOARD_MS, _SKIP_MS = 10_000, 3_000
_LOOK_MS = 100
"""Between two looks at a board: to look at each frame, which is the default, makes the browser draw without a pause."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a headless Chromium for the duration of the block."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-headless-shell") or shutil.which("google-chrome")
        arguments = [
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-sync",
        ]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


class Visit:
    """One role's browser, and what was noticed in it since it was last asked."""

    def __init__(self, browser: Browser, program: Program, session: str) -> None:
        self._address = program.address()
        self._context: BrowserContext = browser.new_context(locale="ko-KR", viewport={"width": 1280, "height": 2000})
        cookie = {"name": "maeumgyeol_session", "value": session, "url": self._address, "httpOnly": True}
        self._context.add_cookies([cookie])  # type: ignore[list-item]
        self._context.add_init_script(_WATCH)
        self._noticed: list[str] = []
        self._context.on("request", lambda request: self._note(request.url))
        self._context.on(
            "page", lambda page: self._noticed.append("window") if self._context.pages[0] != page else None
        )
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(_TIMEOUT_MS)
        self.page.on("dialog", lambda dialog: (self._noticed.append("dialog"), dialog.dismiss()))

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(self._address).netloc:
            self._noticed.append(f"request to {parts.netloc or parts.scheme}")

    def open(self, name: str) -> None:
        """Open a page by its address and wait until its script has ended."""
        self.page.goto(f"{self._address}/{name}")
        self.page.wait_for_function(_DONE)
        with contextlib.suppress(Error):  # there may be nothing left to show
            if name in _BOARDS:
                self.page.wait_for_function(_BOARDS[name], timeout=_BOARD_MS, polling=_LOOK_MS)

    def read(self) -> tuple[str, list[str]]:
        """Return the text of the page, and everything that should not have happened since it was opened."""
        state: dict[str, Any] = self.page.evaluate(_READ)
        happened = [*self._noticed, *state["fired"], *state["odd"]]
        self._noticed.clear()
        return state["text"], sorted(set(happened))

    def skip(self) -> bool:
        """Skip the diary on the label board; return whether another one is shown."""
        before = self.page.evaluate(_HEADING)
        changed = f"before => ![before, ''].includes(({_HEADING})())"
        try:
            self.page.locator(".board .text[data-readable]").wait_for(timeout=_SKIP_MS)
            self.page.keyboard.press("s")
            self.page.wait_for_function(changed, arg=before, timeout=_SKIP_MS, polling=_LOOK_MS)
        except Error:
            return False
        return True

    def close(self) -> None:
        """Close the browser's context."""
        self._context.close()


def shape_of(text: str) -> str:
    """Return text without white space and invisible characters, the form in which two texts are compared."""
    characters = (c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c)[0] not in "CZ")
    return "".join(characters)


def not_literal(text: str, payloads: Sequence[Payload]) -> tuple[set[int], dict[int, str]]:
    """Return the numbers of the payloads that a page shows, and what it shows in place of some of them."""
    plain = shape_of(text)
    shown: set[int] = set()
    changed: dict[int, str] = {}
    for number, payload in enumerate(payloads):
        # Names of files show what can't be seen as escapes, so that they can't be turned around.
        forms, mark = {shape_of(payload.text), shape_of(visible(payload.text))}, sentinel(number)
        for match in re.finditer(mark, plain):
            shown.add(number)
            before = plain[max(0, match.start() - max(map(len, forms))) : match.start()]
            if not before.endswith(tuple(forms)) and "●" not in before:
                changed[number] = before
    return shown, changed


def try_pages(
    browser: Browser,
    program: Program,
    keys: Keys,
    payloads: Sequence[Payload],
    *,
    pages: Mapping[Role, Sequence[str]] = PAGES,
) -> Iterator[Outcome]:
    """Open every page for every role; then report for each payload where it was shown as something else."""
    changed: dict[int, list[str]] = defaultdict(list)
    seen: set[int] = set()
    for role, names in pages.items():
        visit = Visit(browser, program, keys.cookies[role])
        for name in names:
            began, where = time.perf_counter(), f"{role} at /{name}"
            shown, others, wrong = _look(visit, name, payloads)
            seen |= shown
            for number, text in others.items():
                changed[number].append(f"{where} as {text!r}")
            yield Outcome("page", where, time.perf_counter() - began, wrong, program.deaths())
        visit.close()
    for number, payload in enumerate(payloads):
        places = f"shown to {', '.join(changed[number])}" if changed[number] else ""
        missing = "shown nowhere" if number not in seen and payload.kind != "unseen" else ""
        yield Outcome(f"payload {payload.kind}", payload.text, 0.0, places or missing)


def _look(visit: Visit, name: str, payloads: Sequence[Payload]) -> tuple[set[int], dict[int, str], str]:
    """Return the payloads that are shown on a page, what is shown in place of some, and what happened."""
    try:
        visit.open(name)
        text, happened = visit.read()
        for _ in range(_MOST_DIARIES if not name else 0):
            if not visit.skip():
                break
            more, again = visit.read()
            text, happened = f"{text}\n{more}", [*happened, *again]
    except Error as error:
        return set(), {}, f"did not open: {str(error).splitlines()[0]}"
    shown, changed = not_literal(text, payloads)
    return shown, changed, ", ".join(dict.fromkeys(happened))
