from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import db as database
from annotator import project
from annotator.training import rounds as round_cases
from annotator.worker import tasks
from annotator.worker.round.steps import STEPS
from annotator.worker.runtime import WorkerRuntime
from db.answers import queue
from db.connection import rows
from db.models import models, rounds
from learner.encoders.encoder import default_cache
from tests.conftest import ROOT, fill

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

KILLER = Path(__file__).with_name("kill_worker.py")


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


def _work(path: Path) -> None:
    command = [sys.executable, "-c", "import sys; from pathlib import Path; from annotator.worker.loop import Worker;"]
    command[-1] += " Worker(Path(sys.argv[1])).run(until='round_ended')"
    subprocess.run([*command, str(path)], check=True, cwd=ROOT, timeout=120)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose diaries have vectors and predictions, and a round that is waiting."""
    path = tmp_path_factory.mktemp("asked") / "project.db"
    project.init(path, seed="00" * 16)
    bench = WorkerRuntime(path, cache=default_cache())
    with closing(project.open_project(path)) as db:
        fill(db, 30, labelled=True)
        fill(db, 44)
        while (piece := tasks.next_piece(bench, db)) is not None and piece.step != "explain":
            pass
        round_cases.request(db, annotator_id=None)
    bench.close()
    return path


@pytest.fixture
def copy(asked: Path, tmp_path: Path) -> Callable[[], Path]:
    def make() -> Path:
        target = tmp_path / "project.db"
        with closing(database.connect(asked)) as db:
            database.backup(db, target)
        shutil.copytree(project.vectors_folder(asked), project.vectors_folder(target))
        return target

    return make


@pytest.fixture(scope="module")
def undisturbed(asked: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    target = tmp_path_factory.mktemp("undisturbed") / "project.db"
    with closing(database.connect(asked)) as db:
        database.backup(db, target)
    shutil.copytree(project.vectors_folder(asked), project.vectors_folder(target))
    _work(target)
    return _outcome(target)


@pytest.mark.parametrize(
    ("step", "moment"), [*[(step, "after") for step in STEPS], ("fit", "before"), ("promote", "before")]
)
def test_a_round_whose_worker_is_killed_is_finished_once_with_the_same_result(
    copy: Callable[[], Path], undisturbed: Outcome, step: str, moment: str
) -> None:
    path = copy()
    killed = subprocess.run([sys.executable, str(KILLER), str(path), step, moment], check=False, cwd=ROOT, timeout=120)
    assert killed.returncode == -9
    with closing(database.connect(path)) as db:
        served = models.find_active_id(db)
        assert served is not None, "a model serves, whatever happened"
        assert queue.head(db, 1), "and there is something to label"
    _work(path)
    assert _outcome(path) == undisturbed
