"""A round: train, evaluate, rank. Six steps, whose results are in the database or beside it.

A round that a killed worker left open is run again from its first step. Each step stores its result in one
transaction. Long ones (vectors, tuning, training) first check whether it is there; evaluating and ranking
take seconds and give the same result again.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import blinding
from annotator.errors import AppError, UserError, where
from annotator.label_sets import projection
from annotator.labelling import queueing
from annotator.pool import pools
from annotator.serving import encoder_cache, scoring, version_answers, zero_label
from annotator.training import audience as audience_for_people
from annotator.training import rounds as rounds_for_people
from annotator.training import version_changes
from annotator.training.evaluation import reason_of
from annotator.worker.round import (
    audience,
    calibration_data,
    consensus,
    encoder_tuning,
    evaluation,
    gathering,
    on_screen,
    rationale_training,
    versions,
)
from annotator.worker.round import pool as pool_of_round
from db.answers import decisions, group_checks, queue, rationales
from db.connection import write
from db.forgetting import forgotten
from db.label_sets import labels
from db.models import facts, models, predictions, rounds
from db.pool import members
from db.texts import diaries
from learner.active_learning.query_strategies import STRATEGIES
from learner.classification import classifier as classifiers
from learner.classification import emotion_prior, metrics, unlearned
from learner.encoders.encoder import EMOTION
from learner.encoders.precision import split_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from annotator.pool.ordering import PoolOrder
    from annotator.serving.encoder_cache import EncoderSpec
    from annotator.serving.runtime import ModelRuntime, Serving
    from annotator.settings import Settings
    from annotator.training.examples import TrainingSet
    from annotator.worker.round.gathering import Gathered
    from db import Database
    from learner.encoders.encoder import Encoder
    from learner.encoders.vector_store import VectorFile

    Step = Callable[[ModelRuntime, Database, int], "Result"]


logger = logging.getLogger(__name__)

Result = dict[str, Any]
"""What a step says when it is done: JSON; ``ended`` when no further step shall run."""


def run(step: Callable[[str], Result]) -> None:
    """Run a round to its end, whatever its outcome.

    Args:
        step: runs one step of `STEPS` by name, with `run_step`.
    """
    for name in STEPS:
        if step(name).get("ended"):
            return


def run_step(runtime: ModelRuntime, round_id: int, name: str) -> Result:
    """Run one step, unless the round has ended or somebody asked it to stop.

    An error ends the round, and the previous model goes on serving. It is not raised: the text of an
    exception may quote a diary.
    """
    db = runtime.open()
    try:
        if name == "gather":
            _begin(db, round_id)
        if rounds.advance(db, round_id, step=name, progress=_progress_at(name, rounds.get_round(db, round_id).tier)):
            return _do(runtime, db, round_id, name)
        rounds.end(db, round_id, status="cancelled")
    except AppError as problem:
        rounds.end(db, round_id, status="failed", error={"code": problem.code, "details": problem.details})
    except Exception as problem:
        logger.error("A round's step %s failed: %s", name, where(problem))
        code = "memory_full" if isinstance(problem, MemoryError) else "fault"
        rounds.end(db, round_id, status="failed", error={"code": code, "details": {"kind": type(problem).__name__}})
    finally:
        db.close()
    return {"ended": True}


def _do(runtime: ModelRuntime, db: Database, round_id: int, name: str) -> Result:
    """Do a step, and repeat it if it failed because its input was forgotten meanwhile."""
    while True:
        number = forgotten.count_forgettings(db)
        try:
            return STEPS[name](runtime, db, round_id)
        except Exception:
            if forgotten.count_forgettings(db) == number:
                raise


def _progress_at(name: str, tier: str) -> float:
    """Return the share of a round that is done when a step begins, in [0, 1]."""
    share = list(STEPS).index(name) / len(STEPS)
    # Tuning and encoding take nearly all of a deeper round.
    return share if tier == "instant" or name == "gather" else 0.02 if name == "tune" else 0.9 + share / 10


def _begin(db: Database, round_id: int) -> None:
    rounds.begin(
        db,
        round_id,
        last_decision_id=decisions.last_decision_id(db),
        previous_model_id=models.find_active_id(db),
    )


def _gather(runtime: ModelRuntime, db: Database, round_id: int) -> Result:
    """Check what there is to learn from, and make sure that all of it has vectors."""
    gathered = _examples(runtime, db, round_id)
    training, test = gathered.training, gathered.test
    # The serving version is measured on the test diaries, too, and may use another encoder's vectors.
    runtime.encode_missing(db, test.diary_ids, urgent=True)
    if rounds.get_round(db, round_id).tier == "instant":
        encoder = runtime.load_encoder(db, encoder_cache.of_next_round(db))
        ahead = np.zeros(0, np.int64)
        if not runtime.vector_file(db, encoder).rows:
            ahead = np.array(queue.list_head(db, encoder_tuning.ENCODED_AHEAD), np.int64)
        diary_ids = np.unique(np.concatenate([training.diary_ids, test.diary_ids, ahead]))
        runtime.encode_missing(db, diary_ids, urgent=True, encoder=encoder)
    # Near-copies of test diaries are known once there are vectors.
    training = _examples(runtime, db, round_id).training
    if len(np.unique(training.columns)) < 2:
        raise UserError("labels_of_one_kind", count=len(training.columns))
    return {"train": len(training.columns), "test": len(test.columns)}


def _tune(runtime: ModelRuntime, db: Database, round_id: int) -> Result:
    """Tune an encoder where the round's tier asks for it."""
    this = rounds.get_round(db, round_id)
    if this.tier == "instant" or this.model_id is not None:
        return {}
    gathered = _examples(runtime, db, round_id)
    training = gathered.training
    # Recorded before it can fail, so that a failing round is not started again for the same labels.
    rounds.store_report(db, round_id, {"train": len(training.columns)})
    if encoder_tuning.tune(runtime, db, this, training, gathered.test.diary_ids):
        return {}
    rounds.end(db, round_id, status="cancelled")
    return {"ended": True}


