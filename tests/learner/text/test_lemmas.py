from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.text.lemmas import MAX_FORM_CHARACTERS, find_words, form_of

TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["기쁘지 ", "않았다", "안 ", "못 갔어요", "눈물이 ", "ㅋㅋㅋ", "^^", "👩\u200d👧", "👍🏽", "❤️", "각"]
        ),
        st.sampled_from(["ㅠㅠ", "\x00", "\ud800", "\n", "  ", "a\u0301", "<b>", "못마땅하다", "생일", "파티", "🇰🇷"]),
        st.characters(exclude_categories=()),
    ),
    max_size=25,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(text=TEXTS)
def test_words_lie_apart_within_the_text_and_are_the_same_each_time(text: str) -> None:
    words = find_words(text)
    edges = [edge for word in words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert all(0 <= word.start < word.end <= len(text) for word in words)
    assert all(not text[word.start].isspace() and not text[word.end - 1].isspace() for word in words)
    assert all(0 < len(word.form) <= MAX_FORM_CHARACTERS for word in words)
    find_words.cache_clear()
    assert find_words(text) == words


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("눈물이 났어요.", ["눈물", "나다"]),
        ("행복했던 생일파티에서", ["행복하다", "생일파티"]),
        ("걱정스럽고 외로웠다", ["걱정스럽다", "외롭다"]),
        ("정말 헉", ["정말", "헉"]),
        ("보고 싶었다", ["보고 싶다"]),
        ("보고싶어서. 가고 싶지 않아", ["보고 싶다", "안 가고 싶다"]),
        ("보고 웃었다", ["보다", "웃다"]),
        ("그리고 나는 세 번", []),
        ("", []),
        ("  \n ", []),
        ("...!?", []),
    ],
)
def test_words_are_in_their_dictionary_form(text: str, forms: list[str]) -> None:
    assert [word.form for word in find_words(text) if word.form != "번"] == forms


@pytest.mark.parametrize("text", ["기쁘지 않았다", "안 기뻤다", "기쁘지는 않다", "기쁘진 않았어요"])
def test_what_is_negated_is_a_form_of_its_own_with_its_negation(text: str) -> None:
    (word,) = find_words(text)
    assert (text[word.start : word.end], word.form) == (text, "안 기쁘다")


def test_what_somebody_could_not_do_is_told_from_what_they_did_not_do() -> None:
    assert [word.form for word in find_words("못 갔다. 울지 못했다. 가지 않았다.")] == ["못 가다", "못 울다", "안 가다"]


def test_displeased_is_no_negation_of_pleased() -> None:
    assert form_of("못마땅하다") == "못마땅하다"


@pytest.mark.parametrize(
    ("text", "form"),
    [("ㅋㅋㅋㅋㅋ", "ㅋㅋ"), ("ㅜㅠㅜ", "ㅠㅠ"), ("ㅠ_ㅠ", "ㅠㅠ"), ("^_^", "^_^"), ("❤️", "❤"), ("👍🏽", "👍")],
)
def test_signs_stand_for_words(text: str, form: str) -> None:
    (word,) = find_words(f"좋아 {text}")[1:]
    assert (word.start, word.end, word.form) == (3, 3 + len(text), form)


def test_decomposed_syllables_are_found_where_they_stand() -> None:
    text = unicodedata.normalize("NFD", "오늘은 기쁘지 않았다 ㅠㅠ")
    words = find_words(text)
    assert [word.form for word in words] == ["오늘", "안 기쁘다", "ㅠㅠ"]
    assert [unicodedata.normalize("NFC", text[w.start : w.end]) for w in words] == ["오늘은", "기쁘지 않았다", "ㅠㅠ"]


def test_nouns_without_end_are_no_word() -> None:
    assert find_words("학교" * 5_000) == ()


def test_a_phrase_has_the_forms_of_its_words() -> None:
    assert form_of("눈물이 났다") == "눈물 나다"
    assert form_of("<b>슬펐다</b>").split()[1] == "슬프다"
