from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import pytest

import db as database
from annotator import project
from annotator.training import rounds as round_cases
from annotator.worker import tasks
from annotator.worker.round.attempts import MOST_DEATHS
from annotator.worker.round.steps import STEPS
from annotator.worker.runtime import WorkerRuntime
from db.answers import queue
from db.connection import rows
from db.models import models, rounds
from learner.encoders.encoder import default_cache
from tests.conftest import ROOT, fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.slow

KILLER = Path(__file__).with_name("kill_worker.py")
_PROGRAM = """
import sys
from pathlib import Path
from annotator.worker.loop import Worker
Worker(Path(sys.argv[1])).run(until="round_ended")
"""
WORK = [sys.executable, "-c", _PROGRAM]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
"""One thread computes: a fork has none of the others that its parent may have begun."""


@dataclass(frozen=True)
class Outcome:
    weights_hashes: list[str]
    active: int | None
    queue: list[tuple[int, int, str]]
    report: dict[str, object]


def _outcome(path: Path) -> Outcome:
    with closing(database.connect(path)) as db:
        (done,) = rounds.list_rounds(db)
        assert done.status == "done", done.error
        order = rows(db, "select place, diary_id, strategy from queue order by place")
        return Outcome([m.weights_hash for m in models.list_models(db)], models.find_active_id(db), order, done.report)


