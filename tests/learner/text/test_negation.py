"""Negations are found by parts of speech, and joined with what they negate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.text.negation import find_groups, merge
from learner.text.units import UNITS, eojeol, morphemes

DIARIES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "안 ",
                "못 ",
                "울지 않았다",
                "먹지는 ",
                "못했다. ",
                "안녕 ",
                "말자",
                "ㅠㅠ",
                "👩\u200d👧",
                "\x00",
                "\ud800",
                "\n",
            ]
        ),
        st.characters(exclude_categories=()),
    ),
    max_size=25,
).map("".join)


def _joined(text: str, unit: str = "eojeol") -> list[str]:
    spans = UNITS[unit](text)
    return [text[spans[group[0]][0] : spans[group[-1]][1]] for group in find_groups(text, spans)]


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("나는 밥을 안 먹었다", "안 먹었다"),
        ("오늘은 안 행복해", "안 행복해"),
        ("잠을 못 잤다", "못 잤다"),
        ("안 잘 됐다", "안 잘 됐다"),
        ("오늘은 울지 않았다.", "울지 않았다."),
        ("아프지는 않았다", "아프지는 않았다"),
        ("슬프진 않았다", "슬프진 않았다"),
        ("나쁘지만은 않다", "나쁘지만은 않다"),
        ("마음이 편치 않았다", "편치 않았다"),
        ("끝내 가지 못했다", "가지 못했다"),
        ("견디지를 못했다", "견디지를 못했다"),
        ("이제 울지 말자", "울지 말자"),
        ("울지\n않았다", "울지\n않았다"),
        ("별로 행복하지 않은 건 아니다", "행복하지 않은"),
        ("안 울지 않았다", "안 울지 않았다"),
    ],
    ids=lambda text: text.replace("\n", " "),
)
def test_a_negation_is_joined_with_what_it_negates(text: str, joined: str) -> None:
    assert _joined(text) == [joined]


@pytest.mark.parametrize(
    "text",
    [
        "안녕 친구야",
        "안경을 썼다",
        "안방에서 잤다",
        "안개가 낀 아침",
        "안심이 되었다",
        "안타까운 일",
        "집 안에서 놀았다",
        "교실 안 친구들",
        "집 안 청소",
        "못지않게 좋다",
        "못생긴 얼굴",
        "못난 나",
        "마지못해 갔다",
        "못을 박았다",
        "참 못마땅했다",
        "안 그래도 힘든데",
        "다 먹고 말았다",
        "왜 안? 먹었어",
        "맞잖아 그렇잖아",
        "말을 걸었다",
        "안",
        "",
        " \n ",
        "😭😭",
    ],
)
@pytest.mark.parametrize("unit", UNITS)
def test_words_that_only_look_like_a_negation_stay_by_themselves(text: str, unit: str) -> None:
    assert _joined(text, unit) == []


def test_morphemes_are_joined_without_the_marks_around_them() -> None:
    assert _joined("밥을먹지 않았다!", "morpheme") == ["먹지 않았다"]
    assert _joined("밥을 안먹었다ㅠㅠ", "morpheme") == ["안먹었다"]


def test_a_negation_within_one_unit_needs_no_group() -> None:
    assert _joined("밥을 안먹었다") == []


def test_two_negations_are_two_groups() -> None:
    assert _joined("안 먹고 못 잤다") == ["안 먹고", "못 잤다"]


def test_only_units_that_are_there_are_joined() -> None:
    text = "밥을 안 먹었다. 울지 않았다."
    spans = tuple(span for span in eojeol(text) if text[slice(*span)] != "않았다.")
    assert find_groups(text, spans) == ((1, 2),)


def test_in_a_very_long_text_the_same_negations_are_found_around_the_units() -> None:
    text = "나는 밥을 안 먹었다. 집에 갔다. 그래도 울지 않았다. " * 200
    spans = eojeol(text)
    some = tuple(spans[i] for i in (2, 3, 4, 601, 602, 1108, 1109, 1798, 1799))
    words = [[text[slice(*some[i])] for i in group] for group in find_groups(text, some)]
    assert words == [["안", "먹었다."], ["울지", "않았다."], ["울지", "않았다."]]
    assert len(find_groups(text, spans)) == 400


@settings(deadline=None)
@given(text=DIARIES)
def test_groups_are_ascending_neighbours_that_share_no_unit(text: str) -> None:
    for units in (eojeol, morphemes):
        spans = units(text)
        groups = find_groups(text, spans)
        members = [i for group in groups for i in group]
        assert members == sorted(set(members))
        assert all(len(group) > 1 and group == tuple(range(group[0], group[-1] + 1)) for group in groups)
        assert not members or 0 <= members[0] <= members[-1] < len(spans)


def test_a_group_weighs_what_its_members_weigh_together() -> None:
    spans = ((0, 2), (3, 4), (5, 8), (9, 11))
    weights = np.array([[1, 0], [2, -1], [4, -2], [8, 5]], np.float32)
    merged, sums = merge(spans, weights, ((1, 2),))
    assert merged == ((0, 2), (3, 8), (9, 11))
    assert sums.tolist() == [[1, 0], [6, -3], [8, 5]]
    assert weights[1].tolist() == [2, -1]


def test_without_units_nothing_is_merged() -> None:
    merged, sums = merge((), np.zeros((0, 3), np.float32), ())
    assert (merged, sums.shape) == ((), (0, 3))
