from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import blinding, project
from annotator import settings as project_settings
from annotator.errors import UserError
from annotator.training import rounds as round_cases
from annotator.worker import loop, tasks
from annotator.worker.round import steps as round_job
from annotator.worker.tasks import progress, vectors
from annotator.worker_lock import is_working, only_worker
from db.answers import decisions, queue, training_data
from db.answers.decisions import NewDecision
from db.connection import rows
from db.errors import DatabaseError
from db.models import explanations, models, predictions, rounds
from db.people import annotators
from db.texts import diaries, sentences
from tests import trying
from tests.conftest import fill
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.worker.round.inputs import Result
    from annotator.worker.runtime import WorkerRuntime
    from db import Database

pytestmark = pytest.mark.slow


@pytest.fixture
def tiny(opened: Database, tmp_path: Path) -> None:
    """An encoder that is fast, where every diary is explained and nobody reads what is said of it."""
    folder = write_tiny_encoder(tmp_path / "encoder", trying.CHARACTERS)
    project_settings.change(opened, encoder=str(folder))


def _keep_up(runtime: WorkerRuntime, db: Database, *, until: str = "") -> list[str]:
    steps = []
    while (piece := tasks.next_piece(runtime, db)) is not None:
        steps.append(piece.step)
        if piece.step == until:
            break
    return steps


def _run(runtime: WorkerRuntime, round_id: int) -> None:
    round_job.run(lambda name: round_job.run_step(runtime, round_id, name))


def test_two_workers_on_one_database_are_refused(project_path: Path) -> None:
    assert not is_working(project_path)
    with only_worker(project_path):
        assert is_working(project_path)
        with pytest.raises(UserError, match="worker_running"), only_worker(project_path):
            pass
    assert not is_working(project_path)


@pytest.mark.usefixtures("tiny")
def test_the_first_diaries_are_ready_before_the_rest_is_begun(runtime: WorkerRuntime, opened: Database) -> None:
    fill(opened, progress.HEAD + 60)
    steps = _keep_up(runtime, opened, until="explain")
    assert steps == ["care", "split", "encode", "first_model", "explain"]
    first = queue.list_head(opened, 1)[0]
    active = models.find_active(opened)
    assert active is not None
    assert active.version == 0
    assert predictions.find_proba(opened, active, first) is not None
    assert explanations.find_explanation(opened, first, active.id, "eojeol") is not None


@pytest.mark.usefixtures("tiny")
def test_what_is_on_screen_is_explained_before_a_long_import_is_read(runtime: WorkerRuntime, opened: Database) -> None:
    fill(opened, 12, labelled=True)
    _keep_up(runtime, opened)
    fill(opened, progress.HEAD + 60)
    me = annotators.get_or_create_id(opened, "나")
    held = [lease.diary_id for lease in queue.claim(opened, annotator_id=me, holder="tab", limit=6, seconds=60)]
    active = models.find_active(opened)
    assert active is not None
    steps = _keep_up(runtime, opened, until="encode")
    assert not explanations.list_unexplained(opened, held[:3], active.id, "eojeol")
    assert all(predictions.find_proba(opened, active, diary_id) is not None for diary_id in held[:3])
    assert steps[-1] == "encode"


