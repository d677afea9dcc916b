"""Agreement against published figures, against scikit-learn, and by what must hold of every table of answers."""

from __future__ import annotations

import time
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from learner.classification.metrics import wilson
from learner.data_quality.agreement import (
    Kinds,
    cohen_kappa,
    coincidences,
    kinds_of,
    krippendorff_alpha,
    label_alphas,
    masi_distance,
    nominal_distance,
    point_distance,
    right_reader,
    same_share,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Krippendorff (2011), section E: four observers, twelve units, 0 where nothing was said.
OBSERVED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
)
NUMBERS = np.arange(1.0, 6.0)

TABLES = st.integers(2, 5).flatmap(
    lambda k: st.lists(st.lists(st.integers(-1, k - 1), min_size=4, max_size=4), min_size=2, max_size=12).map(
        lambda rows: (k, np.array(rows))
    )
)
"""Number of labels, and (diaries, people) answers with -1 where a person did not answer."""


def _kinds(table: NDArray[np.int64], k: int) -> Kinds:
    diary, person = np.nonzero(table >= 0)
    return kinds_of(diary, table[diary, person], k=k)


@pytest.fixture
def published() -> Kinds:
    return _kinds(OBSERVED.T - 1, 5)


def _ordinal(kinds: Kinds) -> NDArray[np.float64]:
    """Krippendorff's ordinal metric, which depends on how often each rank was given."""
    n = coincidences(kinds).sum(axis=1)
    between = [[n[min(a, b) : max(a, b) + 1].sum() - (n[a] + n[b]) / 2 for b in range(5)] for a in range(5)]
    return np.array(between) ** 2


# Published figures


def test_nominal_alpha_is_the_published_one(published: Kinds) -> None:
    alpha = krippendorff_alpha(published, nominal_distance(5))
    assert alpha.value == pytest.approx(0.743, abs=5e-4)
    assert alpha.n == 11, "a unit with one answer says nothing"
    assert alpha.low is not None
    assert alpha.high is not None
    assert alpha.low < alpha.value < alpha.high


def test_alpha_with_a_distance_is_the_published_one(published: Kinds) -> None:
    difference = NUMBERS[:, None] - NUMBERS
    ratio = (difference / (NUMBERS[:, None] + NUMBERS)) ** 2
    metrics = {0.849: difference**2, 0.815: _ordinal(published), 0.797: ratio}
    for expected, distance in metrics.items():
        assert krippendorff_alpha(published, distance, draws=10).value == pytest.approx(expected, abs=5e-4)


def test_the_coincidences_are_the_published_ones(published: Kinds) -> None:
    expected = [
        [7, 4 / 3, 1 / 3, 1 / 3, 0],
        [4 / 3, 10, 4 / 3, 1 / 3, 0],
        [1 / 3, 4 / 3, 8, 1 / 3, 0],
        [1 / 3, 1 / 3, 1 / 3, 4, 0],
        [0, 0, 0, 0, 3],
    ]
    assert coincidences(published) == pytest.approx(np.array(expected))


def test_kappa_is_the_published_one() -> None:
    """Cohen (1960), table 1: shares of 200 by two judges."""
    table = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    first, second = (np.repeat(side, table.ravel()) for side in np.indices(table.shape).reshape(2, -1))
    kappa = cohen_kappa(first, second, k=3)
    assert kappa.value == pytest.approx(0.492, abs=5e-4)
    assert kappa.n == 200


def test_masi_puts_equal_contained_overlapping_and_foreign_sets_in_order() -> None:
    sets = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]], bool)
    distance = masi_distance(sets)
    assert np.diag(distance) == pytest.approx(0)
    assert distance[0, 1] == pytest.approx(1 - 1 / 2 * 2 / 3), "one holds the other"
    assert distance[1, 2] == pytest.approx(1 - 1 / 3 * 1 / 3), "they overlap"
    assert distance[0, 3] == 1
    assert (masi_distance(np.eye(4, dtype=bool)) == nominal_distance(4)).all()


def test_the_share_of_same_answers_counts_pairs() -> None:
    table = np.array([[0, 0, 0, 1], [1, 1, -1, -1], [0, 1, -1, -1]])
    share = same_share(_kinds(table, 2))
    assert share.value == pytest.approx((3 / 6 + 1 + 0) / 3)


def test_the_interval_of_the_same_answers_is_over_diaries() -> None:
    two = np.array([[0, 0]] * 30 + [[0, 1]] * 10)
    share = same_share(_kinds(two, 2))
    assert (share.low, share.high) == pytest.approx(wilson(30, 40))
    four = same_share(_kinds(np.hstack([two, two]), 2))
    assert four.low is not None
    assert four.high is not None
    assert four.high - four.low < 0.29, "pairs of one diary are no new diaries, but say a little more"


