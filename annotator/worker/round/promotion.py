"""Putting a round's version and its queue in force."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from annotator import blinding
from annotator.labelling import queueing
from annotator.pool import pools
from annotator.serving import version_answers
from annotator.training import version_changes
from annotator.training.evaluation import reason_of
from annotator.worker.round import evaluation, inputs, on_screen
from annotator.worker.round import pool as pool_of_round
from db.answers import group_checks, queue
from db.connection import write
from db.models import models, predictions, rounds
from db.pool import members
from db.texts import diaries

if TYPE_CHECKING:
    from annotator.pool.ordering import PoolOrder
    from annotator.serving.runtime import ModelRuntime, Serving
    from annotator.settings import Settings
    from db import Database


def promote(runtime: ModelRuntime, db: Database, round_id: int) -> inputs.Result:
    """Put the new version and its queue in force and end the round, all at once."""
    this = rounds.get_round(db, round_id)
    model = models.get_model(db, inputs.require_model_id(this))
    settings = runtime.settings(db)
    promoted = this.report["held_back_by"] is None
    compared = _compare_answers(db, this.previous_model_id, model, settings)
    before = queue.list_head(db, 100)
    entries: list[queue.QueueEntry] = []
    waiting: list[members.Waiting] = []
    ordered: PoolOrder | None = None
    if promoted:
        serving = runtime.load_classifier(db, model)
        on_screen.explain_on_screen(runtime, db, serving)
        # Ranked before the lock is taken, so that nobody's press waits for it; diaries decided meanwhile are skipped.
        entries, waiting, ordered = _order(runtime, db, this, serving)
    with write(db):
        if promoted:
            models.activate(db, model.id, reason=f"round {this.number}")
            queue.replace_queue(db, entries, model_id=model.id)
            if (pool := pools.find_in_force(db)) is not None:
                members.replace_waiting(db, pool.id, waiting)
        new_in_head = len(set(queue.list_head(db, 100)) - set(before))
        predictions.drop_predictions(db, keep=version_answers.list_kept(db))
        decided = {"promoted": promoted, "reason": reason_of(this.report), **compared}
        report = {**this.report, **decided, "strategy": settings.strategy, "new_in_head": new_in_head}
        report |= pool_of_round.report(db, this, ordered)
        rounds.end(db, round_id, status="done", report=report)
    return {"ended": True}


def _order(
    runtime: ModelRuntime, db: Database, this: rounds.Round, serving: Serving
) -> tuple[list[queue.QueueEntry], list[members.Waiting], PoolOrder | None]:
    """Return the queue that the version asks for, what comes after it, and the order where it is one of a pool."""
    settings = runtime.settings(db)
    seed = int(settings.seed[:8], 16) + this.number
    if (pool := pools.find_in_force(db)) is not None:
        return pool_of_round.order(runtime, db, pool, serving, seed=seed)
    entries = queueing.rank_pool(
        db,
        serving.model,
        predictions.load_predictions(db, serving.model),
        features=lambda ids: runtime.features(db, serving, ids),
        committee=serving.classifier.committee,
        settings=settings,
        seed=seed,
    )
    return entries, [], None


def _compare_answers(db: Database, previous_id: int | None, new: models.Model, settings: Settings) -> inputs.Result:
    """Compare the predictions of all diaries with those of a previous version that had learned the same labels."""
    nothing = {"stability": None, "changed": None}
    if previous_id is None:
        return nothing
    old = models.get_model(db, previous_id)
    columns = inputs.columns_between(db, old, new)
    if not old.training_decisions or not columns.is_whole:
        return nothing
    before, after = columns.proba(predictions.load_predictions(db, old)), predictions.load_predictions(db, new)

    held_out = set(group_checks.list_held_ids(db))

    def may_name(diary_id: int) -> bool:
        diary = diaries.get_diary(db, diary_id)
        return diary.part == "pool" and diary_id not in held_out and not blinding.is_blind(diary, settings)

    changed = evaluation.changed_answers(before, after, new.label_ids, may_name=may_name)
    if changed is not None:
        answers = version_changes.load(db, old, new)
        changed["decided"] = [asdict(each) for each in version_changes.count_decided(answers)]
    return {"stability": evaluation.stability(before, after), "changed": changed}
