"""Folds: labels are spread evenly, and no group is torn apart."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from learner.classification import folds
from learner.classification.groups import NEAR, is_near_copy, join

_EXAMPLES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8)), min_size=1, max_size=80)


@given(_EXAMPLES, st.integers(0, 5))
def test_no_group_is_in_two_folds_and_every_example_is_in_one(examples: list[tuple[int, int]], seed: int) -> None:
    labels, groups = np.array(examples).T
    dealt = folds.deal(labels, groups, seed=seed)
    if len(set(groups.tolist())) > 1:
        assert all(len(set(dealt[groups == group])) == 1 for group in set(groups.tolist()))
    assert set(dealt.tolist()) <= set(range(folds.FOLDS))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=80), st.integers(0, 5))
def test_without_groups_each_label_is_spread_over_the_folds_to_within_one(labels: list[int], seed: int) -> None:
    columns = np.array(labels)
    dealt = folds.deal(columns, seed=seed)
    for label in set(labels):
        counts = np.bincount(dealt[columns == label], minlength=folds.FOLDS)
        assert counts.max() - counts.min() <= 1
    sizes = np.bincount(dealt, minlength=folds.FOLDS)
    assert sizes.max() - sizes.min() <= len(set(labels))


def test_groups_of_different_lengths_fill_the_folds_about_equally() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), rng.integers(1, 20, 60))
    labels = rng.integers(0, 5, len(groups))
    dealt = folds.deal(labels, groups, seed=1)
    sizes = np.bincount(dealt, minlength=folds.FOLDS)
    assert sizes.max() - sizes.min() < 0.1 * len(groups)
    for label in range(5):
        counts = np.bincount(dealt[labels == label], minlength=folds.FOLDS)
        assert counts.max() - counts.min() < 0.15 * (labels == label).sum()


def test_a_single_group_is_dealt_like_none() -> None:
    labels = np.arange(20) % 2
    assert (folds.deal(labels, np.zeros(20, np.int64), seed=1) == folds.deal(labels, seed=1)).all()


def test_folds_depend_on_the_seed_alone() -> None:
    labels, groups = np.arange(50) % 3, np.arange(50) // 4
    assert (folds.deal(labels, groups, seed=1) == folds.deal(labels, groups, seed=1)).all()
    assert (folds.deal(labels, groups, seed=1) != folds.deal(labels, groups, seed=2)).any()


def _directions(count: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(count, 64)).astype(np.float32)


def test_near_copies_are_found_whatever_their_length() -> None:
    others = _directions(5000)
    nearly = 3 * others[[4000, 7]] + np.float32(0.1) * _directions(2)
    assert is_near_copy(np.vstack([nearly, _directions(5002)[5000:]]), others).tolist() == [True, True, False, False]
    assert NEAR == 0.95


def test_writers_and_near_copies_are_joined_by_way_of_each_other() -> None:
    vectors = _directions(6)
    vectors[3] = 2 * vectors[1]
    groups = join(vectors, ["ann", "ann", None, "bea", "bea", None])
    assert len(set(groups[[0, 1, 3, 4]].tolist())) == 1
    assert len(set(groups.tolist())) == 3


def test_without_keys_only_near_copies_are_joined() -> None:
    vectors = _directions(3)
    assert len(set(join(np.vstack([vectors, vectors[:1]])).tolist())) == 3
