"""What a round measures before it decides: the new version compared with the old one, on the same test diaries."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from annotator.training.evaluation import FEWEST_TO_TRUST, SIGNIFICANCE
from annotator.training.prediction_sets import PROMISED
from learner.active_learning import forecast
from learner.classification import macro_f1, metrics, prediction_sets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]


def figures(proba: FloatArray, truth: IntArray) -> dict[str, Any]:
    """Return a version's results on test diaries, ready for JSON; see `annotator.training.evaluation.Evaluation`.

    Args:
        proba: (n, k); truth: (n,) columns.
    """
    named = macro_f1.macro_f1(_answers(proba), truth, k=proba.shape[1])
    return {
        **asdict(metrics.evaluate(proba, truth)),
        "macro_f1": named.value,
        "macro_f1_low": named.low,
        "macro_f1_high": named.high,
        "macro_f1_columns": named.columns,
    }


def promise(proba: FloatArray, truth: IntArray) -> dict[str, Any] | None:
    """Return what sets of labels can promise, ready for JSON; None with too few test diaries."""
    if len(truth) < FEWEST_TO_TRUST:
        return None
    promised = prediction_sets.promise(proba, truth, level=PROMISED)
    return None if promised is None else asdict(promised)


def comparison(before: FloatArray, after: FloatArray, truth: IntArray) -> dict[str, Any]:
    """Return the measured difference between two versions, ready for JSON.

    ``p`` is McNemar's, of equal shares of right answers; ``f1_change`` is by how much the macro F1 rose, with its
    95 % interval.
    """
    old, new = _answers(before), _answers(after)
    change = macro_f1.change(old, new, truth, k=after.shape[1])
    return {"p": metrics.mcnemar(old == truth, new == truth), "f1_change": asdict(change)}


def _answers(proba: FloatArray) -> IntArray:
    answers: IntArray = proba.argmax(axis=1)
    return answers


def why_held_back(report: dict[str, Any]) -> Literal["accuracy", "macro_f1"] | None:
    """Return the figure by which the new version is worse than the old one by more than chance; None if there is none.

    The macro F1 counts only where there are enough test diaries for a bootstrap to mean anything. It is there
    because a version that gives up a rare label loses hardly any accuracy.
    """
    if "before" not in report:
        return None
    if report["after"]["accuracy"] < report["before"]["accuracy"] and report["p"] < SIGNIFICANCE:
        return "accuracy"
    change = report.get("f1_change")
    if change and report["after"]["n"] >= FEWEST_TO_TRUST and change["high"] < 0:
        return "macro_f1"
    return None


def stability(before: FloatArray, after: FloatArray) -> dict[str, Any]:
    """Return how similar the answers of two versions are on diaries that both have predicted, ready for JSON.

    Args:
        before, after: (rows, k) predictions by diary id - 1, NaN where there is none; as many columns in both.
    """
    rows = min(len(before), len(after))
    old, new = before[:rows], after[:rows]
    both = ~(old != old).any(axis=1) & ~(new != new).any(axis=1)  # NaN differs from itself
    return asdict(forecast.stability(old[both].argmax(1), new[both].argmax(1), k=after.shape[1]))
