"""A round that has seen two of seven labels says so of the others, and keeps a small share for them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator.label_sets import projection
from annotator.labelling import board
from annotator.serving import explaining
from annotator.training import rounds as round_cases
from annotator.worker.round import steps
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.models import models, rounds
from db.people import annotators
from db.texts import diaries
from tests.conftest import fill_by_mood

if TYPE_CHECKING:
    from annotator.worker.runtime import WorkerRuntime
    from db import Database

HAPPY, SAD = 2, 5


@pytest.mark.slow
def test_labels_without_an_example_are_said_to_be_so_and_have_a_share(runtime: WorkerRuntime, opened: Database) -> None:
    fill_by_mood(runtime, opened, 60)
    me = annotators.get_or_create_id(opened, "나")
    pool = diaries.list_ids(opened, "pool")
    for diary_id in pool[:20].tolist():
        label = HAPPY if diary_id % 2 == 1 else SAD
        assert decisions.add(opened, NewDecision(diary_id, me, "label", secrets.token_hex(8), label))
    round_id = round_cases.request(opened, annotator_id=None)
    steps.run(lambda name: steps.run_step(runtime, round_id, name))
    assert rounds.get_round(opened, round_id).status == "done"
    model = models.find_active(opened)
    assert model is not None
    assert model.settings["unlearned"] == [1, 3, 4, 6, 7]
    known = projection.current_projection(opened, model).known
    assert known == (False, True, False, False, True, False, False)
    proba = projection.load_predictions(opened, model)
    others = np.delete(proba[np.isfinite(proba[:, 0])], [HAPPY - 1, SAD - 1], axis=1)
    assert ((others > 1e-4) & (others <= 0.1 + 1e-6)).all()
    item = board.load_board(opened, annotator_id=me, holder="tab", language="ko").items[0]
    assert item["prediction"]["unknown"] == [0, 2, 3, 5, 6]
    diary_id = int(item["diary_id"])
    serving = runtime.load_classifier(opened, model)
    explained = explaining.explain_diary_by(runtime, opened, serving, diary_id, "fast")
    assert explained.deletion is not None
    answer = runtime.proba_of_texts(opened, serving, [diaries.get_diary(opened, diary_id).text])
    assert explained.deletion["before"] == pytest.approx(answer.max(), abs=1e-3)
