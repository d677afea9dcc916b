"""What the worker does for the dictionary, on the real encoder."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator.dictionary import adjustment, entries, evidence
from annotator.training import rounds as round_cases
from annotator.worker import tasks
from annotator.worker.round import steps as round_job
from annotator.worker.tasks import dictionary as words
from db.answers import decisions, training_data
from db.answers.decisions import NewDecision
from db.models import models, predictions, rounds, word_emotions
from db.people import annotators
from db.texts import diaries
from learner.lexicon import word_vectors
from tests.conftest import fill

if TYPE_CHECKING:
    from annotator.worker.runtime import WorkerRuntime
    from db import Database

pytestmark = pytest.mark.slow

HAPPY, SAD = 2, 5


def _prepare(runtime: WorkerRuntime, db: Database, count: int) -> None:
    """Import and label diaries; their vectors say nothing of the mood, their words do."""
    fill(db, count)
    ids = diaries.list_ids(db)
    file = runtime.vector_file(db)
    noise = np.random.default_rng(0).normal(0, 1, (count, file.width)).astype(np.float32)
    file.write(ids.tolist(), noise, np.full(count, 9, np.int32))
    me = annotators.get_or_create_id(db, "나")
    for diary_id in ids.tolist():
        label_id = HAPPY if diary_id % 2 else SAD
        assert decisions.add(db, NewDecision(diary_id, me, "label", secrets.token_hex(8), label_id))


def _round(runtime: WorkerRuntime, db: Database) -> None:
    round_id = round_cases.request(db, annotator_id=None)
    round_job.run(lambda name: round_job.run_step(runtime, round_id, name))
    assert rounds.get_round(db, round_id).status == "done"


def _add(db: Database, word: str, label_id: int) -> None:
    entries.add(db, word, label_id, annotator_id=annotators.get_or_create_id(db, "나"))


def test_the_effect_is_measured_once_asked_and_again_for_a_new_model(runtime: WorkerRuntime, opened: Database) -> None:
    _prepare(runtime, opened, 200)
    _round(runtime, opened)
    _add(opened, "기쁘다", HAPPY)
    _add(opened, "슬프다", SAD)
    assert not words.measure(runtime, opened), "nobody has asked"
    entries.ask(opened, "effect")
    assert words.measure(runtime, opened)
    effect = adjustment.find_effect(opened)
    assert effect is not None
    assert effect.after is not None
    assert effect.before is not None
    assert (effect.word_count, effect.touched, effect.train_count) == (2, effect.after.n, 200 - effect.after.n)
    assert effect.strength > 1
    assert (effect.after.accuracy, effect.verdict) == (1.0, "better")
    assert adjustment.state(opened) == "current"
    assert not words.measure(runtime, opened)
    _applied_is_what_was_measured(opened, effect.after.accuracy)
    models.activate(opened, 1, reason="back")
    _round(runtime, opened)
    assert words.measure(runtime, opened), "it is switched on, and another model serves"
    assert adjustment.state(opened) == "current"


def _applied_is_what_was_measured(db: Database, accuracy: float) -> None:
    adjustment.switch(db, on=True)
    active = models.find_active(db)
    refiner = adjustment.find_refiner(db, active)
    assert active is not None
    assert refiner is not None
    labelled = training_data.list_labelled(db, part="test")
    texts = diaries.list_texts(db, labelled.diary_ids)
    proba = predictions.load_predictions(db, active)[labelled.diary_ids - 1]
    answers = np.array(active.label_ids)[refiner.refine(texts, proba).argmax(axis=1)]
    assert (answers == labelled.label_ids).mean() == accuracy


def test_a_dictionary_that_says_the_contrary_is_not_followed(runtime: WorkerRuntime, opened: Database) -> None:
    _prepare(runtime, opened, 60)
    _round(runtime, opened)
    _add(opened, "기쁘다", SAD)
    entries.ask(opened, "effect")
    assert words.measure(runtime, opened)
    effect = adjustment.find_effect(opened)
    assert effect is not None
    assert effect.strength == 0
    assert effect.before == effect.after


def test_without_labels_to_choose_on_there_is_no_effect(runtime: WorkerRuntime, opened: Database) -> None:
    fill(opened, 10)
    entries.ask(opened, "effect")
    assert words.measure(runtime, opened)
    assert adjustment.find_effect(opened) is None
    assert not word_emotions.is_asked(opened, "effect")


def test_vectors_of_words_are_made_in_pieces_that_let_other_work_in(
    runtime: WorkerRuntime, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_vectors, "FEWEST_WORDS", 1_000)
    fill(opened, 220)
    _add(opened, "슬프다", SAD)
    assert words.relate(runtime, opened) is None
    entries.ask(opened, "vectors")
    pieces = []
    while (piece := words.relate(runtime, opened)) is not None:
        pieces.append(piece[0])
    assert pieces == sorted(pieces)
    assert len(pieces) > 10
    assert not entries.is_waiting(opened, "vectors")
    for kind in entries.KINDS:
        proposals = entries.propose(opened, runtime.database, kind)
        assert proposals.relations is not None
        assert proposals.diary_count == 220
    assert tasks.state(opened) is not None


def test_little_text_is_told_by_its_words_once_they_are_counted(runtime: WorkerRuntime, opened: Database) -> None:
    fill(opened, 220)
    assert not entries.propose(opened, runtime.database, "own").is_too_small
    entries.ask(opened, "vectors")
    while words.relate(runtime, opened) is not None:
        pass
    proposals = entries.propose(opened, runtime.database, "own")
    assert proposals.is_too_small
    assert proposals.word_count is not None
    assert 220 < proposals.word_count < entries.FEWEST_WORDS


def test_a_small_pool_has_vectors_of_the_encoder_alone(runtime: WorkerRuntime, opened: Database) -> None:
    fill(opened, 12)
    entries.ask(opened, "vectors")
    while words.relate(runtime, opened) is not None:
        pass
    assert entries.vectors_file(runtime.database, "encoder").is_file()
    assert not entries.vectors_file(runtime.database, "own").exists()


def test_more_pool_diaries_are_explained_on_request_and_again_by_a_new_model(
    runtime: WorkerRuntime, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "DIARIES_A_PRESS", 3)
    _prepare(runtime, opened, 20)
    _round(runtime, opened)
    assert words.explain_more(runtime, opened) is None
    entries.ask(opened, "evidence")
    due = evidence.list_due(opened)
    assert len(due) == 3
    assert [words.explain_more(runtime, opened) for _ in range(5)] == [(1, 3), (2, 3), (3, 3), (3, 3), None]
    assert not entries.is_waiting(opened, "evidence")
    basis = evidence.gather(opened)
    assert basis is not None
    assert basis.evidence.diary_total == 3
    _round(runtime, opened)
    assert words.explain_more(runtime, opened) == (1, 3), "the new model has explained none of them"
