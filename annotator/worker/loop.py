"""The worker's loop: start rounds that were asked for, and keep everything else up to date."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from annotator import project
from annotator.errors import AppError, where
from annotator.training import rounds as round_cases
from annotator.worker import tasks
from annotator.worker.round import steps as round_job
from annotator.worker.runtime import WorkerRuntime
from annotator.worker_lock import only_worker
from db import clock
from db.forgetting import forgotten
from db.jobs import prepare as prepare_jobs
from db.models import rounds, worker_status
from learner.encoders.encoder import default_cache
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from annotator.worker.tasks.progress import Progress
    from db import Database

logger = logging.getLogger(__name__)

_PAUSE = 0.1
_RETRY_SECONDS = 10.0


def jobs_path(database: Path) -> Path:
    """Return where DBOS keeps the progress of jobs; what they make is in the database itself."""
    return database.with_name(database.name + "-jobs")


@dataclass
class _Said:
    """What the worker last said of itself, so that it writes only when something changed."""

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
        self.bench = WorkerRuntime(database, cache=default_cache())
        self._on_progress = on_progress
        self._said = _Said()
        self._started_at = clock.now()
        self._stopping = False
        self._retry_at = 0.0

    def run(self, *, until: Literal["stopped", "idle", "round_ended"] = "stopped") -> None:
        """Work until told to stop, until nothing is due, or until no round is open.

        Raises:
            UserError: if another worker has the database, or, unless it works on, for what can't be done.
        """
        private_files.keep_process()
        # Looked at first, so that a wrong path is not left with a lock file beside it.
        project.open_project(self.database).close()
        with only_worker(self.database):
            signal.signal(signal.SIGTERM, self._stop)
            jobs = _Jobs(self.bench)
            try:
                self._loop(jobs, until=until)
            finally:
                self.bench.end()
                jobs.close()
                self.bench.close()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _loop(self, jobs: _Jobs, *, until: str) -> None:
        db = self.bench.open()
        seen: object = None
        try:
            # Until the first piece is done the encoder is loading.
            self._say(db, "start", force=True)
            while not self._stopping:
                # A round says that it has ended a moment before its workflow has, and till then nothing else starts.
                round_open = jobs.start_open_round(db) or self.bench.round_runs
                if until == "round_ended" and not round_open:
                    return
                state = tasks.state(db)
                may_work = not round_open or self.bench.gives_way
                worked = may_work and state != seen and self._work(db, raise_errors=until != "stopped")
                if not worked and not self._retrying():
                    if not round_open and state != seen and until == "stopped":
                        round_cases.start_offered(db)
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
        if self._retrying() or self.bench.round_runs:
            return False
        number = forgotten.count_forgettings(db)
        try:
            piece = tasks.next_piece(self.bench, db)
        except Exception as problem:
            if forgotten.count_forgettings(db) != number:
                return True  # what it worked with was forgotten meanwhile: look again
            if raise_errors:
                raise
            self._fail(db, _told(problem))
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
        said = _Said(step, done, total, error)
        if said == self._said and not force:
            return
        self._said = said
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


def _told(problem: Exception) -> dict[str, Any]:
    """Return what can be told of an exception; the text of one that is unexpected may quote a diary."""
    if isinstance(problem, AppError):
        return {"code": problem.code, "details": problem.details}
    logger.error("Upkeep failed: %s", where(problem))
    return {"code": "fault", "details": {"kind": type(problem).__name__}}


class _Jobs:
    """Rounds as durable workflows: DBOS goes on with one that a killed worker left behind."""

    def __init__(self, bench: WorkerRuntime) -> None:
        from dbos import DBOS, DBOSPortableJSONSerializer

        self._bench = bench
        self._known: set[str] = set()
        prepare_jobs(jobs_path(bench.database))
        DBOS(
            config={
                "name": "maeumgyeol",
                "system_database_url": f"sqlite:///{jobs_path(bench.database).resolve()}",
                "application_version": "1",
                "executor_id": "worker",
                "log_level": "ERROR",
                "serializer": DBOSPortableJSONSerializer(),
            }
        )

        @DBOS.step(name="round_step")
        def step(round_id: int, name: str) -> round_job.Result:
            return round_job.run_step(bench, round_id, name)

        @DBOS.workflow(name="round")
        def workflow(round_id: int) -> None:
            with bench.right_of_way():
                round_job.run(lambda name: step(round_id, name))

        self._workflow = workflow
        DBOS.launch()

    def start_open_round(self, db: Database) -> bool:
        """Start the round that is waiting, if any; return whether one is open.

        A round that runs already, or that DBOS took up again after a crash, is known by its workflow id.
        """
        from dbos import DBOS, SetWorkflowID

        open_round = rounds.find_open(db)
        if open_round is None:
            return False
        workflow_id = f"round-{open_round.id}-{open_round.requested_at}"
        if workflow_id not in self._known:
            self._known.add(workflow_id)
            status = DBOS.get_workflow_status(workflow_id)
            if status is None:
                with SetWorkflowID(workflow_id):
                    DBOS.start_workflow(self._workflow, open_round.id)
            elif status.status not in ("PENDING", "ENQUEUED"):
                # Its workflow ended and could not say so, for instance on a full disk.
                rounds.end(db, open_round.id, status="failed", error={"code": "round_lost", "details": {}})
        return True

    def close(self) -> None:
        from dbos import DBOS

        DBOS.destroy(workflow_completion_timeout_sec=30)