@pytest.mark.parametrize("k", [2, 7])
def test_a_reader_is_right_as_often_as_two_agree(k: int) -> None:
    for right in (0.6, 0.85, 1.0):
        same = right**2 + (1 - right) ** 2 / (k - 1)
        assert right_reader(same, k=k) == pytest.approx(right)
    assert np.isnan(right_reader(0.9 / k, k=k))


# What holds of every table


@given(TABLES, st.permutations(range(4)))
@settings(max_examples=60, deadline=None)
def test_who_said_what_makes_no_difference(table: tuple[int, NDArray[np.int64]], order: list[int]) -> None:
    k, answers = table
    alpha, mixed = (
        krippendorff_alpha(_kinds(t, k), nominal_distance(k), draws=50) for t in (answers, answers[:, order])
    )
    assert alpha == mixed


@given(TABLES)
@settings(max_examples=60, deadline=None)
def test_alpha_is_what_its_definition_over_pairs_gives(table: tuple[int, NDArray[np.int64]]) -> None:
    k, answers = table
    units = [unit for row in answers if len(unit := row[row >= 0].tolist()) > 1]
    everything = [value for unit in units for value in unit]
    assume(len(set(everything)) > 1)
    n = len(everything)
    observed = sum(2 * sum(a != b for a, b in combinations(unit, 2)) / (len(unit) - 1) for unit in units) / n
    expected = 2 * sum(a != b for a, b in combinations(everything, 2)) / (n * (n - 1))
    alpha = krippendorff_alpha(_kinds(answers, k), nominal_distance(k), draws=10)
    assert alpha.value == pytest.approx(1 - observed / expected)


@given(TABLES)
@settings(max_examples=60, deadline=None)
def test_a_label_against_the_rest_is_alpha_of_two_labels(table: tuple[int, NDArray[np.int64]]) -> None:
    k, answers = table
    for label, alpha in enumerate(label_alphas(_kinds(answers, k), fewest=1, draws=10)):
        apart = np.where(answers < 0, -1, (answers == label).astype(int))
        alone = krippendorff_alpha(_kinds(apart, 2), nominal_distance(2), draws=10)
        assert alpha.value == (None if alone.value is None else pytest.approx(alone.value))


@given(st.lists(st.integers(0, 3), min_size=2, max_size=30).filter(lambda labels: len(set(labels)) > 1))
@settings(max_examples=40, deadline=None)
def test_people_who_always_agree_reach_one_and_the_interval_still_leaves_room(labels: list[int]) -> None:
    kinds = _kinds(np.tile(np.array(labels)[:, None], (1, 3)), 4)
    for figure in (krippendorff_alpha(kinds, nominal_distance(4), draws=50), same_share(kinds)):
        assert figure.value == pytest.approx(1)
        assert figure.high == pytest.approx(1)
        assert figure.low is not None
        assert figure.low < 1, "so few diaries don't prove that nobody will ever disagree"


@given(st.integers(2, 6), st.integers(2, 20))
@settings(max_examples=40, deadline=None)
def test_people_who_never_agree_are_below_chance(k: int, n: int) -> None:
    first = np.arange(n) % k
    kinds = _kinds(np.stack([first, (first + 1) % k], axis=1), k)
    alpha = krippendorff_alpha(kinds, nominal_distance(k))
    assert alpha.value is not None
    assert alpha.value < 0


@given(TABLES)
@settings(max_examples=60, deadline=None)
def test_kappa_is_that_of_scikit_learn(table: tuple[int, NDArray[np.int64]]) -> None:
    k, answers = table
    both = answers[(answers[:, :2] >= 0).all(axis=1)][:, :2]
    assume(len(both) and len(np.unique(both)) > 1)
    kappa = cohen_kappa(both[:, 0], both[:, 1], k=k, draws=10)
    assert kappa.value == pytest.approx(cohen_kappa_score(both[:, 0], both[:, 1]))


def test_slips_between_near_labels_cost_less() -> None:
    points = np.array([[-0.6, 0.5], [-0.6, 0.4], [0.8, 0.5]])
    near = np.array([[0, 1], [1, 0], [2, 2], [2, 2], [0, 0], [1, 1]])
    far = np.array([[0, 2], [2, 0], [2, 2], [1, 1], [0, 0], [1, 1]])
    distance = point_distance(points)
    assert distance.max() == 1
    lightly, gravely = (krippendorff_alpha(_kinds(t, 3), distance).value for t in (near, far))
    assert lightly is not None
    assert gravely is not None
    assert lightly > 0.9 > 0.5 > gravely


