"""Argilla 2 records: the JSON list that ``dataset.records.from_json`` reads.

Argilla knows people as UUIDs of a server's users, so each name maps to a UUID of its own, the same every time;
``people`` in the metadata of a record says who is who. Skips and flags are discarded responses.

Source: argilla SDK, ``records/_resource.py`` (``Record.from_dict``) and ``responses.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from annotator.formats.json.write import write_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from annotator.formats.label_scheme import Scheme
    from annotator.formats.record import Mark, Record, RecordDecision

_PEOPLE = UUID("6d61656d-6775-6d67-8965-6f6c00000000")
"""Namespace of the people: the bytes of ``maemgumg…eol``."""


def write_records(target: Path, records: Iterator[Record], scheme: Scheme) -> int:
    """Write the list and return how many records it has."""
    return write_list(target, (record_of(record, several=scheme.several) for record in records))


def user_id(name: str) -> str:
    """Return the UUID that stands for a person."""
    return str(uuid5(_PEOPLE, name))


def record_of(record: Record, *, several: bool) -> dict[str, Any]:
    """Return a diary as a record.

    Args:
        several: the question for the emotion is one of several labels, whose answers are lists.
    """
    people = record.by_person()
    responses: dict[str, list[dict[str, Any]]] = {}
    for name, (decision, marks) in people.items():
        for question, value in _answers(decision, marks, several=several).items():
            status = "discarded" if decision is not None and decision.kind != "label" else "submitted"
            answer = {"value": value, "user_id": user_id(name), "status": status}
            responses.setdefault(question, []).append(answer)
    metadata = {
        "diary_id": record.id,
        "part": record.part,
        "written_on": record.written_on,
        "source": record.source,
        "file": record.origin.file,
        "row": record.row,
        "people": [f"{user_id(name)} {name}" for name in people],
        "groups": [f"{user_id(each.annotator)} {each.group}" for each in record.decisions if each.group],
        "evidence": _evidence(record),
    }
    return {
        "id": str(record.id),
        "fields": {"text": record.text},
        "metadata": {key: value for key, value in metadata.items() if value not in (None, [])},
        "suggestions": {} if record.proba is None else {"emotion": _suggestion(record, record.proba, several=several)},
        "responses": responses,
        "vectors": {},
        "_server_id": None,
    }


def _evidence(record: Record) -> list[str]:
    """Return the marked words with their places: Argilla's page and its server count differently after an emoji."""
    places = sorted({(mark.start, mark.end) for mark in record.marks if mark.verdict == "right" and mark.label})
    return [f"{start}-{end} {record.text[start:end]}" for start, end in places]


def _answers(decision: RecordDecision | None, marks: Sequence[Mark], *, several: bool) -> dict[str, Any]:
    """Return one person's answers by question."""
    answers: dict[str, Any] = {}
    if decision is not None:
        if decision.labels:
            answers["emotion"] = decision.labels if several else decision.labels[0]
        if decision.intensity is not None:
            answers["intensity"] = decision.intensity
        # Every response needs a value, even one that only says that it was discarded.
        if decision.memo or decision.kind != "label":
            answers["memo"] = decision.memo
    spans = [
        {"start": mark.start, "end": mark.end, "label": mark.label}
        for mark in marks
        if mark.verdict == "right" and mark.label is not None
    ]
    return {**answers, "evidence": spans} if spans else answers


def _suggestion(record: Record, proba: dict[str, float], *, several: bool) -> dict[str, Any]:
    likeliest = str(record.predicted)
    return {
        "value": [likeliest] if several else likeliest,
        "score": [proba[likeliest]] if several else proba[likeliest],
        "agent": f"maeumgyeol-{record.model_version}",
    }
