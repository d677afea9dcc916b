"""The worker's loop: start requested rounds, and keep everything else up to date."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from annotator import project
from annotator.errors import AppError, where
from annotator.training import rounds as round_cases
from annotator.worker import tasks
from annotator.worker.round import attempts
from annotator.worker.round import steps as round_job
from annotator.worker.runtime import WorkerRuntime
from annotator.worker_lock import only_worker
from db import clock
from db.forgetting import forgotten
from db.models import rounds, worker_status
from learner.encoders.encoder import default_cache
from learner.giving_way import giving_way
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from annotator.worker.tasks.progress import Progress
    from db import Database

logger = logging.getLogger(__name__)

_PAUSE = 0.1
_RETRY_SECONDS = 10.0
_ENDS_WITHIN_SECONDS = 30.0


def _remove_old_jobs(database: Path) -> None:
    """Remove the file in which earlier versions kept how far a round was; now the database alone says it."""
    for ending in ("", "-wal", "-shm", "-journal"):
        with suppress(OSError):
            database.with_name(f"{database.name}-jobs{ending}").unlink()


@dataclass
class _Status:
    """The status that the worker last reported, so that it writes only when something changed."""

    step: str = ""
    done: int = 0
    total: int = 0
    error: dict[str, Any] | None = None


class Worker:
    """One worker at one database.

    Args:
        on_progress: called after each piece of work.
    """

    def __init__(self, database: Path, *, on_progress: Callable[[Progress], None] | None = None) -> None:
        self.database = database
        self.runtime = WorkerRuntime(database, cache=default_cache())
        self._on_progress = on_progress
        self._reported = _Status()
        self._started_at = clock.now()
        self._stopping = False
        self._retry_at = 0.0

    def run(self, *, until: Literal["stopped", "idle", "round_ended"] = "stopped") -> None:
        """Work until told to stop, until nothing is due, or until no round is open.

        Raises:
            UserError: if another worker has the database, or, unless it works on, for what can't be done.
        """
        private_files.keep_process()
        # Checked first, so that a wrong path does not get a lock file beside it.
        project.open_project(self.database).close()
        with only_worker(self.database):
            signal.signal(signal.SIGTERM, self._stop)
            _remove_old_jobs(self.database)
            round_thread = _RoundThread(self.runtime)
            try:
                round_thread.start()
                self._loop(round_thread, until=until)
            finally:
                self.runtime.end()
                round_thread.close()
                self.runtime.close()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _loop(self, round_thread: _RoundThread, *, until: str) -> None:
        db = self.runtime.open()
        seen: object = None
        try:
            # Until the first piece is done the encoder is loading.
            self._say(db, "start", force=True)
            while not self._stopping:
                round_open = round_thread.is_running or rounds.find_open(db) is not None
                if until == "round_ended" and not round_open:
                    return
                state = tasks.state(db)
                may_work = not round_open or self.runtime.gives_way
                worked = may_work and state != seen and self._work(db, raise_errors=until != "stopped")
                if not worked and not self._retrying():
                    if not round_open and state != seen and until == "stopped":
                        round_cases.request_offered_round(db)
                    seen = state if not round_open else None
                    self._say(db)
                    if until == "idle" and not round_open:
                        return
                if not worked:
                    time.sleep(_PAUSE)
        finally:
            db.close()

    def _retrying(self) -> bool:
        return time.monotonic() < self._retry_at

    def _work(self, db: Database, *, raise_errors: bool) -> bool:
        """Do one piece of upkeep; return whether there was one. A round that computes has the right of way."""
        if self._retrying() or self.runtime.round_runs:
            return False
        number = forgotten.count_forgettings(db)
        try:
            with giving_way(self.runtime.wait_for_round):
                piece = tasks.next_piece(self.runtime, db)
        except Exception as problem:
            if forgotten.count_forgettings(db) != number:
                return True  # its input was forgotten meanwhile: look again
            if raise_errors:
                raise
            self._fail(db, _error_report(problem))
            return False
        if piece is not None:
            self._say(db, piece.step, piece.done, piece.total)
            if self._on_progress is not None:
                self._on_progress(piece)
        return piece is not None

    def _fail(self, db: Database, error: dict[str, Any]) -> None:
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        self._say(db, error=error)

    def _say(
        self,
        db: Database,
        step: str = "",
        done: int = 0,
        total: int = 0,
        *,
        error: dict[str, Any] | None = None,
        force: bool = False,
    ) -> None:
        status = _Status(step, done, total, error)
        if status == self._reported and not force:
            return
        self._reported = status
        worker_status.report_worker(
            db,
            pid=os.getpid(),
            host=socket.gethostname(),
            started_at=self._started_at,
            step=step,
            done=done,
            total=total,
            error=error,
        )


def _error_report(problem: Exception) -> dict[str, Any]:
    """Return what can be reported of an exception; the text of an unexpected one may quote a diary."""
    if isinstance(problem, AppError):
        return {"code": problem.code, "details": problem.details}
    logger.error("Upkeep failed: %s", where(problem))
    return {"code": "fault", "details": {"kind": type(problem).__name__}}


class _RoundThread:
    """A thread that runs each round as soon as it is requested, whatever upkeep is in the middle of.

    One that an earlier worker left open is run again.

    Attributes:
        is_running: whether a round runs, or has just ended.
    """

    def __init__(self, runtime: WorkerRuntime) -> None:
        self._runtime = runtime
        self._begun_id: int | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="round", daemon=True)
        self.is_running = False

    def start(self) -> None:
        """Begin to look for requested rounds."""
        self._thread.start()

    def _watch(self) -> None:
        with closing(self._runtime.open()) as db:
            while not self._ending.wait(_PAUSE):
                if (open_round := rounds.find_open(db)) is not None and not self._run(open_round.id):
                    # One that can't say how it ended, for instance on a full disk, stays open and is tried again.
                    self._ending.wait(_RETRY_SECONDS)

    def _run(self, round_id: int) -> bool:
        self.is_running = True
        try:
            with self._runtime.right_of_way():
                if self._begin(round_id):
                    round_job.run(lambda name: round_job.run_step(self._runtime, round_id, name))
        except Exception as problem:
            logger.error("A round could not say how it ended: %s", where(problem))
            return False
        finally:
            self.is_running = False
        return True

    def _begin(self, round_id: int) -> bool:
        """Count an attempt of this worker, once for each round; return False if the round is given up instead."""
        if round_id == self._begun_id:
            return True
        with closing(self._runtime.open()) as db:
            may_run = attempts.begin(db, round_id)
        self._begun_id = round_id
        return may_run

    def close(self) -> None:
        """Wait for a step that is nearly done; tuning stops by itself, and the next worker resumes both."""
        self._ending.set()
        if self._begun_id is not None:
            # Now, as whoever stops a worker kills it if it takes long.
            with closing(self._runtime.open()) as db:
                rounds.withdraw_attempt(db, self._begun_id)
        self._thread.join(timeout=_ENDS_WITHIN_SECONDS)
