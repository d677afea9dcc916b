"""How often labels that were given to many at once are wrong, by members that were left out and asked about singly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from learner.classification.design_effect import design_effect
from learner.classification.metrics import Interval, wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What single answers say of labels that were given to many at once, each with its 95 % interval.

    Attributes:
        different: share of the labels that a single answer would differ from.
        wrong: share of them that are wrong: single answers may be wrong themselves. None where it isn't known how often
            people answer the same diary differently.
    """

    different: Interval
    wrong: Interval | None


def estimate(
    is_different: NDArray[np.bool_],
    worth: NDArray[np.float64],
    acts: NDArray[np.int64],
    *,
    repeated: tuple[int, int] | None = None,
) -> HeldOut:
    """Return how often labels that were given to many at once differ from single answers, and are wrong.

    Of small groups a larger share is left out, so each answer stands for as many labels as it was drawn from. Members
    of one group are alike: they count as fewer than they are.

    If single answers err by themselves and at random, two of them on one diary differ twice as often as one is wrong,
    so half of that is taken off; the bounds are put together as for independent estimates.

    Args:
        is_different: (n,) n >= 1, whether a single answer is another label than the group got.
        worth: (n,) for how many labels of the group it stands.
        acts: (n,) equal for members of one group.
        repeated: of diaries that somebody was asked about twice, how many got another answer, and how many there are;
            None for too few.

    Source: Horvitz and Thompson (1952) for the weights, Kish (1965) for what they leave of n; Zou and Donner (2008),
        Construction of confidence limits about effect measures, for the bounds of a difference.
    """
    share = float((worth * is_different).sum() / worth.sum())
    effect = design_effect(~is_different, acts)
    n = float(worth.sum() ** 2 / (worth**2).sum()) / effect
    different = Interval(share, *wilson(share * n, n))
    if repeated is None:
        return HeldOut(different, None)
    changed, count = repeated
    twice = Interval(changed / count, *wilson(changed, count))
    value = share - twice.value / 2
    low = value - math.hypot(share - different.low, (twice.high - twice.value) / 2)
    high = value + math.hypot(different.high - share, (twice.value - twice.low) / 2)
    return HeldOut(different, Interval(max(0.0, value), max(0.0, low), max(0.0, high)))
