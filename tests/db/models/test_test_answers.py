from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator.label_sets import editing
from db.models import models, test_answers
from db.people import annotators
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database


def _add_model(db: Database) -> int:
    return models.add_model(db, models.NewModel("instant", "bundled", "hash", (1, 2), b"", {}))


def _ids(*ids: int) -> np.ndarray:
    return np.array(ids, np.int64)


@pytest.fixture
def asked(opened: Database) -> Database:
    fill(opened, 6)
    test_answers.store(opened, _add_model(opened), _ids(1, 2), _ids(2, 5))
    test_answers.store(opened, _add_model(opened), _ids(2), _ids(2))
    return opened


def test_answers_are_kept_by_version_and_diary(asked: Database) -> None:
    assert test_answers.load(asked) == {1: {1: 2, 2: 5}, 2: {2: 2}}
    assert test_answers.count_models(asked) == 2
    test_answers.store(asked, 1, _ids(2, 3), _ids(7, 1))
    assert test_answers.load(asked)[1] == {1: 2, 2: 7, 3: 1}


def test_a_diary_that_is_gone_gets_no_answer(asked: Database) -> None:
    test_answers.store(asked, 1, _ids(4, 99), _ids(1, 1))
    assert 99 not in test_answers.load(asked)[1]
    assert test_answers.load(asked)[1][4] == 1


def test_a_changed_label_set_empties_the_answers_and_a_new_name_does_not(asked: Database) -> None:
    asked.conn.execute("update labels set name = '화남' where id = 1")
    assert test_answers.count_models(asked) == 2
    editing.retire(asked, 7, annotator_id=annotators.get_or_create_id(asked, "나"))
    assert test_answers.load(asked) == {}


def test_versions_that_have_served_come_in_the_order_of_their_last_activation(opened: Database) -> None:
    first, second, _ = (_add_model(opened) for _ in range(3))
    for model_id in (first, second, first):
        models.activate(opened, model_id, reason="test")
    assert models.list_served(opened) == [second, first]
