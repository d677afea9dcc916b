"""Processes killed without warning in the middle of work: whether a confirmed decision is lost or counted twice.

    python benchmarks/kill.py --trials 1000 --json out.json

In each trial a few people press keys, each in a process of its own, on what their tabs were handed; in some a worker
trains a round beside them. At random moments all these processes, or the worker, or both get SIGKILL. A press is
confirmed once the function that keeps it has returned and its process could say so; some label a dozen diaries at
once, or take that back, which holds as a whole or not at all. What was sent and not confirmed is
sent again by the next trial's process, as a browser does. After each trial the database is checked from end to end.

In every tenth trial the power fails: all processes are stopped in one moment, and database and log, without the
index of the log that lies in memory, are copied from under them and checked by themselves.

Halfway, the disk fills up, and the folder can only be read for a while: with mounts of their own where this runs as
root, otherwise by the limit of a file's size and by permissions.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# Loaded before the first fork: killed processes are started again a thousand times.
import torch

from annotator import project
from annotator.importing import ColumnMap, import_file
from annotator.labelling.queueing import enqueue_import
from annotator.training import rounds as round_cases
from annotator.worker import tasks
from annotator.worker.runtime import WorkerRuntime
from benchmarks import kill_troubles, machine
from benchmarks.kill_ledger import OVERLAP, Ledger, Tab
from benchmarks.kill_processes import Running, start_person, start_worker
from db import connect
from db.models import rounds
from db.people import annotators
from db.texts import diaries, sentences
from db.texts.sentences import Sentences
from learner.classification import classifier as classifiers
from learner.encoders.encoder import default_cache

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_LABELS = 60
_AT_LEAST_LEFT = 400
_MODULES = "modules"
_MOODS = ("정말 기쁘고 즐거운 하루였다", "너무 슬프고 눈물이 났다", "화가 나서 소리쳤다", "걱정되어 잠이 오지 않았다")
_NAMES = ("행복", "슬픔", "분노", "불안")


class Project:
    """A copy of the project, with the tabs of its people."""

    def __init__(self, template: Path, folder: Path, people: int) -> None:
        shutil.copytree(template, folder)
        self.path = folder / "project.db"
        self.ledger = Ledger()
        with closing(connect(self.path)) as db:
            self.tabs = [Tab(annotators.get_or_create_id(db, f"사람 {n}"), f"kill-tab-{n:03d}") for n in range(people)]

    def is_used_up(self) -> bool:
        """Return whether too few diaries are left for another trial."""
        with closing(connect(self.path)) as db:
            left = OVERLAP * diaries.count_diaries(db) - len(self.ledger.kept) - self.ledger.grouped_count
            return left < _AT_LEAST_LEFT

    def ask_for_round(self) -> None:
        """Ask for a round, unless a killed worker has left one open."""
        with closing(connect(self.path)) as db:
            if rounds.find_open(db) is None:
                round_cases.request(db, annotator_id=None)

    def count_rounds(self) -> dict[str, int]:
        """Let a last worker end the open round, and count the rounds by how they ended."""
        last, began = start_worker(self.path, until="round_ended"), time.monotonic()
        while not last.is_over() and time.monotonic() - began < 120:
            time.sleep(0.05)
        last.kill()
        with closing(connect(self.path)) as db:
            ends = [this.status for this in rounds.list_rounds(db)]
        return {end: ends.count(end) for end in set(ends)}


def main() -> None:
    """Make the project, run the trials, write the figures; the exit code is 1 if anything was lost."""
    arguments = _arguments()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    torch.set_num_threads(1)
    began, result = time.monotonic(), {"machine": machine.describe(), "trials": arguments.trials}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as root:
        template = Path(root) / "template"
        _in_a_child(lambda: build(template, arguments.rows, arguments.data, text_column=arguments.text_column))
        _load((template / _MODULES).read_text().split())
        result |= run(template, arguments)
    result["seconds"] = round(time.monotonic() - began, 1)
    machine.write(arguments.json, result)
    is_well = result["lost"] == result["doubled"] == 0 and result["sound"] == arguments.trials
    troubles = [result[name] for name in ("full_disk", "read_only")]
    sys.exit(0 if is_well and all(t["lost"] == 0 and t["sound"] and t["went_on"] for t in troubles) else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--people", type=int, default=3, help="processes in which somebody presses keys")
    parser.add_argument("--worker-share", type=float, default=0.3, help="of the trials, in which a worker is killed")
    parser.add_argument("--rows", type=int, default=3000, help="diaries in the project")
    parser.add_argument("--data", type=Path, help="texts of yours, beside those that are made up")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where the project is made: on the disk that is asked about")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _in_a_child(work: Any) -> None:
    """Do the computation in a process of its own: torch's threads do not survive a fork."""
    pid = os.fork()
    if not pid:
        try:
            work()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0, "the project is made"