def _encoder_of_round(db: Database, this: rounds.Round) -> EncoderSpec:
    """Return the encoder that the round's version reads."""
    return encoder_tuning.tuned_in(db, this) or encoder_cache.of_next_round(db)


def _examples(runtime: ModelRuntime, db: Database, round_id: int) -> Gathered:
    this = rounds.get_round(db, round_id)
    return gathering.gather(runtime, db, _label_ids(db, this), up_to=this.last_decision_id)


def _label_ids(db: Database, this: rounds.Round) -> tuple[int, ...]:
    """Return the labels in force, or, once the round has made its version, those that it learned."""
    if this.model_id is not None:
        return models.get_model(db, this.model_id).label_ids
    return tuple(label.id for label in labels.list_labels(db))


def _fit(runtime: ModelRuntime, db: Database, round_id: int) -> Result:
    """Train the head and store it as a new version, unless this round has done so already."""
    this = rounds.get_round(db, round_id)
    if this.model_id is not None:
        return {"model_id": this.model_id}
    number = forgotten.count_forgettings(db)
    if not pool_of_round.read(runtime, db, round_id, _encoder_of_round(db, this)):
        return _cancel(db, round_id)
    gathered = _examples(runtime, db, round_id)
    training, test = gathered.training, gathered.test
    encoder, label_ids = runtime.load_encoder(db, _encoder_of_round(db, this)), _label_ids(db, this)
    file = runtime.vector_file(db, encoder)
    # A tuned encoder knows what n-grams tell, and without them the version is one that transformers can load.
    space = runtime.text_space(db) if this.tier == "instant" else None
    encoded = file.present(diaries.last_diary_id(db))
    mean = _centre(db, encoder, space[0] if space else "")
    if mean is None:
        mean = pool_of_round.mean_vector(db, encoder.hash)
    if mean is None:
        mean = _mean(file, np.flatnonzero(encoded) + 1)

    def features_of(ids: NDArray[np.int64]) -> NDArray[np.float32]:
        text_features = runtime.text_features(db, space[0], ids) if space else None
        return classifiers.join_features(file.read(ids), text_features, mean=mean)

    features = features_of(training.diary_ids)
    settings = runtime.settings(db)
    untouched = encoder_tuning.untouched(db, encoder, training.diary_ids)
    up_to = rationales.last_rationale_id(db)
    marks = rationale_training.gather(db, label_ids, up_to=up_to)
    # What a word changes is as small as the rounding of a faster form.
    exact = runtime.load_encoder(db, _encoder_of_round(db, this).exact)
    marked = rationale_training.learn_from(runtime, db, marks, exact, mean=mean, space=space[1] if space else None)
    apart = gathering.groups_of(runtime, db, training.diary_ids, act_ids=training.act_ids)
    seed = int(settings.seed[:8], 16)
    calibration = calibration_data.gather(
        runtime,
        db,
        training,
        test,
        features_of,
        encoded=encoded,
        of_pool=pool_of_round.spread_features(db, encoder.hash, space[0] if space else None, mean),
    )
    spread = calibration.pool_features if len(calibration.pool_features) else features
    prior = _prior(encoder, training, features, spread[:, : encoder.width], groups=apart.numbers, seed=seed)
    stretched = prior.apply(features)
    training = consensus.settle(gathered, label_ids, stretched, untouched=untouched, groups=apart.numbers, seed=seed)
    marked = prior.apply_to_marks(marked)
    trained = classifiers.train(
        stretched,
        training.targets,
        mean=mean,
        text_space=space[0] if space else "",
        seed=seed,
        calibrate_on=untouched,
        calibration=prior.apply_to_calibration(calibration),
        marked=marked,
        groups=apart.numbers,
        weights=training.weights,
    )
    classifier = trained.classifier
    if STRATEGIES[settings.strategy].committee:
        committee = classifiers.bootstrap(
            stretched,
            training.targets,
            start=classifier,
            seed=this.number,
            marked=marked,
            weights=training.weights,
        )
        classifier = replace(classifier, committee=committee)
    classifier = prior.fold(classifier)
    if not training.targets.any(axis=0).all():
        # Upkeep encodes meanwhile, which the int8 form does not bear.
        first = _first_head(db, exact, label_ids, spread[:, : encoder.width])
        found = None if first is None else unlearned.find(first, training.targets, spread, weights=training.weights)
        classifier = replace(classifier, unlearned=found)
    honest = trained.calibrated_on
    # What was labelled as one of many measures nothing, unless there is nothing else.
    measured = honest & training.is_single if (honest & training.is_single).any() else honest
    checked = metrics.evaluate(trained.out_of_fold[measured], training.columns[measured])
    model = models.NewModel(
        tier=this.tier,
        encoder=encoder.name,
        encoder_hash=encoder.hash,
        label_ids=label_ids,
        weights=classifier.to_bytes(),
        settings={
            "strength": classifiers.INVERSE_REGULARISATION,
            "text_share": classifiers.NGRAM_SCALE,
            "prior_share": classifiers.LOGIT_ADJUSTMENT,
            "seed": settings.seed[:8],
            "last_rationale_id": up_to,
            "emotion_stretch": prior.stretch,
            **_unlearned(classifier, label_ids),
        },
        training_decisions=tuple(training.all_decision_ids.tolist()),
        metrics={
            "out_of_fold": {**asdict(checked), "apart_by": apart.by},
            # Too few examples that the encoder was not tuned on: the temperature comes from all, and is overconfident.
            "calibrated_on_tuned": untouched is not None and not np.array_equal(honest, untouched),
        },
    )
    with write(db):
        if forgotten.count_forgettings(db) != number:
            raise UserError("row_gone")  # trained again, without what was forgotten
        model_id = models.add_model(db, model)
        rounds.set_model(db, round_id, model_id)
        if file.present(diaries.last_diary_id(db)).sum() < diaries.count_diaries(db):
            facts.mark_partly_ranked(db, model_id)
    return {"model_id": model_id}


