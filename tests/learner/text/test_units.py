from __future__ import annotations

import threading
from itertools import compress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.text.units import UNITS, eojeol, morphemes, without

if TYPE_CHECKING:
    from collections.abc import Callable

DIARIES = st.lists(
    st.one_of(
        st.sampled_from(
            ["학교에 ", "갔어요", "ㅋㅋㅋ", "ㅠㅠ", "👩\u200d👧", "👍🏽", "각", "\x00", "\ud800", "\n", "  "]
        ),
        st.characters(exclude_categories=()),
    ),
    max_size=25,
).map("".join)


@pytest.mark.parametrize("units", UNITS.values(), ids=UNITS)
@settings(deadline=None)
@given(text=DIARIES)
def test_every_character_lies_in_one_unit_and_no_unit_reaches_over_a_space(
    units: Callable[[str], tuple[tuple[int, int], ...]], text: str
) -> None:
    spans = units(text)
    covered = [place for start, end in spans for place in range(start, end)]
    assert covered == [place for place, character in enumerate(text) if not character.isspace()]
    assert all(start < end for start, end in spans)


def test_punctuation_belongs_to_its_eojeol() -> None:
    text = ' "정말\u3000좋았다!" ㅠㅠ'
    assert [text[start:end] for start, end in eojeol(text)] == ['"정말', '좋았다!"', "ㅠㅠ"]


def test_morphemes_are_surface_pieces_at_exact_offsets() -> None:
    text = "  학교에 갔다ㅋㅋ"
    assert morphemes(text) == ((2, 4), (4, 5), (6, 7), (7, 8), (8, 10))


def test_morphemes_keep_what_people_see_as_one_character_together() -> None:
    text = "좋아👍🏽👍🏽 각각"
    pieces = [text[start:end] for start, end in morphemes(text)]
    assert not any(piece[0] in "🏽ᅡᆨ" for piece in pieces)


def test_morphemes_of_several_threads_do_not_mix() -> None:
    texts = [f"나는 {number}번째 학교에 갔다 왔어요" for number in range(100)]
    expected = [morphemes(text) for text in texts]
    by_thread: list[list[tuple[tuple[int, int], ...]]] = []
    threads = [threading.Thread(target=lambda: by_thread.append([morphemes(text) for text in texts])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert by_thread == [expected] * 4


@pytest.mark.parametrize(
    ("text", "keep", "expected"),
    [
        ("가 나 다", [1, 0, 1], "가 다"),
        ("가 나 다", [0, 1, 1], "나 다"),
        ("가 나 다", [1, 1, 0], "가 나"),
        ("가 나 다", [0, 0, 0], ""),
        ("가  나 다", [1, 1, 0], "가  나"),
        ("가  나 다", [1, 0, 1], "가 다"),
        ("가 나\n다 라", [1, 0, 1, 1], "가\n다 라"),
        ("가 나\n다 라", [1, 0, 0, 1], "가\n라"),
        (" 가 나 다\n", [0, 1, 0], " 나\n"),
        (" 가 나\n", [0, 0], ""),
    ],
)
def test_removed_eojeol_leave_one_space_between_their_neighbours(text: str, keep: list[int], expected: str) -> None:
    assert without(text, eojeol(text), [bool(stays) for stays in keep]) == expected


def test_a_removed_morpheme_leaves_the_space_beside_it() -> None:
    text = "학교에 갔다"
    spans = ((0, 2), (2, 3), (4, 5), (5, 6))
    assert without(text, spans, [True, False, True, True]) == "학교 갔다"
    assert without(text, spans, [True, True, False, True]) == "학교에 다"
    assert without(text, spans, [True, False, False, True]) == "학교 다"


def test_text_outside_of_the_spans_is_never_touched() -> None:
    text = "  가  나 다 라  마\n"
    assert without(text, ((7, 8), (9, 10)), [False, True]) == "  가  나 라  마\n"
    assert without(text, ((7, 8), (9, 10)), [False, False]) == "  가  나 마\n"
    assert without(text, ((7, 8), (9, 10)), [True, True]) == text
    assert without(text, (), []) == text


@settings(deadline=None)
@given(text=DIARIES, data=st.data())
def test_removal_keeps_exactly_the_other_units(text: str, data: st.DataObject) -> None:
    spans = eojeol(text)
    keep = data.draw(st.lists(st.booleans(), min_size=len(spans), max_size=len(spans)))
    changed = without(text, spans, keep)
    kept = [text[start:end] for start, end in compress(spans, keep)]
    assert changed.split() == kept
    if all(keep) and spans:
        assert changed == text
