"""The document of the data model is what the schema says."""

from __future__ import annotations

import re

import pytest

from db import data_model
from tests.conftest import ROOT


def test_the_committed_document_is_what_the_command_writes() -> None:
    assert (ROOT / "docs" / "data-model.md").read_text("utf-8") == data_model.document(), "Run `make data-model`."


def test_a_table_that_nobody_has_described_stops_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    rooms = {name: dict(tables) for name, tables in data_model.ROOMS.items()}
    del rooms["Handing out"]["leases"]
    monkeypatch.setattr(data_model, "ROOMS", rooms)
    with pytest.raises(ValueError, match="leases"):
        data_model.document()


def test_references_say_how_many_rows_there_may_be_on_each_side() -> None:
    text = data_model.document()
    assert 'diaries ||--o{ decisions : "diary_id"' in text
    assert 'diaries ||--o| sentences : "diary_id"' in text
    assert 'labels |o--o{ decisions : "label_id"' in text
    assert 'decisions |o--o| decisions : "undoes"' in text


def test_every_table_is_in_one_diagram_with_its_columns() -> None:
    entities = re.findall(r"^    (\w+) \{$", data_model.document(), re.MULTILINE)
    assert sorted(entities) == sorted(table for room in data_model.ROOMS.values() for table in room)
