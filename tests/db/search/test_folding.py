"""Texts are compared without spaces, case and composition, and hits are marked where they stand."""

from __future__ import annotations

import unicodedata

import pytest

from db.search import folding


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("너무 무서워", "너무무서워"),
        ("KTX", "ktx"),
        ("한강", unicodedata.normalize("NFD", "한강")),
        ("눈\u200b물", "눈물"),
        ("두\n줄\t글", "두줄글"),
    ],
)
def test_texts_that_read_alike_fold_alike(one: str, other: str) -> None:
    assert folding.fold(one) == folding.fold(other)
    assert folding.units_of(folding.fold(one)).tolist() == folding.units_of(folding.fold(other)).tolist()


def test_each_text_ends_with_a_zero_whatever_it_holds() -> None:
    units, lengths = folding.fold_texts(["가 나", "", "다\0라", "🙂"])
    assert (units == 0).sum() == 4
    assert lengths.tolist() == [3, 0, 3, 1]
    assert units[:2].tolist() == [ord("가"), ord("나")]


@pytest.mark.parametrize(
    ("text", "words", "marked"),
    [
        ("오늘은 무 서워서 울었다", ["무서워"], ["무 서워"]),
        ("Ktx를 탔다", ["ktx"], ["Ktx"]),
        ("하하하", ["하하"], ["하하"]),
        ("가나다", ["가나", "나다"], ["가나다"]),
        ("아무것도 없다", ["슬픔"], []),
    ],
)
def test_words_are_marked_where_they_stand(text: str, words: list[str], marked: list[str]) -> None:
    assert [text[start:end] for start, end in folding.find_spans(text, words)] == marked
