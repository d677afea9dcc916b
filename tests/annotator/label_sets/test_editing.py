"""The label set as it grows: every change keeps all decisions, and can be taken back."""

from __future__ import annotations

import time
import unicodedata
from contextlib import closing
from typing import TYPE_CHECKING, Literal

import pytest

from annotator import project
from annotator.accounts import annotators
from annotator.errors import UserError
from annotator.label_sets import definitions, editing
from annotator.label_sets.editing import NewLabel
from annotator.labelling import decisions as labelling_decisions
from annotator.review import actions, rechecks
from db.answers import decisions, queue, training_data
from db.answers.decisions import NewDecision
from db.label_sets import history, labels
from db.people import audit_log
from tests.conftest import fill

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database

ANGER, JOY, FEAR, SHOCK, SORROW, NEUTRAL, DISGUST = range(1, 8)


def _me(db: Database) -> int:
    return annotators.get_or_create(db, "라벨 담당")


def _names(db: Database) -> list[str]:
    return [label.name for label in labels.list_labels(db)]


def _label(db: Database, diary_id: int, label_id: int) -> int:
    token = f"{diary_id}-{label_id}-{decisions.last_decision_id(db)}"
    made = labelling_decisions.decide(db, NewDecision(diary_id, _me(db), "label", token, label_id))
    assert made is not None
    return made


def _counts(db: Database) -> dict[int, int]:
    return decisions.count_by_label(db)


def test_a_merge_moves_what_decisions_count_for_and_undo_moves_it_back_after_a_restart(project_path: Path) -> None:
    with closing(project.open_project(project_path)) as db:
        fill(db, 6, labelled=True)
        merged = editing.merge(db, SORROW, NEUTRAL, annotator_id=_me(db), note="나누기 어렵다")
        assert _counts(db) == {JOY: 3, NEUTRAL: 3}
        assert "슬픔" not in _names(db)
    with closing(project.open_project(project_path)) as db:
        editing.undo(db, merged, annotator_id=_me(db))
        assert _counts(db) == {JOY: 3, SORROW: 3}
        assert _names(db) == [label.name for label in definitions.DEFAULT_LABELS]
        assert {label.key for label in labels.list_labels(db)} == set("1234567")


def test_a_merge_of_a_merged_label_is_one_step_long_and_undone_in_turn(opened: Database) -> None:
    fill(opened, 4, labelled=True)
    first = editing.merge(opened, SORROW, FEAR, annotator_id=_me(opened))
    second = editing.merge(opened, FEAR, SHOCK, annotator_id=_me(opened))
    assert labels.list_merged(opened) == {SORROW: SHOCK, FEAR: SHOCK}
    assert _counts(opened) == {JOY: 2, SHOCK: 2}
    with pytest.raises(UserError) as refused:
        editing.undo(opened, first, annotator_id=_me(opened))
    assert (refused.value.code, refused.value.details["first"]) == ("label_change_blocked", second)
    editing.undo(opened, second, annotator_id=_me(opened))
    assert labels.list_merged(opened) == {SORROW: FEAR}
    assert _counts(opened) == {JOY: 2, FEAR: 2}


def test_what_is_pressed_in_a_tab_that_has_not_heard_of_a_merge_counts_for_the_merged_label(opened: Database) -> None:
    fill(opened, 2)
    editing.merge(opened, SORROW, FEAR, annotator_id=_me(opened))
    made = _label(opened, 1, SORROW)
    assert decisions.get_decision(opened, made).label_id == SORROW
    assert _counts(opened) == {FEAR: 1}


def test_a_retired_label_can_not_be_pressed_any_more(opened: Database) -> None:
    fill(opened, 2)
    editing.retire(opened, DISGUST, annotator_id=_me(opened))
    with pytest.raises(UserError, match="label_not_in_force"):
        _label(opened, 1, DISGUST)
    assert queue.count_waiting(opened, limit=9) == 2


