from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from learner.active_learning.query_strategies import CHOSEN, DEFAULT, STRATEGIES, Pool, choose, interleave, score
from learner.classification.classifier import softmax
from learner.errors import LearnerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = list(STRATEGIES)
UNCERTAIN = ["margin", "least_confidence", "entropy"]

# From sure to torn between two to torn between all.
PROBA = np.array([[0.9, 0.08, 0.02], [0.6, 0.3, 0.1], [0.5, 0.5, 0.0], [0.34, 0.33, 0.33]], np.float32)


def _pool(n: int, k: int) -> Pool:
    """Return a pool of random probabilities and features, with a committee of two."""
    rng = np.random.default_rng(n + k)
    features = rng.standard_normal((n, 12)).astype(np.float32)
    heads = [(rng.standard_normal((k, 12)).astype(np.float32), np.zeros(k, np.float32)) for _ in range(2)]
    proba = rng.dirichlet(np.ones(k), n).astype(np.float32).reshape(n, k)
    return Pool(proba, lambda places: features[places], rng.integers(0, 9, k), committee=heads)


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
    assert choose(name, _pool(0, k), size=5, seed=0).shape == (0,)


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
    assert caught.value.details == {"name": "bald", "known": ", ".join(STRATEGIES)}


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


def test_a_pool_is_chosen_from_by_the_score_and_ties_keep_its_order() -> None:
    proba = np.array([[0.9, 0.1], [0.5, 0.5], [0.7, 0.3], [0.5, 0.5], [0.9, 0.1]], np.float32)
    pool = Pool(proba, lambda places: np.eye(5, dtype=np.float32)[places], np.zeros(2, np.int64))
    assert choose("margin", pool, size=5, seed=0).tolist() == [1, 3, 2, 0, 4]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("k", [2, 7])
@pytest.mark.parametrize(("n", "size", "batch"), [(60, 20, 20), (60, 60, 7), (5, 20, 20), (1, 1, 1), (60, 0, 20)])
def test_every_strategy_gives_as_many_different_places_as_it_can(
    name: str, k: int, n: int, size: int, batch: int
) -> None:
    pool = _pool(n, k)
    chosen = choose(name, pool, size=size, seed=4, batch=batch)
    assert len(chosen) == len(set(chosen.tolist())) == min(n, size)
    assert all(0 <= place < n for place in chosen)
    np.testing.assert_array_equal(chosen, choose(name, pool, size=size, seed=4, batch=batch))


@pytest.mark.parametrize("name", NAMES)
def test_every_strategy_refuses_what_is_no_number_when_choosing(name: str) -> None:
    pool = _pool(6, 3)
    pool.proba[2, 1] = np.nan
    with pytest.raises(LearnerError, match="vectors_not_finite"):
        choose(name, pool, size=3, seed=0)


@pytest.mark.parametrize("name", NAMES)
def test_behind_the_head_of_the_order_the_score_alone_decides(name: str) -> None:
    pool = _pool(CHOSEN + 300, 3)
    chosen = choose(name, pool, size=CHOSEN + 300, seed=1, batch=200)
    assert sorted(chosen.tolist()) == list(range(CHOSEN + 300))
    tail = score(name, pool.proba, seed=1)[chosen[CHOSEN:]]
    assert (np.diff(tail) <= 0).all()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("random", "typical")])
def test_a_batch_of_repeats_is_never_asked_for(name: str) -> None:
    # Fifty copies of the diary that the model doubts most, and five others.
    proba = np.array([[0.5, 0.5]] * 50 + [[0.8, 0.2]] * 5, np.float32)
    features = np.concatenate([np.tile(np.eye(1, 6, dtype=np.float32), (50, 1)), np.eye(6, dtype=np.float32)[1:]])
    pool = Pool(proba, lambda places: features[places], np.zeros(2, np.int64))
    chosen = choose(name, pool, size=6, seed=0, batch=6)
    assert (chosen < 50).sum() == 1


def test_the_committee_is_heard() -> None:
    proba = np.array([[0.9, 0.1], [0.6, 0.4], [0.99, 0.01]], np.float32)
    # One head is sure of the first two and torn about the last.
    head = (np.array([[9, 9, 0], [0, 0, 0]], np.float32), np.zeros(2, np.float32))
    pool = Pool(proba, lambda places: np.eye(3, dtype=np.float32)[places], np.zeros(2, np.int64), committee=[head])
    assert choose("committee_margin", pool, size=1, seed=0).tolist() == [2]
    assert choose("margin", pool, size=1, seed=0).tolist() == [1]


def test_random_choices_stay_uniform_among_repeats() -> None:
    features = np.ones((400, 2), np.float32)
    pool = Pool(np.full((400, 2), 0.5, np.float32), lambda places: features[places], np.zeros(2, np.int64))
    chosen = choose("random", pool, size=100, seed=2)
    np.testing.assert_array_equal(chosen, np.argsort(-score("random", pool.proba, seed=2), kind="stable")[:100])


def test_interleaving_by_hand() -> None:
    mixed = interleave(np.arange(1, 9), np.array([91, 92]), share=0.2)
    assert mixed.tolist() == [1, 2, 3, 4, 91, 5, 6, 7, 8, 92]


IDS = st.integers(0, 60)
SHARES = st.one_of(st.just(0.0), st.floats(0.01, 0.95))


@given(pool=IDS, test=IDS, share=SHARES)
def test_interleaving_keeps_every_diary_once_and_both_orders(pool: int, test: int, share: float) -> None:
    mixed = interleave(np.arange(pool), np.arange(1000, 1000 + test), share=share).tolist()
    assert [diary_id for diary_id in mixed if diary_id < 1000] == list(range(pool))
    assert [diary_id for diary_id in mixed if diary_id >= 1000] == list(range(1000, 1000 + test))


@given(pool=st.integers(1, 60), test=IDS, share=SHARES)
def test_interleaving_begins_with_the_pool(pool: int, test: int, share: float) -> None:
    assert interleave(np.arange(pool), np.arange(1000, 1000 + test), share=share)[0] == 0


@given(pool=IDS, test=IDS, share=st.floats(0.01, 0.95))
def test_each_stretch_holds_its_share_while_both_last(pool: int, test: int, share: float) -> None:
    mixed = interleave(np.arange(pool), np.arange(1000, 1000 + test), share=share)
    is_test = mixed >= 1000
    both_last = 0
    while both_last < len(mixed) and not (is_test[both_last:].all() or (~is_test[both_last:]).all()):
        both_last += 1
    asked = np.concatenate([[0], np.cumsum(is_test[:both_last])])
    ahead = asked - share * np.arange(both_last + 1)
    assert (np.abs(ahead) <= 1 + 1e-9).all()
    # Any stretch lies between two such places.
    assert ahead.max() - ahead.min() <= 2
