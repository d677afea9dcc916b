"""Tables and rows as bytes, between the process that reads an untrusted file and the one that stores its rows.

JSON, since decoding it runs no code. Rows with the same columns are sent column by column. What comes back is checked
value by value: the file may have taken over the process that sent it.
"""

from __future__ import annotations

import json
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, get_args

import orjson

from annotator.formats.table import MAX_COLUMNS, NOTES, ColumnMap, Format, Mark, Row, RowDecision, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

FIRST_ROWS = 50
"""In the first batch: as many as a preview looks at, so that it need not wait for more."""

_MOST_ROWS = 2_000
_MOST_CHARACTERS = 1_000_000

_TEXTS: tuple[type, ...] = (str, type(None))


def batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Yield rows in lists: of a few at first, then of up to 2,000 or a million characters."""
    most = FIRST_ROWS
    while batch := list(_up_to(_MOST_CHARACTERS, islice(rows, most))):
        yield batch
        most = min(2 * most, _MOST_ROWS)


def _up_to(limit: int, rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        limit -= sum(map(len, filter(None, row.values.values())))
        yield row
        if limit <= 0:
            return


def encode_rows(rows: Iterable[Row]) -> bytes:
    """Return rows as bytes."""
    groups = []
    for columns, group in groupby(rows, lambda row: tuple(row.values)):
        alike = list(group)
        groups.append(
            (
                columns,
                [row.number for row in alike],
                list(zip(*(row.values.values() for row in alike), strict=True)),
                [row.said for row in alike] if any(row.said for row in alike) else None,
                [row[3:] for row in alike] if any(row.notes or row.diary_id for row in alike) else None,
            )
        )
    return _encode(groups)


def decode_rows(data: bytes) -> list[Row]:
    """Return the rows that were encoded.

    Raises:
        ValueError: for anything else.
    """
    rows: list[Row] = []
    for group in _decode(data, list):
        columns, numbers, values, decisions, extras = _sized(group, 5)
        _check_texts(columns, only=(str,))
        if type(numbers) is not list or set(map(type, numbers)) - {int}:
            raise ValueError("numbers")
        for column in _sized(values, len(columns)):
            _check_texts(_sized(column, len(numbers)), only=_TEXTS)
        people = [()] * len(numbers) if decisions is None else [_people(one) for one in _sized(decisions, len(numbers))]
        beside = [((), None)] * len(numbers) if extras is None else [_extra(*_sized(one, 2)) for one in extras]
        lines = zip(*values, strict=True) if values else [()] * len(numbers)
        rows += [
            Row(number, dict(zip(columns, line, strict=True)), row_decisions, *extra)
            for number, line, row_decisions, extra in zip(numbers, lines, people, beside, strict=True)
        ]
    return rows


def _extra(notes: Any, diary_id: Any) -> tuple[tuple[tuple[str, str], ...], int | None]:
    if type(diary_id) not in (int, type(None)):
        raise ValueError("diary id")
    for note in _sized(notes):
        _check_texts(_sized(note, 2), only=(str,))
        if note[0] not in NOTES:
            raise ValueError("note")
    return tuple((code, detail) for code, detail in notes), diary_id


def encode_table(table: Table) -> bytes:
    """Return a table without its rows, as bytes."""
    column_map = table.known and [*(getattr(table.known, name) for name in _ROLES), table.known.ignored]
    fields = (table.format, table.encoding, table.columns, table.sheet, table.other_sheets, table.said, column_map)
    details = (table.more_sheets, table.delimiter, table.heading, table.first_line, table.tool)
    return _encode((*fields, *details))


def decode_table(data: bytes, rows: Callable[[], Iterator[Row]]) -> Table:
    """Return the table that was encoded, with its rows.

    Raises:
        ValueError: for anything else.
    """
    kind, encoding, columns, sheet, others, said_column, column_map, *details = _sized(_decode(data, list), 12)
    more_sheets, delimiter, heading, first_line, tool = details
    _check_texts([encoding, sheet, said_column, delimiter], only=_TEXTS)
    for names in (columns, others, more_sheets, first_line, [tool]):
        _check_texts(names, only=(str,))
    if kind not in get_args(Format) or not 0 < len(columns) <= MAX_COLUMNS or type(heading) not in (int, type(None)):
        raise ValueError("table")
    return Table(
        kind,
        encoding,
        tuple(columns),
        rows,
        sheet,
        tuple(others),
        said_column,
        column_map and _column_map(column_map),
        tuple(more_sheets),
        delimiter,
        heading,
        tuple(first_line),
        tool,
    )


_ROLES = ("text", "label", "date", "author", "annotator")


def _column_map(fields: Any) -> ColumnMap:
    *roles, ignored = _sized(fields, len(_ROLES) + 1)
    _check_texts(roles, only=_TEXTS)
    _check_texts(ignored, only=(str,))
    return ColumnMap(**dict(zip(_ROLES, roles, strict=True)), ignored=tuple(ignored))


def _people(entries: Any) -> tuple[RowDecision, ...]:
    return tuple(_read_decision(*_sized(one, 10)) for one in _sized(entries))


def _read_decision(
    person: Any,
    kind: Any,
    labels: Any,
    memo: Any,
    intensity: Any,
    marks: Any,
    decided_at: Any,
    is_ours: Any,
    is_cleared: Any,
    group: Any,
) -> RowDecision:
    _check_texts([person, memo, decided_at, group, *_sized(labels)], only=(str,))
    if kind not in (None, "label", "skip", "flag") or type(intensity) not in (int, type(None)):
        raise ValueError("decision")
    if type(is_ours) is not bool or type(is_cleared) is not bool:
        raise ValueError("flags")
    row_marks = tuple(_mark(*_sized(one, 7)) for one in _sized(marks))
    return RowDecision(person, kind, tuple(labels), memo, intensity, row_marks, decided_at, is_ours, is_cleared, group)


def _mark(start: Any, end: Any, label: Any, verdict: Any, if_label: Any, words: Any, unit: Any) -> Mark:
    if [*map(type, (start, end, label, if_label, words))] != [int, int, str, bool, str]:
        raise ValueError("mark")
    if verdict not in ("right", "wrong") or unit not in ("points", "utf16"):
        raise ValueError("mark")
    return Mark(start, end, label, verdict, if_label, words, unit)


def _check_texts(values: Any, *, only: Iterable[type]) -> None:
    if type(values) is not list or set(map(type, values)) - {*only}:
        raise ValueError("texts")


def _sized(values: Any, count: int | None = None) -> list[Any]:
    if type(values) is not list or (count is not None and len(values) != count):
        raise ValueError("list")
    return values


def _encode(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError):  # a lone surrogate, which is an error of its row, or a number of many digits
        return json.dumps(value).encode()


def _decode(data: bytes, kind: type) -> Any:
    try:
        value = orjson.loads(data)
    except ValueError:
        try:
            value = json.loads(data)
        except RecursionError as error:
            raise ValueError("depth") from error
    if type(value) is not kind:
        raise ValueError(kind.__name__)
    return value
