"""A number whose digits would take all the time that a file may take is refused with its row, in every tool's files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from annotator.errors import UserError
from annotator.importing import import_file

if TYPE_CHECKING:
    from db import Database

_HUGE = '"1e999999999"'
_REGION = {"start": 0, "end": "1e999999999", "labels": ["행복"], "text": "오늘"}
_RECORDS: dict[str, dict[str, Any]] = {
    "doccano": {"text": "오늘은 기뻤다", "label": [[0, "1e999999999", "행복"]]},
    "doccano relations": {
        "text": "오늘은 기뻤다",
        "entities": [{"id": 1, "label": "행복", "start_offset": 0, "end_offset": "1e999999999"}],
        "relations": [],
    },
    "Prodigy": {
        "text": "오늘은 기뻤다",
        "answer": "accept",
        "accept": ["행복"],
        "spans": [{"start": 0, "end": "1e999999999", "label": "행복"}],
    },
    "Label Studio": {
        "id": 1,
        "data": {"text": "오늘은 기뻤다"},
        "annotations": [{"id": 1, "result": [{"type": "labels", "from_name": "w", "to_name": "t", "value": _REGION}]}],
    },
}


@pytest.mark.parametrize("kind", _RECORDS)
def test_a_number_of_a_billion_digits_is_refused_with_its_row(opened: Database, kind: str) -> None:
    record = json.dumps(_RECORDS[kind], ensure_ascii=False).replace(_HUGE, "1e999999999")
    is_array = kind == "Label Studio"
    with pytest.raises(UserError) as caught:
        import_file(opened, (f"[{record}]" if is_array else record).encode(), "a.json" if is_array else "a.jsonl")
    assert (caught.value.code, caught.value.details["row"]) == ("import_record_broken", 1)