@pytest.mark.usefixtures("tiny")
def test_vectors_and_explanations_of_the_queues_head_take_turns(
    runtime: WorkerRuntime, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_MOST_AT_ONCE", 16)
    fill(opened, progress.HEAD + 600)
    steps = _keep_up(runtime, opened, until="audit")
    ahead = "".join(step[:2] for step in steps if step in ("encode", "explain"))
    assert f"ex{10 * 'en'}ex" in ahead
    assert 11 * "en" not in ahead


@pytest.mark.usefixtures("tiny")
def test_a_requested_round_begins_while_upkeep_is_in_the_middle_of_something(
    opened: Database, project_path: Path
) -> None:
    fill(opened, 40, labelled=True)
    started = threading.Event()

    def request_once(_piece: progress.Progress) -> None:
        if started.is_set():
            return
        started.set()
        with closing(project.open_project(project_path)) as db:
            round_id = round_cases.request(db, annotator_id=None)
            while rounds.get_round(db, round_id).status == "requested":  # upkeep stands still in this very call
                time.sleep(0.01)

    worker = loop.Worker(project_path, on_progress=request_once)
    worker.run(until="idle")
    assert [r.status for r in rounds.list_rounds(opened)] == ["done"]


@pytest.mark.usefixtures("tiny")
def test_what_is_on_screen_is_explained_when_a_new_version_begins_to_serve(
    runtime: WorkerRuntime, opened: Database, project_path: Path
) -> None:
    fill(opened, 40, labelled=True)
    fill(opened, 60)
    _keep_up(runtime, opened)
    me = annotators.get_or_create_id(opened, "나")
    held = [queue.claim(opened, annotator_id=me, holder=tab, limit=3, seconds=600) for tab in ("one", "two", "three")]
    round_id = round_cases.request(opened, annotator_id=None)
    loop.Worker(project_path).run(until="round_ended")  # without upkeep before or after it
    assert rounds.get_round(opened, round_id).status == "done"
    active = models.find_active(opened)
    assert active is not None
    assert active.version == 1
    on_screen = [leases[0].diary_id for leases in held]
    settings = project_settings.load(opened)
    shown = [i for i in on_screen if not blinding.is_blind(diaries.get_diary(opened, i), settings)]
    assert shown
    assert all(explanations.find_explanation(opened, i, active.id, "eojeol") is not None for i in shown)


@pytest.mark.usefixtures("tiny")
def test_upkeep_ends_and_finds_nothing_more_to_do(runtime: WorkerRuntime, opened: Database) -> None:
    fill(opened, 12)
    assert _keep_up(runtime, opened)
    assert tasks.next_piece(runtime, opened) is None
    assert sentences.count_unsplit(opened) == 0


@pytest.mark.usefixtures("tiny")
def test_lost_vectors_are_built_again(runtime: WorkerRuntime, opened: Database, project_path: Path) -> None:
    fill(opened, 12)
    _keep_up(runtime, opened)
    ids = diaries.list_ids(opened)
    before = runtime.vector_file(opened).read(ids)
    for file in project.vectors_folder(project_path).rglob("*.*32"):
        file.unlink()
    assert "encode" in _keep_up(runtime, opened)
    np.testing.assert_allclose(runtime.vector_file(opened).read(ids), before, atol=1e-5)


def test_a_round_learns_and_puts_the_uncertain_first(runtime: WorkerRuntime, opened: Database) -> None:
    fill(opened, 40, labelled=True)
    fill(opened, 60)
    _keep_up(runtime, opened, until="explain")
    round_id = round_cases.request(opened, annotator_id=None)
    _run(runtime, round_id)
    done = rounds.get_round(opened, round_id)
    assert (done.status, done.error) == ("done", None)
    active = models.find_active(opened)
    assert active is not None
    assert (active.version, active.tier) == (1, "instant")
    assert done.report["after"]["accuracy"] >= done.report["before"]["accuracy"]
    assert len(active.training_decisions) == done.report["train"]
    assert round_cases.plan_round(opened).new_count == 0
    proba = predictions.load_predictions(opened, active)
    ranked = rows(opened, "select diary_id, score from queue where strategy = 'margin' order by place")
    margins = [float(-np.diff(np.sort(proba[i - 1])[-2:])[0]) for i, _ in ranked]
    assert [score for _, score in ranked] == pytest.approx([1 + margin for margin in margins], abs=1e-5)
    assert margins[0] == max(margins)


@pytest.mark.usefixtures("tiny")
def test_test_diaries_never_train(runtime: WorkerRuntime, opened: Database) -> None:
    fill(opened, 40, labelled=True)
    _keep_up(runtime, opened, until="predict")
    _run(runtime, round_cases.request(opened, annotator_id=None))
    active = models.find_active(opened)
    assert active is not None
    assert len(active.training_decisions) > 0
    test = training_data.list_labelled(opened, part="test")
    assert len(test)
    assert not set(active.training_decisions) & set(test.decision_ids.tolist())


@pytest.mark.usefixtures("tiny")
def test_a_round_on_one_kind_of_label_is_refused_and_fails_in_words_if_it_comes_to_that(
    runtime: WorkerRuntime, opened: Database
) -> None:
    fill(opened, 20)
    me = annotators.get_or_create_id(opened, "나")
    for diary_id in range(1, 9):
        decisions.add(opened, NewDecision(diary_id, me, "label", f"token-{diary_id}", 2))
    with pytest.raises(UserError, match="labels_of_one_kind"):
        round_cases.request(opened, annotator_id=None)
    _keep_up(runtime, opened, until="predict")
    round_id = rounds.request_round(opened, annotator_id=None)
    _run(runtime, round_id)
    failed = rounds.get_round(opened, round_id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error["code"] == "labels_of_one_kind"
    active = models.find_active(opened)
    assert active is not None
    assert active.version == 0, "the old model goes on serving"


@pytest.mark.usefixtures("tiny")
def test_a_cancelled_round_changes_nothing(runtime: WorkerRuntime, opened: Database) -> None:
    fill(opened, 20, labelled=True)
    _keep_up(runtime, opened, until="predict")
    round_id = round_cases.request(opened, annotator_id=None)
    step = iter(round_job.STEPS)

    def cancel_in_between(name: str) -> Result:
        if name == "rank":
            assert round_cases.cancel(opened)
        next(step)
        return round_job.run_step(runtime, round_id, name)

    round_job.run(cancel_in_between)
    assert rounds.get_round(opened, round_id).status == "cancelled"
    active = models.find_active(opened)
    assert active is not None
    assert active.version == 0


def test_a_second_press_does_not_ask_for_a_second_round(opened: Database) -> None:
    fill(opened, 20, labelled=True)
    round_cases.request(opened, annotator_id=None)
    with pytest.raises(DatabaseError, match="round_open"):
        round_cases.request(opened, annotator_id=None)


@pytest.mark.usefixtures("tiny")
def test_an_older_version_put_in_force_again_gets_predictions_and_its_own_queue(
    runtime: WorkerRuntime, opened: Database
) -> None:
    fill(opened, 40, labelled=True)
    fill(opened, 50)
    _keep_up(runtime, opened, until="predict")
    for _ in range(2):
        _run(runtime, round_cases.request(opened, annotator_id=None))
    newest = models.find_active(opened)
    assert newest is not None
    assert newest.version == 2
    round_cases.activate(opened, 1)
    _keep_up(runtime, opened, until="rank")
    active = models.find_active(opened)
    assert active is not None
    assert active.version == 1
    assert queue.ranked_by(opened) == active.id
    assert not np.isnan(predictions.load_predictions(opened, active)).any()


def test_a_checkpoint_that_can_not_be_loaded_is_named(runtime: WorkerRuntime, opened: Database) -> None:
    fill(opened, 4)
    project_settings.change(opened, encoder="nobody/no-such-encoder")
    with pytest.raises(Exception, match="encoder_unloadable"):
        _keep_up(runtime, opened)


def test_labelling_goes_on_while_a_round_runs(runtime: WorkerRuntime, opened: Database, project_path: Path) -> None:
    fill(opened, 40, labelled=True)
    fill(opened, 50)
    _keep_up(runtime, opened, until="predict")
    round_id = round_cases.request(opened, annotator_id=None)
    thread = threading.Thread(target=_run, args=(runtime, round_id))
    thread.start()
    with closing(project.open_project(project_path)) as mine:
        me = annotators.get_or_create_id(mine, "나")
        while rounds.get_round(mine, round_id).status == "requested":  # it learns from what is there when it begins
            assert thread.is_alive()
            time.sleep(0.01)
        for _ in range(5):
            lease = queue.claim(mine, annotator_id=me, holder="tab", limit=1, seconds=60)[0]
            assert decisions.add(mine, NewDecision(lease.diary_id, me, "label", lease.token, 1))
    thread.join()
    assert rounds.get_round(opened, round_id).status == "done"
    assert round_cases.plan_round(opened).new_count == 5
