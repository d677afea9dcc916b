"""A simulation that runs beside the app: a niced child process in a private folder, watched and cancelled.

Jobs live as long as the app's process. Their folders hold texts, so they are deleted as soon as they have been read.
"""

from __future__ import annotations

import atexit
import csv
import io
import json
import os
import secrets
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotator import messages
from annotator.errors import UserError
from annotator.exporting import records
from db.answers import decisions
from maeumgyeol import private_files
from maeumgyeol.location import ROOT

if TYPE_CHECKING:
    from annotator.messages import Language
    from db import Database

FEWEST_OWN = 60
"""Labels of the project from which on they can be replayed: about two batches beside the rows to measure on."""

FEWEST_SEEDS = 5
"""Repeats below which intervals over them say too little to call one strategy better."""

_NICENESS = 10
_KEPT = 8
"""Jobs that have ended and are kept for people who come back to them."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to replay, as `maeumgyeol simulate` takes it; columns are guessed where they are None."""

    strategies: tuple[str, ...]
    batch: int
    budget: int
    seeds: int
    encoder: str
    text_column: str | None = None
    label_column: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: the step (``encode``, ``replay``; None before the first) and its share in [0, 1]."""

    step: str | None
    share: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the areas under the curves allow to say.

    Attributes:
        best: the strategy with the largest area.
        beaten: those whose 95 % interval lies below that of the best.
        level: those whose interval overlaps with it.
    """

    best: str
    beaten: tuple[str, ...]
    level: tuple[str, ...]


@dataclass(slots=True)
class Job:
    """One simulation.

    Attributes:
        name: what people call the data.
        report: see `annotator.simulation.run`; None until it is done.
        problem: the sentence of what went wrong; None if nothing did.
    """

    name: str
    language: Language
    folder: tempfile.TemporaryDirectory[str]
    child: subprocess.Popen[bytes]
    report: dict[str, Any] | None = field(default=None)
    problem: str | None = field(default=None)

    def poll(self) -> Progress | None:
        """Return how far it is; None once it has ended, with `report` or `problem`."""
        if self.report is not None or self.problem is not None:
            return None
        status = self.child.poll()
        if status is None:
            return _read_progress(_said(self.folder.name))
        self._end(status)
        return None

    def _end(self, status: int) -> None:
        folder = Path(self.folder.name)
        try:
            if status == 0:
                self.report = json.loads((folder / "report.json").read_text("utf-8"))
        except (OSError, ValueError):
            status = -1
        if self.report is None:
            sentences = [line for line in _said(self.folder.name) if not line.startswith("{")]
            stopped = messages.explain(UserError("simulation_stopped", status=status), self.language)
            self.problem = sentences[-1] if sentences and status > 0 else stopped
        self.folder.cleanup()

    def stop(self) -> None:
        """End the child, if it still runs, and delete the folder."""
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.folder.cleanup()


_JOBS: dict[str, Job] = {}
"""Jobs by their token: a browser that comes back finds its own by it, and nobody guesses another's."""


def start(content: bytes, name: str, options: Options, *, language: Language) -> str:
    """Start a simulation of a file's bytes and return its token.

    Raises:
        UserError: ``file_unwritable`` if there is no room for the file.
    """
    folder = tempfile.TemporaryDirectory(prefix="maeumgyeol-simulate-", ignore_cleanup_errors=True)
    file = Path(folder.name) / "file" / _file_name(name)
    try:
        private_files.make_folder(file.parent)
        private_files.write_bytes(file, content)
        child = _spawn(file, Path(folder.name), options, language)
    except OSError as error:
        folder.cleanup()
        raise UserError("file_unwritable", path=folder.name, reason=error.strerror or "") from error
    for token in [token for token, job in list(_JOBS.items()) if job.poll() is None][:-_KEPT]:
        forget(token)
    token = secrets.token_urlsafe(12)
    _JOBS[token] = Job(file.name, language, folder, child)
    return token


def find(token: str | None) -> Job | None:
    """Return a job that has not been forgotten."""
    return None if token is None else _JOBS.get(token)


def forget(token: str) -> None:
    """End a job, if it still runs, and forget it."""
    job = _JOBS.pop(token, None)
    if job is not None:
        job.stop()


@atexit.register
def _forget_all() -> None:
    for token in list(_JOBS):
        forget(token)


def count_own(db: Database) -> int:
    """Count the label decisions in force that could be replayed."""
    return sum(decisions.count_by_label(db).values())


def own_labels(db: Database) -> bytes:
    """Return the project's texts and labels in force as the bytes of a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["text", "label"])
    for record in records.read(db, decided_only=True):
        if record.newest is not None and record.newest.label:
            writer.writerow([record.text, record.newest.label])
    return text.getvalue().encode()


def judge(report: dict[str, Any]) -> Verdict:
    """Compare the areas under the macro F1 curves of a report, by their 95 % intervals."""
    strategies = report["strategies"]
    best, *others = sorted(strategies, key=lambda name: -strategies[name]["aulc_macro_f1"])
    low = strategies[best]["interval"][0]
    beaten = tuple(name for name in others if strategies[name]["interval"][1] < low)
    return Verdict(best, beaten, tuple(name for name in others if name not in beaten))


def _spawn(file: Path, folder: Path, options: Options, language: Language) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "annotator.cli", "simulate", str(file), "--progress-lines"]
    command += ["--json", str(folder / "report.json"), "--strategies", ",".join(options.strategies)]
    command += [f"--batch={options.batch}", f"--budget={options.budget}", f"--seeds={options.seeds}"]
    command.append(f"--encoder={options.encoder}")
    command += [f"--text-column={options.text_column}"] if options.text_column else []
    command += [f"--label-column={options.label_column}"] if options.label_column else []
    environment = {"HF_HUB_OFFLINE": "1", **os.environ, "MAEUMGYEOL_LANG": language, "PYTHONIOENCODING": "utf-8"}
    with private_files.open_file(folder / "said", "wb") as said:
        child = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        )
    # From outside, not by `preexec_fn`, which is not safe in a process with threads.
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, child.pid, _NICENESS)
    return child


def _file_name(name: str) -> str:
    """Return the last part of an upload's name, short and printable: errors call the file by it."""
    last = "".join(c for c in name.replace("\\", "/").rsplit("/", 1)[-1] if c.isprintable()).strip(". ")
    stem, dot, ending = last.rpartition(".")
    return f"{stem[:60]}{dot}{ending[:10]}" if stem else "labels.csv"


def _said(folder: str) -> list[str]:
    said = Path(folder) / "said"
    return said.read_text("utf-8", errors="replace").splitlines() if said.exists() else []


def _read_progress(lines: list[str]) -> Progress:
    for line in reversed(lines):
        try:
            value = json.loads(line)
            return Progress(str(value["step"]), min(1.0, max(0.0, float(value["share"]))))
        except (ValueError, TypeError, KeyError):
            # The last line may be half written, and a package may have warned.
            continue
    return Progress(None, 0.0)
