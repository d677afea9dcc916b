"""Measuring a round's version on the decided test diaries, beside the one that serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator.training import audience as audience_for_people
from annotator.training import rounds as rounds_for_people
from annotator.worker.round import audience, evaluation, gathering, inputs, rationale_training, versions
from db.connection import write
from db.models import models, rounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.serving.runtime import ModelRuntime, Serving
    from annotator.training.examples import TrainingSet
    from db import Database


def evaluate(runtime: ModelRuntime, db: Database, round_id: int) -> inputs.Result:
    """Measure the old and the new version on the same decided test diaries, and decide which of them serves."""
    this = rounds.get_round(db, round_id)
    gathered = inputs.examples_of(runtime, db, this)
    test = gathered.test
    new = runtime.load_classifier(db, models.get_model(db, inputs.require_model_id(this)))
    after = _proba(runtime, db, new, test.diary_ids)
    writers = audience_for_people.drawn_writers(db, test.diary_ids)
    report: inputs.Result = {"after": evaluation.figures(after, test.columns, writers=writers)}
    report |= audience.describe(db, gathered.training, test, after, new.model.label_ids)
    old = _comparable(runtime, db, this.previous_model_id, new, test)
    before = None
    if old is not None:
        before = inputs.columns_between(db, old.model, new.model).proba(_proba(runtime, db, old, test.diary_ids))
        report["before"] = evaluation.figures(before, test.columns, writers=writers)
    versions.ask_all(runtime, db, test.diary_ids)
    best = versions.best_served(db, test, new.model.label_ids)
    if best is not None and best[0].id == this.previous_model_id:
        best = None
    report |= evaluation.weigh(after, before, best, test.columns, look=rounds_for_people.count_looks(db) + 1)
    up_to = int(new.model.settings.get("last_rationale_id", 0))
    same = old if old is not None and old.model.label_ids == new.model.label_ids else None
    report["rationales"] = rationale_training.report(runtime, db, same, new, up_to=up_to)
    promised = evaluation.promise(after, test.columns, groups=gathering.groups_of(runtime, db, test.diary_ids).numbers)
    with write(db):
        measured = {"test": report["after"], "promise": promised}
        models.store_metrics(db, new.model.id, {**new.model.metrics, **measured})
        rounds.store_report(db, round_id, {**_learned_from(runtime, db, this), **report})
    return {}


def _learned_from(runtime: ModelRuntime, db: Database, this: rounds.Round) -> inputs.Result:
    """Return how many labels the round learned from, and how many of them the previous version did not know."""
    gathered = inputs.examples_of(runtime, db, this)
    training = gathered.training
    earlier_ids: set[int] = set()
    if this.previous_model_id is not None:
        earlier_ids.update(models.get_model(db, this.previous_model_id).training_decisions)
    new = sum(int(i) not in earlier_ids for i in training.decision_ids)
    out_of_fold = models.get_model(db, inputs.require_model_id(this)).metrics["out_of_fold"]
    return {
        "train": len(training.columns),
        "new": new,
        "left_out": gathered.left_out_count,
        "patterned": len(gathered.copies) if gathered.is_patterned else 0,
        "out_of_fold": out_of_fold,
    }


def _comparable(
    runtime: ModelRuntime, db: Database, model_id: int | None, new: Serving, test: TrainingSet
) -> Serving | None:
    """Return the old version if it can be compared.

    It has to answer with every label of the new one, its encoder has to be there, and it must not have learned from
    what it would be measured on, as it has where parts were drawn anew since.
    """
    if model_id is None:
        return None
    old = models.get_model(db, model_id)
    if versions.has_learned(old, test):
        return None
    return versions.load_comparable(runtime, db, old, new.model.label_ids)


def _proba(runtime: ModelRuntime, db: Database, serving: Serving, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    if not len(ids):
        return np.zeros((0, len(serving.model.label_ids)), np.float32)
    return serving.classifier.proba(runtime.features(db, serving, ids))
