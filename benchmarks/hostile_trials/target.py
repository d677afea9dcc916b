"""What is attacked: a project of three people, a service's tokens and payloads everywhere, and the running programs."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from annotator import project
from annotator.accounts import accounts, api_tokens, sessions
from annotator.importing import import_file
from annotator.labelling.queueing import enqueue_import
from benchmarks import machine
from benchmarks.hostile_corpus.requests import DIARY, SCOPES, Keys
from db.texts import care_flags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db import Database

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "여섯 마리 오리 가족이 산책한다 27"
ROLES = {"administrator": "수아", "reviewer": "하준", "annotator": "지민"}
CLOSED = "닫힌 사람"
SECRET_DIARY = 1
_PER_MINUTE = 60_000
_LONG_AGO = "2020-01-01T00:00:00.000000+00:00"


def build(path: Path) -> None:
    """Make the project: a person of each role, a closed account, and a diary that is kept from annotators."""
    project.init(path, seed="00" * 16, blind_share=0.0)
    with project.opened(path) as db:
        ordinary = "".join(f"{i}번째 날. 빨래를 돌리고 장을 보고 저녁을 먹었다.\n" for i in range(20))
        import_file(db, f"text\n{DIARY}\n{ordinary}".encode(), "a.csv", after=enqueue_import)
        care_flags.flag(db, [SECRET_DIARY], list_hash="x", up_to=1)
        add_people(db)


def add_people(db: Database) -> None:
    """Add a person of each role, and one whose account `make_keys` closes."""
    for role, name in (*ROLES.items(), ("administrator", CLOSED)):
        accounts.add(db, None, name, role, password=PASSWORD)  # type: ignore[arg-type]


def make_keys(path: Path) -> Keys:
    """Return sessions of everybody and tokens of every scope, and some of each that no longer hold."""
    with project.opened(path) as db:
        cookies = {role: _session(db, name) for role, name in ROLES.items()}
        cookies["ended"], cookies["closed"] = _session(db, ROLES["annotator"]), _session(db, CLOSED)
        sessions.logout(db, cookies["ended"])
        accounts.set_disabled(db, None, accounts.get_id(db, CLOSED), disabled=True)
        tokens = {scope: api_tokens.add(db, f"t-{scope}", [scope], per_minute=_PER_MINUTE) for scope in SCOPES}
        for name in ("revoked", "expired"):
            tokens[name] = api_tokens.add(db, f"t-{name}", SCOPES, per_minute=_PER_MINUTE, days=1)
        api_tokens.revoke(db, "t-revoked")
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("update api_tokens set expires_at = ? where name = 't-expired'", [_LONG_AGO])
        raw.commit()
    return Keys(cookies, tokens)


def _session(db: Database, name: str) -> str:
    return sessions.begin(db, accounts.get_id(db, name), "192.0.2.1")


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the product that listens on this machine.

    Attributes:
        pid: of the command that people start; what it started are its children.
    """

    name: str
    port: int
    pid: int
    first_children: tuple[int, ...]

    def address(self) -> str:
        """Return the address at which a browser finds it."""
        return f"http://127.0.0.1:{self.port}"

    def deaths(self) -> str:
        """Name the processes that were there at the start and are gone."""
        if not Path(f"/proc/{self.pid}").exists():
            return self.name
        missing = set(self.first_children) - set(machine.children(self.pid))
        return f"{len(missing)} of the processes of {self.name}" if missing else ""


@contextmanager
def started(command: str, path: Path, *, with_worker: bool = False, log: Path | None = None) -> Iterator[Program]:
    """Run ``maeumgyeol app`` or ``maeumgyeol api`` at a project, as a person does, until the block ends."""
    port = _free_port()
    options = ["--db", str(path), "--port", str(port), *([] if with_worker else ["--no-worker"])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    with ExitStack() as stack:
        errors = stack.enter_context(log.open("ab")) if log else subprocess.DEVNULL
        running = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "annotator.cli", command, *options],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        )
        try:
            if running.stdout is None or "http" not in running.stdout.readline():
                raise SystemExit(f"`maeumgyeol {command}` did not start.")
            yield Program(command, port, running.pid, tuple(machine.children(running.pid)))
        finally:
            running.send_signal(signal.SIGINT)
            try:
                running.wait(30)
            except subprocess.TimeoutExpired:
                running.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
