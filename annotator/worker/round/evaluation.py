"""What a round measures before it decides: the new version against the one in force, and the best one before it."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator.training.evaluation import FEWEST_TO_TRUST
from annotator.training.prediction_sets import PROMISED
from learner.active_learning import forecast
from learner.classification import macro_f1, metrics, prediction_sets, promotion
from learner.classification.design_effect import design_effect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from db.models.models import Model
    from learner.classification.promotion import Comparison

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]


_EXAMPLES = 2
"""Diaries whose answer changed that a report names."""


def figures(proba: FloatArray, truth: IntArray, *, writers: IntArray | None = None) -> dict[str, Any]:
    """Return a version's results on test diaries, ready for JSON; see `annotator.training.evaluation.Evaluation`.

    Args:
        proba: (n, k); truth: (n,) columns.
        writers: (n,) equal for diaries of one writer, where whole writers were drawn.
    """
    effect = 1.0 if writers is None else design_effect(_answers(proba) == truth, writers)
    named = macro_f1.macro_f1(_answers(proba), truth, k=proba.shape[1], effect=effect)
    return {
        **asdict(metrics.evaluate(proba, truth, effect=effect)),
        "macro_f1": named.value,
        "macro_f1_low": named.low,
        "macro_f1_high": named.high,
        "macro_f1_columns": named.columns,
    }


def promise(proba: FloatArray, truth: IntArray, *, groups: IntArray) -> dict[str, Any] | None:
    """Return what sets of labels can promise, ready for JSON; None with too few test diaries.

    Args:
        groups: (n,) test diaries of one writer share a number.
    """
    if len(truth) < FEWEST_TO_TRUST:
        return None
    promised = prediction_sets.promise(proba, truth, level=PROMISED, groups=groups)
    return None if promised is None else asdict(promised)


def comparison(before: FloatArray, after: FloatArray, truth: IntArray) -> dict[str, Any]:
    """Return the measured difference between two versions, ready for JSON.

    ``p`` is McNemar's, of equal shares of right answers; ``change`` and ``f1_change`` say by how much accuracy and
    macro F1 rose, with their 95 % intervals.

    Args:
        before, after: (n, k) of the same labels; truth: (n,) columns.
    """
    return _stored(promotion.compare_proba(before, after, truth))


def weigh(
    after: FloatArray, before: FloatArray | None, best: tuple[Model, IntArray] | None, truth: IntArray, *, look: int
) -> dict[str, Any]:
    """Return what speaks for the new version and against it, and by what it is held back, ready for JSON.

    Args:
        before: (n, k) of the version in force; None if that can't be compared.
        best: the best version that has served before that, and its answers; None if there is none.
        look: which comparison of two versions this is in the project, from 1 on.
    """
    in_force = None if before is None else promotion.compare_proba(before, after, truth)
    against_best = None if best is None else promotion.compare(best[1], _answers(after), truth, k=after.shape[1])
    report: dict[str, Any] = {"held_back_by": promotion.held_back_by(in_force, against_best)}
    if in_force is not None:
        report |= {**_stored(in_force), "look": look}
    if best is not None and against_best is not None:
        report["best"] = {"version": best[0].version, **_stored(against_best)}
    return report


def _stored(compared: Comparison) -> dict[str, Any]:
    return {"p": compared.p, "change": asdict(compared.change), "f1_change": asdict(compared.f1_change)}


def _answers(proba: FloatArray) -> IntArray:
    answers: IntArray = proba.argmax(axis=1)
    return answers


def changed_answers(
    before: FloatArray, after: FloatArray, label_ids: Sequence[int], *, may_name: Callable[[int], bool]
) -> dict[str, Any] | None:
    """Return how many answers a new version has changed, and the clearest changes, ready for JSON; None without any.

    Args:
        before, after: (rows, k) predictions by diary id - 1, NaN where there is none; as many columns in both.
        label_ids: (k,) of the columns.
        may_name: whether a diary, by its id, may be shown with an answer.
    """
    old, new, both = _both(before, after)
    if not both.any():
        return None
    flipped = np.flatnonzero(both & (old.argmax(1) != new.argmax(1)))
    rise = new[flipped].max(axis=1) - old[flipped, new[flipped].argmax(1)]
    by_rise = flipped[np.argsort(-rise, kind="stable")].tolist()
    clearest = islice((row for row in by_rise if may_name(row + 1)), _EXAMPLES)
    examples = [
        {"diary_id": row + 1, "before": label_ids[int(old[row].argmax())], "after": label_ids[int(new[row].argmax())]}
        for row in clearest
    ]
    return {"n": int(both.sum()), "count": len(flipped), "examples": examples}


def stability(before: FloatArray, after: FloatArray) -> dict[str, Any]:
    """Return how similar the answers of two versions are on diaries that both have predicted, ready for JSON.

    Args:
        before, after: (rows, k) predictions by diary id - 1, NaN where there is none; as many columns in both.
    """
    old, new, both = _both(before, after)
    return asdict(forecast.stability(old[both].argmax(1), new[both].argmax(1), k=after.shape[1]))


def _both(before: FloatArray, after: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return two versions' predictions of the same rows, and which rows both have predicted."""
    rows = min(len(before), len(after))
    old, new = before[:rows], after[:rows]
    return old, new, ~(old != old).any(axis=1) & ~(new != new).any(axis=1)  # NaN differs from itself
