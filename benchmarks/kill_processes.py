"""The processes that `kill.py` kills: people who press keys, and the worker. Each is a fork with all imports done."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from annotator import project
from annotator.labelling import board, decisions
from annotator.worker.loop import Worker
from db import connect
from db.connection import rows, scalar
from db.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS, WEIGHTS = ("label", "skip", "flag", "undo"), (86, 4, 3, 7)
LABELS = 7
OVERLAP = 2

_FIRST_FEW = 4
"""Presses that a tab makes before it is redrawn, as a quick person does."""


@dataclass
class Tab:
    """A browser tab of one person, which outlives the process that serves it.

    Attributes:
        waiting: the press that was sent and not confirmed; a browser sends it again.
        last: token of the newest confirmed press; None if that was an undo.
    """

    annotator_id: int
    holder: str
    waiting: dict[str, Any] | None = None
    last: str | None = None


@dataclass
class Running:
    """A forked process.

    Attributes:
        told: the pipe of its reports, one JSON object a line; None for the worker, which reports nothing.
    """

    pid: int
    told: int | None = None
    rest: bytes = field(default=b"")

    def read(self) -> list[dict[str, Any]]:
        """Return what was reported since the last call, whole lines only: a line is written at once or not at all."""
        while self.told is not None:
            try:
                part = os.read(self.told, 1 << 16)
            except BlockingIOError:
                break
            if not part:
                os.close(self.told)
                self.told = None
            self.rest += part
        *lines, self.rest = self.rest.split(b"\n")
        return [json.loads(line) for line in lines]

    def is_over(self) -> bool:
        """Return whether it has ended; if so, forget it."""
        if self.pid and os.waitpid(self.pid, os.WNOHANG)[0]:
            self.pid = 0
        return not self.pid

    def signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if not self.is_over():
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it without warning, and wait until it is gone."""
        if not self.is_over():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0

    def wait_until_stopped(self) -> None:
        """Wait until every thread of it stands still, after SIGSTOP."""
        while self.pid and (state := _state(self.pid)) != "T":
            if state in ("Z", ""):
                return
            time.sleep(0.0005)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return ""


@dataclass
class Ledger:
    """What was sent and confirmed at one copy of the project, and what is wrong with it."""

    sent: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    doubled: int = 0
    turned_away: int = 0

    def hear(self, tab: Tab, process: Running) -> int:
        """Record what a person's process has reported; return how often the database could not save a press."""
        refused = 0
        for message in process.read():
            press = message.get("press")
            if message["did"] == "sent":
                self.sent.add(press["token"])
                tab.waiting = press
            elif message["did"] == "kept":
                self.kept.add(press["token"])
                tab.waiting, tab.last = None, _taken_back(press)
            elif message["did"] == "turned_away":
                self.turned_away += 1
                tab.waiting = None
            else:
                refused += 1
        return refused

    def check(self, path: Path, kept: set[str]) -> bool:
        """Return whether a database is sound, with every confirmed press in it once; exceptions are counted."""
        with closing(connect(path)) as db:
            is_sound = scalar(db, "pragma integrity_check") == "ok" and not rows(db, "pragma foreign_key_check")
            stored = [token for (token,) in rows(db, "select token from decisions where source = 'person'")]
            # An answer to a hidden repeat is stored apart, with the token that took it back.
            stored += [part for (token,) in rows(db, "select token from repeats") for part in token.split()]
            self.lost |= kept - set(stored)
            twice = int(scalar(db, _TWICE, overlap=OVERLAP))
        self.doubled = max(self.doubled, len(stored) - len(set(stored) & self.sent) + twice)
        return is_sound


_TWICE = """
    select count(*) from (
        select s.diary_id from standing s join decisions d on d.id = s.decision_id
        where s.kind <> 'skip' and d.source = 'person' and not exists (
            select 1 from decisions u join decisions k on k.id = u.undoes
            where u.diary_id = s.diary_id and k.kind = 'skip')
        group by s.diary_id having count(*) > :overlap)
"""
"""Diaries decided by more people than were asked; whoever takes a skip back gets a diary that others may have."""


