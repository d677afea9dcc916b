"""The app: the Streamlit server and the worker as two children, watched until Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCRIPT = Path(__file__).resolve().parent.parent / "streamlit_app.py"

_START_SECONDS = 60.0
_RESTART_SECONDS = 3.0


def serve(database: Path, *, address: str, port: int, with_worker: bool, say: Callable[[str], None]) -> None:
    """Run app and worker until Ctrl-C or SIGTERM; a worker that dies is started again.

    Args:
        say: called once with the address when the app answers.

    Raises:
        UserError: if the port is taken, or the app does not start.
    """
    _check_port(address, port)
    with _stop_on_signals() as stopping, _children(database, address, port, with_worker) as children:
        _wait_until_up(children[0], address, port)
        say(f"http://{address}:{port}")
        worker_died = 0.0
        while not stopping and children[0].poll() is None:
            time.sleep(0.2)
            if with_worker and children[1].poll() is not None:
                worker_died = worker_died or time.monotonic()
                if time.monotonic() - worker_died > _RESTART_SECONDS:
                    children[1], worker_died = _start_worker(database), 0.0
        if not stopping:
            raise UserError("app_ended", status=children[0].returncode or 0)


def _check_port(address: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise UserError("port_taken", address=address, port=port, reason=error.strerror or "") from error


@contextlib.contextmanager
def _stop_on_signals() -> Iterator[list[int]]:
    stopping: list[int] = []
    earlier = {s: signal.signal(s, lambda number, _: stopping.append(number)) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _children(database: Path, address: str, port: int, with_worker: bool) -> Iterator[list[subprocess.Popen[bytes]]]:
    # A process group each: Ctrl-C in a terminal then reaches only this process, which stops them in order.
    children = [_start_app(database, address, port)]
    if with_worker:
        children.append(_start_worker(database))
    try:
        yield children
    finally:
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _environment(database: Path) -> dict[str, str]:
    return {"HF_HUB_OFFLINE": "1", **os.environ, "MAEUMGYEOL_DB": str(database.resolve())}


def _start_app(database: Path, address: str, port: int) -> subprocess.Popen[bytes]:
    options = [f"--server.address={address}", f"--server.port={port}"]
    command = [sys.executable, "-m", "streamlit", "run", str(SCRIPT), *options]
    return subprocess.Popen(
        command, env=_environment(database), cwd=SCRIPT.parent, stdout=subprocess.DEVNULL, start_new_session=True
    )


def _start_worker(database: Path) -> subprocess.Popen[bytes]:
    options = ["--db", str(database.resolve()), "--parent", str(os.getpid())]
    command = [sys.executable, "-m", "annotator.cli", "worker", *options]
    return subprocess.Popen(command, env=_environment(database), cwd=SCRIPT.parent, start_new_session=True)


def _wait_until_up(app: subprocess.Popen[bytes], address: str, port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if app.poll() is not None:
            raise UserError("app_ended", status=app.returncode)
        try:
            with urllib.request.urlopen(f"http://{address}:{port}/_stcore/health", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise UserError("app_silent", seconds=int(_START_SECONDS))
