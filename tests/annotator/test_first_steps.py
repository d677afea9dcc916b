from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.first_steps import FirstSteps, find_first_steps
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.models import rounds
from db.people import annotators
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database


def test_a_new_project_is_led_from_its_import_through_twenty_diaries_to_the_first_round(opened: Database) -> None:
    assert find_first_steps(opened) == FirstSteps("import", 0)
    fill(opened, 30)
    assert find_first_steps(opened) == FirstSteps("read", 0)
    me = annotators.get_or_create_id(opened, "나")
    for diary_id in range(1, 21):
        assert find_first_steps(opened) == FirstSteps("read", diary_id - 1)
        decisions.add(opened, NewDecision(diary_id, me, "label", f"token-{diary_id}", 1))
    assert find_first_steps(opened) == FirstSteps("learn", 20)
    round_id = rounds.request_round(opened, annotator_id=me)
    rounds.end(opened, round_id, status="failed", error={"code": "fault", "details": {}})
    assert find_first_steps(opened) == FirstSteps("learn", 20), "a round that failed was not the first one"
    rounds.end(opened, rounds.request_round(opened, annotator_id=me), status="done")
    assert find_first_steps(opened) is None


def test_labels_that_came_with_the_file_count_as_read(opened: Database) -> None:
    fill(opened, 40, labelled=True)
    assert find_first_steps(opened) == FirstSteps("learn", 20)
