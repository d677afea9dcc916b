"""A whole team at once: how long claims and saves take during a round, and whether anything is lost or given twice.

    python benchmarks/team_load.py --annotators 50 --diaries 100000 --json out.json

Each annotator is a browser tab that presses a key every so often, through the use-cases that the label page calls and
with a connection of its own for each, as a script run has. A few processes share the annotators; the worker trains one
round after the other beside them. Counts are taken from the database at the end.

`save_ms` is keeping one press; `claim_ms` is drawing a tab that is handed new diaries, `board_ms` drawing any.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from annotator import project
from annotator import settings as project_settings
from annotator.errors import UserError
from annotator.labelling import board, decisions
from annotator.training import rounds as round_cases
from benchmarks import machine, pool_scale
from benchmarks.kill_ledger import count_decided_too_often
from db.connection import rows, scalar
from db.errors import DatabaseError
from db.models import rounds
from db.people import annotators

if TYPE_CHECKING:
    from collections.abc import Iterator

    from annotator.labelling.board import Board
    from db import Database

KINDS, WEIGHTS = ("label", "skip", "flag", "undo"), (92, 3, 1, 4)


def main() -> None:
    """Build the project, let the team work, count, write the figures."""
    arguments = _arguments()
    if arguments.child is not None:
        print(json.dumps(_work(arguments)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as root:
        folder = Path(root)
        arguments.rows, arguments.data = arguments.diaries, None
        pool_scale.build(folder, arguments)
        path = folder / "project.db"
        with closing(project.open_project(path)) as db:
            project_settings.change(db, overlap=arguments.overlap)
            for number in range(arguments.annotators):
                annotators.get_or_create_id(db, _name(number))
        with _worker(path):
            _round(path)  # a first one, so that a model serves and its answers are drawn
            result = {**_describe(arguments), **_let_work(path, arguments)}
        with closing(project.open_project(path)) as db:
            result |= _check(db, result.pop("kept"), overlap=arguments.overlap)
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--annotators", type=int, default=50)
    parser.add_argument("--diaries", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long they work")
    parser.add_argument("--pause", type=float, default=0.45, help="seconds between two presses of one annotator")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--overlap", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the project is built")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--database", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _describe(arguments: argparse.Namespace) -> dict[str, Any]:
    names = ("annotators", "diaries", "seconds", "pause", "processes", "overlap")
    return {"machine": machine.describe(), **{name: getattr(arguments, name) for name in names}}


def _name(number: int) -> str:
    return f"사람 {number:03d}"


@contextmanager
def _worker(path: Path) -> Iterator[None]:
    command = [
        "nice",
        "-n",
        "10",
        sys.executable,
        "-m",
        "annotator.cli",
        "worker",
        "--db",
        str(path),
    ]  # as the app does
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            yield
        finally:
            running.terminate()


def _round(path: Path) -> None:
    """Ask for a round and wait for its end."""
    with closing(project.open_project(path)) as db:
        asked = round_cases.request(db, annotator_id=None)
        while rounds.get_round(db, asked).status in ("requested", "running"):
            time.sleep(0.2)


def _let_work(path: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--database", str(path), "--child"]
    passed = [f"--{name}={getattr(arguments, name)}" for name in ("annotators", "seconds", "pause", "processes")]
    # Files, not pipes: nobody reads while the team works, and a pipe that is full would hold its writer.
    files = [path.with_name(f"team-{number}.json") for number in range(arguments.processes)]
    team = []
    for number, file in enumerate(files):
        with file.open("w") as out:
            team.append(subprocess.Popen([*command, str(number), *passed], stdout=out))
    ended = _train_beside(path, team)
    reports = [json.loads(file.read_text().splitlines()[-1]) for file in files]
    tokens = [token for each in reports for token in each["kept"]]
    return {
        "rounds": ended,
        "kept": tokens,
        "decisions_per_second": round(len(tokens) / max(each["seconds"] for each in reports), 1),
        "locked_errors": sum(each["locked_errors"] for each in reports),
        "refused": sum(each["refused"] for each in reports),
        "double_holdings": sum(each["double_holdings"] for each in reports),
        **{
            name: _percentiles([ms for each in reports for ms in each[name]])
            for name in ("claim_ms", "save_ms", "board_ms")
        },
    }


def _train_beside(path: Path, team: list[subprocess.Popen[str]]) -> int:
    """Ask for one round after the other while the team works; return how many have ended by then."""
    ended, asked = 0, None
    with closing(project.open_project(path)) as db:
        while any(process.poll() is None for process in team):
            if asked is None:
                asked = round_cases.request(db, annotator_id=None)
            elif rounds.get_round(db, asked).status not in ("requested", "running"):
                ended, asked = ended + 1, None
            time.sleep(0.3)
    return ended


def _percentiles(milliseconds: list[float]) -> dict[str, float]:
    cut = statistics.quantiles(milliseconds, n=100)
    return {"n": len(milliseconds), "p50": round(cut[49], 2), "p95": round(cut[94], 2), "p99": round(cut[98], 2)}


def _check(db: Database, tokens: list[str], *, overlap: int) -> dict[str, int]:
    """Count what went wrong: diaries that too many people have decided, and confirmed presses that are not there."""
    stored = {token for (token,) in rows(db, "select token from decisions")}
    stored |= {part for (token,) in rows(db, "select token from repeats") for part in token.split()}
    return {
        "double_claims": count_decided_too_often(db, overlap=overlap),
        "lost_decisions": sum(token not in stored for token in tokens),
    }


# One process of annotators


@dataclass
class _Tab:
    """A browser tab, with what it was shown last."""

    annotator_id: int
    holder: str
    acked: int = 0
    seq: int = 0
    model_id: int | None = None
    shown: Board | None = None
    answered: set[str] = field(default_factory=set)


@dataclass
class _Figures:
    """What a process has measured, in milliseconds, and the tokens reported to it as saved."""

    save_ms: list[float] = field(default_factory=list)
    claim_ms: list[float] = field(default_factory=list)
    board_ms: list[float] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    locked_errors: int = 0
    refused: int = 0
    double_holdings: int = 0


def _work(arguments: argparse.Namespace) -> dict[str, Any]:
    path, chance = arguments.database, random.Random(arguments.child)
    with closing(project.open_project(path)) as db:
        numbers = range(arguments.child, arguments.annotators, arguments.processes)
        tabs = [_Tab(annotators.get_or_create_id(db, _name(n)), f"team-{n:06d}") for n in numbers]
    figures, begun = _Figures(), time.perf_counter()
    due = [(begun + chance.random() * arguments.pause, i) for i in range(len(tabs))]
    heapq.heapify(due)
    while due[0][0] < begun + arguments.seconds:
        at, i = heapq.heappop(due)
        time.sleep(max(0.0, at - time.perf_counter()))
        try:
            _press(path, tabs[i], figures, chance)
        except DatabaseError as error:
            figures.locked_errors += error.code == "database_busy"
        heapq.heappush(due, (max(at + arguments.pause, time.perf_counter()), i))
    with closing(project.open_project(path)) as db:
        held = "select count(*) from (select 1 from leases where is_repeat = 0 group by diary_id having count(*) > 1)"
        figures.double_holdings = int(scalar(db, held)) if arguments.child == 0 else 0
    return {"seconds": time.perf_counter() - begun, **vars(figures)}


def _press(path: Path, tab: _Tab, figures: _Figures, chance: random.Random) -> None:
    """Press a key in a tab and redraw it, as the label page does in two runs of its script."""
    items = [item for item in tab.shown.items if item["token"] not in tab.answered] if tab.shown else []
    kind = chance.choices(KINDS, WEIGHTS)[0]
    if items and (kind != "undo" or (tab.shown and tab.shown.recent)):
        tab.seq += 1
        token = f"undo-{tab.holder}-{tab.seq:06d}" if kind == "undo" else items[0]["token"]
        raw = {"seq": tab.seq, "kind": kind, "token": token, "diary_id": items[0]["diary_id"]}
        if kind == "undo" and tab.shown:
            raw["undoes"] = tab.shown.recent[0]["token"]
        begun = time.perf_counter()
        with project.opened(path) as db:
            board.keep_alive(db, annotator_id=tab.annotator_id, holder=tab.holder)
            receipt = decisions.receive(
                db,
                {**raw, "label_id": chance.randint(1, 7) if kind == "label" else None, "seconds": 2.0},
                annotator_id=tab.annotator_id,
                holder=tab.holder,
                acked=tab.acked,
            )
        figures.save_ms.append(1000 * (time.perf_counter() - begun))
        tab.acked = receipt.acked
        figures.refused += isinstance(receipt.refused, UserError)
        if receipt.refused is None:
            figures.kept.append(token)
        tab.answered.add(token)
    before = {item["token"] for item in tab.shown.items} if tab.shown else set()
    begun = time.perf_counter()
    with project.opened(path) as db:
        tab.shown = board.load_board(
            db, annotator_id=tab.annotator_id, holder=tab.holder, language="ko", shown_model_id=tab.model_id
        )
    spent = 1000 * (time.perf_counter() - begun)
    tab.model_id = tab.shown.model_id
    figures.board_ms.append(spent)
    if any(item["token"] not in before for item in tab.shown.items):
        figures.claim_ms.append(spent)


if __name__ == "__main__":
    main()
