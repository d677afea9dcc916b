from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from annotator import settings as project_settings
from annotator.review import actions
from annotator.review.actions import ReviewAction
from annotator.training import analysis
from annotator.training import rounds as round_cases
from annotator.training.analysis import FEWEST_TO_COMPARE
from annotator.worker import tasks
from annotator.worker.round import steps as round_job
from annotator.worker.tasks import review_queue, round_analysis
from db.answers import decisions, queue, training_data
from db.answers.decisions import NewDecision
from db.models import models, rounds
from db.people import annotators
from db.review import label_issues, reviews
from db.review import queue as audit_queue
from db.review.queue import Filter
from db.texts import diaries
from tests.conftest import fill_by_mood

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.worker.runtime import WorkerRuntime
    from db import Database

pytestmark = pytest.mark.slow

HAPPY, SAD = 2, 5


@pytest.fixture
def reads_fast(opened: Database, tiny: Path) -> None:
    """Read with a tiny encoder: vectors are given by the mood, and nobody reads the explanations of the head."""
    project_settings.change(opened, encoder=str(tiny))


def _label(db: Database, count: int, *, asked_by: tuple[str, ...] = ("random",), wrong: tuple[int, ...] = ()) -> None:
    """Label the head of the queue truly but for some; the strategies take turns at having asked."""
    me = annotators.get_or_create_id(db, "나")
    for place, diary_id in enumerate(queue.list_head(db, count)):
        strategy = asked_by[place % len(asked_by)]
        db.conn.execute("update queue set strategy = ? where diary_id = ?", (strategy, diary_id))
        db.conn.commit()
        is_happy = (diary_id % 2 == 1) != (diary_id in wrong)
        token = secrets.token_hex(8)
        assert decisions.add(db, NewDecision(diary_id, me, "label", token, HAPPY if is_happy else SAD))


def _round(runtime: WorkerRuntime, db: Database) -> rounds.Round:
    round_id = round_cases.request(db, annotator_id=None)
    round_job.run(lambda name: round_job.run_step(runtime, round_id, name))
    done = rounds.get_round(db, round_id)
    assert (done.status, done.error) == ("done", None)
    return done


@pytest.mark.usefixtures("reads_fast")
def test_a_round_is_studied_once_when_nobody_waits_for_it(runtime: WorkerRuntime, opened: Database) -> None:
    fill_by_mood(runtime, opened, 320)
    assert not round_analysis.analyse(runtime, opened)
    _label(opened, 300, asked_by=("random", "margin"))
    done = _round(runtime, opened)
    assert analysis.is_due(opened)
    assert tasks.next_piece(runtime, opened) is not None
    assert round_analysis.analyse(runtime, opened) or not analysis.is_due(opened)
    assert not round_analysis.analyse(runtime, opened)
    study = analysis.find_study(opened)
    assert study is not None
    assert study.curve[-1].count == done.report["train"]
    assert set(study.forecasts) == {"accuracy", "macro_f1"}
    assert study.reliability is not None
    assert study.reliability.source == "test"
    assert study.arms is not None
    assert study.arms.count >= FEWEST_TO_COMPARE
    assert study.arms.verdict == "chance", "both arms separate these diaries"


@pytest.mark.usefixtures("reads_fast")
def test_with_few_test_diaries_calibration_is_measured_out_of_fold_and_no_curve_drawn(
    runtime: WorkerRuntime, opened: Database
) -> None:
    fill_by_mood(runtime, opened, 80)
    _label(opened, 60)
    _round(runtime, opened)
    assert round_analysis.analyse(runtime, opened)
    study = analysis.find_study(opened)
    assert study is not None
    assert study.reliability is not None
    assert (study.reliability.source, study.curve, study.arms) == ("out_of_fold", (), None)
    assert analysis.find_missing(opened).what == "test"


def test_a_wrong_label_comes_first_in_the_audit_queue_and_once_accepted_stays_away(
    runtime: WorkerRuntime, opened: Database
) -> None:
    fill_by_mood(runtime, opened, 120)
    wrong = next(i for i in queue.list_head(opened, 80) if diaries.get_diary(opened, i).part == "pool")
    _label(opened, 80, wrong=(wrong,))
    _round(runtime, opened)
    round_analysis.analyse(runtime, opened)
    assert review_queue.refresh(runtime, opened)
    first = audit_queue.list_rows(opened, Filter())[0]
    assert (first.diary_id, set(first.signals)) == (wrong, {"low_confidence", "label_error"})
    me = annotators.get_or_create_id(opened, "나")
    actions.apply(opened, ReviewAction("accept", wrong, reviews.get_revision(opened, wrong)), reviewer_id=me)
    _round(runtime, opened)
    round_analysis.analyse(runtime, opened)
    assert review_queue.refresh(runtime, opened)
    assert wrong not in [row.diary_id for row in audit_queue.list_rows(opened, Filter())]


def test_labels_of_test_diaries_are_never_doubted(runtime: WorkerRuntime, opened: Database) -> None:
    fill_by_mood(runtime, opened, 200)
    test_ids = [i for i in queue.list_head(opened, 180) if diaries.get_diary(opened, i).part == "test"]
    _label(opened, 180, wrong=tuple(test_ids[:2]))
    _round(runtime, opened)
    round_analysis.analyse(runtime, opened)
    counted = training_data.list_labelled(opened, part="pool")
    assert label_issues.load(opened).decision_ids.tolist() == sorted(counted.decision_ids.tolist())
    review_queue.refresh(runtime, opened)
    assert not {row.diary_id for row in audit_queue.list_rows(opened, Filter(state=None))} & set(test_ids)


def test_a_round_of_another_encoder_is_left_unstudied_without_harm(runtime: WorkerRuntime, opened: Database) -> None:
    fill_by_mood(runtime, opened, 30)
    round_id = rounds.request_round(opened, annotator_id=None)
    other = models.add_model(opened, models.NewModel("instant", "other", "other", (1, 2), b"", {}, (1,)))
    rounds.set_model(opened, round_id, other)
    rounds.end(opened, round_id, status="done", report={"train": 1})
    assert round_analysis.analyse(runtime, opened)
    assert analysis.read_study(rounds.get_round(opened, round_id).report["study"]).curve == ()