class Workers:
    """A process that has loaded what a worker imports, and forks one when it is asked to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, path: Path, **how: object) -> int:
        """Let one worker run until the round has ended or it is killed; return its exit status."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"path": str(path), **how}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def work(self, path: Path) -> None:
        assert self.run(path) == 0


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    pipe = subprocess.PIPE
    command = [sys.executable, str(KILLER)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=ENVIRONMENT) as process:
        yield Workers(process)
        assert process.stdin
        process.stdin.close()


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose diaries have vectors and predictions, and a round that is waiting."""
    path = tmp_path_factory.mktemp("asked") / "project.db"
    project.init(path, seed="00" * 16)
    runtime = WorkerRuntime(path, cache=default_cache())
    with closing(project.open_project(path)) as db:
        fill(db, 30, labelled=True)
        fill(db, 44)
        while (piece := tasks.next_piece(runtime, db)) is not None and piece.step != "explain":
            pass
        round_cases.request(db, annotator_id=None)
    runtime.close()
    return path


@pytest.fixture
def copy(asked: Path, tmp_path: Path) -> Callable[[], Path]:
    def make() -> Path:
        target = Path(mkdtemp(dir=tmp_path)) / "project.db"
        with closing(database.connect(asked)) as db:
            database.backup(db, target)
        shutil.copytree(project.vectors_folder(asked), project.vectors_folder(target))
        return target

    return make


@pytest.fixture(scope="module")
def timed(asked: Path, workers: Workers, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, float]:
    """What an undisturbed worker comes to, and its seconds from start to end."""
    target = tmp_path_factory.mktemp("undisturbed") / "project.db"
    with closing(database.connect(asked)) as db:
        database.backup(db, target)
    shutil.copytree(project.vectors_folder(asked), project.vectors_folder(target))
    began = time.monotonic()
    workers.work(target)
    return _outcome(target), time.monotonic() - began


@pytest.fixture
def undisturbed(timed: tuple[Outcome, float]) -> Outcome:
    return timed[0]


@pytest.fixture
def work_seconds(timed: tuple[Outcome, float]) -> float:
    return timed[1]


def _is_open(path: Path) -> bool:
    with closing(database.connect(path)) as db:
        assert models.find_active_id(db) is not None, "a model serves, whatever happened"
        assert queue.list_head(db, 1), "and there is something to label"
        return rounds.find_open(db) is not None


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_round_whose_worker_is_killed_twice_is_finished_once_with_the_same_result(
    copy: Callable[[], Path], workers: Workers, undisturbed: Outcome, step: str, moment: str
) -> None:
    path = copy()
    assert workers.run(path, step=step, moment=moment) == -9
    still_open = _is_open(path)
    assert still_open == ((step, moment) != ("promote", "after"))
    assert workers.run(path, step=step, moment=moment) == (-9 if still_open else 0)
    assert _is_open(path) == still_open
    workers.work(path)
    assert _outcome(path) == undisturbed


def test_of_two_workers_started_at_once_one_does_the_round(copy: Callable[[], Path], undisturbed: Outcome) -> None:
    path = copy()
    command, pipe = [*WORK, str(path)], subprocess.PIPE
    both = [subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stderr=pipe, text=True) for _ in range(2)]
    ended = [(worker.communicate(timeout=120)[1], worker.returncode) for worker in both]
    assert 0 in [code for _, code in ended]
    assert all("worker_running" in said for said, code in ended if code != 0)
    assert _outcome(path) == undisturbed


def test_a_restored_older_copy_finishes_its_open_round_again(
    copy: Callable[[], Path], workers: Workers, undisturbed: Outcome
) -> None:
    path = copy()
    kept = path.with_name("kept.db")
    assert workers.run(path, step="fit", moment="after") == -9
    with closing(database.connect(path)) as db:
        database.backup(db, kept)
    workers.work(path)
    assert _outcome(path) == undisturbed
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    shutil.copy(kept, path)
    # Its vectors are not part of a backup.
    shutil.rmtree(project.vectors_folder(path))
    assert _is_open(path)
    workers.work(path)
    assert _outcome(path).weights_hashes == undisturbed.weights_hashes


def test_an_open_round_and_the_jobs_file_of_an_earlier_version_are_taken_over(
    copy: Callable[[], Path], workers: Workers, undisturbed: Outcome
) -> None:
    path = copy()
    assert workers.run(path, step="evaluate", moment="before") == -9
    left = [path.with_name(f"project.db-jobs{ending}") for ending in ("", "-wal", "-shm")]
    for file in left:
        file.write_bytes(b"of whatever content")
    workers.work(path)
    assert _outcome(path) == undisturbed
    assert not any(file.exists() for file in left)


def test_rounds_survive_ten_kills_at_random_moments(
    copy: Callable[[], Path], workers: Workers, undisturbed: Outcome, work_seconds: float
) -> None:
    random = Random(16)
    path, deaths = copy(), 0
    for _ in range(10):
        assert workers.run(path, seconds=random.uniform(0.1, 1.0) * work_seconds) in (0, -9)
        deaths += 1
        if deaths == MOST_DEATHS - 1:
            workers.work(path)
        if not _is_open(path):
            assert _outcome(path) == undisturbed
            path, deaths = copy(), 0
    workers.work(path)
    assert _outcome(path) == undisturbed


def test_a_round_that_kills_its_worker_three_times_is_given_up_and_says_so(
    copy: Callable[[], Path], workers: Workers
) -> None:
    path = copy()
    for _ in range(MOST_DEATHS):
        assert workers.run(path, step="fit", moment="before") == -9
        assert _is_open(path)
    workers.work(path)
    with project.opened(path) as db:
        given_up = rounds.list_rounds(db)[-1]
        assert (given_up.status, given_up.error) == ("failed", {"code": "round_fatal", "details": {"count": 3}})
        assert given_up.report["train"] > 0, "so that a deeper round is not started by itself for the same labels"
        round_cases.request(db, annotator_id=None)
    workers.work(path)
    with project.opened(path) as db:
        assert rounds.list_rounds(db)[-1].status == "done", "a new request begins anew"


def test_a_worker_that_is_told_to_stop_has_not_died_in_its_round(copy: Callable[[], Path], workers: Workers) -> None:
    path = copy()
    for _ in range(MOST_DEATHS + 1):
        assert workers.run(path, step="evaluate", moment="stop") == 0
        assert _is_open(path)
    workers.work(path)
    assert not _is_open(path)
    with closing(database.connect(path)) as db:
        assert [this.status for this in rounds.list_rounds(db)] == ["done"]
