from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from learner.active_learning.query_strategies import STRATEGIES
from learner.active_learning.simulation import (
    TEST_SHARE,
    Replay,
    asking,
    full_pool,
    lead,
    mean_interval,
    replay,
    summarise,
)
from learner.errors import LearnerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from learner.active_learning.simulation import State

K = 3


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Threads wait for each other far longer than so small a task takes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _task(n: int = 120, *, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return features in three overlapping clouds, and the labels of the clouds."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, K, n)
    features = np.eye(K, 6, dtype=np.float32)[labels] + 0.6 * rng.standard_normal((n, 6))
    return features.astype(np.float32), labels


def _replay(strategy: str, *, batch: int = 8, budget: int = 16, seed: int = 0, n: int = 60) -> Replay:
    features, labels = _task(n)
    return replay(features, labels, asking(strategy), k=K, batch=batch, budget=budget, seed=seed)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_starts_alike_and_asks_for_each_row_once(strategy: str) -> None:
    run, reference = _replay(strategy), _replay("random")
    assert run.counts.tolist() == [8, 16]
    assert run.macro_f1[0] == reference.macro_f1[0]
    assert run.accuracy[0] == reference.accuracy[0]
    np.testing.assert_array_equal(run.asked[:8], reference.asked[:8])
    assert len(set(run.asked.tolist())) == len(run.asked) == 16


@pytest.mark.parametrize("strategy", ["committee_margin", "typical"])
def test_the_same_seed_replays_the_same(strategy: str) -> None:
    first, second = _replay(strategy, seed=2), _replay(strategy, seed=2)
    np.testing.assert_array_equal(first.asked, second.asked)
    np.testing.assert_array_equal(first.macro_f1, second.macro_f1)
    assert _replay(strategy, seed=3).asked.tolist() != first.asked.tolist()


def test_rows_to_measure_on_are_never_asked_for() -> None:
    run = _replay("margin", batch=20, budget=500)
    assert len(set(run.asked.tolist())) == 42, "the pool is asked for to its end"
    test = np.random.default_rng(0).permutation(60)[:18]
    assert not set(run.asked.tolist()) & set(test.tolist())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_budget_beyond_the_pool_ends_with_the_pool(strategy: str) -> None:
    run = _replay(strategy, batch=15, budget=10_000)
    assert run.counts.tolist() == [15, 30, 42]


def test_a_pool_of_less_than_two_batches_is_refused() -> None:
    with pytest.raises(LearnerError) as caught:
        _replay("margin", batch=22)
    assert (caught.value.code, caught.value.details) == ("simulation_too_small", {"rows": 60, "batch": 22})


def test_a_first_batch_of_one_label_is_no_obstacle() -> None:
    features, labels = _task(40)
    # All but the last rows of the pool's order have the same label.
    order = np.random.default_rng(0).permutation(40)
    labels[order[12:30]] = 1
    run = replay(features, labels, asking("committee_margin"), k=K, batch=4, budget=28, seed=0)
    assert run.counts[-1] == 28
    assert np.isfinite(run.macro_f1).all()


def test_what_a_replay_may_look_at_is_what_is_known() -> None:
    features, labels = _task(60)
    seen: list[tuple[int, int]] = []

    def ask(state: State) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        assert not set(state.known.tolist()) & set(state.waiting.tolist())
        assert not set(state.test.tolist()) & {*state.known.tolist(), *state.waiting.tolist()}
        seen.append((len(state.known), state.batch))
        return state.waiting[: state.batch], np.full((len(state.test), K), 1 / K, np.float32)

    replay(features, labels, ask, k=K, batch=20, budget=42, seed=0)
    assert seen == [(20, 20), (40, 2), (42, 0)]


def test_the_whole_pool_teaches_an_easy_task() -> None:
    features, labels = _task(200)
    macro_f1, accuracy = full_pool(features, labels, k=K, seed=0)
    assert 0.6 < macro_f1 <= 1
    assert 0.6 < accuracy <= 1


def _drawn(*curves: list[float], counts: tuple[int, ...] = (10, 20, 40)) -> list[Replay]:
    places = np.arange(counts[-1])
    return [Replay(np.array(counts), np.array(curve), np.array(curve) / 2, places) for curve in curves]


def test_the_area_is_weighed_by_the_labels_between_points() -> None:
    summary = summarise(_drawn([0.0, 0.4, 0.8]), full_macro_f1=1.0)
    # Means of the two stretches, 0.2 over 10 labels and 0.6 over 20.
    assert summary.aulc_macro_f1 == pytest.approx((10 * 0.2 + 20 * 0.6) / 30)
    assert summary.aulc_accuracy == pytest.approx(summary.aulc_macro_f1 / 2)
    assert summary.macro_f1_interval == (-np.inf, np.inf), "one seed says nothing of others"


def test_a_single_point_is_its_own_area() -> None:
    assert summarise(_drawn([0.3], [0.5], counts=(10,)), full_macro_f1=1.0).aulc_macro_f1 == pytest.approx(0.4)


def test_labels_to_the_goal_by_hand() -> None:
    assert summarise(_drawn([0.5, 0.95, 0.96]), full_macro_f1=1.0).labels_to_95 == 20
    assert summarise(_drawn([0.5, 0.6, 0.7]), full_macro_f1=1.0).labels_to_95 is None
    assert summarise(_drawn([0.96, 0.2, 0.96]), full_macro_f1=1.0).labels_to_95 == 40, "a lucky point is no arrival"


def test_the_interval_of_a_mean_holds_the_mean_and_shrinks_with_the_values() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.1, 5)
    low, high = mean_interval(values)
    assert low < values.mean() < high
    many_low, many_high = mean_interval(np.tile(values, 8))
    assert many_high - many_low < high - low
    assert mean_interval(values[:1]) == (-np.inf, np.inf)


