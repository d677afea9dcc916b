from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.accounts import annotators as people
from db.people import annotators

if TYPE_CHECKING:
    from db import Database


def test_a_name_is_one_person_however_it_was_typed(opened: Database) -> None:
    assert people.get_or_create(opened, " 김  지민 ") == people.get_or_create(opened, "김 지민")
    assert people.plain_name("가" * 60) == "가" * 40


def test_importers_are_not_listed_among_people(opened: Database) -> None:
    people.get_or_create(opened, "지민")
    annotators.get_or_create_id(opened, "가져오기:a.csv", kind="importer")
    assert people.list_people(opened) == ["지민"]
