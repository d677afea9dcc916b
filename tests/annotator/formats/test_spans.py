"""Marked words are found whatever a tool counts, and nowhere if that is not clear."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.formats.spans import place, to_utf16

TEXT = "😀😀 오늘은 정말 기뻤다.\r\n그래도 기뻤다."


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [(10, 13, "기뻤다"), (12, 15, "기뻤다"), (9, 14, "기뻤다"), (0, 3, "기뻤다"), (80, 83, "기뻤다")],
)
def test_the_words_decide_where_a_tool_says_them(start: int, end: int, words: str) -> None:
    span = place(TEXT, start, end, words=words)
    assert span is not None
    assert TEXT[slice(*span)] == "기뻤다"
    assert span[0] == (20 if start == 80 else 10)


def test_a_line_end_may_be_counted_as_one_character() -> None:
    assert place(TEXT, 19, 22, words="기뻤다") == (20, 23)


@pytest.mark.parametrize(
    ("start", "end", "unit", "expected"),
    [(10, 13, "points", (10, 13)), (12, 15, "utf16", (10, 13)), (1, 3, "utf16", None), (40, 43, "points", None)],
)
def test_without_the_words_the_tools_own_way_of_counting_does(
    start: int, end: int, unit: str, expected: tuple[int, int] | None
) -> None:
    assert place(TEXT, start, end, unit=unit) == expected  # type: ignore[arg-type]


def test_words_that_are_nowhere_have_no_place() -> None:
    assert place(TEXT, 10, 13, words="슬펐다") is None


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), st.data())
def test_what_goes_out_in_utf_16_units_comes_back(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    first, last = to_utf16(text, start, end)
    assert text.encode("utf-16-le")[2 * first : 2 * last].decode("utf-16-le") == text[start:end]
    assert place(text, first, last, unit="utf16") == ((start, end) if text[start:end].strip() else None)