@pytest.mark.parametrize("colour", ["red", "url(//x)", "#12345g", '#fff"><script>', "#123456\n"])
def test_a_new_label_with_a_colour_that_is_none_is_refused_before_it_is_kept(opened: Database, colour: str) -> None:
    before = labels.list_all_labels(opened)
    with pytest.raises(UserError, match="label_colour_unusable"):
        editing.add(opened, NewLabel("기쁨", colour=colour), annotator_id=1)
    assert labels.list_all_labels(opened) == before


def test_a_new_label_gets_a_key_and_a_colour_that_are_free(opened: Database) -> None:
    made = editing.add(opened, NewLabel("서운함", "기대한 만큼이 아니라 아쉽다."), annotator_id=_me(opened))
    added = next(label for label in labels.list_labels(opened) if label.id == made)
    assert added.key == "8"
    assert added.colour not in {label.colour for label in definitions.DEFAULT_LABELS}
    assert _names(opened)[-1] == "서운함"


def test_names_that_only_look_the_same_are_one(opened: Database) -> None:
    with pytest.raises(UserError, match="label_name_repeated"):
        editing.add(opened, NewLabel(unicodedata.normalize("NFD", "슬픔") + " "), annotator_id=_me(opened))
    with pytest.raises(UserError, match="label_name_repeated"):
        editing.edit(opened, {ANGER: {"name": unicodedata.normalize("NFD", "행복")}}, annotator_id=_me(opened))
    assert not editing.list_changes(opened)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"key": "s"}, "label_key_unusable"),
        ({"key": "2"}, "label_key_repeated"),
        ({"colour": "red"}, "label_colour_unusable"),
        ({"name": " "}, "label_name_empty"),
    ],
)
def test_an_edit_that_can_not_stand_changes_nothing(opened: Database, fields: dict[str, str], code: str) -> None:
    with pytest.raises(UserError, match=code):
        editing.edit(opened, {ANGER: {"definition": "다르게", **fields}}, annotator_id=_me(opened))
    assert [label for label in labels.list_labels(opened)] == list(definitions.DEFAULT_LABELS)  # noqa: C416
    assert not editing.list_changes(opened)


def test_two_labels_can_swap_their_keys_at_once_and_undo_swaps_them_back(opened: Database) -> None:
    (swapped,) = editing.edit(opened, {ANGER: {"key": "2"}, JOY: {"key": "1"}}, annotator_id=_me(opened))
    assert [label.key for label in labels.list_labels(opened)][:2] == ["2", "1"]
    editing.undo(opened, swapped, annotator_id=_me(opened))
    assert [label.key for label in labels.list_labels(opened)][:2] == ["1", "2"]


def test_each_kind_of_edit_is_a_change_of_its_own_with_its_note_and_person(opened: Database) -> None:
    fields = {"name": "노여움", "definition": "화가 난다.", "colour": "#aa3344"}
    editing.edit(opened, {ANGER: fields}, annotator_id=_me(opened), note="더 부드럽게")
    changes = editing.list_changes(opened)
    assert [change.action for change in changes] == ["recolour", "define", "rename"]
    assert {(change.note, change.annotator_name) for change in changes} == {("더 부드럽게", "라벨 담당")}
    logged = audit_log.list_entries(opened, subject=f"label:{ANGER}")
    assert [entry.action for entry in logged] == ["label.recolour", "label.define", "label.rename"]


def test_the_order_is_changed_as_a_whole(opened: Database) -> None:
    order = [label.id for label in labels.list_labels(opened)][::-1]
    moved = editing.reorder(opened, order, annotator_id=_me(opened))
    assert [label.id for label in labels.list_labels(opened)] == order
    assert editing.reorder(opened, order, annotator_id=_me(opened)) is None
    with pytest.raises(UserError, match="label_order_incomplete"):
        editing.reorder(opened, order[1:], annotator_id=_me(opened))
    assert moved is not None
    editing.undo(opened, moved, annotator_id=_me(opened))
    assert [label.id for label in labels.list_labels(opened)] == order[::-1]