def _first_head(
    db: Database, encoder: Encoder, label_ids: tuple[int, ...], sample: NDArray[np.float32]
) -> classifiers.Head | None:
    """Return the head of the model that needs no label, for labels without an example.

    Args:
        sample: (n, width) vectors of the pool, centred.
    """
    of_id = {label.id: label for label in labels.list_labels(db)}
    if not all(label_id in of_id for label_id in label_ids):
        return None  # the labels have changed meanwhile
    names, definitions = [of_id[i].name for i in label_ids], [of_id[i].definition for i in label_ids]
    # Made anew, of what a pool in shards and one machine have alike: the first model's sample is only one's own.
    return zero_label.classify(encoder, names, definitions, sample, mean=np.zeros(encoder.width, np.float32)).head


def _prior(
    encoder: Encoder,
    training: TrainingSet,
    features: NDArray[np.float32],
    spread: NDArray[np.float32],
    *,
    groups: NDArray[np.int64],
    seed: int,
) -> emotion_prior.EmotionPrior:
    """Return how far the encoder's emotions guide the head; not at all where it knows none."""
    if split_name(encoder.name)[0] != EMOTION:
        return emotion_prior.NONE
    return emotion_prior.choose(
        features, training.targets, vectors=spread, groups=groups, weights=training.weights, seed=seed
    )


