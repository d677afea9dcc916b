"""The model without labels knows them by their wording: another wording asks for another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.accounts import annotators
from annotator.label_sets import editing
from annotator.label_sets.editing import NewLabel
from annotator.serving import zero_label
from annotator.worker.tasks import zero_shot_model
from db.label_sets import labels
from db.models import models
from db.models.models import NewModel

if TYPE_CHECKING:
    from db import Database
    from db.models.models import Model

JOY = 2


def _first(db: Database, *, tier: str = "zero") -> Model:
    told = zero_label.digest_of(labels.list_labels(db))
    label_ids = tuple(label.id for label in labels.list_labels(db))
    made = models.add_model(db, NewModel(tier, "e", "h", label_ids, b"w", {"labels": told}))
    return models.get_model(db, made)


def test_names_and_definitions_ask_for_a_new_first_model_colours_and_order_do_not(opened: Database) -> None:
    me, first = annotators.get_or_create(opened, "나"), _first(opened)
    editing.edit(opened, {JOY: {"colour": "#112233", "key": "q"}}, annotator_id=me)
    editing.reorder(opened, [7, 6, 5, 4, 3, 2, 1], annotator_id=me)
    assert not zero_shot_model._is_of_other_labels(opened, first)
    (change,) = editing.edit(opened, {JOY: {"definition": "설레고 들뜬다."}}, annotator_id=me)
    assert zero_shot_model._is_of_other_labels(opened, first)
    editing.undo(opened, change, annotator_id=me)
    assert not zero_shot_model._is_of_other_labels(opened, first)
    editing.add(opened, NewLabel("서운함"), annotator_id=me)
    assert zero_shot_model._is_of_other_labels(opened, first)


def test_a_trained_model_serves_on(opened: Database) -> None:
    trained = _first(opened, tier="instant")
    editing.add(opened, NewLabel("서운함"), annotator_id=annotators.get_or_create(opened, "나"))
    assert not zero_shot_model._is_of_other_labels(opened, trained)


def test_a_first_model_from_before_is_told_by_its_labels_alone(opened: Database) -> None:
    older = models.get_model(opened, models.add_model(opened, NewModel("zero", "e", "h", tuple(range(1, 8)), b"w", {})))
    me = annotators.get_or_create(opened, "나")
    editing.edit(opened, {JOY: {"name": "기쁨"}}, annotator_id=me)
    assert not zero_shot_model._is_of_other_labels(opened, older)
    editing.add(opened, NewLabel("서운함"), annotator_id=me)
    assert zero_shot_model._is_of_other_labels(opened, older)
