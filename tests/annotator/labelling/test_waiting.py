from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.labelling import waiting
from annotator.labelling.waiting import Wait
from annotator.training import rounds
from db.answers import queue
from db.models import facts
from db.people import annotators
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database


def test_a_wait_is_named_from_what_was_measured_and_counts_other_screens(opened: Database) -> None:
    fill(opened, 12)
    screens = []
    for name in ("나", "동생"):
        me = annotators.get_or_create_id(opened, name)
        screens.append(queue.claim(opened, annotator_id=me, holder=name, limit=3, seconds=60)[0].diary_id)
    first, second = queue.list_held(opened, 1)
    assert {first, second} == set(screens)
    assert waiting.wait_for(opened, first, model_id=None, unit="eojeol") == Wait(for_round=False, seconds=None)
    facts.store_explanation_seconds(opened, 3.0)
    assert waiting.wait_for(opened, first, model_id=None, unit="eojeol").seconds == 3.0
    assert waiting.wait_for(opened, second, model_id=1, unit="eojeol").seconds == 6.0


def test_an_explanation_waits_for_an_open_round(opened: Database) -> None:
    fill(opened, 20, labelled=True)
    rounds.request(opened, annotator_id=None)
    assert waiting.wait_for(opened, 1, model_id=None, unit="eojeol").for_round


def test_the_measured_time_of_an_explanation_follows_what_was_measured_last(opened: Database) -> None:
    assert facts.explanation_seconds(opened) is None
    for seconds in (4.0, 2.0, 2.0):
        facts.store_explanation_seconds(opened, seconds)
    assert facts.explanation_seconds(opened) == 2.5