def test_the_interval_of_five_seeds_that_share_rows_holds_the_mean_of_fresh_rows() -> None:
    """Seeds of one file err together by the file's luck, as large as the share of rows that they have in common."""
    rng, held = np.random.default_rng(1), []
    shared = TEST_SHARE / (1 - TEST_SHARE)
    for _ in range(400):
        values = 0.5 + rng.normal(0, 0.02 * np.sqrt(shared)) + rng.normal(0, 0.02, 5)
        low, high = mean_interval(values)
        held.append(low <= 0.5 <= high)
    assert 0.92 <= np.mean(held) <= 0.98


def test_a_lead_is_paired_by_seed_and_wider_the_more_others_there_are() -> None:
    luck = np.random.default_rng(2).normal(0, 0.1, 6)
    best = summarise(_drawn(*[[0.5 + x, 0.6 + x, 0.7 + x] for x in luck]), full_macro_f1=1.0)
    other = summarise(_drawn(*[[0.5 + x, 0.6 + x, 0.65 + x + x / 50] for x in luck]), full_macro_f1=1.0)
    ahead, among_many = lead(best, other, others=1), lead(best, other, others=8)
    assert 0 < ahead.low < ahead.value < ahead.high
    assert ahead.value == pytest.approx(best.aulc_macro_f1 - other.aulc_macro_f1)
    assert among_many.low < ahead.low
    assert best.macro_f1_interval[0] < other.aulc_macro_f1, "apart the two overlap"
    alone = lead(*(summarise(_drawn([0.1, 0.2, 0.3]), full_macro_f1=1.0) for _ in range(2)), others=1)
    assert (alone.value, alone.low) == (0.0, -np.inf)


def test_no_group_is_learned_from_and_tested_on() -> None:
    features, labels = _task(120)
    groups = np.arange(len(labels)) // 4
    torn: list[list[int]] = []

    def ask(state: State) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        learned = np.concatenate([state.known, state.waiting])
        torn.append(np.intersect1d(groups[state.test], groups[learned]).tolist())
        assert len(learned) + len(state.test) == len(labels)
        return state.waiting[: state.batch], np.full((len(state.test), K), 1 / K, np.float32)

    replay(features, labels, ask, k=K, batch=10, budget=30, seed=0, groups=groups)
    assert len(torn) == 3
    assert not any(torn)


def test_a_writer_of_most_rows_does_not_empty_the_test_rows() -> None:
    features, labels = _task(120)
    groups = np.where(np.arange(120) < 70, 0, np.arange(120))
    sizes = []

    def ask(state: State) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        sizes.append(len(state.test))
        return state.waiting[: state.batch], np.full((len(state.test), K), 1 / K, np.float32)

    for apart in (groups, np.zeros(120, np.int64)):
        replay(features, labels, ask, k=K, batch=10, budget=10, seed=0, groups=apart)
    assert sizes == [36, 36]


def test_heads_of_a_replay_are_drawn_towards_the_first_model() -> None:
    features, labels = _task(300)
    first = np.eye(K, 6, dtype=np.float32)  # answers by the cloud that a row is nearest to
    curves = [
        np.mean([replay(features, labels, ask, k=K, batch=8, budget=8, seed=seed).macro_f1[0] for seed in range(5)])
        for ask in (asking("random"), asking("random", first=4 * first))
    ]
    assert curves[1] > curves[0] + 0.02, "eight labels teach less than the first model knows"


def test_a_first_model_that_answers_wrongly_is_left_out() -> None:
    features, labels = _task(300)
    wrong = np.roll(40 * np.eye(K, 6, dtype=np.float32), 1, axis=0)
    with_it, without = (
        replay(features, labels, ask, k=K, batch=100, budget=100, seed=0)
        for ask in (asking("random", first=wrong), asking("random"))
    )
    np.testing.assert_array_equal(with_it.macro_f1, without.macro_f1)
