"""Which decided diaries are worth a second look: four signals, and the expected error that follows from them.

Each signal has a strength in [0, 1], 0 where it did not fire. Columns are in the order of `SIGNALS`:

- ``low_confidence``: how little a model that has not seen the label believes in it;
- ``disagreement``: the share of people who say something else;
- ``label_error``: by how much another label is likelier, where confident learning takes the label for a mistake;
- ``odd_explanation``: the model is sure, but its strongest word is a particle, punctuation or a filler.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from learner.text.lemmas import find_words
from learner.text.negation import find_groups, merge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from learner.text.characters import Spans

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Proba = NDArray[np.float32]

SIGNALS = ("low_confidence", "disagreement", "label_error", "odd_explanation")

UNSURE_FROM = 0.5
"""Low confidence fires where the label is less likely than all others together."""

SURE_FROM = 0.7
"""Confidence from which an answer without a word that carries meaning is odd; below it the model says so itself."""

LEAST_WEIGHT = 0.02
"""A strongest word that weighs less moves a probability by at most half a point, so it doesn't count as one."""

_FILLERS = frozenset({"그냥", "막", "좀", "음", "어", "뭐", "이제", "또", "더", "근데", "그런", "이런", "저런"})
"""Forms of `learner.text.lemmas` that say nothing of a mood by themselves."""


class Weights(NamedTuple):
    """Logistic weights of the expected error: a constant and one for each signal, all but the constant at least 0."""

    constant: float
    low_confidence: float
    disagreement: float
    label_error: float
    odd_explanation: float


PRIOR = Weights(-4.1, 0.45, 8.0, 2.7, 1.0)
"""The weights before anybody has reviewed. `benchmarks/audit_queue.py` fits constant, confidence and label error on
labels that were flipped; 8 makes two people who disagree right about equally often; the last one is a guess, small."""

_PRIOR_SPREAD = Weights(1.0, 0.3, 3.0, 1.0, 1.0)
"""How far reviews can easily move a weight: the standard deviation of its normal prior."""

_MOST_LOGIT = 6.0


@dataclass(frozen=True, slots=True)
class Votes:
    """People's decisions on diaries, one row a diary.

    Attributes:
        items: (n,) the diaries, ascending.
        columns: (n,) the label in force: the one that most people chose, of equals the newest.
        rows: (n,) row of the newest decision for that label.
        disagreement: (n,) share of the people who say something else, in [0, 1).
    """

    items: IntArray
    columns: IntArray
    rows: IntArray
    disagreement: FloatArray


def count_votes(items: IntArray, columns: IntArray) -> Votes:
    """Return the label in force of each diary, and how far people disagree.

    Args:
        items, columns: (m,) the diary and the label of one decision each, oldest first, at most one a person and diary.
    """
    pairs, where, counts = np.unique(np.stack([items, columns]), axis=1, return_inverse=True, return_counts=True)
    newest = np.zeros(pairs.shape[1], np.int64)
    newest[where.reshape(-1)] = np.arange(len(items))
    # Ascending by diary, count, age: the last of each diary is in force.
    order = np.lexsort((newest, counts, pairs[0]))
    diaries, starts = np.unique(pairs[0][order], return_index=True)
    last = order[np.append(starts[1:], len(order)) - 1] if len(order) else order
    total = np.add.reduceat(counts[order], starts) if len(order) else counts
    return Votes(diaries, pairs[1][last], newest[last], 1 - counts[last] / np.maximum(total, 1))


def low_confidence(quality: FloatArray) -> FloatArray:
    """Return the strength of low confidence, (n,): 1 - probability of the given label, from `UNSURE_FROM` on.

    Args:
        quality: (n,) calibrated probability of the given label by a model that has not seen it, NaN where unknown.
    """
    strength = 1 - np.nan_to_num(quality, nan=1.0)
    return np.where(strength >= UNSURE_FROM, strength, 0.0)


