"""The study of a round, read from its report, and the conclusions that it supports."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from annotator.training.evaluation import FEWEST_TO_TRUST
from db.answers import decisions, training_data
from db.models import models, predictions, rounds
from learner.active_learning.arms import FEWEST_TO_COMPARE as FEWEST_TO_COMPARE
from learner.active_learning.learning_curve import FEWEST
from learner.active_learning.learning_curve import Point as Point
from learner.classification import calibration
from learner.classification.metrics import Interval as Interval
from learner.classification.metrics import wilson as wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from db import Database
    from db.models.models import Model
    from db.models.rounds import Round
    from learner.classification.calibration import Unsure as Unsure

Score = Literal["accuracy", "macro_f1"]

SCORES: tuple[Score, ...] = ("accuracy", "macro_f1")

WORTH_IT = 0.01
"""Gain of the next 100 labels below which they are hardly worth their hours: one point."""

FEWEST_FOR_CURVE = FEWEST
"""Labels from which a curve is drawn."""

STEADY = 0.99
"""Agreement of versions, mean of three, at which predictions count as settled.

Source: Bloodgood and Vijay-Shanker (2009), sec. 4.
"""

_FEWEST_NEW = 10
"""New labels below which a version agrees with the one before whatever the labels say."""

_STEADY_OVER = 3

Advice = Literal["go_on", "little", "unclear"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the next `ahead` labels would add: `gain`, and the score after them."""

    ahead: int
    gain: Interval
    score: float

    @property
    def advice(self) -> Advice:
        """Return whether to go on labelling, as far as the interval tells."""
        if self.gain.high < WORTH_IT:
            return "little"
        return "go_on" if self.gain.low > 0 else "unclear"


@dataclass(frozen=True, slots=True)
class Arms:
    """Labels chosen by the strategy beside labels drawn at random.

    Attributes:
        count: at how many labels each they were compared; 0 if they could not be.
        shared: the random start that both begin with.
        chosen_count, random_count: labels that each could have.
        gap: by how much the chosen ones are more often right, with the luck of labels and of test diaries in its
            interval; None where there are too few labels, or in studies of older releases.
        f1_change: by how much the macro F1 of the chosen ones is higher.
    """

    count: int
    shared: int
    chosen_count: int
    random_count: int
    chosen: tuple[Point, ...]
    random: tuple[Point, ...]
    gap: Interval | None
    f1_change: Interval | None

    @property
    def verdict(self) -> Literal["none", "few", "better", "worse", "chance"]:
        """Return the strongest claim that the figures support about choosing instead of random drawing."""
        if not self.count:
            return "none"
        if self.gap is None:
            return "few"
        if self.gap.low <= 0 <= self.gap.high:
            return "chance"
        return "better" if self.gap.low > 0 else "worse"


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Diaries of which the model is about equally sure, and how often it was right on them.

    Attributes:
        ends: the confidence where the bin begins and ends; None in studies of earlier releases.
    """

    n: int
    confidence: float
    right: Interval
    ends: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well confidence fits the share of right answers.

    Attributes:
        source: whether it was measured on the test diaries, or on training labels by heads that had not seen them.
        error: expected calibration error.
    """

    source: Literal["test", "out_of_fold"]
    n: int
    bins: tuple[ReliabilityBin, ...]
    error: Interval
    brier: float
    confidence: float
    right: float

    @property
    def example(self) -> ReliabilityBin:
        """Return the bin to mention in a sentence: the one nearest to 80 % confidence."""
        return min(self.bins, key=lambda b: abs(b.confidence - 0.8))


@dataclass(frozen=True, slots=True)
class Study:
    """The results of a study after a round; None or empty if there was too little data.

    Attributes:
        test_count: decided test diaries that curve, forecasts and arms were measured on.
        is_of_serving: whether it is about the version that serves now.
    """

    reliability: Reliability | None
    curve: tuple[Point, ...]
    forecasts: dict[Score, Forecast]
    arms: Arms | None
    test_count: int = 0
    is_of_serving: bool = False