def _tiny() -> Any:
    """Return what the tests write their very small encoders with; `tests` is not an importable package."""
    spec = importlib.util.spec_from_file_location(
        "tiny", Path(__file__).resolve().parent.parent / "tests" / "learner" / "tiny.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.write_tiny_encoder


def build(folder: Path, count: int, data: Path | None = None, *, text_column: str = "text") -> None:
    """Make a project whose encoder is so small that a round takes a moment, with a model that serves."""
    folder.mkdir()
    path = folder / "project.db"
    lines = [f"{i}번째 날. 오늘은 {_MOODS[i % 4]}.,{_NAMES[i % 4] if i < _FIRST_LABELS else ''}" for i in range(count)]
    tiny = _tiny()(folder / "tiny", "0123456789번째 날. 오늘은 " + "".join(_MOODS), width=16, layers=1)
    project.init(path, seed="00" * 16, encoder=str(tiny), overlap=OVERLAP)
    runtime = WorkerRuntime(path, cache=default_cache())
    with closing(project.open_project(path)) as db:
        import_file(db, "\n".join(["text,label", *lines]).encode(), "made-up.csv", after=enqueue_import)
        if data is not None:
            import_file(db, data, data.name, columns=ColumnMap(text=text_column), after=enqueue_import)
        # Split already: the splitter's own process would outlive the worker for a second each time.
        texts = zip(ids := list(range(1, diaries.count_diaries(db) + 1)), diaries.list_texts(db, ids), strict=True)
        sentences.store_sentences(db, [Sentences(i, ((0, len(text)),), "kss") for i, text in texts])
        while (piece := tasks.next_piece(runtime, db)) is not None and piece.step != "explain":
            pass
    runtime.close()
    classifiers.warm_up()
    (folder / _MODULES).write_text("\n".join(sys.modules))


def _load(names: list[str]) -> None:
    """Load what the worker had loaded when the project was made, so that its forks need not do so a thousand times."""
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def run(template: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the trials; return what was counted."""
    chance = random.Random(arguments.seed)
    counted: dict[str, Any] = {"killed": {"app": 0, "worker": 0, "both": 0}, "power_cuts": 0, "sound": 0}
    totals = {"confirmed": 0, "groups": 0, "grouped": 0, "lost": 0, "doubled": 0, "turned_away": 0}
    ends: dict[str, int] = {}
    place, number = None, 0
    for trial in range(arguments.trials):
        if place is None or place.is_used_up():
            _close(place, totals, ends)
            number += 1
            place = Project(template, template.with_name(f"copy-{number}"), arguments.people)
        kind = chance.choice(("worker", "both")) if chance.random() < arguments.worker_share else "app"
        counted["killed"][kind] += 1
        is_cut = trial % 10 == 9
        counted["power_cuts"] += is_cut
        counted["sound"] += _try(place, kind, chance, is_cut=is_cut)
        if trial == arguments.trials // 2:
            counted["full_disk"] = kill_troubles.fill_disk(template, arguments.people, Project)
            counted["read_only"] = kill_troubles.only_read(template, arguments.people, Project)
        if sys.stderr.isatty():
            print(f"\r{trial + 1} of {arguments.trials}", end="", file=sys.stderr)
    _close(place, totals, ends)
    return {**counted, **totals, "rounds": ends}


def _close(place: Project | None, totals: dict[str, int], ends: dict[str, int]) -> None:
    if place is None:
        return
    for end, count in place.count_rounds().items():
        ends[end] = ends.get(end, 0) + count
    ledger = place.ledger
    counts = {"confirmed": len(ledger.kept), "groups": len(ledger.groups), "grouped": ledger.grouped_count}
    counts |= {"lost": len(ledger.lost), "doubled": ledger.doubled, "turned_away": ledger.turned_away}
    for name, count in counts.items():
        totals[name] += count
    shutil.rmtree(place.path.parent)


def _try(place: Project, kind: str, chance: random.Random, *, is_cut: bool) -> bool:
    """Let people and perhaps a worker work, kill the victims, check; return whether what is left is sound."""
    longest = 0.4 if kind == "app" else 1.6
    worker, worker_ends = None, chance.uniform(0.1, longest)
    if kind != "app":
        place.ask_for_round()
        worker = start_worker(place.path)
    # Survivors go on for a moment after the worker's end, and end as when a page is closed.
    seconds = worker_ends + 0.15 if kind == "worker" else longest
    people = [start_person(place.path, tab, seconds=seconds, seed=chance.getrandbits(32)) for tab in place.tabs]
    due: list[tuple[float, Running | None]] = [(worker_ends, worker)] if worker else []
    due += [(chance.uniform(0.01, longest), person) for person in people if kind != "worker"]
    due += [(chance.uniform(0.05, longest / 2), None)] if is_cut else []
    is_sound, began = True, time.monotonic()
    for at, process in sorted(due, key=lambda each: each[0]):
        _listen(place, people, until=lambda at=at: time.monotonic() - began > at)
        if process is not None:
            process.kill()
        else:
            is_sound = _cut(place, [*people, *([worker] if worker else [])], people)
    _listen(place, people, until=lambda: all(person.is_over() for person in people))
    return place.ledger.check(place.path, place.ledger.kept) and is_sound


def _listen(place: Project, people: list[Running], *, until: Callable[[], bool]) -> None:
    while not until():
        _hear(place, people)
        time.sleep(0.005)
    _hear(place, people)


def _hear(place: Project, people: list[Running]) -> None:
    for tab, person in zip(place.tabs, people, strict=True):
        place.ledger.hear(tab, person)


def _cut(place: Project, running: list[Running], people: list[Running]) -> bool:
    """Stop everybody at once, copy database and log, let them go on; return whether the copy is sound."""
    copy = place.path.with_name("cut.db")
    for process in running:
        process.signal(signal.SIGSTOP)
    for process in running:
        process.wait_until_stopped()
    # Only what had been reported by then counts as confirmed before the power failed.
    _hear(place, people)
    confirmed = set(place.ledger.kept)
    for ending in ("", "-wal"):
        log = Path(f"{place.path}{ending}")
        if log.exists():
            shutil.copy(log, f"{copy}{ending}")
    for process in running:
        process.signal(signal.SIGCONT)
    is_sound = place.ledger.check(copy, confirmed)
    for ending in ("", "-wal", "-shm"):
        Path(f"{copy}{ending}").unlink(missing_ok=True)
    return is_sound


if __name__ == "__main__":
    main()
