"""Every version is asked about today's test part, by the round and by upkeep, and the best that served is found."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator.training import rounds as round_cases
from annotator.training import versions as measured
from annotator.training.examples import examples_of
from annotator.worker.round import steps, versions
from annotator.worker.tasks.versions import ask_versions
from db.answers import decisions, training_data
from db.answers.decisions import NewDecision
from db.models import models, rounds, test_answers
from db.people import annotators
from db.texts import diaries
from tests.conftest import answer_test_part, fill, fill_by_mood

if TYPE_CHECKING:
    from collections.abc import Iterable

    from annotator.worker.runtime import WorkerRuntime
    from db import Database

HAPPY, SAD = 2, 5
LABELS = (1, 2, 3, 4, 5, 6, 7)


def _label(db: Database, diary_ids: Iterable[int], *, shifted: bool = False) -> None:
    me = annotators.get_or_create_id(db, "나")
    for diary_id in diary_ids:
        label = HAPPY if (diary_id % 2 == 1) != shifted else SAD
        assert decisions.add(db, NewDecision(int(diary_id), me, "label", secrets.token_hex(8), label))


def _round(runtime: WorkerRuntime, db: Database) -> rounds.Round:
    round_id = round_cases.request(db, annotator_id=None)
    steps.run(lambda name: steps.run_step(runtime, round_id, name))
    done = rounds.get_round(db, round_id)
    assert (done.status, done.error) == ("done", None)
    return done


@pytest.mark.slow
def test_a_bad_import_is_held_back_and_every_version_measured_on_the_grown_test_part(
    runtime: WorkerRuntime, opened: Database
) -> None:
    fill_by_mood(runtime, opened, 200)
    pool, test = diaries.list_ids(opened, "pool"), diaries.list_ids(opened, "test")
    _label(opened, [*pool[:30], *test[:10]])
    first = _round(runtime, opened)
    assert (first.report["reason"], first.report["promoted"]) == ("alone", True)
    _label(opened, test[10:])
    _label(opened, pool[30:], shifted=True)
    second = _round(runtime, opened)
    assert (second.report["promoted"], second.report["held_back_by"]) == (False, "accuracy")
    assert second.report["reason"] in ("looks_worse", "worse")
    assert (second.report["look"], round_cases.count_looks(opened)) == (1, 1)
    test_part, learned = second.report["changed"]["decided"]
    assert (test_part["group"], test_part["n"], learned["group"]) == ("test", len(test), "learned")
    assert test_part["lost"] > test_part["gained"]
    old, new = measured.list_measured(opened)
    assert (old.figures.n, new.figures.n) == (len(test), len(test))
    assert (old.is_active, old.figures.accuracy) == (True, 1.0)
    assert (new.figures.accuracy or 0.0) < 0.5


@pytest.mark.slow
def test_upkeep_asks_the_versions_again_once_the_test_part_has_grown(runtime: WorkerRuntime, opened: Database) -> None:
    fill_by_mood(runtime, opened, 200)
    pool, test = diaries.list_ids(opened, "pool"), diaries.list_ids(opened, "test")
    _label(opened, [*pool[:20], *test[:10]])
    _round(runtime, opened)
    assert ask_versions(runtime, opened) is not None, "a new worker does not know what was asked"
    assert ask_versions(runtime, opened) is None
    _label(opened, test[10:11])
    assert ask_versions(runtime, opened) is None, "one more of ten is no reason to load every version"
    _label(opened, test[11:13])
    assert ask_versions(runtime, opened) is not None
    (model_id,) = test_answers.load(opened)
    assert sorted(test_answers.load(opened)[model_id]) == sorted(test[:13].tolist())


@pytest.mark.slow
def test_a_version_of_an_encoder_that_is_gone_is_not_asked(runtime: WorkerRuntime, opened: Database) -> None:
    fill(opened, 6, labelled=True)
    answer_test_part(opened, _add_model(opened, encoder_hash="gone"), [HAPPY, SAD])
    versions.ask_all(runtime, opened, np.arange(1, 4))
    assert test_answers.load(opened) == {1: {1: HAPPY, 2: SAD}}
    model = models.get_model(opened, 1)
    assert versions.load_comparable(runtime, opened, model, LABELS) is None
    assert versions.load_comparable(runtime, opened, model, (*LABELS, 8)) is None


def _add_model(db: Database, *, encoder_hash: str = "hash") -> int:
    return models.add_model(db, models.NewModel("instant", "none", encoder_hash, LABELS, b"", {}))


def test_the_best_version_is_among_those_that_have_served_and_answered_everything(opened: Database) -> None:
    fill(opened, 4, labelled=True)
    ids = [_add_model(opened) for _ in range(4)]
    for model_id in ids[:3]:
        models.activate(opened, model_id, reason="test")
    answers = {ids[0]: [HAPPY, SAD, SAD, SAD], ids[1]: [SAD] * 4, ids[3]: [HAPPY, SAD, HAPPY, SAD]}
    for model_id, labels in answers.items():
        answer_test_part(opened, model_id, labels)
    test = examples_of(training_data.list_labelled(opened, part="test"), LABELS)
    best = versions.best_served(opened, test, LABELS)
    assert best is not None
    assert best[0].id == ids[0], "the last one, which is right throughout, has never served"
    assert [LABELS[column] for column in best[1]] == answers[ids[0]]


def test_without_a_version_that_has_answered_everything_there_is_no_best_one(opened: Database) -> None:
    fill(opened, 4, labelled=True)
    models.activate(opened, _add_model(opened), reason="test")
    answer_test_part(opened, 1, [HAPPY, SAD, HAPPY])
    test = examples_of(training_data.list_labelled(opened, part="pool"), LABELS)
    assert versions.best_served(opened, test, LABELS) is None
