"""Clusters of texts by their vectors, and the words that tell each from the others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

FEWEST_CLUSTERS, MOST_CLUSTERS = 3, 24

_MOST_FITTED = 10_000
"""Texts that the centres come from: of 50,000 they would take four seconds and be no better by half a percent."""

WORDS = 6
"""Words that a cluster is named by."""

FEWEST_DIARIES = 3
"""Diaries of a cluster that a word stands in, so that none is named by what one writer said once."""

_PRIOR, _LEAST_PRIOR = 0.1, 0.01
"""Share of its count in all texts that each word is given beforehand, and what is added to that."""

_TELLING = 1.96
"""z score from which a word is more frequent in a cluster than chance makes it."""


def cluster_count(n: int) -> int:
    """Return how many clusters so many texts are divided into: a third of the root, from 3 to 24.

    500 texts make 7, and 5,000 the 24 that one still reads as a list.
    """
    return min(MOST_CLUSTERS, max(FEWEST_CLUSTERS, round(math.sqrt(n) / 3)), max(1, n // 3))


def divide(reduced: FloatArray, *, seed: int) -> IntArray:
    """Return the cluster of each text, (n,), numbered from the largest: k-means on the components of the layout.

    Args:
        reduced: (n, components), n >= 1.
    """
    from sklearn.cluster import KMeans

    count = cluster_count(len(reduced))
    some = np.random.default_rng(seed).permutation(len(reduced))[:_MOST_FITTED]
    cluster_of = KMeans(count, n_init=4, random_state=seed).fit(reduced[np.sort(some)]).predict(reduced)
    sizes = np.bincount(cluster_of, minlength=count)
    rank = np.empty(count, np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(count)
    return np.asarray(rank[cluster_of])


def telling_words(words: Sequence[Sequence[str]], clusters: IntArray, count: int) -> list[tuple[str, ...]]:
    """Return the words that are in a cluster's texts far more often than in the others, the most telling first.

    z scores of log odds with an informative Dirichlet prior: the prior has each word as frequent as in all texts, so
    that rare words need more evidence. Of each text a word counts once.

    Args:
        words: of each text.
        clusters: (n,) of each text, below `count`.

    Returns:
        For each cluster up to `WORDS` words; fewer, or none, where nothing tells it from the others.

    Source: Monroe, Colaresi and Quinn (2008), Fightin' Words, eq. 15, 16, 22 and 23.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(analyzer=set, min_df=FEWEST_DIARIES)
    try:
        there = vectorizer.fit_transform(words)
    except ValueError:  # no word is left
        return [()] * count
    forms = vectorizer.get_feature_names_out()
    within = np.stack([np.asarray(there[clusters == each].sum(axis=0)).ravel() for each in range(count)])
    scores = _log_odds(within.astype(np.float64))
    scores[within < FEWEST_DIARIES] = -np.inf
    best = [np.lexsort((forms, -row))[:WORDS] for row in scores]
    return [tuple(str(forms[i]) for i in order if scores[each, i] > _TELLING) for each, order in enumerate(best)]


def _log_odds(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return z scores of words, (clusters, words), positive where a cluster has a word more often than the others.

    Args:
        counts: (clusters, words).
    """
    everywhere = counts.sum(axis=0)
    prior = _PRIOR * everywhere + _LEAST_PRIOR
    others = everywhere - counts
    # Where there is but one word, nothing is left beside it.
    own_rest = np.maximum((counts.sum(axis=1) + prior.sum())[:, None] - counts - prior, _LEAST_PRIOR)
    other_rest = np.maximum((others.sum(axis=1) + prior.sum())[:, None] - others - prior, _LEAST_PRIOR)
    odds = np.log((counts + prior) / own_rest) - np.log((others + prior) / other_rest)
    return np.asarray(odds / np.sqrt(1 / (counts + prior) + 1 / (others + prior)))
