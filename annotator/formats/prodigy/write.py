"""Prodigy JSONL, as ``prodigy db-in`` reads it: one line for each person's answer to a diary.

Diaries that nobody answered are left out: ``db-in`` would take them for accepted. It also computes the hashes.

Source: Prodigy documentation, interfaces ``choice`` and ``spans_manual``, and "Annotation task formats".
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from annotator.formats.json.write import write_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from annotator.formats.label_scheme import Scheme
    from annotator.formats.record import Mark, Record, RecordDecision


def write_prodigy(target: Path, records: Iterator[Record], scheme: Scheme) -> int:
    """Write Prodigy JSONL and return how many lines it has."""
    return write_lines(target, (line for record in records for line in lines(record, scheme)))


def lines(record: Record, scheme: Scheme) -> Iterator[dict[str, Any]]:
    """Yield a line for everyone who decided or marked something in a diary."""
    options = [{"id": name, "text": name} for name in scheme.names]
    meta = {
        "diary_id": record.id,
        "written_on": record.written_on,
        "source": record.source,
        "part": record.part,
        "file": record.origin.file,
        "row": record.row,
        "predicted": record.predicted,
        "model_version": record.model_version,
    }
    for name, (decision, marks) in record.by_person().items():
        spans = _spans(marks)
        if decision is None and not spans:
            continue
        yield {
            "text": record.text,
            "meta": {key: value for key, value in meta.items() if value is not None},
            **({} if decision is None else _decision(decision, options, several=scheme.several)),
            "spans": spans,
            "answer": "accept" if decision is None or decision.kind == "label" else "ignore",
            "_view_id": "spans_manual" if decision is None else "choice",
            "_annotator_id": name,
            "_session_id": name,
        }


def _decision(decision: RecordDecision, options: list[dict[str, str]], *, several: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "options": options,
        "accept": decision.labels,
        "config": {"choice_style": "multiple" if several else "single"},
        "_timestamp": int(datetime.fromisoformat(decision.decided_at).timestamp()),
    }
    if decision.kind == "flag":
        fields["flagged"] = True
    if decision.intensity is not None:
        fields["intensity"] = decision.intensity
    if decision.group:
        fields["group"] = decision.group
    if decision.memo:
        fields["user_input"] = decision.memo
    return fields


def _spans(marks: Sequence[Mark]) -> list[dict[str, Any]]:
    right = [mark for mark in marks if mark.verdict == "right" and mark.label is not None]
    return [{"start": mark.start, "end": mark.end, "label": mark.label} for mark in right]
