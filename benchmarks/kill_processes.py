"""The processes that `kill.py` kills: people who press keys, and the worker. Each is a fork with all imports done."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from annotator import project
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.labelling import board, decisions, group_acts
from annotator.worker.loop import Worker
from benchmarks.kill_ledger import taken_back, undoing
from db.errors import DatabaseError, NotFoundError
from db.texts import diaries

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.kill_ledger import Tab
    from db import Database

KINDS, WEIGHTS = ("label", "skip", "flag", "undo", "group"), (84, 4, 3, 7, 2)
LABELS = 7

_GROUP = 12
"""Diaries of a press on many, as a grid of near-copies has them."""

_FIRST_FEW = 4
"""Presses that a tab makes before it is redrawn, as a quick person does."""


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
                count = diaries.count_diaries(db)
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
            raw = tab.waiting or _choose(tab, items, count, chance)
            if not _send(path, tab, {**raw, "seq": seq}, pipe):
                break
        if not view.items:
            return


def _choose(tab: Tab, items: list[dict[str, Any]], count: int, chance: random.Random) -> dict[str, Any]:
    kind = chance.choices(KINDS, WEIGHTS)[0]
    if kind == "undo" and tab.last is not None:
        return _undo(tab.last, chance)
    label_id = chance.randint(1, LABELS)
    if kind == "group":
        ids = sorted(chance.sample(range(1, count + 1), _GROUP))
        return {"kind": "group", "token": f"grid-{chance.getrandbits(96):024x}", "ids": ids, "label_id": label_id}
    item = items.pop(0)
    kind = "label" if kind == "undo" else kind
    given = label_id if kind == "label" else None
    return {"kind": kind, "token": item["token"], "diary_id": item["diary_id"], "label_id": given, "seconds": 1.0}


def _undo(last: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return the press that takes the last one back."""
    if last["kind"] == "group":
        return {"kind": "group_undo", "token": undoing(last["token"]), "undoes": last["token"]}
    return {"kind": "undo", "token": f"undo-{chance.getrandbits(96):024x}", "undoes": last["token"]}


def _send(path: Path, tab: Tab, raw: dict[str, Any], pipe: int) -> bool:
    """Send a press as a browser does; return whether it was answered. It waits until it is."""
    tab.waiting = raw
    _say(pipe, did="sent", press=raw)
    counts: tuple[int, ...] = ()
    try:
        with project.opened(path) as db:
            if raw["kind"] in ("group", "group_undo"):
                counts = _press_group(db, tab, raw)
            else:
                _press_one(db, tab, raw)
    except (UserError, NotFoundError) as error:
        tab.waiting = None
        _say(pipe, did="turned_away", code=error.code, press=raw)
        return True
    except DatabaseError as error:
        _say(pipe, did="refused", code=error.code)
        time.sleep(0.02)
        return False
    tab.waiting, tab.last = None, taken_back(raw)
    _say(pipe, did="kept", press=raw, counts=counts)
    return True


def _press_one(db: Database, tab: Tab, raw: dict[str, Any]) -> None:
    receipt = decisions.receive(db, raw, annotator_id=tab.annotator_id, holder=tab.holder, acked=raw["seq"] - 1)
    if receipt.refused is not None:
        raise receipt.refused


def _press_group(db: Database, tab: Tab, raw: dict[str, Any]) -> tuple[int, ...]:
    """Label many diaries or take that back; return how many got the label and how many are held out."""
    actor = diary_access.person(tab.annotator_id, holder=tab.holder)
    if raw["kind"] == "group_undo":
        group_acts.undo(db, actor, raw["undoes"])
        return ()
    press = {"ids": raw["ids"], "label_id": raw["label_id"], "token": raw["token"], "kind": "similar"}
    outcome = group_acts.receive(db, {**press, "shown": len(raw["ids"])}, actor)
    return outcome.labelled_count, outcome.held_count


def _say(pipe: int, **what: Any) -> None:
    os.write(pipe, json.dumps(what, ensure_ascii=True).encode() + b"\n")
