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
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from annotator import project
from annotator.accounts import accounts
from annotator.accounts.origins import public_origin
from annotator.accounts.permissions import is_loopback
from annotator.errors import UserError
from annotator.worker_lock import KEEPER, is_working
from maeumgyeol.location import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    """Something that can be served.

    Attributes:
        module: takes ``--address``, ``--port``, and with ``--parent`` the process that it ends with.
        health: path that answers once it is up.
        needs_administrator: whether other computers may reach it only once there is an administrator.
    """

    module: str
    health: str
    needs_administrator: bool


APP = Server("web.server", "/_stcore/health", needs_administrator=True)
API = Server("service.server", "/api/v1/health", needs_administrator=False)
"""It lets nobody in without a token, at every address."""

_START_SECONDS = 60.0
_RESTART_SECONDS = 2.0

_NO_MORE: Mapping[str, str] = MappingProxyType({})

_WORKER_NICENESS = 10
"""A press on a key goes before what is computed ahead."""


def serve(
    database: Path,
    *,
    address: str,
    port: int,
    with_worker: bool,
    say: Callable[[str], None],
    server: Server = APP,
    public_url: str = "",
) -> None:
    """Run app and worker until Ctrl-C or SIGTERM; a worker that dies is started again.

    The worker waits until there is a project: an empty app asks for its labels first.

    Args:
        say: called once with the address when the app answers.
        server: what is served.
        public_url: the address under which a proxy publishes the server; empty without one.

    Raises:
        UserError: if the public address is none, the port is taken, the app does not start, or other computers could
            reach it while nobody is in charge of who is let in.
    """
    # Before anything is served: refuses a project that is not ours, and closes one that others can read.
    project.is_set_up(database)
    public_origin(public_url)
    if server.needs_administrator:
        _check_reach(database, address)
    _check_port(address, port)
    with _stop_on_signals() as stopping, _Children() as children:
        environment = {"MAEUMGYEOL_PUBLIC_URL": public_url, KEEPER: "1" if with_worker else ""}
        app = children.start(_app_command(server.module, address, port), database, environment=environment)
        _wait_until_up(app, f"http://{_host(address)}:{port}{server.health}")
        say(f"http://{_host(address)}:{port}")
        # The worker's imports take a core for seconds: the page that somebody is opening now goes first.
        worker, started_at = None, time.monotonic()
        while not stopping and app.poll() is None:
            is_down = worker is None or worker.poll() is not None
            if is_down and time.monotonic() - started_at > _RESTART_SECONDS and _wants_worker(database, with_worker):
                worker = children.start(_worker_command(database), database, niceness=_WORKER_NICENESS)
                started_at = time.monotonic()
            time.sleep(0.2)
        if not stopping:
            raise UserError("app_ended", status=app.returncode or 0)


def _wants_worker(database: Path, with_worker: bool) -> bool:
    return with_worker and project.is_set_up(database) and not is_working(database)


def _check_reach(database: Path, address: str) -> None:
    if is_loopback(address):
        return
    if project.is_set_up(database):
        with project.opened(database) as db:
            if accounts.has_administrator(db):
                return
    raise UserError("address_needs_administrator", address=address)


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _check_port(address: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
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


class _Children:
    """Processes of our own, stopped in the order of their start.

    Each has a process group of its own: Ctrl-C in a terminal then reaches only this process. A session of its own would
    do that too, but Linux shares the processor out among sessions first, and niceness counts only within one.
    """

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> _Children:
        return self

    def start(
        self, command: list[str], database: Path, *, niceness: int = 0, environment: Mapping[str, str] = _NO_MORE
    ) -> subprocess.Popen[bytes]:
        """Start a command that finds the database, and more where it is given, in its environment."""
        child = subprocess.Popen(
            command,
            env={"HF_HUB_OFFLINE": "1", **os.environ, "MAEUMGYEOL_DB": str(database.resolve()), **environment},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=partial(os.nice, niceness),
        )
        self._running.append(child)
        return child

    def __exit__(self, *_: object) -> None:
        for child in self._running:
            child.terminate()
        for child in self._running:
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _app_command(module: str, address: str, port: int) -> list[str]:
    return [sys.executable, "-m", module, f"--address={address}", f"--port={port}", f"--parent={os.getpid()}"]


def _worker_command(database: Path) -> list[str]:
    options = ["--db", str(database.resolve()), "--parent", str(os.getpid())]
    return [sys.executable, "-m", "annotator.cli", "worker", *options]


def _wait_until_up(app: subprocess.Popen[bytes], health: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if app.poll() is not None:
            raise UserError("app_ended", status=app.returncode)
        try:
            with urllib.request.urlopen(health, timeout=1):  # noqa: S310 - an address of our own
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise UserError("app_silent", seconds=int(_START_SECONDS))
