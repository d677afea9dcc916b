"""Accuracy on diaries that are made up otherwise than the test diaries: by strata, weighted by what is asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from learner.classification.metrics import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 10
"""Test decisions of a stratum below which nothing is said about it."""

MOST_UNKNOWN = 0.2
"""Share of what is asked about in strata with too few test decisions, above which there is no figure for the whole."""

_DRAWS = 20_000


def post_stratified(right: Sequence[int], counts: Sequence[int], weights: Sequence[float]) -> Interval | None:
    """Return the accuracy on a mixture of strata with its 95 % interval, or None where too much of it is unknown.

    A stratum that has few test decisions and little weight counts as what they say at a uniform guess's width.

    Args:
        right, counts: right answers and test decisions by stratum.
        weights: how many diaries each stratum has among those asked about.

    Source: post-stratification with independent Beta posteriors and Jeffreys' prior (Brown, Cai and DasGupta 2001).
    """
    hits, n, share = (np.asarray(values, np.float64) for values in (right, counts, weights))
    if not share.sum():
        return None
    share = share / share.sum()
    if share[n < FEWEST].sum() > MOST_UNKNOWN:
        return None
    drawn = np.random.default_rng(0).beta(hits + 0.5, n - hits + 0.5, (_DRAWS, len(n))) @ share
    known = n >= FEWEST
    value = np.where(known, hits / np.maximum(n, 1), (hits + 0.5) / (n + 1)) @ share
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(value), float(min(low, value)), float(max(high, value)))
