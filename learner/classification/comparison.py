"""Two classifiers on the same diaries: by how much the second is better, and whether chance explains the difference."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from learner.classification.metrics import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

_Z = 1.959963984540054
_LEAST_PROBABILITY = 1e-3
"""Probability below which a wrong answer counts no more, so that no single diary decides."""

_HALVINGS = 40
"""Steps of the bisection behind an interval: its ends are exact to 10⁻¹²."""

LOOKS_ERROR = 0.05
"""Chance that two equal classifiers are ever called different, however often somebody looks."""

_FIRST_LOOKS = 10
"""Looks that share the first half of that chance; twice as many share the next quarter, and so on.

Chosen in docs/learning.md: a longer first block finds differences later, a shorter one hardly after it.
"""


def discordant(before_right: BoolArray, after_right: BoolArray) -> tuple[int, int]:
    """Return on how many diaries only the second classifier is right, and on how many only the first."""
    return int((after_right & ~before_right).sum()), int((before_right & ~after_right).sum())


def mcnemar(before_right: BoolArray, after_right: BoolArray) -> float:
    """Return the two-sided p value that two classifiers are equally often right on the same diaries.

    The exact test on the diaries where only one of the two is right; 1.0 where there are none.

    Source: McNemar (1947), exact binomial form.
    """
    gained, lost = discordant(before_right, after_right)
    count, ways, as_few = gained + lost, 1, 1
    for i in range(min(gained, lost)):
        ways = ways * (count - i) // (i + 1)
        as_few += ways
    return min(1.0, 2 * as_few / (1 << count))


def log_score_p(before: FloatArray, after: FloatArray, truth: IntArray) -> float:
    """Return the one-sided p value that the second classifier gives what is true no less probability than the first.

    The paired t test on the logarithms: it hears of every diary, McNemar's only of those where one of the two is
    right. 1.0 with fewer than two diaries.

    Args:
        before, after: (n, k) probabilities; truth: (n,) columns in [0, k).

    Source: Gneiting and Raftery (2007), Strictly proper scoring rules, prediction, and estimation.
    """
    import numpy as np
    from scipy.special import stdtr  # not with the module: pages read it

    rows = np.arange(len(truth))
    scores = [np.log(np.maximum(proba[rows, truth].astype(float), _LEAST_PROBABILITY)) for proba in (before, after)]
    gain = scores[1] - scores[0]
    if len(gain) < 2:
        return 1.0
    spread = float(gain.std(ddof=1))
    if spread == 0:
        return 0.0 if gain[0] < 0 else 1.0
    return float(stdtr(len(gain) - 1, gain.mean() / (spread / math.sqrt(len(gain)))))


def level_of_look(look: int) -> float:
    """Return the p value below which the look of this number may call two classifiers different.

    The levels of all looks sum to `LOOKS_ERROR`, so two equal classifiers are called different in at most that share
    of projects, whatever the classifiers and however their figures hang together: half of it over the first ten
    looks, a quarter over the next twenty, an eighth over the next forty.

    Args:
        look: 1 for the first.

    Source: Dunn (1961), Multiple comparisons among means: Bonferroni's inequality, over looks.
    """
    block = int(math.log2((look - 1) / _FIRST_LOOKS + 1))
    return LOOKS_ERROR / 2 / (_FIRST_LOOKS * 4.0**block)


def accuracy_change(before_right: BoolArray, after_right: BoolArray) -> Interval:
    """Return by how much the second classifier's accuracy is higher on the same diaries, with its 95 % interval.

    The changes that a score test does not reject. The plain interval has width zero where both are right on the same
    diaries, and Bonett and Price's covers 98 to 100 % where few diaries differ.

    Source: Tango (1998), Equivalence test and confidence interval for the difference in proportions for the
        paired-sample design.
    """
    n = len(before_right)
    if not n:
        return Interval(float("nan"), -1.0, 1.0)
    gained, lost = discordant(before_right, after_right)
    low, high = -_highest_change(lost, gained, n), _highest_change(gained, lost, n)
    return Interval((gained - lost) / n, low, high)


def _highest_change(gained: int, lost: int, n: int) -> float:
    """Return the largest change that the score test does not reject, by bisection: its statistic falls steadily."""
    low, high = (gained - lost) / n, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _score(gained, lost, n, middle) > -_Z else (low, middle)
    return high if high < 1.0 else 1.0


def _score(gained: int, lost: int, n: int, change: float) -> float:
    """Return the score statistic of a supposed change, standard normal if that is the true one."""
    half = (2 * n - gained + lost) * change - gained - lost
    share_lost = (math.sqrt(max(0.0, half * half + 8 * n * lost * change * (1 - change))) - half) / (4 * n)
    variance = n * (2 * share_lost + change * (1 - change))
    return (gained - lost - n * change) / math.sqrt(variance) if variance > 0 else -math.inf