def start_person(
    path: Path, tab: Tab, *, seconds: float, seed: int, before: Callable[[], None] | None = None
) -> Running:
    """Start a process in which one person presses keys until the time is over or a signal ends it."""
    here, there = os.pipe()
    os.set_blocking(here, False)
    pid = _fork(lambda: _press(path, tab, there, seconds=seconds, chance=random.Random(seed)), before)
    os.close(there)
    return Running(pid, here)


def start_worker(path: Path, *, until: str = "stopped") -> Running:
    """Start the worker as the app does, at a project."""
    return Running(_fork(lambda: Worker(path).run(until=until)))  # type: ignore[arg-type]


def _fork(work: Callable[[], None], before: Callable[[], None] | None = None) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1):
            os.dup2(null, stream)
        if before is not None:
            before()
        work()
        status = 0
    except BaseException:
        if os.environ.get("MAEUMGYEOL_DEBUG"):
            traceback.print_exc()
    finally:
        os._exit(status)


def _press(path: Path, tab: Tab, pipe: int, *, seconds: float, chance: random.Random) -> None:
    """Press until the time is over: draw the tab, press on what it was handed, report what was sent and saved."""
    ends, seq = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        try:
            with project.opened(path) as db:
                board.keep_alive(db, annotator_id=tab.annotator_id, holder=tab.holder)
                view = board.load_board(db, annotator_id=tab.annotator_id, holder=tab.holder, language="ko")
        except DatabaseError as error:
            _say(pipe, did="refused", code=error.code)
            time.sleep(0.02)
            continue
        answered = tab.waiting and tab.waiting["token"]
        items = [item for item in view.items if item["token"] != answered][:_FIRST_FEW]
        while (tab.waiting or items) and time.monotonic() < ends:
            seq += 1
            raw = tab.waiting or _choose(tab, items, chance)
            if not _send(path, tab, {**raw, "seq": seq}, pipe):
                break
        if not view.items:
            return


def _choose(tab: Tab, items: list[dict[str, Any]], chance: random.Random) -> dict[str, Any]:
    kind = chance.choices(KINDS, WEIGHTS)[0]
    if kind == "undo" and tab.last:
        return {"kind": "undo", "token": f"undo-{chance.getrandbits(96):024x}", "undoes": tab.last}
    item = items.pop(0)
    kind = "label" if kind == "undo" else kind
    label_id = chance.randint(1, LABELS) if kind == "label" else None
    return {"kind": kind, "token": item["token"], "diary_id": item["diary_id"], "label_id": label_id, "seconds": 1.0}


def _taken_back(press: dict[str, Any]) -> str | None:
    """Return the token that an undo after this press would name."""
    return None if press["kind"] == "undo" else str(press["token"])


def _send(path: Path, tab: Tab, raw: dict[str, Any], pipe: int) -> bool:
    """Send a press as a browser does; return whether it was answered. It waits until it is."""
    tab.waiting = raw
    _say(pipe, did="sent", press=raw)
    try:
        with project.opened(path) as db:
            receipt = decisions.receive(db, raw, annotator_id=tab.annotator_id, holder=tab.holder, acked=raw["seq"] - 1)
    except DatabaseError as error:
        _say(pipe, did="refused", code=error.code)
        time.sleep(0.02)
        return False
    tab.waiting = None
    if receipt.refused is not None:
        _say(pipe, did="turned_away", code=receipt.refused.code, press=raw)
        return True
    tab.last = _taken_back(raw)
    _say(pipe, did="kept", press=raw)
    return True


def _say(pipe: int, **what: Any) -> None:
    os.write(pipe, json.dumps(what, ensure_ascii=True).encode() + b"\n")
