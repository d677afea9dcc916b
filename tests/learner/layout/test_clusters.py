"""Clusters and the words that tell them apart."""

from __future__ import annotations

import numpy as np
import pytest

from learner.layout import clusters


def test_clusters_are_the_groups_that_are_there_the_largest_first() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], [20, 60, 30])
    vectors = (np.eye(3)[group] * 20 + rng.normal(0, 1, (110, 3))).astype(np.float32)
    cluster_of = clusters.divide(vectors, seed=1)
    assert np.bincount(cluster_of).tolist() == [60, 30, 20]
    assert (cluster_of == np.array([2, 0, 1])[group]).all()
    assert (clusters.divide(vectors, seed=1) == cluster_of).all()


@pytest.mark.parametrize(("n", "count"), [(1, 1), (5, 1), (30, 3), (500, 7), (4000, 21), (5184, 24), (10**6, 24)])
def test_the_number_of_clusters_follows_from_the_number_of_texts(n: int, count: int) -> None:
    assert clusters.cluster_count(n) == count


def test_the_most_telling_words_are_those_that_the_others_do_not_have() -> None:
    words = [["바다", "하루", "파도"]] * 12 + [["시험", "하루", "공부"]] * 12
    of = np.repeat([0, 1], 12)
    sea, exam = clusters.telling_words(words, of, 2)
    assert set(sea) == {"바다", "파도"}
    assert set(exam) == {"시험", "공부"}, "하루 stands in all of them and tells nothing"


def test_a_word_of_less_than_three_diaries_names_no_cluster_however_often_it_is_there() -> None:
    words = [["김서연"] * 9 + ["바다"]] * 2 + [["바다"]] * 10 + [["시험"]] * 12
    sea, _ = clusters.telling_words(words, np.repeat([0, 1], 12), 2)
    assert sea == ("바다",)


def test_a_cluster_that_nothing_tells_from_the_others_has_no_words() -> None:
    assert clusters.telling_words([["하루"]] * 20, np.repeat([0, 1], 10), 2) == [(), ()]
    assert clusters.telling_words([[]] * 20, np.repeat([0, 1], 10), 2) == [(), ()]


def test_scores_are_those_of_the_formula_worked_by_hand() -> None:
    # Two words, two clusters: 8 and 2 against 2 and 8; the prior of each is 0.1 * 10 + 0.01 = 1.01.
    scores = clusters._log_odds(np.array([[8.0, 2.0], [2.0, 8.0]]))
    own = np.log(9.01 / (10 + 2.02 - 9.01))
    other = np.log(3.01 / (10 + 2.02 - 3.01))
    expected = (own - other) / np.sqrt(1 / 9.01 + 1 / 3.01)
    assert scores == pytest.approx(np.array([[expected, -expected], [-expected, expected]]))
    assert expected > 0
