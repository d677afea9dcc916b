"""Excel workbooks: .xlsx and .xls."""

from __future__ import annotations

import re
import zipfile
import zlib
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

import python_calamine

from annotator.errors import UserError
from annotator.formats import table
from annotator.formats.table import Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from annotator.formats.source import Source

MAX_UNPACKED_BYTES = 2_000_000_000
"""What a workbook may hold once its zip archive is unpacked."""

MAX_CELLS = 30_000_000
"""Rows times columns up to the last cell. The reader allocates them all, 32 bytes each."""

_MAX_RATIO = 200
_RATIO_FROM_BYTES = 100_000_000
"""From this size on, an archive that unpacks to more than 200 times its size is a bomb: real ones stay below 50."""

_CHUNK_BYTES = 1 << 20
_CELL = re.compile(rb"""\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_EMPTY_FORMULA = re.compile(
    rb"""<c\b[^>]*\br=["']([A-Z]{1,3}[0-9]{1,7})["'][^>]*>\s*<f\b(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>"""
)
_LONGEST_CELL = 10_000
"""Bytes kept from one chunk to the next: more than any match of these, with formulas of up to 8,192 characters."""

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


def open_workbook(source: Source) -> Table:
    """Read the first visible worksheet of a workbook that isn't empty; its first row that isn't empty is the heading.

    Raises:
        UserError: if the file is damaged, encrypted, unpacks to too much, or has no cells.
    """
    if source.head().startswith(b"PK"):
        _check_archive(source)
    sheet, others = _find_sheet(source)
    heading, first = _heading(source, sheet)
    columns = table.column_names(first, name=source.name)
    return Table("excel", None, columns, lambda: _rows(sheet, heading, columns), sheet.name, others)


def is_workbook_archive(source: Source) -> bool:
    """Return whether a zip archive has the parts of an .xlsx workbook.

    Raises:
        UserError: if it is not a whole zip archive.
    """
    with source.open() as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return "xl/workbook.xml" in archive.namelist()
        except _DAMAGE as error:
            raise UserError("import_file_damaged", name=source.name) from error


def _check_archive(source: Source) -> None:
    """Look into the archive before the reader does, which unpacks and allocates whatever the file asks for.

    A file of 5 kB with a value in A1 and one in ZZ300000 took it 27 s and 6.6 GB.
    """
    with source.open() as file:
        try:
            with zipfile.ZipFile(file) as archive:
                _check_sizes(source, archive.infolist())
                for part in archive.infolist():
                    _check_part(source, archive, part)
        except _DAMAGE as error:
            raise UserError("import_file_damaged", name=source.name) from error


def _check_sizes(source: Source, parts: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts) or 1
    is_bomb = unpacked > _RATIO_FROM_BYTES and unpacked > _MAX_RATIO * packed
    if unpacked > MAX_UNPACKED_BYTES or is_bomb:
        limit = min(MAX_UNPACKED_BYTES, _MAX_RATIO * packed) if is_bomb else MAX_UNPACKED_BYTES
        details = {"megabytes": unpacked // 1_000_000, "limit": limit // 1_000_000}
        raise UserError("import_workbook_too_large", name=source.name, **details)


def _check_part(source: Source, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Unpack a part, which checks its size and checksum, and measure it if it is a worksheet.

    A formula that was never computed has no value: its cell would be read as empty, without a word.
    """
    is_sheet = part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml")
    letters: set[bytes] = set()
    rows, tail = 0, b""
    with archive.open(part) as packed:
        while chunk := packed.read(_CHUNK_BYTES):
            if is_sheet:
                tail += chunk
                if formula := _EMPTY_FORMULA.search(tail):
                    raise UserError("import_formula_empty", name=source.name, cell=formula[1].decode())
                cells = _CELL.findall(tail)
                letters.update(letter for letter, _ in cells)
                rows = max(rows, max((int(row) for _, row in cells), default=0))
                tail = tail[-_LONGEST_CELL:]
    columns = max(map(_column_number, letters), default=0)
    if rows * columns > MAX_CELLS:
        details = {"rows": rows, "columns": columns, "limit": MAX_CELLS}
        raise UserError("import_sheet_too_large", name=source.name, **details)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _find_sheet(source: Source) -> tuple[Any, tuple[str, ...]]:
    """Return the first worksheet with cells, and the names of those with cells that are passed over."""
    try:
        workbook = _load(source)
        visible = python_calamine.SheetVisibleEnum.Visible
        names = [sheet.name for sheet in workbook.sheets_metadata if sheet.visible == visible]
        sheets = [workbook.get_sheet_by_name(name) for name in names]
    except python_calamine.PasswordError as error:
        raise UserError("import_file_encrypted", name=source.name) from error
    except BaseException as error:
        # A panic of the Rust reader is no Exception.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise UserError("import_file_damaged", name=source.name) from error
        raise
    filled = [sheet for sheet in sheets if sheet.start is not None]
    if not filled:
        raise UserError("import_file_empty", name=source.name)
    return filled[0], tuple(sheet.name for sheet in filled[1:])


def _load(source: Source) -> Any:
    with source.open() as file:
        return python_calamine.CalamineWorkbook.from_filelike(file)


def _records(sheet: Any) -> Iterator[tuple[int, list[str | None]]]:
    """Yield row numbers as Excel shows them and cells; rows without any value are counted and left out."""
    for number, cells in enumerate(sheet.iter_rows(), 1):
        values = [_as_text(cell) for cell in cells]
        if any(values):
            yield number, values


def _heading(source: Source, sheet: Any) -> tuple[int, list[str | None]]:
    for number, cells in _records(sheet):
        return number, cells
    raise UserError("import_file_empty", name=source.name)


def _rows(sheet: Any, heading: int, columns: tuple[str, ...]) -> Iterator[Row]:
    for number, cells in _records(sheet):
        if number > heading:
            yield Row(number, dict(zip(columns, cells, strict=True)))


def _as_text(cell: Any) -> str | None:
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
