"""Labels that may be mistakes: confident learning on probabilities of heads that had not seen them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner.errors import LearnerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LabelIssues:
    """What a model says about given labels, one row each.

    Attributes:
        quality: (n,) probability of the given label, in [0, 1]; lower = look sooner, and the larger its loss.
        suggested: (n,) likeliest column other than the given one.
        suggested_proba: (n,) its probability, in [0, 1].
        flagged: (n,) whether confident learning takes the label for a mistake.
    """

    quality: FloatArray
    suggested: IntArray
    suggested_proba: FloatArray
    flagged: NDArray[np.bool_]

    @property
    def order(self) -> IntArray:
        """Return the rows in the order in which to look at them: flagged ones first, the lowest quality first."""
        return np.lexsort((self.quality, ~self.flagged))


def find_doubts(proba: FloatArray, labels: IntArray) -> LabelIssues:
    """Find labels that may be mistakes.

    Args:
        proba: (n, k) calibrated probabilities, each row by a head that had not seen the label of that row.
        labels: (n,) given columns in [0, k).

    Raises:
        LearnerError: for NaN in the probabilities.

    Source: Northcutt, Jiang and Chuang (2021), Confident Learning: Estimating Uncertainty in Dataset Labels;
        Kuan and Mueller (2022), Model-agnostic label quality scoring, for the order by the label's probability.
    """
    if not np.isfinite(proba).all():
        raise LearnerError("proba_not_finite", count=int((~np.isfinite(proba).all(axis=1)).sum()))
    rows = np.arange(len(labels))
    quality = proba[rows, labels]
    others = proba.copy()
    others[rows, labels] = -1
    suggested = others.argmax(axis=1)
    return LabelIssues(quality, suggested, others[rows, suggested], _flag(proba, labels))


def _flag(proba: FloatArray, labels: IntArray) -> NDArray[np.bool_]:
    """Return which labels confident learning takes for mistakes."""
    used = np.unique(labels)
    if len(used) < 2:  # nothing to mistake a label for
        return np.zeros(len(labels), np.bool_)
    from cleanlab.filter import find_label_issues

    # Labels that nobody gave have no threshold of their own, so their probability is left out.
    among = np.maximum(proba[:, used].astype(np.float64), 1e-12)
    among /= among.sum(axis=1, keepdims=True)
    issues = find_label_issues(np.searchsorted(used, labels), among, n_jobs=1)
    return np.asarray(issues, np.bool_)
