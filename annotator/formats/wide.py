"""Wide tables, for spreadsheets: a row for each diary, with a column for each person, or one for each label.

``decided_by:<name>`` holds the labels of one person, ``label:<name>`` says with 1 and 0 whether the newest decision
that counts names that label. Both are read back, with what people have changed in them.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from annotator.formats.label_text import plain_label
from annotator.formats.own_columns import LABEL, PERSON
from annotator.formats.spreadsheet_cells import safe_cell
from annotator.formats.table import RowDecision
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from annotator.formats.label_scheme import Scheme
    from annotator.formats.record import Record

_FIRST = ("id", "text", "written_on", "author")
_BETWEEN = " | "


def read_decisions(values: Mapping[str, str | None]) -> tuple[RowDecision, ...]:
    """Return what a row says that people decided."""
    by_person = [
        (column.removeprefix(PERSON), plain_label(value or "").split(_BETWEEN.strip()))
        for column, value in values.items()
        if column.startswith(PERSON)
    ]
    decisions = [_of_person(person, parts) for person, parts in by_person]
    named = [c.removeprefix(LABEL) for c, value in values.items() if c.startswith(LABEL) and _is_one(value)]
    if named:
        first = plain_label(values.get("label") or "")
        labels = sorted(named, key=lambda name: plain_label(name) != first)
        person = (values.get("decided_by") or "").strip()
        strength = (values.get("intensity") or "").strip()
        intensity = int(strength) if strength in ("1", "2", "3", "4", "5") else None
        decisions.append(RowDecision(person, "label", tuple(labels), intensity=intensity, is_ours=bool(person)))
    return tuple(decisions)


def _of_person(person: str, parts: Sequence[str]) -> RowDecision:
    """Return what the cell of a person says; an empty one may have been cleared."""
    labels = tuple(filter(None, map(plain_label, parts)))
    return RowDecision(person, "label" if labels else None, labels, is_ours=True, is_cleared=not labels)


def _is_one(value: str | None) -> bool:
    return (value or "").strip() in ("1", "1.0", "TRUE", "true")


def _people_columns(scheme: Scheme) -> list[str]:
    return [*_FIRST, *(f"{PERSON}{name}" for name in scheme.people)]


def _people_row(record: Record, scheme: Scheme) -> list[Any]:
    said = {d.annotator: _BETWEEN.join(d.labels) for d in record.decisions if d.kind == "label"}
    return [record.id, record.text, record.written_on, record.author, *map(said.get, scheme.people)]


def _label_columns(scheme: Scheme) -> list[str]:
    return [*_FIRST, "decided_by", "label", "intensity", *(f"{LABEL}{name}" for name in scheme.names)]


def _label_row(record: Record, scheme: Scheme) -> list[Any]:
    newest = record.newest
    first = [record.id, record.text, record.written_on, record.author]
    if newest is None:
        return [*first, None, None, None, *[None] * len(scheme.names)]
    figures = [int(name in newest.labels) for name in scheme.names]
    return [*first, newest.annotator, newest.label, newest.intensity, *figures]


def write_people_csv(target: Path, records: Iterator[Record], scheme: Scheme) -> int:
    """Write a CSV file with a column for each person and return how many rows it has."""
    return _write_csv(target, _people_columns(scheme), (_people_row(record, scheme) for record in records))


def write_people_xlsx(target: Path, records: Iterator[Record], scheme: Scheme) -> int:
    """Write a workbook with a column for each person and return how many rows it has."""
    return _write_xlsx(target, _people_columns(scheme), (_people_row(record, scheme) for record in records))


def write_labels_csv(target: Path, records: Iterator[Record], scheme: Scheme) -> int:
    """Write a CSV file with a column for each label and return how many rows it has."""
    return _write_csv(target, _label_columns(scheme), (_label_row(record, scheme) for record in records))


def write_labels_xlsx(target: Path, records: Iterator[Record], scheme: Scheme) -> int:
    """Write a workbook with a column for each label and return how many rows it has."""
    return _write_xlsx(target, _label_columns(scheme), (_label_row(record, scheme) for record in records))


def _write_xlsx(target: Path, columns: list[str], rows: Iterator[list[Any]]) -> int:
    # Here, since reading needs only what is above.
    from annotator.formats.excel.write import write_table

    return write_table(target, columns, rows)


def _write_csv(target: Path, columns: list[str], rows: Iterator[list[Any]]) -> int:
    count = 0
    with private_files.open_file(target, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(map(safe_cell, columns))
        for row in rows:
            writer.writerow(map(safe_cell, row))
            count += 1
    return count