def test_several_labels_a_diary_are_counted_label_by_label() -> None:
    members = np.array([[1, 0, 0], [1, 1, 0]], bool)
    kinds = _kinds(np.array([[0, 1], [1, 1], [0, 0]]), 2)
    first, second, third = label_alphas(kinds, members, fewest=1)
    assert first.reason == "one_value", "every answer holds it"
    assert second.value == pytest.approx(krippendorff_alpha(kinds, nominal_distance(2)).value)
    assert third.reason == "unused"


# What is undefined says why


def test_nothing_shared_is_no_figure() -> None:
    kinds = kinds_of(np.array([1, 2, 3]), np.array([0, 1, 0]), k=2)
    everything = [krippendorff_alpha(kinds, nominal_distance(2)), same_share(kinds), *label_alphas(kinds)]
    assert {figure.reason for figure in everything} == {"no_overlap"}
    assert {figure.value for figure in everything} == {None}
    assert cohen_kappa(np.zeros(0, np.int64), np.zeros(0, np.int64), k=2).reason == "no_overlap"
    assert not coincidences(kinds).any()


def test_one_and_the_same_answer_is_no_figure() -> None:
    kinds = _kinds(np.zeros((5, 3), np.int64), 2)
    assert krippendorff_alpha(kinds, nominal_distance(2)).reason == "one_value"
    assert [alpha.reason for alpha in label_alphas(kinds)] == ["one_value", "unused"]
    assert cohen_kappa(np.zeros(5, np.int64), np.zeros(5, np.int64), k=2).reason == "one_value"
    assert same_share(kinds).value == 1


# Intervals


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)

    def answers(n: int) -> NDArray[np.int64]:
        mood = rng.integers(0, 4, n)
        return np.where(rng.random((n, 3)) < 0.7, mood[:, None], rng.integers(0, 4, (n, 3)))

    truth = 0.7**2  # two people agree beyond chance where both read the mood
    alphas = [krippendorff_alpha(_kinds(answers(150), 4), nominal_distance(4), draws=300) for _ in range(120)]
    covered = np.mean([m.low is not None and m.high is not None and m.low <= truth <= m.high for m in alphas])
    assert 0.88 <= covered <= 1


@pytest.mark.parametrize(("share", "n"), [(0.02, 300), (0.05, 150), (0.2, 100)])
@pytest.mark.parametrize(("people", "reads"), [(2, 0.8), (2, 0.95), (5, 0.9)])
def test_the_interval_of_a_rare_label_covers_the_truth(share: float, n: int, people: int, reads: float) -> None:
    rng = np.random.default_rng(0)
    p = np.array([share, *[(1 - share) / 3] * 3])
    covered = []
    for _ in range(120):
        mood = rng.choice(4, n, p=p)
        table = np.where(rng.random((n, people)) < reads, mood[:, None], rng.choice(4, (n, people), p=p))
        label, *_ = label_alphas(_kinds(table, 4), fewest=1, draws=300)
        covered.append(label.low is not None and label.high is not None and label.low <= reads**2 <= label.high)
    assert 0.89 <= np.mean(covered) <= 1


def test_below_ten_uses_of_a_label_nothing_is_said_of_it() -> None:
    table = np.zeros((100, 2), np.int64)
    table[:4] = 1
    table[4, 0] = 1
    assert label_alphas(_kinds(table, 2))[1].reason == "few"
    table[4, 1] = 1
    label = label_alphas(_kinds(table, 2))[1]
    assert label.value == pytest.approx(1)
    assert label.low is not None
    assert label.low < 0.8, "ten answers that agree don't prove that nobody will ever disagree"


def test_the_same_seed_draws_the_same_interval_and_another_one_does_not(published: Kinds) -> None:
    first, again, other = (krippendorff_alpha(published, nominal_distance(5), seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_both_ways_of_drawing_give_the_same_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    kinds = _kinds(rng.integers(0, 3, (300, 3)) * rng.integers(0, 2, (300, 1)), 3)
    bounds = []
    for least in (0, 10**9):
        monkeypatch.setattr("learner.data_quality.agreement._DIARIES_A_KIND", least)
        alpha = krippendorff_alpha(kinds, nominal_distance(3), draws=4000)
        bounds.append((alpha.low, alpha.high))
    assert bounds[0] == pytest.approx(bounds[1], abs=0.01)


def test_ten_thousand_diaries_by_five_people_take_about_a_second() -> None:
    rng = np.random.default_rng(0)
    mood = rng.integers(0, 7, 10_000)
    answers = np.where(rng.random((10_000, 5)) < 0.6, mood[:, None], rng.integers(0, 7, (10_000, 5)))
    began = time.process_time()
    kinds = _kinds(answers, 7)
    krippendorff_alpha(kinds, nominal_distance(7))
    label_alphas(kinds)
    same_share(kinds)
    assert time.process_time() - began < 3, "0.3 s of an idle core"
