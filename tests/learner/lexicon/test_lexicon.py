from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learner.lexicon import lexicon
from learner.text.lemmas import Word, find_words

SAD, HAPPY = 5, 2


def _proba(*rows: tuple[float, float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_a_unit_is_shared_by_characters_and_nothing_is_lost() -> None:
    words = [Word(0, 2, "생일"), Word(2, 6, "파티"), Word(7, 9, "비")]
    weights = np.array([[0.6, -0.6], [1.0, 0.0]], np.float32)
    shared = lexicon.share_weights(words, [(0, 6), (7, 10)], weights)
    assert shared == pytest.approx(np.array([[0.2, -0.2], [0.4, -0.4], [1.0, 0.0]]))


def test_a_word_of_several_units_has_the_sum_of_them_and_a_unit_without_word_goes() -> None:
    weights = np.array([[0.5], [0.25], [9.0]], np.float32)
    shared = lexicon.share_weights([Word(0, 3, "눈물")], [(0, 2), (2, 3), (3, 4)], weights)
    assert shared == pytest.approx(np.array([[0.75]]))


def test_words_are_put_together_over_diaries() -> None:
    tears, rain = Word(0, 2, "눈물"), Word(3, 4, "비")
    evidence = lexicon.aggregate(
        [
            (7, [tears, rain], np.array([[1.0, -1.0], [0.0, 0.0]], np.float32)),
            (9, [tears, tears], np.array([[0.5, -0.5], [1.5, -1.5]], np.float32)),
        ],
        k=2,
    )
    assert evidence.forms == ("눈물", "비")
    assert evidence.means[0] == pytest.approx([1.0, -1.0])
    assert (evidence.counts.tolist(), evidence.diary_counts.tolist(), evidence.diary_total) == ([3, 1], [2, 1], 2)
    assert evidence.examples[0] == (9, 7)
    assert evidence.strengths[0, 0] == pytest.approx(0.5)


def test_a_word_seen_once_does_not_come_before_one_that_is_seen_often() -> None:
    often, once = Word(0, 1, "자주"), Word(2, 3, "한번")
    rows = [(i, [often], np.array([[0.5]], np.float32)) for i in range(20)]
    evidence = lexicon.aggregate([(99, [once], np.array([[1.0]], np.float32)), *rows], k=1)
    assert evidence.forms == ("자주", "한번")


def test_without_explanations_there_are_no_words() -> None:
    evidence = lexicon.aggregate([], k=3)
    assert (evidence.forms, evidence.means.shape, evidence.diary_total) == ((), (0, 3), 0)


@given(st.lists(st.sampled_from(["기쁘다", "안 기쁘다", "눈물", "나다", "x"]), max_size=12))
def test_every_word_lies_in_exactly_one_tag(forms: list[str]) -> None:
    words = [Word(3 * i, 3 * i + 2, form) for i, form in enumerate(forms)]
    tags = lexicon.tag(words, {"기쁘다": HAPPY, "눈물 나다": SAD, "x": None})
    inside = [sum(tag.start <= word.start and word.end <= tag.end for tag in tags) for word in words]
    assert inside == [1] * len(words)
    assert all(tag.label is None for tag in tags if tag.form in ("x", "안 기쁘다", "눈물", "나다"))


def test_the_longest_entry_counts_and_what_is_negated_is_another_word() -> None:
    text = "눈물이 났지만 기쁘지 않았다."
    entries = {"눈물": HAPPY, "눈물 나다": SAD, "기쁘다": HAPPY}
    tags = lexicon.tag(find_words(text), entries)
    assert [(text[t.start : t.end], t.label, t.is_known) for t in tags] == [
        ("눈물이 났지만", SAD, True),
        ("기쁘지 않았다", None, False),
    ]


def test_more_words_say_more_and_no_number_of_them_everything() -> None:
    tag = lexicon.Tag(0, 1, "눈물", SAD, True)
    one, ten = (lexicon.votes([tag] * n, (HAPPY, SAD)) for n in (1, 10))
    assert one == pytest.approx([0, 0.5])
    assert one[1] < ten[1] < 1
    assert not lexicon.votes([tag._replace(label=99), tag._replace(label=None)], (HAPPY, SAD)).any()


def test_refining_by_hand() -> None:
    refined = lexicon.adjust(_proba((0.5, 0.5)), _proba((0.0, 0.5)), strength=2.0)
    assert refined[0, 1] == pytest.approx(np.e / (1 + np.e))


def test_where_no_word_votes_nothing_changes_and_no_prediction_stays_none() -> None:
    proba = _proba((0.9, 0.1), (np.nan, np.nan))
    refined = lexicon.adjust(proba, np.zeros((2, 2), np.float32), strength=3.0)
    assert refined[0] == pytest.approx(proba[0])
    assert np.isnan(refined[1]).all()


def test_a_dictionary_that_helps_counts_and_one_that_misleads_does_not() -> None:
    proba = np.full((60, 2), 0.5, np.float32)
    truth = np.eye(2, dtype=np.float32)[np.arange(60) % 2]
    helpful = lexicon.fit_strength(proba, 0.5 * truth, truth)
    assert 1 < helpful <= lexicon.MAX_STRENGTH
    assert lexicon.fit_strength(proba, 0.5 * truth[:, ::-1], truth) == 0
    assert lexicon.fit_strength(proba, np.zeros_like(proba), truth) == 0
    few = lexicon.fit_strength(proba[:2], 0.5 * truth[:2], truth[:2])
    assert 0 < few < helpful
