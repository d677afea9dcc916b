from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learner.active_learning import batch_selection
from learner.active_learning.batch_selection import (
    NEAR_DUPLICATE,
    BatchSelector,
    balanced,
    first_of_kind,
    scaled,
    spread_out,
    typical,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

EYE = np.eye(4, dtype=np.float32)


def _shortlist(features: NDArray[np.float32], *, spread: bool = False, balance: bool = False) -> BatchSelector:
    """Return a shortlist whose scores fall from the first to the last, of three labels."""
    n = len(features)
    proba = np.random.default_rng(1).dirichlet(np.ones(3), n).astype(np.float32)
    scores = np.linspace(1, 0.1, n, dtype=np.float32)
    return BatchSelector(scores, features, proba, np.zeros(3, np.int64), reach=2, spread=spread, balance=balance)


def _clusters(sizes: tuple[int, ...], *, noise: float = 0.02, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    centres = np.eye(len(sizes), 8, dtype=np.float32)
    points = np.repeat(centres, sizes, axis=0)
    return np.asarray(points + noise * rng.standard_normal(points.shape), np.float32)


@pytest.mark.parametrize("kind", [{}, {"spread": True}, {"balance": True}])
def test_near_duplicates_never_fill_a_batch_while_others_wait(kind: dict[str, bool]) -> None:
    # The best thirty say the same: more than the reach of a batch of four.
    features = np.concatenate([np.tile(EYE[:1], (30, 1)), EYE[1:]])
    picked = _shortlist(features, **kind).pick(4, batch=4)
    unit = scaled(features[picked])
    assert (picked < 30).sum() == 1
    assert (np.triu(unit @ unit.T, 1) < NEAR_DUPLICATE).all()


def test_duplicates_are_asked_for_once_nothing_else_is_left() -> None:
    picked = _shortlist(np.tile(EYE[:1], (6, 1))).pick(6, batch=4)
    assert sorted(picked.tolist()) == list(range(6))


@given(
    n=st.integers(0, 40),
    size=st.integers(0, 50),
    batch=st.integers(1, 12),
    kind=st.sampled_from([{}, {"spread": True}, {"balance": True}]),
)
def test_a_shortlist_gives_each_place_at_most_once_and_as_many_as_wanted(
    n: int, size: int, batch: int, kind: dict[str, bool]
) -> None:
    features = np.random.default_rng(n).integers(0, 2, (n, 3)).astype(np.float32)
    picked = _shortlist(features, **kind).pick(size, batch=batch)
    assert len(picked) == len(set(picked.tolist())) == min(n, size)
    assert all(0 <= place < n for place in picked)


def test_picking_leaves_the_counts_of_the_project_alone() -> None:
    shortlist = _shortlist(_clusters((5, 5, 5)), balance=True)
    first = shortlist.pick(6, batch=3)
    assert shortlist.label_counts.tolist() == [0, 0, 0]
    np.testing.assert_array_equal(first, shortlist.pick(6, batch=3))


def test_without_a_wish_a_batch_follows_the_score() -> None:
    assert _shortlist(EYE).pick(3, batch=2).tolist() == [0, 1, 2]


def test_features_are_scaled_to_length_one_and_nothing_stays_nothing() -> None:
    np.testing.assert_allclose(scaled(np.array([[3, 4], [0, 0]], np.float32)), [[0.6, 0.8], [0, 0]], atol=1e-6)


def test_the_first_of_each_kind_stays() -> None:
    # The third is near the first; the fourth is near the third only, which does not stay.
    angles = np.radians([0, 90, 15, 30])
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert first_of_kind(unit).tolist() == [0, 1, 3]


def test_spreading_out_goes_to_the_farthest_by_hand() -> None:
    angles = np.radians([0, 10, 90, 80])
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    even = np.ones(4, np.float32)
    assert spread_out(unit, even, 2).tolist() == [0, 2]
    # Twice the score outweighs a little less distance.
    assert spread_out(unit, np.array([1, 0.5, 0.4, 0.8], np.float32), 2).tolist() == [0, 3]
    assert spread_out(unit, even, 0).tolist() == []


def test_spreading_out_reaches_every_cluster_before_a_second_of_one() -> None:
    features = _clusters((10, 10, 10, 10))
    taken = spread_out(scaled(features), np.linspace(1, 0.9, 40, dtype=np.float32), 4)
    assert sorted(taken // 10) == [0, 1, 2, 3]


@given(n=st.integers(1, 20), seed=st.integers(0, 50))
def test_spreading_out_takes_no_place_twice_even_among_equal_ones(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    unit = scaled(rng.integers(0, 2, (n, 2)).astype(np.float32))
    assert sorted(spread_out(unit, rng.integers(0, 2, n).astype(np.float32), n).tolist()) == list(range(n))


def test_half_of_a_balanced_batch_goes_to_the_labels_with_fewest_decisions() -> None:
    common, rare = [0.6, 0.4, 0.0], [0.5, 0.1, 0.4]
    proba = np.array([common] * 8 + [rare] * 4, np.float32)
    taken = balanced(proba, np.array([50, 50, 0]), 6)
    assert taken.tolist() == [0, 1, 2, 8, 9, 10]


def test_a_balanced_batch_goes_on_to_the_next_rarest_label_when_one_runs_out() -> None:
    proba = np.array([[0.6, 0.4, 0.0]] * 6 + [[0.5, 0.1, 0.4]], np.float32)
    assert balanced(proba, np.array([50, 9, 0]), 5).tolist() == [0, 1, 2, 6, 3]


@given(n=st.integers(1, 30), k=st.integers(2, 7), seed=st.integers(0, 50))
def test_a_balanced_batch_can_take_everything_once(n: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.ones(k), n).astype(np.float32)
    assert sorted(balanced(proba, rng.integers(0, 9, k), n).tolist()) == list(range(n))


def _typical(features: NDArray[np.float32], *, size: int, batch: int, seed: int = 0) -> NDArray[np.int64]:
    return typical(lambda places: features[places], np.arange(len(features)), size=size, batch=batch, seed=seed)


def test_the_typical_come_from_every_cluster_the_largest_first() -> None:
    sizes = (60, 20, 40)
    chosen = _typical(_clusters(sizes), size=6, batch=3)
    cluster = np.repeat(np.arange(3), sizes)[chosen]
    assert cluster.tolist() == [0, 2, 1, 0, 2, 1]


def test_an_outlier_of_its_cluster_is_not_typical() -> None:
    features = _clusters((40, 40), noise=0.01)
    features[7] += 0.3
    chosen = _typical(features, size=60, batch=2).tolist()
    assert 7 not in chosen


@pytest.mark.parametrize(("n", "size"), [(0, 5), (3, 5), (5, 5), (30, 0), (30, 12), (30, 99)])
def test_the_typical_are_as_many_as_wanted_without_repeats(n: int, size: int) -> None:
    features = np.random.default_rng(n).standard_normal((n, 6)).astype(np.float32)
    chosen = _typical(features, size=size, batch=5)
    assert len(chosen) == len(set(chosen.tolist())) == min(n, size)
    np.testing.assert_array_equal(chosen, _typical(features, size=size, batch=5))


def test_of_a_long_pool_only_a_random_part_is_clustered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_selection, "MOST_CLUSTERED", 50)
    seen: list[int] = []

    def features_of(places: NDArray[np.int64]) -> NDArray[np.float32]:
        seen.append(len(places))
        return _clusters((40, 40))[places]

    chosen = typical(features_of, np.arange(80), size=10, batch=2, seed=0)
    assert seen == [50]
    assert len(set(chosen.tolist())) == 10