def _unlearned(classifier: classifiers.Classifier, label_ids: tuple[int, ...]) -> dict[str, list[int]]:
    """Return what is noted with a version of the labels that it has learned from no example."""
    return {"unlearned": [label_ids[i] for i in classifier.unlearned.places]} if classifier.unlearned else {}


def _cancel(db: Database, round_id: int) -> Result:
    rounds.end(db, round_id, status="cancelled")
    return {"ended": True}


def _centre(db: Database, encoder: Encoder, text_space: str) -> NDArray[np.float32] | None:
    """Return the centre of the serving version if that has seen the same features; None otherwise.

    The mean of a pool hardly moves, and with the same centre the effect of words on features is known. Vectors that
    leave out their common direction need none.
    """
    if encoder.is_centred:
        return np.zeros(encoder.width, np.float32)
    model = models.find_active(db)
    if model is None or model.tier == "zero" or model.encoder_hash != encoder.hash:
        return None
    classifier = classifiers.from_bytes(models.get_weights(db, model.id))
    return classifier.mean if classifier.text_space == text_space else None


def _mean(file: VectorFile, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the mean vector of the pool, over 20,000 evenly spread diaries of a longer one."""
    spread = ids[:: max(1, len(ids) // 20_000)]
    return np.asarray(file.read(spread).mean(axis=0), np.float32)


def _evaluate(runtime: ModelRuntime, db: Database, round_id: int) -> Result:
    """Measure the old and the new version on the same decided test diaries, and decide which of them serves."""
    this = rounds.get_round(db, round_id)
    gathered = _examples(runtime, db, round_id)
    test = gathered.test
    new = runtime.load_classifier(db, models.get_model(db, _require_model_id(this)))
    after = _proba(runtime, db, new, test.diary_ids)
    writers = audience_for_people.drawn_writers(db, test.diary_ids)
    report: Result = {"after": evaluation.figures(after, test.columns, writers=writers)}
    report |= audience.describe(db, gathered.training, test, after, new.model.label_ids)
    old = _comparable(runtime, db, this.previous_model_id, new, test)
    before = None
    if old is not None:
        before = _columns(db, old.model, new.model).proba(_proba(runtime, db, old, test.diary_ids))
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


def _learned_from(runtime: ModelRuntime, db: Database, this: rounds.Round) -> Result:
    """Return how many labels the round learned from, and how many of them the previous version did not know."""
    gathered = _examples(runtime, db, this.id)
    training = gathered.training
    earlier_ids: set[int] = set()
    if this.previous_model_id is not None:
        earlier_ids.update(models.get_model(db, this.previous_model_id).training_decisions)
    new = sum(int(i) not in earlier_ids for i in training.decision_ids)
    out_of_fold = models.get_model(db, _require_model_id(this)).metrics["out_of_fold"]
    return {
        "train": len(training.columns),
        "new": new,
        "left_out": gathered.left_out_count,
        "patterned": len(gathered.copies) if gathered.is_patterned else 0,
        "out_of_fold": out_of_fold,
    }


def _require_model_id(this: rounds.Round) -> int:
    if this.model_id is None:
        raise UserError("round_without_model", number=this.number)
    return this.model_id


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


def _columns(db: Database, old: models.Model, new: models.Model) -> projection.LabelProjection:
    """Return the projection of an old version's columns onto those of a new one."""
    return projection.columns(old.label_ids, new.label_ids, labels.list_merged(db))


def _proba(runtime: ModelRuntime, db: Database, serving: Serving, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    if not len(ids):
        return np.zeros((0, len(serving.model.label_ids)), np.float32)
    return serving.classifier.proba(runtime.features(db, serving, ids))


def _rank(runtime: ModelRuntime, db: Database, round_id: int) -> Result:
    """Predict every diary that has a vector and store the predictions; nothing is shown yet."""
    new = runtime.load_classifier(db, models.get_model(db, _require_model_id(rounds.get_round(db, round_id))))
    there = runtime.vectors_of(new).present(diaries.last_diary_id(db))
    ids = np.flatnonzero(there) + 1
    proba = np.full((len(there), len(new.model.label_ids)), np.nan, np.float32)
    if len(ids):
        proba[there] = scoring.score(runtime, db, new, ids)
    predictions.store_predictions(db, new.model.id, proba)
    if not pool_of_round.predict(runtime, db, round_id, new):
        return _cancel(db, round_id)
    return {"predicted": len(ids)}


def _promote(runtime: ModelRuntime, db: Database, round_id: int) -> Result:
    """Put the new version and its queue in force and end the round, all at once."""
    this = rounds.get_round(db, round_id)
    model = models.get_model(db, _require_model_id(this))
    settings = runtime.settings(db)
    promoted = this.report["held_back_by"] is None
    compared = _compare_answers(db, this.previous_model_id, model, settings)
    before = queue.list_head(db, 100)
    if promoted:
        on_screen.explain_on_screen(runtime, db, runtime.load_classifier(db, model))
    # Ranked before the lock is taken, so that nobody's press waits for it; diaries decided meanwhile are skipped.
    entries, waiting, ordered = _order(runtime, db, this, model) if promoted else ([], [], None)
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
    runtime: ModelRuntime, db: Database, this: rounds.Round, model: models.Model
) -> tuple[list[queue.QueueEntry], list[members.Waiting], PoolOrder | None]:
    """Return the queue that the version asks for, what comes after it, and the order where it is one of a pool."""
    serving, settings = runtime.load_classifier(db, model), runtime.settings(db)
    seed = int(settings.seed[:8], 16) + this.number
    if (pool := pools.find_in_force(db)) is not None:
        return pool_of_round.order(runtime, db, pool, serving, seed=seed)
    entries = queueing.rank_pool(
        db,
        model,
        predictions.load_predictions(db, model),
        features=lambda ids: runtime.features(db, serving, ids),
        committee=serving.classifier.committee,
        settings=settings,
        seed=seed,
    )
    return entries, [], None


def _compare_answers(db: Database, previous_id: int | None, new: models.Model, settings: Settings) -> Result:
    """Compare the predictions of all diaries with those of a previous version that had learned the same labels."""
    nothing = {"stability": None, "changed": None}
    if previous_id is None:
        return nothing
    old = models.get_model(db, previous_id)
    columns = _columns(db, old, new)
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


STEPS: dict[str, Step] = {
    "gather": _gather,
    "tune": _tune,
    "fit": _fit,
    "evaluate": _evaluate,
    "rank": _rank,
    "promote": _promote,
}
"""The steps of a round, in order."""