def test_a_split_asks_for_older_decisions_anew_and_only_for_those(opened: Database) -> None:
    fill(opened, 4, labelled=True)
    old = _label(opened, 1, SORROW)
    parts = [NewLabel("서운함"), NewLabel("그리움")]
    editing.split(opened, SORROW, parts, keep=True, annotator_id=_me(opened))
    newer = _label(opened, 2, SORROW)
    waiting = {row.decision_id for row in history.list_rechecks(opened, limit=9)}
    assert old in waiting
    assert newer not in waiting
    assert {row.label_id for row in history.list_rechecks(opened, limit=9)} == {SORROW}


def test_a_second_look_is_a_newer_label_or_a_review_that_keeps_the_old_one(opened: Database) -> None:
    fill(opened, 4)
    first, second = _label(opened, 1, SORROW), _label(opened, 2, SORROW)
    editing.split(opened, SORROW, [NewLabel("서운함")], keep=True, annotator_id=_me(opened))
    part = labels.list_labels(opened)[-1].id
    assert rechecks.count(opened) == 2
    _label(opened, 1, part)
    assert [row.decision_id for row in history.list_rechecks(opened, limit=9)] == [second]
    card = rechecks.next_card(opened, annotator_id=_me(opened))
    assert card is not None
    assert [label.id for label in card.choices][:2] == [SORROW, part]
    rechecks.choose(opened, 2, card.mark, SORROW, annotator_id=_me(opened), language="ko")
    assert not rechecks.count(opened)
    assert decisions.get_decision(opened, first).label_id == SORROW
    time.sleep(0.002)  # a split in the same millisecond as a review would not be told from one before it
    editing.split(opened, SORROW, [NewLabel("그리움")], keep=True, annotator_id=_me(opened))
    assert [row.decision_id for row in history.list_rechecks(opened, limit=9)] == [second]


def test_a_second_look_at_somebody_elses_label_settles_the_diary_and_can_be_taken_back(opened: Database) -> None:
    fill(opened, 2, labelled=True)
    editing.retire(opened, SORROW, annotator_id=_me(opened))
    card = rechecks.next_card(opened, annotator_id=_me(opened))
    assert card is not None
    assert SORROW not in [label.id for label in card.choices]
    rechecks.choose(opened, card.diary_id, card.mark, FEAR, annotator_id=_me(opened), language="ko")
    assert not rechecks.count(opened)
    counted = [*_training(opened, "pool"), *_training(opened, "test")]
    assert sorted(counted) == [JOY, FEAR]
    actions.undo_last(opened, _me(opened))
    assert rechecks.count(opened) == 1


def _training(db: Database, part: Literal["pool", "test"]) -> list[int]:
    return [int(i) for i in training_data.list_labelled(db, part=part).label_ids]


def test_taking_a_split_back_counts_the_decisions_of_its_parts_for_the_old_label(opened: Database) -> None:
    fill(opened, 4)
    _label(opened, 1, SORROW)
    change = editing.split(
        opened, SORROW, [NewLabel("서운함"), NewLabel("그리움")], keep=False, annotator_id=_me(opened)
    )
    assert "슬픔" not in _names(opened)
    part = labels.list_labels(opened)[-1].id
    _label(opened, 1, part)
    assert not history.count_rechecks(opened)
    editing.undo(opened, change, annotator_id=_me(opened))
    assert _counts(opened) == {SORROW: 1}
    assert _names(opened) == [label.name for label in definitions.DEFAULT_LABELS]


def test_decisions_of_a_retired_label_wait_for_a_second_look_until_it_is_back(opened: Database) -> None:
    fill(opened, 4, labelled=True)
    change = editing.retire(opened, SORROW, annotator_id=_me(opened))
    assert history.count_rechecks(opened) == 2
    editing.undo(opened, change, annotator_id=_me(opened))
    assert not history.count_rechecks(opened)
    assert _counts(opened) == {JOY: 2, SORROW: 2}


def test_a_name_that_was_retired_comes_back_with_its_decisions(opened: Database) -> None:
    fill(opened, 4, labelled=True)
    editing.retire(opened, SORROW, annotator_id=_me(opened))
    editing.add(opened, NewLabel("새 이름", key="5"), annotator_id=_me(opened))
    back = editing.add(opened, NewLabel("슬픔"), annotator_id=_me(opened))
    assert back == SORROW
    assert _counts(opened) == {JOY: 2, SORROW: 2}
    assert not history.count_rechecks(opened)


