from __future__ import annotations

import math

import numpy as np
import pytest

from learner.errors import LearnerError
from learner.explanation.perturbations import DRAWS, kernel, sample_lime_masks, sample_masks, sample_sparse_masks


@pytest.mark.parametrize(("n", "budget"), [(1, 2), (2, 3), (5, 160), (7, 160), (8, 160), (24, 160), (24, 9), (500, 40)])
def test_no_mask_comes_twice_and_the_whole_text_comes_first(n: int, budget: int) -> None:
    masks = sample_masks(n, budget=budget, rng=np.random.default_rng(0))
    assert len(masks.keep) == len(masks.weights) == min(budget, 2**n)
    assert len(np.unique(masks.keep, axis=0)) == len(masks.keep)
    assert masks.keep[0].all()
    assert (masks.weights > 0).all()


@pytest.mark.parametrize("n", [1, 4, 7])
def test_all_masks_are_used_where_they_fit_whatever_the_seed(n: int) -> None:
    one = sample_masks(n, budget=128, rng=np.random.default_rng(1))
    other = sample_masks(n, budget=128, rng=np.random.default_rng(2))
    np.testing.assert_array_equal(one.keep, other.keep)
    np.testing.assert_array_equal(one.weights, other.weights)


def test_two_units_by_hand() -> None:
    # LIME draws one or both of two units with 1/2 each; one of two removed leaves sqrt(1/2) of cosine similarity.
    masks = sample_masks(2, budget=4, rng=np.random.default_rng(0))
    weights = {tuple(row): weight for row, weight in zip(masks.keep.tolist(), masks.weights, strict=True)}
    single = math.exp(-((100 * (1 - math.sqrt(0.5))) ** 2) / 1250)
    assert weights[(True, True)] == 1
    assert weights[(True, False)] == weights[(False, True)] == pytest.approx((DRAWS - 1) / 4 * single)
    assert weights[(False, False)] == pytest.approx((DRAWS - 1) / 2 * math.exp(-(100**2) / 1250))


def test_weights_are_those_of_many_draws_by_lime() -> None:
    n, draws = 5, 40_000
    rng = np.random.default_rng(3)
    counts: dict[tuple[bool, ...], int] = {}
    for size in rng.integers(1, n + 1, draws):
        keep = np.ones(n, bool)
        keep[rng.choice(n, size, replace=False)] = False
        counts[tuple(keep.tolist())] = counts.get(tuple(keep.tolist()), 0) + 1
    masks = sample_masks(n, budget=32, rng=rng)
    for row, weight in zip(masks.keep[1:], masks.weights[1:], strict=True):
        drawn = counts[tuple(row.tolist())] / draws * (DRAWS - 1) * kernel(np.array([row.mean()]))[0]
        assert weight == pytest.approx(drawn, rel=0.15)


@pytest.mark.parametrize("n", [8, 12, 24])
def test_drawn_masks_are_worth_as_much_together_as_all_of_them(n: int) -> None:
    sizes = np.arange(1, n + 1)
    everything = 1 + (DRAWS - 1) * (kernel((n - sizes) / n) / n).sum()
    masks = sample_masks(n, budget=100, rng=np.random.default_rng(0))
    assert masks.weights.sum() == pytest.approx(everything)


def test_each_unit_is_removed_about_equally_often() -> None:
    masks = sample_masks(20, budget=160, rng=np.random.default_rng(0))
    removed = (~masks.keep).sum(axis=0)
    assert removed.max() - removed.min() <= 2


def test_the_same_seed_draws_the_same_masks() -> None:
    one, same, other = (sample_masks(15, budget=64, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.keep, same.keep)
    assert (one.keep != other.keep).any()


def test_the_kernel_falls_with_what_is_removed() -> None:
    values = kernel(np.linspace(0, 1, 11))
    assert (np.diff(values) > 0).all()
    assert values[-1] == 1
    assert values[0] == pytest.approx(math.exp(-8))


def test_a_budget_without_a_perturbed_text_is_refused() -> None:
    with pytest.raises(LearnerError) as caught:
        sample_masks(3, budget=1, rng=np.random.default_rng(0))
    assert caught.value.code == "explanation_budget"


@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_short_texts_keep_a_third_to_about_half_of_the_units(n: int) -> None:
    keep = sample_sparse_masks(n, 40, np.random.default_rng(0))
    kept = keep.sum(axis=1)
    assert keep.shape == (40, n)
    assert kept.min() >= max(1, round(0.3 * n) - 1)
    assert kept.max() <= max(1, round(0.55 * n))
    assert keep.any(axis=0).all()


def test_limes_own_masks_keep_the_whole_text_first_and_repeat_for_the_same_seed() -> None:
    keep = sample_lime_masks(6, seed=3)
    assert keep.shape == (DRAWS, 6)
    assert keep[0].all()
    assert not keep[1:].all(axis=1).any()
    np.testing.assert_array_equal(keep, sample_lime_masks(6, seed=2**32 + 3))
