"""Hostile files at the command line: each in a sandbox, watched for its end, its words, its memory and its traces."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unicodedata
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from annotator import project
from benchmarks.hostile_corpus.hostile_file import SECRET
from benchmarks.hostile_trials.outcome import Outcome

if TYPE_CHECKING:
    from benchmarks.hostile_corpus.hostile_file import HostileFile

ROOT = Path(__file__).resolve().parents[2]

MOST_MEMORY_BYTES = 2_000_000_000
_PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.05
"""Each look goes through all processes of the machine. Nothing takes a gigabyte more between two of them."""
_REFUSED = 2
_LONGEST_SENTENCE = 2000
_UNSEEN, _JOINERS = ("Cc", "Cf", "Cs", "Zl", "Zp"), "\u200c\u200d"
_TABLE = "text,label\n오늘은 비가 왔다,행복\n"


@dataclass(frozen=True, slots=True)
class Run:
    """How a command ended. `status` is negative for a signal, None for a command that did not end by itself."""

    status: int | None
    seconds: float
    memory_bytes: int
    output: str
    errors: str


class Sandbox:
    """A folder in which commands run: with a home, a folder for temporary files, and an empty project.

    Args:
        folder: an empty one; anything that commands leave in it besides their project is a finding.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._template = folder / "template.db"
        project.init(self._template, seed="00" * 16, blind_share=0.0)
        with closing(sqlite3.connect(self._template)) as db:
            db.execute("pragma wal_checkpoint(truncate)")

    def try_file(self, file: HostileFile, path: Path) -> Outcome:
        """Let the command that reads a file read it, and judge the outcome."""
        with tempfile.TemporaryDirectory(dir=self.folder) as root:
            place = Path(root)
            for name in ("work", "home", "tmp", "projects"):
                (place / name).mkdir()
            database = place / "projects" / "project.db"
            if file.entry != "labels":
                shutil.copy(self._template, database)
            beside = _listing(path.parent)
            command = _command(file, path, database)
            run = run_command(command, place)
            return Outcome(
                file.kind,
                file.name,
                run.seconds,
                wrong=_wrong(file, run, database) or _traces(place, beside, path, file),
                death=_death(run),
            )


def run_command(command: list[str], place: Path) -> Run:
    """Run a command of the product in a sandbox's folders until it ends or its time is up."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HF_HUB_OFFLINE": "1",
        "HOME": str(place / "home"),
        "TMPDIR": str(place / "tmp"),
    }
    environment.pop("MAEUMGYEOL_DB", None)
    began = time.perf_counter()
    with (place / "out").open("wb") as out, (place / "err").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "annotator.cli", *command],
            cwd=place / "work",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        memory_bytes = 0
        while process.poll() is None:
            if time.perf_counter() - began > _PATIENCE_SECONDS:
                os.killpg(process.pid, signal.SIGKILL)
            memory_bytes = max(memory_bytes, _memory_of(process.pid))
            time.sleep(_LOOK_SECONDS)
    seconds = time.perf_counter() - began
    texts = [(place / name).read_bytes().decode("utf-8", "backslashreplace") for name in ("out", "err")]
    ended = process.returncode if seconds < _PATIENCE_SECONDS else None
    return Run(ended, seconds, memory_bytes, *texts)


def _memory_of(pid: int) -> int:
    """Return what a process and its children hold now. The kernel's own maximum starts from what their parent held."""
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        return sum(_held_by(each) for each in [parent, *parent.children(recursive=True)])
    return 0


def _held_by(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _command(file: HostileFile, path: Path, database: Path) -> list[str]:
    at = ["--db", str(database)]
    if file.entry == "labels":
        return ["init", "--labels", str(path), *at]
    if file.entry == "crosswalk":
        table = database.with_name("table.csv")
        table.write_text(_TABLE)
        return ["import", str(table), "--text-column", "text", "--label-column", "label", "--crosswalk", str(path), *at]
    if file.entry == "phrases":
        return ["care", "use", str(path), *at]
    if file.entry == "recipe":
        return ["recipe", "show", str(path)]
    if file.entry == "database":
        return ["status", "--db", str(path)]
    return ["import", str(path), *at]


def _death(run: Run) -> str:
    if run.status is None:
        return ""
    if run.status < 0:
        return f"signal {-run.status}"
    if "Traceback (most recent call last)" in run.errors + run.output:
        return "traceback"
    return "" if run.status in (0, _REFUSED) else f"exit status {run.status}: {run.errors.strip()[-200:]}"


def _wrong(file: HostileFile, run: Run, database: Path) -> str:
    if run.memory_bytes > MOST_MEMORY_BYTES:
        return f"{run.memory_bytes / 1e9:.1f} GB of memory"
    if SECRET in run.output + run.errors:
        return "said the secret"
    if run.status == _REFUSED:
        return ("refused" if file.expected == "rows" else "") or _bad_sentence(run.errors) or _kept_rows(file, database)
    if run.status == 0:
        return ("accepted" if file.expected == "refused" else "") or _bad_words(run.output) or _unsound(file, database)
    return ""


def _bad_sentence(errors: str) -> str:
    sentence, *answers = errors.strip("\n").split("\n")
    # A question has its answers below it, an option each.
    if not all(line.startswith("  --") for line in answers) or not 1 < len(sentence) <= _LONGEST_SENTENCE:
        return f"not one sentence: {errors[:300]!a}"
    return _bad_words(errors)


def _bad_words(text: str) -> str:
    odd = next((c for c in text.replace("\n", "") if unicodedata.category(c) in _UNSEEN and c not in _JOINERS), "")
    return f"said {odd!a}" if odd else ""


def _kept_rows(file: HostileFile, database: Path) -> str:
    if file.entry != "import" or not database.exists():
        return ""
    with closing(sqlite3.connect(database)) as db:
        (count,) = db.execute("select count(*) from diaries").fetchone()
    return f"kept {count} rows of a file that was refused" if count else ""


def _unsound(file: HostileFile, database: Path) -> str:
    if file.entry in ("database", "recipe"):
        return ""
    if any(SECRET.encode() in each.read_bytes() for each in database.parent.glob("project.db*") if each.is_file()):
        return "imported the secret"
    with closing(sqlite3.connect(database)) as db:
        (answer,) = db.execute("pragma integrity_check").fetchone()
    return "" if answer == "ok" else f"database: {answer}"


def _listing(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def _traces(place: Path, beside: set[str], path: Path, file: HostileFile) -> str:
    """Name what a command has left where nothing belongs; a project may have its own files beside it."""
    traces = [each.relative_to(place) for part in ("work", "home", "tmp") for each in (place / part).rglob("*")]
    traces += [Path(name) for name in _listing(place / "projects") if not name.startswith(("project.db", "table.csv"))]
    more = _listing(path.parent) - beside
    traces += [Path(name) for name in more if not (file.entry == "database" and name.startswith(path.name))]
    traces += [each for each in (Path(tempfile.gettempdir(), "escaped.txt"), Path("/escaped.txt")) if each.exists()]
    return f"left {', '.join(ascii(str(each)) for each in traces[:5])}" if traces else ""
