"""A record as one row of a table: the columns of CSV, TSV, Excel, Parquet, ``datasets`` and JSONL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from annotator.formats.record import Mark, Record, RecordDecision

_FIRST = ("id", "text", "written_on", "author", "source", "part")
_DECIDED = ("label", "decided_by", "decided_at", "memo", "soft_label", "intensity")
_LAST = ("model_version", "decisions", "rationales", "sentences", "file", "file_hash", "imported_at", "row", "metadata")

NESTED = ("soft_label", "decisions", "rationales", "sentences", "metadata")
"""Columns that hold lists and objects: JSON text where cells are flat."""

WRITTEN = ("text", "written_on", "author", "source", "label", "decided_by", "memo", "predicted", "file")
"""Columns with text that people wrote: what a spreadsheet could run as a formula. All others hold figures or JSON."""

INTEGERS = ("id", "model_version", "row")


def columns(label_names: Sequence[str]) -> list[str]:
    """Return the columns, with one for the probability of each label."""
    return [*_FIRST, *_DECIDED, "predicted", *(f"proba_{name}" for name in label_names), *_LAST]


def values(record: Record, label_names: Sequence[str]) -> list[Any]:
    """Return the values of the columns; those of `NESTED` as lists and dicts."""
    r, newest, proba, origin = record, record.newest, record.proba, record.origin
    decided: tuple[Any, ...] = (None, None, None, None)
    if newest is not None:
        decided = (newest.label, newest.annotator, newest.decided_at, newest.memo)
    return [
        *(r.id, r.text, r.written_on, r.author, r.source, r.part),
        *decided,
        *(r.soft_label, r.intensity, r.predicted),
        *([None] * len(label_names) if proba is None else map(proba.get, label_names)),
        r.model_version,
        list_decisions(r),
        list_marks(r),
        r.sentences,
        *(origin.file, origin.file_hash, origin.imported_at, r.row),
        r.metadata,
    ]


def list_decisions(record: Record) -> list[dict[str, Any]]:
    """Return the decisions of a record as objects."""
    return [_decision_object(decision) for decision in record.decisions]


def list_marks(record: Record) -> list[dict[str, Any]]:
    """Return the marks of a record as objects."""
    return [_mark(mark) for mark in record.marks]


def _decision_object(decision: RecordDecision) -> dict[str, Any]:
    return {
        "annotator": decision.annotator,
        "kind": decision.kind,
        "label": decision.label,
        "memo": decision.memo,
        "decided_at": decision.decided_at,
        "other_labels": list(decision.other_labels),
        "intensity": decision.intensity,
        "counts": decision.counts,
        **({"group": decision.group} if decision.group else {}),
    }


def _mark(mark: Mark) -> dict[str, Any]:
    return {
        "annotator": mark.annotator,
        "label": mark.label,
        "start": mark.start,
        "end": mark.end,
        "verdict": mark.verdict,
    }


def as_json(value: Any) -> str | None:
    """Return a nested value as the text of a cell."""
    if value is None:
        return None
    return orjson.dumps(value).decode() if value else "[]" if isinstance(value, list) else "{}"


def flat_values(records: Iterator[Record], label_names: Sequence[str]) -> Iterator[list[Any]]:
    """Yield rows whose nested values are JSON text."""
    places = [columns(label_names).index(name) for name in NESTED]
    for record in records:
        row = values(record, label_names)
        for place in places:
            row[place] = as_json(row[place])
        yield row
