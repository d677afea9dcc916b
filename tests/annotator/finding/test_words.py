"""What people type is read as words, phrases and exclusions; what can't be read is said."""

from __future__ import annotations

import pytest

from annotator.errors import UserError
from annotator.finding.words import Words, read_words


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", Words()),
        ("  ", Words()),
        ("무서", Words(("무서",))),
        ("무서 눈물", Words(("무서", "눈물"))),
        ('"너무 무서워"', Words(("너무무서워",))),
        ("“너무 무서워”", Words(("너무무서워",))),
        ("화 -영화", Words(("화",), ("영화",))),
        ('-"영화 본"', Words((), ("영화본",))),
        ("화 화", Words(("화",))),
        ("ㅠ", Words(("ㅠ",))),
        ("🙂", Words(("🙂",))),
        ("a*b", Words(("a*b",))),
        ('"안 닫힌', Words(("안닫힌",))),
    ],
)
def test_what_is_typed_is_read(typed: str, words: Words) -> None:
    assert read_words(typed) == words


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ('"" "', "find_no_word"),
        ("-", "find_no_word"),
        ("가" * 10_000, "find_too_long"),
        ("가 나 다 라 마 바 사 아 자 차 카", "find_too_many_words"),
    ],
)
def test_what_cannot_be_looked_for_is_said(typed: str, code: str) -> None:
    with pytest.raises(UserError, match=code):
        read_words(typed)


def test_a_text_is_a_hit_with_all_words_and_without_the_excluded() -> None:
    words = read_words('화 "났 다" -영화')
    assert words.are_in("정말 화가 났다")
    assert not words.are_in("영화를 보다 화가 났다")
    assert not words.are_in("화가 나지 않았다")
