"""Forgotten diaries are gone, with all that belongs to them, and the rest is as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator import forgetting
from annotator.forgetting import Selection
from db import diaries
from db.connection import rows, scalar
from db.errors import NotFoundError
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database


def test_a_forgotten_diary_is_gone_with_its_decision(opened: Database) -> None:
    fill(opened, 10, labelled=True)
    found = forgetting.forget(opened, None, Selection(ids=(3, 10)))
    assert found.diary_count == 2
    assert found.row_counts["decisions"] == 2
    assert found.is_finished
    with pytest.raises(NotFoundError):
        diaries.get_diary(opened, 3)
    assert scalar(opened, "select count(*) from decisions") == 8
    assert rows(opened, "pragma foreign_key_check") == []
    assert not opened.conn.in_transaction
    assert scalar(opened, "pragma foreign_keys") == 1
