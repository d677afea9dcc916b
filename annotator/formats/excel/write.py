"""Excel workbooks. Every text is written as text; one that looks like a formula stays text when it is edited."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.formats import record_rows
from annotator.formats.spreadsheet_cells import runs_as_formula

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from annotator.formats.label_scheme import Scheme
    from annotator.formats.record import Record

MAX_ROWS = 1_048_575
"""Rows of a worksheet below its heading."""

MAX_CHARACTERS = 32_767
"""UTF-16 code units of a cell."""

_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001 - any fixed time; without one, the same rows would give other bytes
_WIDE = {"text": 60, "decisions": 30, "rationales": 30, "metadata": 30}


def write_xlsx(target: Path, records: Iterator[Record], scheme: Scheme) -> int:
    """Write a workbook of one sheet and return how many rows it has.

    Raises:
        UserError: for a value that is too long for a cell. Nothing is ever cut.
    """
    return write_table(target, record_rows.columns(scheme.names), record_rows.flat_values(records, scheme.names))


def write_table(target: Path, columns: Sequence[str], rows: Iterator[list[Any]]) -> int:
    """Write rows whose first value is a diary's id, below their columns, and return how many there are.

    Raises:
        UserError: for a value that is too long for a cell. Nothing is ever cut.
    """
    import xlsxwriter  # type: ignore[import-untyped]

    options = {"constant_memory": True, "tmpdir": str(target.parent)}
    with xlsxwriter.Workbook(str(target), options) as book:
        book.set_properties({"created": _CREATED})
        # Excel's own mark for text that would otherwise become a formula as soon as somebody edits the cell.
        quoted = book.add_format({"quote_prefix": True})
        sheet = book.add_worksheet("diaries")
        sheet.freeze_panes(1, 2)
        for place, column in enumerate(columns):
            sheet.set_column(place, place, _WIDE.get(column, 12))
        sheet.write_row(0, 0, columns, book.add_format({"bold": True}))
        count = 0
        for count, row in enumerate(rows, 1):
            for place, value in enumerate(row):
                if isinstance(value, str):
                    _check_length(value, columns[place], row[0])
                    sheet.write_string(count, place, value, quoted if runs_as_formula(value) else None)
                elif value is not None:
                    sheet.write_number(count, place, value)
    return count


def _check_length(value: str, column: str, diary_id: Any) -> None:
    # Only long ones need a look: no character takes more than two code units.
    if 2 * len(value) > MAX_CHARACTERS and (length := len(value.encode("utf-16-le")) // 2) > MAX_CHARACTERS:
        raise UserError("export_cell_too_long", id=diary_id, column=column, found=length, most=MAX_CHARACTERS)
