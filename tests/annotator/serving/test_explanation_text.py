"""Explanations in plain words, and no more than is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from annotator.serving.explanation_text import CLOSE, Reading, is_guess, read, real_words, shown, spans_for
from db.models.explanations import Explanation
from learner.text.units import eojeol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.messages import Language

NAMES = ("슬픔", "불안", "분노")

TEXT = "오늘은 혼자 앉아 눈물이 났다"


def _read(
    text: str,
    weights: Sequence[Sequence[float]],
    *,
    proba: Sequence[float] = (0.8, 0.15, 0.05),
    language: Language = "ko",
    fit: float = 0.9,
    has_learned: bool = True,
    **values: Any,
) -> Reading:
    spans = eojeol(text)
    matrix = np.array(weights, np.float32).reshape(len(spans), len(proba))
    explanation = Explanation(1, 1, "eojeol", spans, matrix, (fit,) * len(proba), 100, **values)
    return read(text, explanation, proba, NAMES[: len(proba)], language, has_learned=has_learned)


def _for(*weights: float) -> list[list[float]]:
    """Return weights that speak for 슬픔 and as much against the others."""
    return [[weight, -weight / 2, -weight / 2] for weight in weights]


# Which words


def test_only_words_of_real_weight_are_named_strongest_first() -> None:
    weights = np.array([0.1, 0.9, -0.5, 0.4, 0.29], np.float32)
    assert real_words(weights, most=3) == ([1, 3], False)


def test_more_words_than_are_named_are_told_of() -> None:
    weights = np.array([0.5, 0.9, 0.4, 0.6, -1.0, 0.0, 0.0, 0.0, 0.0], np.float32)
    assert real_words(weights, most=3) == ([1, 3, 0], True)


@pytest.mark.parametrize(
    "weights",
    [[], [0.0, 0.0], [-0.4, -0.1], [0.01, 0.005], [0.5, 0.5, 0.5, 0.5], [0.9, 0.8, 0.7, 0.6, 0.6, 0.1]],
    ids=str,
)
def test_where_nothing_stands_out_no_word_is_named(weights: list[float]) -> None:
    assert real_words(np.array(weights, np.float32), most=3) == ([], False)


def test_the_words_that_a_sentence_names_are_marked_where_they_stand() -> None:
    spans = eojeol(TEXT)
    explanation = Explanation(1, 1, "eojeol", spans, np.array(_for(0.1, 0.5, 0, 0.9, 0), np.float32), (0.9,) * 3, 100)
    assert [TEXT[start:end] for start, end in spans_for(TEXT, explanation, 0)] == ["혼자", "눈물이"]
    assert spans_for(TEXT, explanation, 1) == (), "nothing speaks for 불안"


# The sentence


def test_a_sentence_names_the_words_and_the_label() -> None:
    weights = _for(0, 0.6, 0.1, 0.9, -0.3)
    assert _read(TEXT, weights).sentence == "‘눈물이’와 ‘혼자’ 때문에 슬픔으로 봤어요."
    assert _read(TEXT, weights, language="en").sentence == "Seen as 슬픔 because of “눈물이” and “혼자”."


def test_three_words_are_a_list_and_a_fourth_makes_them_examples() -> None:
    text = "가방 나비 다람쥐 라면 마음 바다 사람 아침 자전거"
    rest = (0, 0, 0, 0, 0)
    assert _read(text, _for(0.9, 0.8, 0.7, 0, *rest)).sentence == "‘가방’, ‘나비’와 ‘다람쥐’ 때문에 슬픔으로 봤어요."
    assert (
        _read(text, _for(0.9, 0.8, 0.4, 0.35, *rest)).sentence
        == "‘가방’, ‘나비’와 ‘다람쥐’ 같은 말들 때문에 슬픔으로 봤어요."
    )


def test_a_word_that_counts_twice_is_named_once() -> None:
    assert _read("너무 너무 좋다", _for(0.9, 0.8, 0)).sentence == "‘너무’ 때문에 슬픔으로 봤어요."


def test_a_flat_explanation_says_that_the_whole_text_counted() -> None:
    read_ = _read(TEXT, _for(0.5, 0.5, 0.5, 0.5, 0.5), stability=0.1)
    assert read_.sentence == "어느 한 낱말 때문이 아니라 글 전체를 보고 슬픔으로 봤어요."


def test_doubt_about_the_words_is_said() -> None:
    weights = _for(0, 0.6, 0.1, 0.9, 0)
    doubt = "다만 첫 낱말이 둘째보다 중요할 가능성은 64%라, 순서는 확실하지 않아요."
    assert _read(TEXT, weights, stability=0.64).sentence.endswith(f"봤어요. {doubt}")
    assert _read(TEXT, weights, stability=0.8).sentence.endswith("봤어요.")
    assert _read(TEXT, _for(0, 0, 0.0, 0.9, 0), stability=0.6).sentence.endswith("봤어요."), "one word has no order"
    assert "잘 맞지 않을 수" in _read(TEXT, weights, fit=0.1, stability=0.1).sentence


def test_a_text_of_one_word_or_none_says_so() -> None:
    one = _read("짜증나!", _for(0.9))
    assert one.sentence == "글이 ‘짜증나’ 한 낱말이라 그것만 보고 슬픔으로 봤어요."
    assert one.contrast is None
    assert _read("", []).sentence == "낱말이 없는 글이라 어느 말 때문인지 알 수 없어요."


def test_a_negation_is_named_with_what_it_negates() -> None:
    text = "오늘은 울지 않았다. 밥도 안 먹었다."
    read_ = _read(text, _for(0, -0.5, 1.2, 0, 0.3, 0.2))
    assert read_.sentence == "‘울지 않았다’와 ‘안 먹었다’ 때문에 슬픔으로 봤어요."
    assert [text[a:b] for a, b in read_.groups] == ["울지 않았다.", "안 먹었다."]


def test_markup_and_unseen_characters_of_a_word_stay_plain_text() -> None:
    assert shown("<b>눈물</b>", (0, 9)) == "<b>눈물</b>"
    assert shown("\u202e“울지\n않았다!”", (0, 10)) == "울지 않았다"
    assert shown("...", (0, 3)) == "..."
    assert shown("가" * 30, (0, 30)) == "가" * 14 + "…"


# Contrast


def test_the_contrast_names_what_tells_the_second_label_apart() -> None:
    weights = [[0.2, 0.2, 0], [0.6, 0.8, 0], [0, 0, 0], [0.9, -0.2, 0], [0, 0.1, 0]]
    assert _read(TEXT, weights).contrast == "불안이 아닌 이유: ‘눈물이’"
    assert _read(TEXT, weights, proba=(0.8, 0.05, 0.15)).contrast == "분노가 아닌 이유: ‘눈물이’와 ‘혼자’"
    assert _read(TEXT, weights, language="en").contrast == "Why not 불안: “눈물이”"


def test_labels_that_no_word_tells_apart_are_said_to_be_so() -> None:
    assert _read(TEXT, [[0.5, 0.5, 0]] * 5).contrast == "슬픔과 불안을 가른 낱말은 뚜렷하지 않아요."


def test_one_label_has_no_contrast() -> None:
    assert _read(TEXT, [[0.9], [0], [0], [0], [0]], proba=(1.0,)).contrast is None


# Deletion


def _without(words: Sequence[str], before: float, after: float, **values: Any) -> str | None:
    spans = [list(span) for span in eojeol(TEXT) if TEXT[slice(*span)] in words]
    tried = {"label_index": 0, "spans": spans, "before": before, "after": after, **values}
    return _read(TEXT, _for(0, 0.6, 0.1, 0.9, 0), deletion=tried).deletion


def test_a_probability_that_falls_without_its_words_is_told() -> None:
    assert _without(["혼자", "눈물이"], 0.81, 0.34) == "이 낱말들을 빼면 슬픔이 81%에서 34%로 떨어져요."


def test_words_that_the_sentence_has_not_named_are_named() -> None:
    assert _without(["눈물이"], 0.81, 0.34) == "‘눈물이’를 빼면 슬픔이 81%에서 34%로 떨어져요."
    assert (
        _without(["오늘은", "혼자", "눈물이", "났다"], 0.81, 0.34)
        == "‘오늘은’, ‘혼자’와 ‘눈물이’ 등 4개를 빼면 슬픔이 81%에서 34%로 떨어져요."
    )


def test_half_of_a_negation_is_named_as_the_half_that_was_removed() -> None:
    text = "오늘은 울지 않았다. 밥도 먹었다."
    weights = _for(0, -0.2, 1.2, 0, 0.3)
    half = {"label_index": 0, "spans": [[7, 11]], "before": 0.8, "after": 0.3}
    whole = {**half, "spans": [[4, 6], [7, 11]]}
    assert str(_read(text, weights, deletion=half).deletion).startswith("‘않았다’를 빼면")
    assert str(_read(text, weights, deletion=whole).deletion).startswith("이 낱말을 빼면")


def test_words_whose_loss_changes_little_are_called_hard_to_trust() -> None:
    said = _without(["혼자", "눈물이"], 0.81, 0.79)
    assert said == "이 낱말들을 빼도 슬픔은 81%에서 79%로 거의 그대로예요. 근거로 믿기 어려워요."
    assert "올라요" in str(_without(["혼자", "눈물이"], 0.40, 0.55))


def test_what_random_words_do_stands_beside_the_fall() -> None:
    said = _without(["혼자", "눈물이"], 0.81, 0.34, after_random=0.768)
    assert said == "이 낱말들을 빼면 슬픔이 81%에서 34%로 떨어져요. 아무 낱말이나 2개 빼면 평균 77%예요."


def test_a_check_without_random_words_does_not_speak_of_them() -> None:
    assert "아무 낱말" not in str(_without(["혼자"], 0.8, 0.3, after_random=None))


def test_a_deletion_that_was_not_tried_says_nothing() -> None:
    assert _read(TEXT, _for(0, 0.6, 0.1, 0.9, 0)).deletion is None
    assert _without([], 0.8, 0.8) is None
    assert _without(["혼자"], 0.8, 0.3, label_index=9) is None


# Guesses


def test_an_answer_is_a_guess_before_the_first_round_or_where_it_hardly_leads() -> None:
    assert is_guess((0.9, 0.1), has_learned=False)
    assert is_guess((0.5 + 0.4 * CLOSE, 0.5 - 0.4 * CLOSE), has_learned=True)
    assert not is_guess((0.5 + 0.6 * CLOSE, 0.5 - 0.6 * CLOSE), has_learned=True)
    assert not is_guess((1.0,), has_learned=True)


@pytest.mark.parametrize(("proba", "has_learned"), [((0.38, 0.36, 0.26), True), ((0.9, 0.06, 0.04), False)])
def test_a_guess_says_so_and_states_no_reason(proba: tuple[float, ...], has_learned: bool) -> None:
    texts = {TEXT: [0, 0.6, 0.1, 0.9, -0.3], "짜증나!": [0.9], "": [], "가 나 다 라 마": [0.5] * 5}
    for text, weights in texts.items():
        korean = _read(text, _for(*weights), proba=proba, has_learned=has_learned)
        english = _read(text, _for(*weights), proba=proba, has_learned=has_learned, language="en")
        assert korean.sentence.startswith("아직 짐작이에요.")
        assert english.sentence.startswith("Only a guess so far")
        said = " ".join(filter(None, (korean.sentence, korean.contrast, english.sentence, english.contrast)))
        assert not any(word in said for word in ("때문", "이유", "because", "Why not"))


def test_a_guess_names_the_words_that_may_have_counted() -> None:
    guess = _read(TEXT, _for(0, 0.6, 0.1, 0.9, -0.3), has_learned=False)
    assert guess.sentence == "아직 짐작이에요. ‘눈물이’와 ‘혼자’가 슬픔 쪽으로 기울게 한 듯해요."
    assert guess.contrast == "불안보다 슬픔 쪽으로 기운 데에는 ‘눈물이’와 ‘혼자’가 컸을 수 있어요."


# The sentences by themselves


def test_sentences_that_mostly_say_otherwise_are_told_of() -> None:
    sad, afraid, angry = [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]
    weights = _for(0, 0.6, 0.1, 0.9, -0.3)
    told = "문장마다 보면 불안 쪽이 더 많지만, 글 전체로는 슬픔에 더 가까워요."
    assert _read(TEXT, weights, arc=[sad, afraid, afraid]).by_sentence == told
    assert (
        _read(TEXT, weights, arc=[afraid, angry]).by_sentence
        == "문장마다 보면 다른 감정이 더 많지만, 글 전체로는 슬픔에 더 가까워요."
    )
    for arc in (None, [], [afraid], [sad, afraid], [sad, sad, afraid]):
        assert _read(TEXT, weights, arc=arc).by_sentence is None
    guess = _read(TEXT, weights, arc=[afraid, afraid], has_learned=False, language="en").by_sentence
    assert guess == "Sentence by sentence it is more often 불안, but the text as a whole is slightly closer to 슬픔."
