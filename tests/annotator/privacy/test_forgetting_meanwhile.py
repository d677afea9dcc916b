"""Diaries are forgotten while the worker works on them: it goes on, and nothing of them comes back."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from annotator import project
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from annotator.serving import explaining
from annotator.training import rounds as round_cases
from annotator.worker import tasks
from annotator.worker.loop import Worker
from annotator.worker.round import steps as round_job
from annotator.worker.runtime import WorkerRuntime
from db.answers import rationales
from db.answers.rationales import NewRationale
from db.connection import connect, rows, scalar
from db.forgetting import forgotten
from db.models import models, predictions, rounds
from db.people import annotators
from db.texts import diaries
from learner.encoders import vector_store
from learner.encoders.encoder import default_cache
from tests.annotator.worker.round.test_encoder_tuning import CHARACTERS
from tests.conftest import fill
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from annotator.worker.round.inputs import Result
    from db import Database

pytestmark = pytest.mark.slow

SAD = 5


class Meddling(WorkerRuntime):
    """A workbench at which somebody forgets one more diary each time that one of these is asked for.

    Attributes:
        due: diaries to forget.
    """

    due: tuple[int, ...] = ()

    def encode(self, *arguments: Any, **options: Any) -> Any:
        made = super().encode(*arguments, **options)
        self._meddle()
        return made

    def load_classifier(self, *arguments: Any) -> Any:
        self._meddle()
        return super().load_classifier(*arguments)

    def load_encoder(self, *arguments: Any) -> Any:
        self._meddle()
        return super().load_encoder(*arguments)

    def features(self, *arguments: Any) -> Any:
        self._meddle()
        return super().features(*arguments)

    def _meddle(self) -> None:
        if self.due:
            diary_id, self.due = self.due[0], self.due[1:]
            with closing(connect(self.database)) as other:
                forgetting.forget(other, None, Selection(ids=(diary_id,)))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("tiny") / "tiny", CHARACTERS)


@pytest.fixture
def opened(tiny: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "project.db"
    project.init(path, seed="00" * 16, encoder=str(tiny), blind_share=0.0)
    with closing(project.open_project(path)) as db:
        fill(db, 40, labelled=True)
        fill(db, 60)
        yield db


@pytest.fixture
def runtime(opened: Database, tmp_path: Path) -> Iterator[Meddling]:
    made = Meddling(tmp_path / "project.db", cache=default_cache())
    yield made
    made.close()


def _check(db: Database, path: Path, gone: set[int]) -> None:
    """Look whether nothing of forgotten diaries is anywhere, and whatever is left is sound."""
    assert set(forgotten.list_ids(db).tolist()) == gone
    assert rows(db, "pragma foreign_key_check") == []
    for table in ("sentences", "explanations", "attributions", "queue", "standing", "label_doubts", "audit_queue"):
        diary_ids = {i for (i,) in rows(db, f"select diary_id from {table}")}
        assert not diary_ids & gone, table
    for place in project.vectors_folder(path).iterdir():
        file = vector_store.find(place)
        if file is not None and not place.name.startswith("marks"):
            assert not file.has(np.array(sorted(gone), np.int64)).any(), place.name
    for model in models.list_models(db):
        proba = predictions.load_predictions(db, model)
        assert np.isnan(proba[[i - 1 for i in gone if i <= len(proba)]]).all()
    assert forgetting.follow(db)


def test_upkeep_goes_on_and_ends(runtime: Meddling, opened: Database) -> None:
    gone = {2, 9, 41, 42, 50, 60}
    runtime.due = tuple(sorted(gone))
    worker = Worker(runtime.database)
    worker.runtime = runtime
    while scalar(opened, "select count(*) from explanations") < 2:
        assert worker._work(opened, raise_errors=True)
    quick = [task for task in tasks._TASKS if "explain" not in task.__name__]
    while any(task(runtime, opened) is not None for task in quick):
        pass
    assert not runtime.due
    _check(opened, runtime.database, gone)
    active = models.find_active(opened)
    assert active is not None
    assert np.isfinite(predictions.load_predictions(opened, active)[:, 0]).sum() == diaries.count_diaries(opened) == 54


@pytest.mark.parametrize("step", ["gather", "fit", "evaluate", "rank", "promote"])
def test_a_round_goes_on_without_what_was_forgotten(runtime: Meddling, opened: Database, step: str) -> None:
    while (piece := tasks.next_piece(runtime, opened)) is not None and piece.step != "explain":
        pass
    me = annotators.get_or_create_id(opened, "나")
    pool = [i for i in diaries.list_ids(opened, "pool").tolist() if i <= 40]
    for diary_id in pool[:4]:
        rationales.add(opened, NewRationale(diary_id, me, SAD, 0, 2, "right", f"mark-{diary_id}"))
    gone = {pool[0], pool[1], pool[5], 41}
    round_id = round_cases.request(opened, annotator_id=None)

    def run(name: str) -> Result:
        runtime.due = tuple(sorted(gone)) if name == step else runtime.due
        return round_job.run_step(runtime, round_id, name)

    round_job.run(run)
    done = rounds.get_round(opened, round_id)
    assert (done.status, done.error) == ("done", None)
    assert done.model_id is not None
    if step == "promote":  # what was not needed in it is forgotten afterwards
        for diary_id in runtime.due:
            forgetting.forget(opened, None, Selection(ids=(diary_id,)))
        runtime.due = ()
    assert not runtime.due
    _check(opened, runtime.database, gone)
    learned = set(models.get_model(opened, done.model_id).training_decisions)
    known = {i for (i,) in rows(opened, "select id from decisions")}
    named = forgotten.list_training(opened)
    assert (not learned <= known) == (done.model_id in named), "a version that learned from them is named, no other"
    if step in ("gather", "fit"):
        assert learned <= known, "it was trained anew without them"
    assert not {mark["diary_id"] for mark in done.report.get("rationales", [])} & gone
    assert scalar(opened, "select count(*) from queue") > 0


def test_a_diary_that_goes_while_it_is_explained_is_not_explained(runtime: Meddling, opened: Database) -> None:
    while (piece := tasks.next_piece(runtime, opened)) is not None and piece.step != "explain":
        pass
    serving = runtime.serving(opened)
    assert serving is not None
    runtime.due = (45,)
    explaining.explain_diary(runtime, opened, serving, 45)
    _check(opened, runtime.database, {45})
