"""Which version of a classifier serves: the rule, as a function of what two versions answer and what is true."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from learner.classification import comparison, macro_f1

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from learner.classification.macro_f1 import NamedF1
    from learner.classification.metrics import Interval

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

HELD_BELOW = 0.4
"""P value below which a version that is right less often is held back; chosen in docs/learning.md.

Far from a proof: putting a worse version in force costs more than going on with the present one for a round.
"""

LESS_LIKELY_BELOW = 0.2
"""One-sided p value of the log scores below which a version that is right less often is held back.

Half of the bad imports that few test decisions can't tell by right answers alone; chosen in docs/learning.md.
"""

FEWEST_TO_TEST = 30
"""Test decisions below which a version that is right less often is held back whatever the p value.

So few can hardly give a small one: of 25 they let half of the bad imports pass. Chosen in docs/learning.md.
"""

FEWEST_TO_HOLD_BACK = 10
"""Test decisions below which nothing holds a version back: one right answer less of five says nothing.

A first round would otherwise often stay behind the model that has learned from no label.
"""

HeldBackBy = Literal["accuracy", "log_score", "macro_f1", "best"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A version against another one on the same n diaries.

    Attributes:
        change: by how much the accuracy of the second is higher.
        p: two-sided p value that both are right equally often.
        f1_change: by how much its macro F1 is higher, over the labels with enough test decisions.
        log_score_p: one-sided p value that it gives what is true no less probability; None where only answers are
            known.
    """

    n: int
    change: Interval
    p: float
    f1_change: NamedF1
    log_score_p: float | None = None


def compare(before: IntArray, after: IntArray, truth: IntArray, *, k: int) -> Comparison:
    """Compare two versions.

    Args:
        before, after, truth: (n,) columns in [0, k).
    """
    before_right, after_right = before == truth, after == truth
    return Comparison(
        len(truth),
        comparison.accuracy_change(before_right, after_right),
        comparison.mcnemar(before_right, after_right),
        macro_f1.change(before, after, truth, k=k),
    )


def compare_proba(before: FloatArray, after: FloatArray, truth: IntArray) -> Comparison:
    """Compare two versions by their probabilities, (n, k) of the same labels, so that these count as well."""
    compared = compare(before.argmax(axis=1), after.argmax(axis=1), truth, k=after.shape[1])
    return replace(compared, log_score_p=comparison.log_score_p(before, after, truth))


def best_of(served: Sequence[IntArray], truth: IntArray) -> int:
    """Return the place of the version that is right most often; of several, the last.

    Args:
        served: (n,) answers of each version that has served, oldest first; at least one.
    """
    return max(range(len(served)), key=lambda place: (int((served[place] == truth).sum()), place))


def held_back_by(in_force: Comparison | None, best: Comparison | None = None) -> HeldBackBy | None:
    """Return what a new version is held back by; None if it serves.

    Args:
        in_force: the new version against the one in force; None if that can't answer these diaries.
        best: the new version against the best that has served so far, if that is another one.
    """
    if in_force is not None and _seems_lower(in_force):
        return "accuracy"
    if best is not None and _seems_lower(best):
        return "best"
    if in_force is not None and _is_less_likely(in_force):
        return "log_score"
    if in_force is not None and in_force.n >= FEWEST_TO_TEST and in_force.f1_change.high < 0:
        return "macro_f1"
    return None


def _seems_lower(comparison: Comparison) -> bool:
    if comparison.n < FEWEST_TO_HOLD_BACK or comparison.change.value >= 0:
        return False
    return comparison.n < FEWEST_TO_TEST or comparison.p < HELD_BELOW


def _is_less_likely(comparison: Comparison) -> bool:
    """Return whether a version is right less often, and gives what is true less probability as well."""
    p = comparison.log_score_p
    is_lower = comparison.n >= FEWEST_TO_TEST and comparison.change.value < 0
    return is_lower and p is not None and p < LESS_LIKELY_BELOW