def test_a_name_that_was_merged_is_not_given_to_another_label(opened: Database) -> None:
    editing.merge(opened, SORROW, FEAR, annotator_id=_me(opened))
    with pytest.raises(UserError, match="label_name_retired"):
        editing.add(opened, NewLabel("슬픔"), annotator_id=_me(opened))
    with pytest.raises(UserError, match="label_name_retired"):
        editing.edit(opened, {FEAR: {"name": "슬픔"}}, annotator_id=_me(opened))


def test_a_key_that_another_label_took_meanwhile_says_what_to_take_back_first(opened: Database) -> None:
    retired = editing.retire(opened, SORROW, annotator_id=_me(opened))
    editing.add(opened, NewLabel("서운함", key="5"), annotator_id=_me(opened))
    blocking = editing.list_changes(opened)[0].id
    with pytest.raises(UserError) as refused:
        editing.undo(opened, retired, annotator_id=_me(opened))
    assert (refused.value.code, refused.value.details["first"]) == ("label_change_blocked", blocking)
    editing.undo(opened, blocking, annotator_id=_me(opened))
    editing.undo(opened, retired, annotator_id=_me(opened))
    assert [label.key for label in labels.list_labels(opened)] == list("1234567")


def test_a_label_that_others_were_merged_into_is_not_taken_away_from_under_them(opened: Database) -> None:
    editing.add(opened, NewLabel("서운함"), annotator_id=_me(opened))
    added = editing.list_changes(opened)[0].id
    part = labels.list_labels(opened)[-1].id
    editing.merge(opened, SORROW, part, annotator_id=_me(opened))
    with pytest.raises(UserError, match="label_change_blocked"):
        editing.undo(opened, added, annotator_id=_me(opened))


def test_a_change_is_taken_back_once(opened: Database) -> None:
    change = editing.retire(opened, SORROW, annotator_id=_me(opened))
    undone = editing.undo(opened, change, annotator_id=_me(opened))
    for again in (change, undone):
        with pytest.raises(UserError, match="label_change_undone"):
            editing.undo(opened, again, annotator_id=_me(opened))


def test_two_labels_are_always_left(opened: Database) -> None:
    for label_id in (ANGER, FEAR, SHOCK, SORROW, DISGUST):
        editing.merge(opened, label_id, JOY, annotator_id=_me(opened))
    with pytest.raises(UserError, match="label_count_outside"):
        editing.merge(opened, NEUTRAL, JOY, annotator_id=_me(opened))
    with pytest.raises(UserError, match="label_merge_itself"):
        editing.merge(opened, JOY, JOY, annotator_id=_me(opened))
    with pytest.raises(UserError, match="label_not_in_force"):
        editing.merge(opened, JOY, ANGER, annotator_id=_me(opened))
    with pytest.raises(UserError, match="label_split_too_few"):
        editing.split(opened, JOY, [NewLabel("기쁨")], keep=False, annotator_id=_me(opened))


def test_a_key_of_an_older_set_that_got_another_use_stands_until_it_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "project.db"
    project.init(path)
    with closing(project.open_project(path)) as db:
        labels.change_labels(db, {ANGER: {"key": "h"}})
        editing.edit(db, {JOY: {"name": "기쁨"}}, annotator_id=_me(db))
        assert labels.list_labels(db)[0].key == "h"


def test_the_name_of_a_label_that_was_taken_back_is_free_again(opened: Database) -> None:
    editing.edit(opened, {SORROW: {"name": "서운함"}}, annotator_id=_me(opened))
    editing.add(opened, NewLabel("슬픔"), annotator_id=_me(opened))
    added, renamed = (change.id for change in editing.list_changes(opened))
    editing.undo(opened, added, annotator_id=_me(opened))
    editing.undo(opened, renamed, annotator_id=_me(opened))
    assert labels.list_labels(opened) == list(definitions.DEFAULT_LABELS)
