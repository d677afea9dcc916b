"""What was left out stands for what it was drawn from, and errors of single answers are taken off."""

from __future__ import annotations

import numpy as np

from learner.data_quality.held_out import estimate


def test_an_answer_stands_for_as_many_labels_as_it_was_drawn_from() -> None:
    is_different = np.array([True, False], np.bool_)
    held_out = estimate(is_different, np.array([5.0, 15.0]), np.arange(2))
    assert held_out.different.value == 0.25
    assert 0 <= held_out.different.low < 0.25 < held_out.different.high <= 1
    assert held_out.wrong is None


def test_half_of_what_changes_when_asked_twice_is_taken_off() -> None:
    is_different = np.arange(200) < 20
    held_out = estimate(is_different, np.ones(200), np.arange(200), repeated=(8, 100))
    assert held_out.wrong is not None
    assert np.isclose(held_out.wrong.value, 0.10 - 0.08 / 2)
    assert held_out.wrong.low < held_out.wrong.value < held_out.wrong.high
    assert held_out.wrong.high - held_out.wrong.low > held_out.different.high - held_out.different.low
    never = estimate(np.zeros(200, np.bool_), np.ones(200), np.arange(200), repeated=(50, 100))
    assert never.wrong is not None
    assert (never.wrong.value, never.wrong.low) == (0.0, 0.0)


def test_members_of_one_group_tell_less_than_as_many_of_different_ones() -> None:
    is_different = np.repeat([True, False, False, False], 10)
    apart = estimate(is_different, np.ones(40), np.arange(40)).different
    together = estimate(is_different, np.ones(40), np.repeat(np.arange(4), 10)).different
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_the_interval_holds_the_truth_where_groups_are_small_and_large() -> None:
    rng, held, trials = np.random.default_rng(0), 0, 300
    wrong_of = np.array([0.15] * 60 + [0.02] * 20)
    size, out = np.array([5] * 60 + [60] * 20), np.array([1] * 60 + [6] * 20)
    truth = float((wrong_of * size).sum() / size.sum())
    for _ in range(trials):
        acts = np.repeat(np.arange(80), out)
        is_different = rng.random(len(acts)) < wrong_of[acts]
        different = estimate(is_different, (size / out)[acts], acts).different
        held += different.low <= truth <= different.high
    assert held / trials >= 0.92
