"""The cells of a worksheet as texts, row by row."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from annotator.formats.excel.archive import MAX_CELLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from annotator.formats.excel.ods_spans import Range


def records(sheet: Any, spans: Sequence[Range] = ()) -> Iterator[tuple[int, list[str | None]]]:
    """Yield row numbers as Excel shows them and cells; rows without any value are counted and left out.

    A merged cell counts for all the rows and columns that it covers.
    """
    covered = dict(_merged(sheet, spans))
    values_of: dict[tuple[int, int], str | None] = {}
    for place, cells in enumerate(sheet.iter_rows()):
        values = [as_text(cell) for cell in cells]
        for column, corner in covered.get(place, ()):
            if corner == (place, column):
                values_of[corner] = values[column] if column < len(values) else None
            elif column < len(values):
                values[column] = values_of.get(corner)
        if any(values):
            yield place + 1, values


def _merged(sheet: Any, spans: Sequence[Range] = ()) -> Iterator[tuple[int, list[tuple[int, tuple[int, int]]]]]:
    """Yield, for each row with merged cells, its columns that they cover and the corner that has their value.

    Ranges count from column A, the cells of a row from the first column with a value.
    """
    first = first_column(sheet)
    by_row: dict[int, list[tuple[int, tuple[int, int]]]] = defaultdict(list)
    covered = 0
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or spans:
        covered += (bottom - top + 1) * (right - left + 1)
        if covered > MAX_CELLS // 10:
            break  # a range over the whole sheet says nothing of its cells
        for row in range(top, bottom + 1):
            by_row[row] += [(column - first, (top, left - first)) for column in range(max(left, first), right + 1)]
    yield from by_row.items()


def first_column(sheet: Any) -> int:
    """Return the first column with a value, from 0: the reader begins each row with it."""
    return int((sheet.start or (0, 0))[1])


def as_text(cell: Any) -> str | None:
    """Write a cell as Excel would show it without a format; dates as ISO 8601."""
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):  # every number of an .xlsx
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time.min else cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)
