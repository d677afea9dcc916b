from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from learner.classification.comparison import LOOKS_ERROR, accuracy_change, level_of_look, log_score_p, mcnemar


def _rights(both: int, gained: int, lost: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    before = [True] * both + [False] * gained + [True] * lost + [False] * neither
    after = [True] * both + [True] * gained + [False] * lost + [False] * neither
    return np.array(before, bool), np.array(after, bool)


def test_mcnemar_by_hand() -> None:
    # Six fair coins, all or all but one on one side: 2 * (1 + 6) / 64. Agreement makes no difference.
    assert mcnemar(*_rights(30, 5, 1, 7)) == pytest.approx(14 / 64)
    assert mcnemar(*_rights(0, 5, 1, 0)) == pytest.approx(14 / 64)


def test_mcnemar_is_the_same_in_both_directions() -> None:
    before, after = _rights(10, 12, 3, 4)
    assert mcnemar(before, after) == pytest.approx(mcnemar(after, before))


def test_the_p_value_falls_as_the_change_grows() -> None:
    values = [mcnemar(*_rights(10, 5 + extra, 5, 10)) for extra in range(0, 20, 4)]
    assert values[0] == 1
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.01


@pytest.mark.parametrize("counts", [(0, 0, 0, 0), (9, 0, 0, 4)])
def test_without_a_difference_the_p_value_is_one(counts: tuple[int, int, int, int]) -> None:
    assert mcnemar(*_rights(*counts)) == 1.0


@pytest.mark.parametrize("counts", [(10, 5, 2, 3), (0, 1, 0, 0), (50, 0, 9, 4), (7, 30, 30, 1), (0, 1500, 1400, 0)])
def test_the_p_value_is_that_of_an_exact_binomial_test(counts: tuple[int, int, int, int]) -> None:
    _, gained, lost, _ = counts
    assert mcnemar(*_rights(*counts)) == pytest.approx(stats.binomtest(gained, gained + lost).pvalue)


def test_the_interval_of_a_change_ends_where_the_score_test_just_rejects() -> None:
    n, gained, lost = 80, 9, 4
    change = accuracy_change(*_rights(50, gained, lost, 17))
    for end in (change.low, change.high):
        shares = np.linspace(max(0, -end) + 1e-9, (1 - end) / 2, 200_001)[:-1]
        likelihood = gained * np.log(shares + end) + lost * np.log(shares) + 67 * np.log1p(-2 * shares - end)
        lost_share = shares[np.nanargmax(likelihood)]
        variance = (2 * lost_share + end - end**2) / n
        assert abs((gained - lost) / n - end) / variance**0.5 == pytest.approx(1.96, abs=0.01)


def test_a_change_the_other_way_round_has_the_mirrored_interval() -> None:
    before, after = _rights(30, 8, 3, 9)
    forth, back = accuracy_change(before, after), accuracy_change(after, before)
    assert (back.value, back.low, back.high) == pytest.approx((-forth.value, -forth.high, -forth.low))


@pytest.mark.parametrize("counts", [(20, 0, 0, 5), (0, 9, 0, 0), (0, 0, 9, 0), (1, 0, 0, 0)])
def test_the_interval_of_a_change_holds_it_and_stays_in_range(counts: tuple[int, int, int, int]) -> None:
    change = accuracy_change(*_rights(*counts))
    assert -1 <= change.low <= change.value <= change.high <= 1
    assert change.high - change.low > 0.1, "no difference on a few diaries is no proof that there is none"


def test_without_diaries_a_change_may_be_anything() -> None:
    nothing = np.zeros(0, bool)
    assert (accuracy_change(nothing, nothing).low, accuracy_change(nothing, nothing).high) == (-1, 1)


@pytest.mark.parametrize(("n", "different"), [(50, 0.1), (200, 0.05), (400, 0.2)])
def test_the_interval_of_a_change_holds_the_true_one_in_95_of_100_test_parts(n: int, different: float) -> None:
    rng = np.random.default_rng(n)
    gained, lost = 0.7 * different, 0.3 * different
    held = []
    for _ in range(400):
        kind = rng.choice(3, n, p=[gained, lost, 1 - different])
        change = accuracy_change(kind == 1, kind == 0)
        held.append(change.low <= gained - lost <= change.high)
    assert 0.925 <= np.mean(held) <= 0.98


def test_the_levels_of_all_looks_sum_to_the_error_that_is_allowed() -> None:
    levels = [level_of_look(look) for look in range(1, 100_000)]
    assert 0.99 * LOOKS_ERROR < sum(levels) <= LOOKS_ERROR
    assert levels == sorted(levels, reverse=True)
    assert [level_of_look(look) for look in (10, 11, 30, 31)] == pytest.approx([0.0025, 1 / 1600, 1 / 1600, 1 / 6400])


def test_log_scores_are_the_paired_t_test_of_what_the_truth_got() -> None:
    rng = np.random.default_rng(0)
    before, after = (rng.dirichlet(np.ones(3), size=60).astype(np.float32) for _ in range(2))
    truth = rng.integers(0, 3, 60)
    rows = np.arange(60)
    expected = stats.ttest_rel(np.log(after[rows, truth]), np.log(before[rows, truth]), alternative="less")
    assert log_score_p(before, after, truth) == pytest.approx(expected.pvalue, abs=1e-3)
    assert log_score_p(before, after, truth) + log_score_p(after, before, truth) == pytest.approx(1.0)


def test_one_impossible_truth_does_not_decide() -> None:
    truth = np.zeros(50, np.int64)
    before, after = np.tile(np.float32([0.5, 0.5]), (50, 1)), np.tile(np.float32([0.6, 0.4]), (50, 1))
    after[0] = 0.0, 1.0
    assert log_score_p(before, after, truth) > 0.5


def test_equal_probabilities_or_none_are_no_sign() -> None:
    proba, truth = np.tile(np.float32([0.5, 0.5]), (4, 1)), np.zeros(4, np.int64)
    assert log_score_p(proba, proba, truth) == 1.0
    assert log_score_p(proba[:1], proba[:1], truth[:1]) == 1.0
    assert log_score_p(proba, proba / 2, truth) == 0.0