def find_study(db: Database) -> Study | None:
    """Return the study of the newest round that was studied, if there is one."""
    studied = next((r for r in reversed(rounds.list_rounds(db)) if r.status == "done" and "study" in r.report), None)
    if studied is None:
        return None
    test_count = int((studied.report.get("after") or {}).get("n", 0))
    is_of_serving = studied.model_id is not None and studied.model_id == models.find_active_id(db)
    return replace(read_study(studied.report["study"]), test_count=test_count, is_of_serving=is_of_serving)


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a study drew no curve: ``test`` for too few test labels, ``labels`` for too few others, or ``tuned``.

    Attributes:
        count: how many there were.
    """

    what: Literal["test", "labels", "tuned"]
    count: int


def find_missing(db: Database) -> Missing:
    """Return what the newest study lacked to draw a curve."""
    studied = [r for r in rounds.list_rounds(db) if r.status == "done" and "study" in r.report]
    report = studied[-1].report if studied else {}
    test = int((report.get("after") or {}).get("n", 0))
    if test < FEWEST_TO_TRUST:
        return Missing("test", test)
    train = int(report.get("train", 0))
    return Missing("labels" if train < FEWEST_FOR_CURVE else "tuned", train)


def is_due(db: Database) -> bool:
    """Return whether the newest finished round still waits for its study."""
    done = [r for r in rounds.list_rounds(db) if r.status == "done" and r.model_id is not None]
    return bool(done) and "study" not in done[-1].report


def read_study(stored: dict[str, Any]) -> Study:
    """Return a stored study."""
    forecasts = stored.get("forecast") or {}
    return Study(
        reliability=_reliability(stored.get("reliability")),
        curve=_points(stored.get("curve")),
        forecasts={name: _forecast(forecasts[name]) for name in SCORES if forecasts.get(name)},
        arms=_arms(stored.get("arms")),
    )


def _interval(stored: dict[str, Any]) -> Interval:
    return Interval(float(stored["value"]), float(stored["low"]), float(stored["high"]))


def _points(stored: list[dict[str, Any]] | None) -> tuple[Point, ...]:
    return tuple(Point(int(p["count"]), _interval(p["accuracy"]), _interval(p["macro_f1"])) for p in stored or ())


def _forecast(stored: dict[str, Any]) -> Forecast:
    gain = Interval(float(stored["gain"]), float(stored["low"]), float(stored["high"]))
    return Forecast(int(stored["ahead"]), gain, float(stored["score"]))


def _arms(stored: dict[str, Any] | None) -> Arms | None:
    if stored is None:
        return None
    change = stored.get("f1_change")
    return Arms(
        count=int(stored["count"]),
        shared=int(stored["shared"]),
        chosen_count=int(stored["chosen_count"]),
        random_count=int(stored["random_count"]),
        chosen=_points(stored.get("chosen")),
        random=_points(stored.get("random")),
        gap=_interval(stored["gap"]) if stored.get("gap") else None,
        f1_change=None if change is None else _interval(change),
    )


def _reliability(stored: dict[str, Any] | None) -> Reliability | None:
    if not stored or not stored["bins"]:
        return None
    bins = tuple(
        ReliabilityBin(
            int(b["n"]),
            b["confidence"],
            Interval(b["right"], b["right_low"], b["right_high"]),
            (b["low"], b["high"]) if "low" in b else None,
        )
        for b in stored["bins"]
    )
    return Reliability(
        source=stored["source"],
        n=int(stored["n"]),
        bins=bins,
        error=Interval(stored["ece"], stored["ece_low"], stored["ece_high"]),
        brier=float(stored["brier"]),
        confidence=float(stored["confidence"]),
        right=float(stored["right"]),
    )


@dataclass(frozen=True, slots=True)
class Steadiness:
    """How much predictions still change from version to version.

    Attributes:
        n: diaries that both of the newest two versions have predicted.
        changed: share of these whose answer the newest version changed.
        kappa: agreement of successive versions beyond chance, mean over `over` of them.
    """

    n: int
    changed: float
    kappa: float
    over: int

    @property
    def is_settled(self) -> bool:
        """Return whether predictions hardly change any more, by three versions in a row."""
        return self.over == _STEADY_OVER and self.kappa >= STEADY


def find_steadiness(db: Database) -> Steadiness | None:
    """Return how much predictions change; None until a second version has learned enough new labels."""
    reports = [r.report["stability"] for r in rounds.list_rounds(db) if _counts_for_steadiness(r)][-_STEADY_OVER:]
    if not reports:
        return None
    newest, kappa = reports[-1], float(np.mean([s["kappa"] for s in reports]))
    return Steadiness(int(newest["n"]), float(newest["changed"]), kappa, len(reports))


def _counts_for_steadiness(done: Round) -> bool:
    stability = done.report.get("stability")
    enough = int(done.report.get("new", 0)) >= _FEWEST_NEW
    return bool(stability and enough and stability["n"] and not math.isnan(stability["kappa"]))


def find_unsure(db: Database, *, error: float) -> tuple[Unsure, int] | None:
    """Return below which confidence answers to undecided diaries should not be taken, and how many there are.

    Args:
        error: the largest expected share of wrong answers among those taken.
    """
    active = models.find_active(db)
    if active is None or not active.training_decisions:
        return None
    proba = predictions.load_predictions(db, active)
    confidence = proba.max(axis=1, initial=-np.inf)
    tested = _tested(db, active, proba)
    decided = decisions.list_decided_ids(db)
    confidence[decided[decided <= len(confidence)] - 1] = np.nan
    undecided: NDArray[np.float32] = confidence[np.isfinite(confidence)]
    if not len(undecided):
        return None
    return calibration.find_unsure(undecided, error=error, tested=tested), len(undecided)


def _tested(db: Database, active: Model, proba: NDArray[np.float32]) -> calibration.CheckedAnswers:
    """Return the active version's answers to decided test diaries, of those that it has predicted."""
    column_of = {label_id: column for column, label_id in enumerate(active.label_ids)}
    test = training_data.list_labelled(db, part="test")
    column_by_place = {
        diary_id - 1: column_of[label_id]
        for diary_id, label_id in zip(test.diary_ids.tolist(), test.label_ids.tolist(), strict=True)
        if label_id in column_of and diary_id <= len(proba) and np.isfinite(proba[diary_id - 1, 0])
    }
    places, truth = np.array(list(column_by_place.items()), np.int64).reshape(-1, 2).T
    return calibration.CheckedAnswers(proba[places].max(axis=1, initial=0.0), proba[places].argmax(axis=1) == truth)
