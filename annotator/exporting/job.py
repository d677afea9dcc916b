"""An export that is written beside the database while the app goes on: a niced child process, watched and cancelled.

One at a time for each project, and everybody who may export sees it. Jobs live as long as the app's process.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from annotator import project
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.exporting.registry import FORMATS
from annotator.messages import explain
from annotator.project import exports_folder
from maeumgyeol import private_files
from maeumgyeol.location import ROOT

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

    from annotator.accounts.permissions import Person
    from annotator.messages import Language

_NICENESS = 10


@dataclass(slots=True)
class Job:
    """One export.

    Attributes:
        target: where it will be.
        said: what the child says, which tells how far it is.
        problem: the sentence of what went wrong; None if nothing did.
    """

    target: Path
    language: Language
    child: subprocess.Popen[bytes]
    said: IO[bytes]
    problem: str | None = field(default=None)

    def poll(self) -> float | None:
        """Return how far it is, in [0, 1]; None once it has ended, well or with `problem`."""
        status = self.child.poll()
        if status is None:
            return _share(self._lines())
        if status and self.problem is None:
            sentences = [line for line in self._lines() if not line.startswith("{")]
            stopped = explain(UserError("export_ended", status=status), self.language)
            self.problem = sentences[-1] if sentences and status > 0 else stopped
        return None

    def stop(self) -> None:
        """End the child, if it still runs. What it has begun to write goes with it."""
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.said.close()

    def _lines(self) -> list[str]:
        self.said.seek(0)
        return self.said.read().decode("utf-8", "replace").splitlines()


_JOBS: dict[Path, Job] = {}
"""Jobs by the database that they export."""


def start(
    database: Path, file_format: str, *, person: Person, decided_only: bool, crosswalk: str | None, language: Language
) -> None:
    """Begin an export into the folder beside the database; one that runs already is left alone.

    Raises:
        UserError: ``folder_unwritable`` if there is no room for it, ``right_missing`` for whoever may not export.
    """
    with project.opened(database) as db:
        diary_access.require_right(db, diary_access.actor_of(person), "review")
    running = find(database)
    if running is not None and running.poll() is not None:
        return
    forget(database)
    folder = exports_folder(database)
    try:
        private_files.make_folder(folder)
    except OSError as error:
        raise UserError("folder_unwritable", path=str(folder), reason=error.strerror or "") from error
    target = _free_name(folder, file_format)
    command = [sys.executable, "-m", "annotator.cli", "export", str(target), "--db", str(database)]
    command += ["--format", file_format, "--progress-lines"]
    command += ["--decided-only"] if decided_only else []
    command += ["--crosswalk", crosswalk] if crosswalk else []
    said = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the job is forgotten
    environment = {**os.environ, "MAEUMGYEOL_LANG": language, "PYTHONIOENCODING": "utf-8"}
    child = subprocess.Popen(
        command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
    )
    # From outside, not by `preexec_fn`, which is not safe in a process with threads.
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, child.pid, _NICENESS)
    _JOBS[database] = Job(target, language, child, said)


def find(database: Path) -> Job | None:
    """Return the export of a project that runs, or that ended and was not forgotten."""
    return _JOBS.get(database)


def forget(database: Path) -> None:
    """End a project's export, if it still runs, and forget it."""
    job = _JOBS.pop(database, None)
    if job is not None:
        job.stop()


@atexit.register
def _forget_all() -> None:
    for database in list(_JOBS):
        forget(database)


def _free_name(where: Path, file_format: str) -> Path:
    ending, number = FORMATS[file_format].ending, 1
    while (target := where / f"{file_format}-{number}{ending}").exists():
        number += 1
    return target


def _share(lines: list[str]) -> float:
    for line in reversed(lines):
        try:
            told = json.loads(line)
            return min(1.0, float(told["done"]) / max(1.0, float(told["total"])))
        except (ValueError, TypeError, KeyError):
            continue  # the last line may be half written, and a package may have warned
    return 0.0
