"""Batch selection: of the diaries that a score ranks highest, those that differ, help rare labels or are typical."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner.active_learning import draws

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

NEAR_DUPLICATE = 0.95
"""Cosine of features from which two diaries count as saying the same."""

MOST_CLUSTERED = 20_000


@dataclass(slots=True)
class BatchSelector:
    """The diaries that a score ranks highest, from which batches are picked.

    Attributes:
        scores: (m,) higher = sooner.
        features: (m, features) of the diaries.
        proba: (m, k) of the diaries.
        label_counts: (k,) decided diaries of each label; diaries picked count for their likeliest label.
        reach: a batch is picked from the best `reach` times its size.
        spread, balance: see `learner.active_learning.query_strategies`.
    """

    scores: FloatArray
    features: FloatArray
    proba: FloatArray
    label_counts: IntArray
    reach: int
    spread: bool
    balance: bool

    def pick(self, size: int, *, batch: int) -> IntArray:
        """Return up to `size` places in the order of asking, batch by batch."""
        unit = scaled(self.features)
        waiting = np.argsort(-self.scores, kind="stable")
        counts = self.label_counts.copy()
        picked: list[int] = []
        while len(picked) < size and len(waiting):
            count = min(batch, size - len(picked))
            fresh = self._list_fresh(waiting, unit, count)
            chosen = self._fill(fresh, unit, counts, min(count, len(fresh)))
            picked += chosen.tolist()
            np.add.at(counts, self.proba[chosen].argmax(axis=1), 1)
            waiting = waiting[~np.isin(waiting, chosen)]
        return np.array(picked, np.int64)

    def _list_fresh(self, waiting: IntArray, unit: FloatArray, count: int) -> IntArray:
        """Return the best waiting places without near-duplicates, from as many as it takes to fill a batch."""
        reach = self.reach * count
        while True:
            window = waiting[:reach]
            fresh = window[first_of_kind(unit[window])]
            if len(fresh) >= count or reach >= len(waiting):
                return fresh
            reach *= 2

    def _fill(self, places: IntArray, unit: FloatArray, label_counts: IntArray, count: int) -> IntArray:
        if self.spread:
            return places[spread_out(unit[places], self.scores[places], count)]
        if self.balance:
            return places[balanced(self.proba[places], label_counts, count)]
        return places[:count]


def scaled(features: FloatArray) -> FloatArray:
    """Return features scaled to length 1."""
    return np.asarray(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9), np.float32)


def first_of_kind(unit: FloatArray) -> IntArray:
    """Return places, ascending, without those that are near-duplicates of an earlier place that stays.

    Args:
        unit: (m, features) of length 1.
    """
    alike = unit @ unit.T >= NEAR_DUPLICATE
    stays = np.ones(len(unit), np.bool_)
    for place in range(len(unit)):
        if stays[place]:
            stays[place + 1 :] &= ~alike[place, place + 1 :]
    return np.flatnonzero(stays)


def spread_out(unit: FloatArray, scores: FloatArray, count: int) -> IntArray:
    """Return `count` places: the best scored first, then always the one with the largest distance times score.

    The greedy form of k-means++: the distance is that to the nearest place already taken.

    Source: Arthur and Vassilvitskii (2007), k-means++; Zhdanov (2019), Diverse mini-batch Active Learning.
    """
    if not count:
        return np.zeros(0, np.int64)
    places = [int(np.argmax(scores))]
    distance = 1 - unit @ unit[places[0]]
    while len(places) < count:
        gain = np.maximum(distance, 0) * scores
        gain[places] = -1
        places.append(int(np.argmax(gain)))
        distance = np.minimum(distance, 1 - unit @ unit[places[-1]])
    return np.array(places, np.int64)


def balanced(proba: FloatArray, label_counts: IntArray, count: int) -> IntArray:
    """Return `count` places: half of them the first, half for the labels that have fewest decisions so far.

    A diary may serve a label that is the likeliest or second likeliest for it.

    Args:
        proba: (m, k) in the order of the score.
        label_counts: (k,) decided diaries of each label.
    """
    places = list(range(count - count // 2))
    counts = label_counts.copy()
    np.add.at(counts, proba[places].argmax(axis=1), 1)
    serves = np.argsort(-proba, axis=1, kind="stable")[:, :2]
    free = np.ones(len(proba), np.bool_)
    free[places] = False
    while len(places) < count:
        rarest = next(c for c in np.argsort(counts, kind="stable") if free[(serves == c).any(axis=1)].any())
        place = int(np.flatnonzero(free & (serves == rarest).any(axis=1))[0])
        places.append(place)
        free[place] = False
        counts[rarest] += 1
    return np.array(places, np.int64)


def typical(
    features_of: Callable[[IntArray], FloatArray], numbers: IntArray, *, size: int, batch: int, seed: int
) -> IntArray:
    """Return up to `size` places: of each cluster the diary with the nearest neighbours, largest cluster first.

    Args:
        features_of: returns features of places, (m, features).
        numbers: (n,) of the pool's diaries, by which they are drawn; of more than 20,000 a random part is clustered.
        batch: number of clusters.

    Source: Hacohen, Dekel and Weinshall (2022), Active Learning on a Budget: TypiClust.
    """
    from sklearn.cluster import MiniBatchKMeans

    places = draws.smallest(draws.draw(numbers, seed=seed, purpose="sample"), MOST_CLUSTERED)
    if len(places) <= batch:
        return places[:size]
    places.sort()
    unit = scaled(features_of(places))
    cluster = MiniBatchKMeans(batch, random_state=seed, n_init=3, batch_size=2048).fit(unit).labels_
    by_size = np.argsort(-np.bincount(cluster, minlength=batch), kind="stable")
    ranked = [
        members[np.argsort(-_density(unit[members]), kind="stable")]
        for c in by_size
        if len(members := np.flatnonzero(cluster == c))
    ]
    order: list[int] = []
    for depth in range(max(map(len, ranked))):
        order += [int(members[depth]) for members in ranked if depth < len(members)]
        if len(order) >= size:
            break
    return places[np.array(order[:size], np.int64)]


def _density(unit: FloatArray) -> FloatArray:
    """Return for each diary of a cluster the mean cosine to its 20 nearest in at most 1,000 others of it."""
    others = unit[:: max(1, len(unit) // 1000)]
    nearest = min(20, len(others))
    return np.asarray(-np.partition(-(unit @ others.T), nearest - 1, axis=1)[:, :nearest].mean(axis=1), np.float32)
