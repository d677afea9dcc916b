"""What is measured once a round has ended, because nobody waits for it: calibration, curves, forecast, doubted labels.

It is upkeep: the newest finished round whose report has no ``study`` yet is studied. A round that is asked for
meanwhile goes first with its own steps, and so do explanations that people wait for; each writes one thing in one
transaction.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from annotator.serving import encoder_cache
from annotator.training.audience import drawn_writers
from annotator.training.evaluation import FEWEST_TO_TRUST
from annotator.worker.round import calibration_data, consensus, encoder_tuning, gathering
from annotator.worker.tasks.explanations import let_people_pass
from db.answers import decisions, groups, searched
from db.connection import write
from db.label_sets import labels
from db.models import models, rounds
from db.review import label_issues
from db.review.label_issues import NewDoubt
from db.texts import diaries
from learner.active_learning import forecast, learning_curve
from learner.active_learning.arms import FEWEST_TO_COMPARE, Arms, accuracy_gap, split_arms
from learner.classification import calibration, macro_f1, metrics
from learner.classification import classifier as classifiers
from learner.data_quality import label_issues as label_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from annotator.serving.runtime import Serving
    from annotator.training.examples import TrainingSet
    from annotator.worker.round.gathering import Groups
    from annotator.worker.runtime import WorkerRuntime
    from db import Database
    from db.models.rounds import Round

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

AHEAD = 100
"""How many labels a forecast looks ahead: about an afternoon."""

MOST_DOUBTS = 10_000
"""Labels that are taken for mistakes after a round, the worst; the next round looks anew."""

NOT_RANKED = (searched.STRATEGY, groups.STRATEGY, groups.CHECK)
"""What put diaries before people in place of a query strategy and of chance."""

_FEWEST_TO_SPLIT = 10
"""Labels below which no head is trained on a part of them."""


def find_due(db: Database) -> Round | None:
    """Return the newest round that is done, if it has not been studied yet."""
    done = [r for r in rounds.list_rounds(db) if r.status == "done" and r.model_id is not None]
    return done[-1] if done and "study" not in done[-1].report else None


def analyse(runtime: WorkerRuntime, db: Database) -> bool:
    """Study the newest round; return False if nothing was due."""
    due = find_due(db)
    if due is None or due.model_id is None:
        return False
    model = models.get_model(db, due.model_id)
    result: dict[str, Any] = {}
    doubts: list[NewDoubt] = []
    # After a change of encoder or labels the version can't answer any more, and there is nothing to study.
    label_ids = tuple(label.id for label in labels.list_labels(db))
    if model.encoder_hash == runtime.encoder(db).hash and model.label_ids == label_ids:
        material = _gather(runtime, db, due, runtime.load_classifier(db, model))
        result, doubts = _analyse(db, material)
    with write(db):
        label_issues.store_doubts(db, model.id, doubts)
        rounds.store_report(db, due.id, {**rounds.get_round(db, due.id).report, "study": result})
    return True


@dataclass(frozen=True, slots=True)
class _Material:
    """What a study looks at.

    Attributes:
        train, test: the examples as the round saw them, and what the head reads of them.
        test_proba: (n, k) of the round's version, which has not seen them, with temperatures chosen without each.
        out_of_fold: (n, k) of the training examples by heads that had not seen them; None for too few.
        within_writers: the same by heads that had seen other diaries of the same writers; None where `out_of_fold`
            does not keep writers apart.
        let_people_pass: does first what people wait for; called between parts that take seconds.
        test_writers: (n,) of `annotator.training.audience.drawn_writers`.
        is_frozen: whether the features were there before any label: otherwise they know the labels already, and
            heads trained on a part of these would look better than they were.
        prior_mean: of the version's head, see `learner.classification.first_prior`.
    """

    train: TrainingSet
    train_features: FloatArray
    test: TrainingSet
    test_features: FloatArray
    test_proba: FloatArray
    out_of_fold: FloatArray | None
    within_writers: FloatArray | None
    test_writers: IntArray | None
    is_frozen: bool
    prior_mean: FloatArray | None
    label_ids: tuple[int, ...]
    seed: int
    let_people_pass: Callable[[], None]

    @property
    def k(self) -> int:
        return len(self.label_ids)


def _gather(runtime: WorkerRuntime, db: Database, due: Round, serving: Serving) -> _Material:
    label_ids, up_to = serving.model.label_ids, due.last_decision_id
    gathered = gathering.gather(runtime, db, label_ids, up_to=up_to, measured=serving.model)
    train, test = gathered.training, gathered.test
    train_features = runtime.features(db, serving, train.diary_ids)
    test_features = runtime.features(db, serving, test.diary_ids)
    prior_mean = serving.classifier.prior_mean
    seed = int(runtime.settings(db).seed[:8], 16) + due.number
    out_of_fold, within_writers, test_proba = None, None, serving.classifier.proba(test_features)
    if len(train.columns) >= _FEWEST_TO_SPLIT:
        apart = gathering.groups_of(runtime, db, train.diary_ids, act_ids=train.act_ids)
        untouched = encoder_tuning.untouched(db, runtime.encoder(db), train.diary_ids)
        train = consensus.settle(
            gathered,
            label_ids,
            train_features,
            untouched=untouched,
            groups=apart.numbers,
            seed=seed,
            prior_mean=prior_mean,
        )
        trained = classifiers.train(
            train_features,
            train.targets,
            mean=serving.classifier.mean,
            text_space="",
            seed=seed,
            calibrate_on=untouched,
            calibration=calibration_data.gather(
                runtime,
                db,
                train,
                test,
                lambda ids: runtime.features(db, serving, ids),
                encoded=runtime.vectors_of(serving).present(diaries.last_diary_id(db)),
            ),
            groups=apart.numbers,
            weights=train.weights,
            prior_mean=prior_mean,
        )
        out_of_fold = trained.out_of_fold
        own = serving.classifier.logits(test_features) * np.float32(serving.classifier.temperature)
        by_head = classifiers.softmax(own / trained.test_temperatures[:, None])
        test_proba = serving.classifier.with_unlearned(by_head, test_features)
        if apart.by == "writers":
            by_texts = gathering.groups_of(runtime, db, train.diary_ids, by="texts", act_ids=train.act_ids)
            within_writers = _answers_within(train, train_features, by_texts, prior_mean, seed=seed)
    return _Material(
        train,
        train_features,
        test,
        test_features,
        test_proba,
        out_of_fold,
        within_writers,
        drawn_writers(db, test.diary_ids),
        encoder_cache.in_force(db).tuned is None,
        prior_mean,
        label_ids,
        seed,
        lambda: let_people_pass(runtime, db),
    )


def _answers_within(
    train: TrainingSet, features: FloatArray, apart: Groups, prior_mean: FloatArray | None, *, seed: int
) -> FloatArray:
    """Return answers out of fold whose temperature does not matter, (n, k)."""
    nothing = np.zeros(1, np.float32)
    return classifiers.train(
        features,
        train.targets,
        mean=nothing,
        text_space="",
        seed=seed,
        groups=apart.numbers,
        weights=train.weights,
        prior_mean=prior_mean,
    ).out_of_fold


def _analyse(db: Database, material: _Material) -> tuple[dict[str, Any], list[NewDoubt]]:
    result: dict[str, Any] = {"reliability": _reliability(material)}
    # The order in which diaries were first labelled is the order in which labels came.
    asked = decisions.list_asked(db)
    first = np.array([asked[int(i)][0] for i in material.train.diary_ids], np.int64)
    strategies = [asked[int(i)][1] for i in material.train.diary_ids]
    order = np.argsort(first, kind="stable")
    # Curves count labels: those that one press gave to many diaries are no steps along them.
    order = order[material.train.is_single[order]]
    if material.is_frozen and len(material.test.columns) >= FEWEST_TO_TRUST:
        result |= _curves(material, order, [strategies[i] for i in order])
    is_random = np.array([strategy == "random" for strategy in strategies], np.bool_)
    result["these_writers"] = _these_writers(material, is_random)
    material.let_people_pass()
    doubts, proba = _doubts(material)
    return {**result, "doubts": proba}, doubts


def _these_writers(material: _Material, is_random: NDArray[np.bool_]) -> dict[str, int] | None:
    """Count right answers out of fold on diaries that were drawn at random, whose writers the heads knew otherwise."""
    if material.within_writers is None or not material.is_frozen:
        return None
    right = material.within_writers[is_random].argmax(axis=1) == material.train.columns[is_random]
    return {"right": int(right.sum()), "n": len(right)}


def _reliability(material: _Material) -> dict[str, Any] | None:
    """Measure calibration on the test diaries, or out of fold if these are too few; None if both are too few."""
    source: Literal["test", "out_of_fold"] = "test"
    proba: FloatArray | None = material.test_proba
    truth = material.test.columns
    if len(truth) < FEWEST_TO_TRUST and material.is_frozen:
        single = material.train.is_single
        proba = None if material.out_of_fold is None else material.out_of_fold[single]
        source, truth = "out_of_fold", material.train.columns[single]
    if proba is None or len(truth) < FEWEST_TO_TRUST:
        return None
    return {"source": source, **asdict(calibration.reliability(proba, truth, seed=material.seed))}


def _curves(material: _Material, order: IntArray, strategies: list[str | None]) -> dict[str, Any]:
    counts = learning_curve.spread_counts(len(order))
    answers = _answers(material, order, counts)
    arms = split_arms(
        np.array([s == "random" for s in strategies], np.bool_),
        np.array([s not in (None, "random", *NOT_RANKED) for s in strategies], np.bool_),
    )
    return {
        "curve": _points(material, answers, counts),
        "forecast": {score: _forecast(material, answers, counts, score) for score in ("accuracy", "macro_f1")},
        "arms": _arms(material, order, arms),
    }


def _answers(material: _Material, rows: IntArray, counts: tuple[int, ...]) -> IntArray:
    material.let_people_pass()
    return learning_curve.answers_along(
        material.train_features[rows],
        material.train.columns[rows],
        material.test_features,
        counts=counts,
        k=material.k,
        prior_mean=material.prior_mean,
    )


def _points(material: _Material, answers: IntArray, counts: tuple[int, ...]) -> list[dict[str, Any]]:
    points = learning_curve.points(
        answers, material.test.columns, counts=counts, k=material.k, writers=material.test_writers
    )
    return [asdict(point) for point in points]


def _forecast(
    material: _Material, answers: IntArray, counts: tuple[int, ...], score: Literal["accuracy", "macro_f1"]
) -> dict[str, Any] | None:
    truth = material.test.columns
    material.let_people_pass()
    drawn = forecast.drawn_scores(answers, truth, k=material.k, score=score, seed=material.seed)
    points = learning_curve.points(answers, truth, counts=counts, k=material.k)
    scores = np.array([getattr(point, score).value for point in points])
    prediction = forecast.forecast(counts, drawn, scores, score=score, ahead=AHEAD, seed=material.seed)
    return None if prediction is None else asdict(prediction)


def _arms(material: _Material, order: IntArray, arms: Arms) -> dict[str, Any]:
    """Compare labels that the strategy chose with as many that were drawn at random, on the same test diaries."""
    sizes = {"shared": arms.shared, "chosen_count": len(arms.chosen), "random_count": len(arms.random)}
    if arms.count < learning_curve.FEWEST:
        return {"count": 0, **sizes}
    counts = learning_curve.round_counts(arms.count)
    chosen = _answers(material, order[arms.chosen], counts)
    drawn = _answers(material, order[arms.random], counts)
    truth = material.test.columns
    change = macro_f1.change(drawn[-1], chosen[-1], truth, k=material.k)
    return {
        "count": arms.count,
        **sizes,
        "chosen": _points(material, chosen, counts),
        "random": _points(material, drawn, counts),
        "gap": None if arms.count < FEWEST_TO_COMPARE else asdict(_gap(material, order, arms)),
        "f1_change": asdict(change),
    }


def _gap(material: _Material, order: IntArray, arms: Arms) -> metrics.Interval:
    chosen, random = (
        (material.train_features[rows], material.train.columns[rows])
        for rows in (order[arms.chosen[: arms.count]], order[arms.random[: arms.count]])
    )
    test = (material.test_features, material.test.columns)
    return accuracy_gap(chosen, random, test, k=material.k, seed=material.seed, prior_mean=material.prior_mean)


def _doubts(material: _Material) -> tuple[list[NewDoubt], dict[str, float]]:
    """Return the doubt about each training label, and the probability of the other label for each doubted decision.

    Labels of test diaries are not doubted: mending only those that the model doubts would bend what it is measured on.
    """
    if material.out_of_fold is None:
        return [], {}
    train, doubts = material.train, label_errors.find_doubts(material.out_of_fold, material.train.columns)
    new_doubts = [
        NewDoubt(int(decision), int(diary), float(quality), material.label_ids[int(suggested)], bool(flagged))
        for decision, diary, quality, suggested, flagged in zip(
            train.decision_ids, train.diary_ids, doubts.quality, doubts.suggested, doubts.flagged, strict=True
        )
    ]
    doubted = doubts.order[: min(MOST_DOUBTS, int(doubts.flagged.sum()))]
    proba = {str(int(train.decision_ids[row])): round(float(doubts.suggested_proba[row]), 4) for row in doubted}
    return new_doubts, proba
