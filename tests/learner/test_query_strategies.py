from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from learner.classifier import softmax
from learner.errors import LearnerError
from learner.query_strategies import DEFAULT, STRATEGIES, interleave, rank, score

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = list(STRATEGIES)
UNCERTAIN = ["margin", "least_confidence", "entropy"]

# From sure to torn between two to torn between all.
PROBA = np.array([[0.9, 0.08, 0.02], [0.6, 0.3, 0.1], [0.5, 0.5, 0.0], [0.34, 0.33, 0.33]], np.float32)


def _largest(name: str, k: int) -> float:
    return 1 - 1 / k if name == "least_confidence" else 1.0


@pytest.mark.parametrize("name", NAMES)
@given(
    logits=st.tuples(st.integers(0, 6), st.integers(2, 9)).flatmap(
        lambda shape: arrays.arrays(np.float32, shape, elements=st.floats(-80, 80, width=32))
    )
)
def test_a_strategy_gives_each_diary_one_score_in_its_range(name: str, logits: NDArray[np.float32]) -> None:
    proba = softmax(logits)
    scores = score(name, proba, seed=0)
    assert scores.dtype == np.float32
    assert scores.shape == (len(proba),)
    assert (scores >= 0).all()
    assert (scores <= _largest(name, proba.shape[1]) + 1e-6).all()
    assert (scores <= 1).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_scores(name: str) -> None:
    np.testing.assert_array_equal(score(name, PROBA, seed=3), score(name, PROBA, seed=3))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("k", [2, 7])
def test_an_empty_pool_has_no_scores(name: str, k: int) -> None:
    scores = score(name, np.zeros((0, k), np.float32), seed=0)
    assert scores.shape == (0,)
    assert rank(scores).shape == (0,)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(3, 1), (3, 0), (0, 1)])
def test_fewer_than_two_labels_are_refused(name: str, shape: tuple[int, int]) -> None:
    with pytest.raises(LearnerError) as caught:
        score(name, np.ones(shape, np.float32), seed=0)
    assert (caught.value.code, caught.value.details) == ("labels_too_few", {"count": shape[1]})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused(name: str, value: float) -> None:
    proba = PROBA.copy()
    proba[1, 2] = value
    with pytest.raises(LearnerError) as caught:
        score(name, proba, seed=0)
    assert (caught.value.code, caught.value.details) == ("vectors_not_finite", {"count": 1})


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(LearnerError) as caught:
        score("bald", PROBA, seed=0)
    assert caught.value.code == "strategy_unknown"
    assert caught.value.details == {"name": "bald", "known": "margin, least_confidence, entropy, random"}


def test_the_default_is_one_of_the_strategies() -> None:
    assert DEFAULT in STRATEGIES


@pytest.mark.parametrize("name", UNCERTAIN)
def test_a_strategy_asks_about_a_torn_answer_before_a_sure_one(name: str) -> None:
    sure, leaning, _, torn = score(name, PROBA, seed=0)
    assert sure < leaning < torn


@pytest.mark.parametrize("name", UNCERTAIN)
def test_the_order_of_the_labels_makes_no_difference(name: str) -> None:
    np.testing.assert_allclose(score(name, PROBA, seed=0), score(name, PROBA[:, [2, 0, 1]], seed=0), atol=1e-6)


@pytest.mark.parametrize("name", UNCERTAIN)
def test_certainty_scores_nothing_and_equal_probabilities_most(name: str) -> None:
    proba = np.array([[1, 0, 0, 0], [0.25, 0.25, 0.25, 0.25]], np.float32)
    assert score(name, proba, seed=0) == pytest.approx([0, _largest(name, 4)], abs=1e-6)


def test_least_confidence_by_hand() -> None:
    assert score("least_confidence", PROBA, seed=0) == pytest.approx([0.1, 0.4, 0.5, 0.66], abs=1e-6)


def test_margin_by_hand() -> None:
    assert score("margin", PROBA, seed=0) == pytest.approx([0.18, 0.7, 1.0, 0.99], abs=1e-6)


def test_entropy_by_hand() -> None:
    # Two equal halves among three labels: ln 2 / ln 3.
    expected = -(0.6 * math.log(0.6) + 0.3 * math.log(0.3) + 0.1 * math.log(0.1)) / math.log(3)
    assert score("entropy", PROBA, seed=0)[1:3] == pytest.approx([expected, math.log(2) / math.log(3)], abs=1e-6)


def test_random_looks_at_nothing_but_the_seed() -> None:
    proba = np.tile(PROBA, (250, 1))
    scores = score("random", proba, seed=5)
    np.testing.assert_array_equal(scores, score("random", proba[::-1], seed=5))
    assert not np.array_equal(scores, score("random", proba, seed=6))
    assert scores.mean() == pytest.approx(0.5, abs=0.05)
    assert len(np.unique(scores)) > 990


def test_ranking_puts_the_largest_first_and_keeps_ties_in_pool_order() -> None:
    assert rank(np.array([0.1, 0.9, 0.5, 0.9, 0.1], np.float32)).tolist() == [1, 3, 2, 0, 4]


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0])))
def test_ranking_loses_no_place(values: list[float]) -> None:
    order = rank(np.array(values, np.float32)).tolist()
    assert order == sorted(range(len(values)), key=lambda place: (-values[place], place))


def test_interleaving_by_hand() -> None:
    mixed = interleave(np.arange(1, 9), np.array([91, 92]), test_share=0.2)
    assert mixed.tolist() == [1, 2, 3, 4, 91, 5, 6, 7, 8, 92]


IDS = st.integers(0, 60)
SHARES = st.one_of(st.just(0.0), st.floats(0.01, 0.95))


@given(pool=IDS, test=IDS, share=SHARES)
def test_interleaving_keeps_every_diary_once_and_both_orders(pool: int, test: int, share: float) -> None:
    mixed = interleave(np.arange(pool), np.arange(1000, 1000 + test), test_share=share).tolist()
    assert [diary_id for diary_id in mixed if diary_id < 1000] == list(range(pool))
    assert [diary_id for diary_id in mixed if diary_id >= 1000] == list(range(1000, 1000 + test))


@given(pool=st.integers(1, 60), test=IDS, share=SHARES)
def test_interleaving_begins_with_the_pool(pool: int, test: int, share: float) -> None:
    assert interleave(np.arange(pool), np.arange(1000, 1000 + test), test_share=share)[0] == 0


@given(pool=IDS, test=IDS, share=st.floats(0.01, 0.95))
def test_each_stretch_holds_its_share_while_both_last(pool: int, test: int, share: float) -> None:
    mixed = interleave(np.arange(pool), np.arange(1000, 1000 + test), test_share=share)
    is_test = mixed >= 1000
    both_last = 0
    while both_last < len(mixed) and not (is_test[both_last:].all() or (~is_test[both_last:]).all()):
        both_last += 1
    asked = np.concatenate([[0], np.cumsum(is_test[:both_last])])
    ahead = asked - share * np.arange(both_last + 1)
    assert (np.abs(ahead) <= 1 + 1e-9).all()
    # Any stretch lies between two such places.
    assert ahead.max() - ahead.min() <= 2