def label_error(quality: FloatArray, suggested_proba: FloatArray, flagged: NDArray[np.bool_]) -> FloatArray:
    """Return the strength of a suspected label error, (n,): the margin by which another label is likelier.

    Args:
        quality, suggested_proba: (n,) of `learner.data_quality.label_issues.LabelIssues`; NaN where unknown.
        flagged: (n,) whether confident learning takes the label for a mistake.

    Source: Northcutt, Jiang and Chuang (2021), Confident Learning; Kuan and Mueller (2022), Model-agnostic label
        quality scoring, for the margin.
    """
    margin = np.clip(np.nan_to_num(suggested_proba) - np.nan_to_num(quality, nan=1.0), 0, 1)
    return np.where(flagged, margin, 0.0)


def implausible_explanation(text: str, spans: Spans, weights: Proba, *, proba: float) -> float:
    """Return the strength of an odd explanation: confidence times the share of its evidence that rests on nothing.

    It fires where the model is sure and the strongest unit holds no word that carries meaning: particles, endings,
    pronouns, conjunctions, numbers, punctuation and fillers. A negation and what it negates are one unit.

    Args:
        spans: the units of the explanation, half-open characters of the text.
        weights: (units, 1) of the predicted label, above 0 speaks for it.
        proba: of the predicted label.
    """
    if proba < SURE_FROM or not spans:
        return 0.0
    units, merged = merge(spans, weights, find_groups(text, spans))
    speaking = np.maximum(merged[:, 0], 0)
    strongest = int(speaking.argmax())
    if speaking[strongest] < LEAST_WEIGHT:
        return 0.0
    words = [word for word in find_words(text) if word.form not in _FILLERS]
    is_empty = np.array([not any(w.start < end and start < w.end for w in words) for start, end in units])
    return float(proba * speaking[is_empty].sum() / speaking.sum()) if is_empty[strongest] else 0.0


def expected_error(strengths: FloatArray, weights: Weights = PRIOR) -> FloatArray:
    """Return the probability that the label in force is wrong, (n,) in (0, 1).

    A logistic combination: each signal multiplies the odds of a mistake. Low confidence enters by its own odds, since
    0.99 says much more than 0.9; the others by their strength.

    Args:
        strengths: (n, 4) in [0, 1], columns in the order of `SIGNALS`.

    Source: logistic stacking of weak error detectors, as in Ratner et al. (2017), Snorkel, without their labels.
    """
    return np.asarray(1 / (1 + np.exp(-(_features(strengths) @ np.array(weights)))))


def calibrate(strengths: FloatArray, is_wrong: NDArray[np.bool_]) -> Weights:
    """Return the weights that fit the reviewers' findings, near `PRIOR` as long as there are few of them.

    Args:
        strengths: (n, 4) of diaries that were reviewed one by one.
        is_wrong: (n,) whether the label was corrected.

    Source: Bishop (2006), Pattern Recognition and Machine Learning, sec. 4.5.1: the maximum a posteriori of a
        logistic regression with a normal prior, by Newton's steps.
    """
    features, prior, precision = _features(strengths), np.array(PRIOR), 1 / np.square(_PRIOR_SPREAD)
    weights = prior.copy()
    for _ in range(20):
        wrong = 1 / (1 + np.exp(-(features @ weights)))
        slope = features.T @ (wrong - is_wrong) + precision * (weights - prior)
        curve = (features * (wrong * (1 - wrong))[:, None]).T @ features + np.diag(precision)
        step = np.linalg.solve(curve, slope)
        weights -= step
        if np.abs(step).max() < 1e-6:
            break
    return Weights(float(weights[0]), *np.maximum(weights[1:], 0).tolist())


def _features(strengths: FloatArray) -> FloatArray:
    unsure = np.clip(strengths[:, 0], UNSURE_FROM, 1)
    odds = np.minimum(np.log(unsure / np.maximum(1 - unsure, 1e-9)), _MOST_LOGIT)
    return np.column_stack([np.ones(len(strengths)), odds, strengths[:, 1:]])
