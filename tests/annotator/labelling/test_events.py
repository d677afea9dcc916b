"""What a browser sends is checked like any other input."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.errors import UserError
from annotator.labelling.events import BoardEvent, read_event, seq_of

PRESS = {"seq": 1, "kind": "label", "token": "0123456789abcdef", "diary_id": 3, "label_id": 2}


def test_a_press_is_read() -> None:
    raw = {**PRESS, "memo": "메모", "seconds": 1.5, "model_id": 1, "shown_label_id": 2, "shown_proba": 0.5}
    assert read_event(raw) == BoardEvent(1, "label", "0123456789abcdef", None, 3, 2, "메모", 1.5, 1, 2, 0.5)


def test_an_undo_needs_no_diary_but_names_what_it_takes_back() -> None:
    undo = {"seq": 2, "kind": "undo", "token": "0123456789abcdef", "undoes": "fedcba9876543210"}
    event = read_event(undo)
    assert (event.diary_id, event.undoes) == (None, "fedcba9876543210")
    for broken in ({**undo, "undoes": ""}, {**undo, "undoes": None}, {**PRESS, "undoes": "fedcba9876543210"}):
        with pytest.raises(UserError, match="event_broken"):
            read_event(broken)


def test_a_mark_on_a_word_is_read() -> None:
    raw = {**PRESS, "kind": "rationale", "span": [0, 3], "verdict": "wrong"}
    event = read_event(raw)
    assert (event.kind, event.span, event.verdict) == ("rationale", (0, 3), "wrong")


def test_further_emotions_and_an_intensity_are_read() -> None:
    event = read_event({**PRESS, "other_label_ids": [4, 2, 4, 5], "intensity": 3})
    assert (event.other_label_ids, event.intensity) == ((4, 5), 3), "the label itself is no further one"


@pytest.mark.parametrize("raw", [None, 3, "label", [], [PRESS], {}, b"x", True])
def test_what_is_no_press_is_refused(raw: Any) -> None:
    with pytest.raises(UserError, match="event_broken"):
        read_event(raw)
    assert seq_of(raw) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"seq": None},
        {"seq": "x"},
        {"seq": 0},
        {"seq": -1},
        {"seq": 10**400},
        {"seq": float("inf")},
        {"seq": float("nan")},
        {"kind": "delete"},
        {"kind": None},
        {"kind": ["label"]},
        {"token": ""},
        {"token": "short"},
        {"token": "x" * 65},
        {"token": "띄어 쓰기 있는 것"},
        {"token": "\ud800" * 10},
        {"token": None},
        {"diary_id": "three"},
        {"diary_id": {}},
        {"diary_id": 2**63},
        {"diary_id": -4},
        {"label_id": float("inf")},
        {"seconds": "long"},
        {"seconds": float("nan")},
        {"shown_proba": float("-inf")},
        {"model_id": []},
        {"span": 3},
        {"span": [3]},
        {"span": [3, 3]},
        {"span": [-1, 3]},
        {"span": [0, 10**400]},
        {"span": ["a", "b"]},
        {"verdict": "maybe"},
        {"verdict": ["right"]},
        {"other_label_ids": 3},
        {"other_label_ids": "345"},
        {"other_label_ids": [0]},
        {"other_label_ids": [[1]]},
        {"other_label_ids": [10**400]},
        {"other_label_ids": list(range(1, 100))},
        {"intensity": 0},
        {"intensity": 6},
        {"intensity": 2.5},
        {"intensity": True},
        {"intensity": "strong"},
        {"intensity": [3]},
    ],
    ids=str,
)
def test_a_press_with_a_wrong_value_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="event_broken"):
        read_event({**PRESS, **wrong})


def test_a_huge_memo_is_cut() -> None:
    assert read_event({**PRESS, "memo": "가" * 1_000_000}).memo == "가" * 2000


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(None, ""), ("😀", "😀"), ("\ud83d\ude00", "😀"), ("끝이 잘린 \ud83d", "끝이 잘린 \ufffd"), ("a\0b", "ab")],
)
def test_a_memo_is_made_fit_to_be_kept(sent: str | None, kept: str) -> None:
    assert read_event({**PRESS, "memo": sent}).memo == kept


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.characters(categories=["Cs"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


FIELDS = [*PRESS, "memo", "seconds", "model_id", "shown_proba", "span", "verdict", "other_label_ids", "intensity"]


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JUNK) | JUNK)
def test_whatever_comes_is_read_or_refused_and_nothing_else(raw: Any) -> None:
    press = {**PRESS, **raw} if isinstance(raw, dict) else raw
    try:
        event = read_event(press)
    except UserError:
        return
    assert event.seq == seq_of(press)
    event.memo.encode()


TAKEN = ["import-2-2", "import-17-1-0-3", "ls-0123456789abcdef", "review:1:2:3:4", "undo-answer:9"]


@pytest.mark.parametrize("token", TAKEN)
def test_a_press_can_not_be_called_what_the_app_calls_its_own(token: str) -> None:
    with pytest.raises(UserError, match="event_broken"):
        read_event({**PRESS, "token": token})
