from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learner.text.characters import cut, find_starts, is_inside_character, legible

ANY_CHARACTER = st.characters(exclude_categories=())


@given(st.text(ANY_CHARACTER))
def test_legible_text_has_the_same_length_and_can_be_encoded(text: str) -> None:
    assert len(legible(text)) == len(text)
    legible(text).encode("utf-8")


@pytest.mark.parametrize("unseen", ["\x00", "\x07", "\t", "\n", "\xa0", "\u3000", "\u200b", "\ufeff", "\ud800", "ㅤ"])
def test_what_cannot_be_seen_becomes_a_space(unseen: str) -> None:
    assert legible(f"가{unseen}나") == "가 나"


@pytest.mark.parametrize("text", ["갔다ㅋㅋ ㅠㅠ!", "👩\u200d👧", "각", "e\u0301", "漢字", "❤\ufe0f"])
def test_what_can_be_seen_stays(text: str) -> None:
    assert legible(text) == text


def test_pieces_are_found_by_their_visible_characters() -> None:
    assert find_starts(" 가나  다 라", ["가 나", "", "다", "라"]) == [1, 5, 7]


@pytest.mark.parametrize("pieces", [["가"], ["가", "나", "다"], ["나", "가"], []])
def test_pieces_that_differ_from_the_text_are_not_found(pieces: list[str]) -> None:
    assert find_starts("가나", pieces) is None


@given(st.text(ANY_CHARACTER), st.lists(st.integers(-3, 60)))
def test_cutting_anywhere_covers_each_character_once(text: str, places: list[int]) -> None:
    spans = cut(text, places)
    covered = [place for start, end in spans for place in range(start, end)]
    assert covered == sorted(set(covered))
    assert {place for place, c in enumerate(text) if not c.isspace()} <= set(covered)
    for start, end in spans:
        assert text[start:end] == text[start:end].strip() != ""


@pytest.mark.parametrize("whole", ["각", "e\u0301", "👍🏽", "👩\u200d👧", "❤\ufe0f", "🇰🇷", "1\ufe0f\u20e3"])
def test_what_people_see_as_one_character_is_not_cut(whole: str) -> None:
    assert cut(f"a{whole}b", range(20)) == ((0, 1), (1, 1 + len(whole)), (1 + len(whole), 2 + len(whole)))


def test_ordinary_characters_may_be_cut() -> None:
    assert not any(is_inside_character("갔다ㅋㅋ!🙂a", place) for place in range(9))
