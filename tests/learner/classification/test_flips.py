"""Diaries that moved from one answer to another are counted, and the worst change comes first."""

from __future__ import annotations

import numpy as np

from learner.classification import flips
from learner.classification.flips import Flip


def _count(rows: list[tuple[int, int, int, bool]], *, k: int = 4) -> flips.Flips:
    """Count rows of before, after, truth and whether the label was learned from."""
    before, after, truth, learned = zip(*rows, strict=True)
    return flips.count(np.array(before), np.array(after), np.array(truth), np.array(learned), k=k)


def test_moves_are_counted_by_pair_with_what_became_right_and_wrong() -> None:
    counted = _count([(0, 1, 0, False), (0, 1, 1, True), (0, 1, -1, False), (2, 2, 2, False), (-1, 1, 1, False)])
    assert counted.pairs() == [Flip(0, 1, count=3, gained=1, lost=1, gained_learned=1)]


def test_a_pair_that_lost_more_comes_before_one_that_moved_more() -> None:
    counted = _count([(0, 1, 0, False)] * 2 + [(2, 3, 3, False)] * 9 + [(1, 2, -1, False)] * 20)
    assert [(flip.before, flip.after) for flip in counted.pairs()] == [(0, 1), (1, 2), (2, 3)]


def test_right_answers_to_what_was_learned_from_do_not_make_up_for_losses() -> None:
    counted = _count([(0, 1, 0, False), (0, 1, 1, True), (0, 1, 1, True), (2, 3, 2, False), (2, 3, 3, False)])
    assert [flip.harm for flip in counted.pairs()] == [1, 0]


def test_losses_of_one_label_that_spread_over_many_pairs_put_it_first_among_labels() -> None:
    spread = [(0, after, 0, False) for after in (1, 2, 3) for _ in range(2)]
    worst = _count([*spread, *[(1, 2, 1, False)] * 3]).labels()[0]
    assert (worst.label, worst.away.lost, worst.towards.count, worst.harm) == (0, 6, 0, 6)


def test_a_label_whose_answers_all_go_to_one_other_comes_before_that_one() -> None:
    order = [each.label for each in _count([(2, 0, 2, False)] * 4 + [(0, 1, 0, False)]).labels()]
    assert order == [2, 0, 1]


def test_a_label_that_takes_the_answers_of_all_others_is_first_as_well() -> None:
    counted = _count([(before, 3, before, False) for before in (0, 1, 2) for _ in range(2)] + [(0, 1, 0, False)])
    assert (counted.labels()[0].label, counted.labels()[0].towards.lost) == (3, 6)


def test_where_nothing_moved_there_is_nothing_to_list() -> None:
    counted = _count([(1, 1, 0, False), (-1, 2, 2, False)])
    assert (counted.pairs(), counted.labels()) == ([], [])
