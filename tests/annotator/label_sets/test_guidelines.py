"""Guidelines: versioned, for a label or a pair, the newest counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator.accounts import annotators
from annotator.errors import UserError
from annotator.label_sets import editing, guidelines

if TYPE_CHECKING:
    from db import Database

ANGER, JOY, FEAR, SHOCK, SORROW = range(1, 6)


def _write(db: Database, label_id: int, other: int | None, text: str, *examples: str) -> int | None:
    return guidelines.write_guideline(
        db, label_id, other, text, examples, annotator_id=annotators.get_or_create(db, "나")
    )


def test_the_newest_version_counts_and_older_ones_can_be_read(opened: Database) -> None:
    _write(opened, SORROW, None, "눈물이 나면 고른다.", "혼자 남은 방이 컸다.", "  ")
    _write(opened, SORROW, None, "잃은 아픔이면 고른다.")
    guideline = guidelines.of_label(opened, SORROW)
    assert guideline is not None
    assert (guideline.text, guideline.examples, guideline.annotator_name) == ("잃은 아픔이면 고른다.", (), "나")
    assert [v.examples for v in guidelines.list_versions(opened, SORROW)] == [(), ("혼자 남은 방이 컸다.",)]


def test_a_pair_is_the_same_in_either_order_and_apart_from_its_labels(opened: Database) -> None:
    _write(opened, SORROW, ANGER, "따지고 싶으면 분노다.")
    for pair in ((ANGER, SORROW), (SORROW, ANGER)):
        guideline = guidelines.find_for_pair(opened, *pair)
        assert guideline is not None
        assert guideline.text == "따지고 싶으면 분노다."
    assert guidelines.of_label(opened, ANGER) is None
    assert guidelines.find_for_pair(opened, ANGER, JOY) is None


def test_saying_the_same_again_makes_no_version_and_an_empty_text_takes_it_away(opened: Database) -> None:
    assert _write(opened, JOY, None, "") is None
    assert _write(opened, JOY, None, "고맙고 뿌듯하다.") is not None
    assert _write(opened, JOY, None, " 고맙고 뿌듯하다. ") is None
    assert _write(opened, JOY, None, "") is not None
    assert guidelines.of_label(opened, JOY) is None
    assert guidelines.as_board(opened) == []
    assert len(guidelines.list_versions(opened, JOY)) == 2


def test_the_board_gets_labels_in_their_order_then_pairs_and_nothing_of_retired_ones(opened: Database) -> None:
    _write(opened, FEAR, None, "두렵다.")
    _write(opened, ANGER, FEAR, "둘 다면 앞선 것.", "예문")
    _write(opened, ANGER, None, "화가 난다.")
    _write(opened, JOY, None, "기쁘다.")
    editing.merge(opened, JOY, SHOCK, annotator_id=annotators.get_or_create(opened, "나"))
    told = guidelines.as_board(opened)
    assert [entry["label_ids"] for entry in told] == [[ANGER], [FEAR], [ANGER, FEAR]]
    assert told[2] == {"label_ids": [ANGER, FEAR], "text": "둘 다면 앞선 것.", "examples": ["예문"]}


@pytest.mark.parametrize(
    ("other", "text", "examples", "code"),
    [
        (None, "가" * 2001, [], "guideline_too_long"),
        (None, "", ["예"] * 9, "guideline_too_many_examples"),
        (None, "", ["가" * 201], "guideline_example_too_long"),
        (ANGER, "같은 라벨", [], "guideline_pair_itself"),
        (99, "없는 라벨", [], "label_not_in_force"),
    ],
)
def test_what_can_not_be_read_beside_a_diary_is_refused(
    opened: Database, other: int | None, text: str, examples: list[str], code: str
) -> None:
    with pytest.raises(UserError, match=code):
        _write(opened, ANGER, other, text, *examples)
    assert not guidelines.list_versions(opened, ANGER, other)
