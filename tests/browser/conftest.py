"""A real Streamlit server and a real Chromium for the browser tests."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.chromium import PATIENCE_MS
from tests.listening import listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).resolve().parents[2]


START_SECONDS = 60


class RunningApp(Protocol):
    """Run a Streamlit script for the length of a block, which gets its address."""

    def __call__(
        self,
        script: Path,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        port: int = 0,
        log: Path | None = None,
    ) -> AbstractContextManager[str]: ...


def _started_in(folder: str) -> str:
    """Return a folder, in which Streamlit finds the options that the app gives it."""
    options = Path(folder) / ".streamlit" / "config.toml"
    options.parent.mkdir()
    shutil.copy(ROOT / "web" / "streamlit.toml", options)
    return folder


@contextmanager
def run_app(
    script: Path, *arguments: str, env: Mapping[str, str] | None = None, port: int = 0, log: Path | None = None
) -> Iterator[str]:
    """Run a Streamlit script on 127.0.0.1 for the length of the block; yield its address.

    Args:
        arguments: what the script finds in ``sys.argv[1:]``.
        env: added to this process's environment.
        port: 0 for a free one.
        log: file for the server's output, appended to.

    Raises:
        RuntimeError: if the server ends or says nothing for a minute; with the end of its output.
    """
    chosen = port or free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(chosen)]
    command += ["--server.headless", "true", "--server.address", "127.0.0.1", "--browser.gatherUsageStats", "false"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", **(env or {})}
    output = (log or Path(os.devnull)).open("ab")
    with (
        output,
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [*command, "--", *arguments], cwd=_started_in(folder), env=environment, stdout=output, stderr=output
        ) as server,
    ):
        try:
            _wait_until_healthy(server, f"http://127.0.0.1:{chosen}/_stcore/health", log)
            yield f"http://127.0.0.1:{chosen}"
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


_had: dict[int, str] = {}
"""The ports of this process, each with the test that asked for it last."""


_PORTS = range(20_000, 32_000)
"""Below those that systems give to whoever asks for any, so that nobody gets one before the server opens it."""


def free_port() -> int:
    """Return a port that nobody listens at.

    A former test's port comes first: the browser knows scripts by their address, and has compiled them already.
    """
    test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
    former = (port for port, asked in _had.items() if asked != test)
    # Drawn by the system, as tests set the seed of `random`, and other processes would draw the same.
    drawn = (secrets.choice(_PORTS) for _ in _PORTS)
    port = next(filter(_is_free, itertools.chain(former, drawn)))
    _had[port] = test
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: old connections don't matter
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _wait_until_healthy(server: subprocess.Popen[bytes], address: str, log: Path | None) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=1) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.1)  # nothing to wait on before the port is open
    tail = log.read_text("utf-8", "replace")[-2000:] if log and log.exists() else ""
    raise RuntimeError(f"The server did not start within {START_SECONDS} s. {tail}")


@pytest.fixture
def running_app() -> RunningApp:
    """Run a script for the length of a block, for tests in which the server goes away."""
    return run_app


class Elsewhere(ThreadingHTTPServer):
    """Every other machine, to a browser: what it asks of them comes here, and is noted."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Noting)
        self.asked: list[str] = []

    def take_asked(self) -> list[str]:
        """Return what was asked since the last time."""
        asked, self.asked = self.asked, []
        return asked


class _Noting(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_GET(self) -> None:
        """Answer what is asked of this machine; a proxy is told the other machine's name as well."""
        is_own = self.path.startswith("/")
        if not is_own:
            self.server.asked.append(self.path)
        self.send_response(200 if is_own else 502)
        self.end_headers()

    do_CONNECT = do_HEAD = do_OPTIONS = do_POST = do_PUT = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    server = Elsewhere()
    with listening(server):
        yield server


@contextmanager
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile. The block fails if any of its pages asks another machine for something."""
    with elsewhere() as others:
        with closing(_new_context(browser, others)) as context:
            yield context
        assert others.asked == []


def _new_context(browser: Browser, others: Elsewhere, locale: str = "ko-KR") -> BrowserContext:
    # Playwright could tell of each request instead; each page has a hundred, and to hear of them takes a tenth of it.
    context = browser.new_context(
        viewport={"width": 1280, "height": 800},
        locale=locale,
        reduced_motion="reduce",
        proxy={"server": f"http://127.0.0.1:{others.server_port}", "bypass": "127.0.0.1,localhost"},
    )
    context.set_default_timeout(PATIENCE_MS)
    return context


@contextmanager
def keeping(browser: Browser, locale: str = "ko-KR") -> Iterator[tuple[BrowserContext, Elsewhere]]:
    """One profile for tests one after the other; to compile Streamlit's scripts takes a second.

    A tab stays open in it, and with it the process that has them. It shows a page without a policy: the app's health
    stands in a sandbox, and what is in one has a process of its own.
    """
    with elsewhere() as others, closing(_new_context(browser, others, locale)) as context:
        context.new_page().goto(f"http://127.0.0.1:{others.server_port}")
        yield context, others


@pytest.fixture(scope="session")
def kept_profile(browser: Browser) -> Iterator[tuple[BrowserContext, Elsewhere]]:
    """The profile of all tests of this process."""
    with keeping(browser) as kept:
        yield kept


@pytest.fixture
def context(kept_profile: tuple[BrowserContext, Elsewhere]) -> Iterator[BrowserContext]:
    """The profile with nothing left of the test before. A test fails whose pages ask another machine for something."""
    context, others = kept_profile
    yield context
    keeper, *tabs = context.pages
    for tab in tabs:
        tab.close()
    context.set_offline(False)
    context.clear_cookies()
    devtools = context.new_cdp_session(keeper)
    for port in _had:
        devtools.send("Storage.clearDataForOrigin", {"origin": f"http://127.0.0.1:{port}", "storageTypes": "all"})
    devtools.detach()
    assert others.take_asked() == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab. It fails the test on a request that leaves this machine."""
    return context.new_page()
