"""A real Streamlit server and a real Chromium for the browser tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import pytest

from tests.chromium import PATIENCE_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).resolve().parents[2]


START_SECONDS = 60


class StartApp(Protocol):
    """Start a Streamlit script and return its address."""

    def __call__(self, script: Path, *arguments: str, env: Mapping[str, str] | None = None, port: int = 0) -> str: ...


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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
def start_app(tmp_path: Path) -> Iterator[StartApp]:
    """Start Streamlit scripts that end with the test."""
    with ExitStack() as stack:

        def start(script: Path, *arguments: str, env: Mapping[str, str] | None = None, port: int = 0) -> str:
            app = run_app(script, *arguments, env=env, port=port, log=tmp_path / "server.log")
            return stack.enter_context(app)

        yield start


@pytest.fixture
def running_app() -> RunningApp:
    """Run a script for the length of a block, for tests in which the server goes away."""
    return run_app


@contextmanager
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile. The block fails if any of its pages asks another machine for something."""
    fresh = browser.new_context(viewport={"width": 1280, "height": 800}, locale="ko-KR")
    fresh.set_default_timeout(PATIENCE_MS)
    foreign: list[str] = []

    def note(url: str) -> None:
        if urlsplit(url).hostname not in (None, "127.0.0.1", "localhost"):
            foreign.append(url)

    fresh.on("request", lambda request: note(request.url))
    yield fresh
    fresh.close()
    assert foreign == []


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of the test's own."""
    with profile(browser) as fresh:
        yield fresh


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab. It fails the test on a request that leaves this machine."""
    return context.new_page()
