"""Workbooks: .xlsx, .xlsb, .xls and .ods."""

from __future__ import annotations

import html
import re
import zipfile
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import python_calamine

from annotator.errors import UserError
from annotator.formats import table, tools
from annotator.formats.excel import ods_spans
from annotator.formats.heading import LOOKED_AT, find_heading
from annotator.formats.table import Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from annotator.formats.excel.ods_spans import Range
    from annotator.formats.heading import Heading
    from annotator.formats.source import Source
    from annotator.formats.table import Format, ReadOptions

MAX_UNPACKED_BYTES = 2_000_000_000
"""What a workbook may hold once its zip archive is unpacked."""

MAX_CELLS = 30_000_000
"""Rows times columns up to the last cell. The reader allocates them all, 32 bytes each."""

_MAX_RATIO = 200
_RATIO_FROM_BYTES = 100_000_000
"""From this size on, an archive that unpacks to more than 200 times its size is a bomb: real ones stay below 50."""

_CHUNK_BYTES = 1 << 20
_CELL = re.compile(rb"""\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_ERROR = re.compile(rb"""<c\b(?=[^>]*\bt="e")[^>]*\br=["']([A-Z]{1,3}[0-9]{1,7})["']""")
_HIDDEN = re.compile(rb"""<row\b(?=[^>]*\bhidden=["'](?:1|true)["'])[^>]*\br=["']([0-9]{1,7})["']""")
_RELATION = re.compile(r"<Relationship\b[^>]*>")
_SHEET = re.compile(r"<sheet\b[^>]*>")
_ATTRIBUTE = re.compile(r"""([\w:]+)=["']([^"']*)["']""")
_EMPTY_FORMULA = re.compile(
    rb"""<c\b[^>]*\br=["']([A-Z]{1,3}[0-9]{1,7})["'][^>]*>\s*<f\b(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>"""
)
_LONGEST_CELL = 10_000
"""Bytes kept from one chunk to the next: more than any match of these, with formulas of up to 8,192 characters."""

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, ET.ParseError)


@dataclass(slots=True)
class Flaws:
    """What a worksheet has that its values don't say: cells that are errors, hidden rows and, of ODS, merged cells."""

    errors: set[str] = field(default_factory=set)
    hidden: set[int] = field(default_factory=set)
    spans: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A worksheet that is read.

    Attributes:
        offset: what is added to its row numbers, so that those of several worksheets differ.
    """

    sheet: Any
    heading: Heading
    flaws: Flaws
    offset: int

    def rows(self, *, named: bool) -> Iterator[Row]:
        """Yield its rows, with its name in the column ``sheet`` if that is asked for."""
        columns = self.heading.names
        beside = {SHEET: self.sheet.name} if named else {}
        for number, cells in _records(self.sheet, self.flaws.spans):
            if number >= self.heading.first:
                values = dict(zip_longest(columns, cells[: len(columns)]))
                yield Row(number + self.offset, values | beside, notes=tuple(self._notes(number, columns)))

    def _notes(self, number: int, columns: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        if number in self.flaws.hidden:
            yield "hidden_row", ""
        if self.flaws.errors:
            for place, column in enumerate(columns):
                if f"{_letters(place)}{number}" in self.flaws.errors:
                    yield "error_cell", column


SHEET = "sheet"


def open_workbook(source: Source, reading: ReadOptions, *, kind: Format = "excel") -> Table:
    """Read the first visible worksheet of a workbook that isn't empty, and all others with the same columns.

    Raises:
        UserError: if the file is damaged, encrypted, unpacks to too much, or has no cells.
    """
    flaws = _check_archive(source) if source.head().startswith(b"PK") else {}
    filled = _find_sheets(source)
    read, others = _choose(source, filled, flaws, reading)
    columns = dict.fromkeys(column for each in read for column in each.heading.names)
    is_named = len(read) > 1 and SHEET not in columns
    return Table(
        kind,
        None,
        (*columns, SHEET) if is_named else tuple(columns),
        lambda: (row for each in read for row in each.rows(named=is_named)),
        read[0].sheet.name,
        others,
        more_sheets=tuple(each.sheet.name for each in read[1:]),
        heading=read[0].heading.number,
        first_line=read[0].heading.first_line,
        tool=tools.tool_of(columns, source.name),
    )


def _choose(
    source: Source, filled: list[tuple[Any, bool]], flaws: dict[str, Flaws], reading: ReadOptions
) -> tuple[list[_Sheet], tuple[str, ...]]:
    """Return the worksheets that are read, and the names of those that aren't."""
    visible = [sheet for sheet, is_visible in filled if is_visible]
    wanted = visible
    if reading.sheets:
        by_name = {table.plain_column(sheet.name): sheet for sheet, _ in filled}
        missing = [name for name in reading.sheets if table.plain_column(name) not in by_name]
        if missing:
            known = table.enumerate_values([sheet.name for sheet, _ in filled])
            raise UserError("import_sheet_missing", name=source.name, sheet=table.shorten(missing[0]), known=known)
        wanted = [by_name[table.plain_column(name)] for name in reading.sheets]
    if not wanted:
        raise UserError("import_file_empty", name=source.name)
    if not reading.sheets:
        # A cover or an empty form comes first often enough.
        wanted = [sheet for sheet in wanted if _has_rows(sheet)] or wanted
    read: list[_Sheet] = []
    for sheet in wanted:
        offset = sum(each.sheet.total_height for each in read)
        found = flaws.get(sheet.name, Flaws())
        heading = _heading(source, sheet, reading, found.spans, is_first=not read)
        if heading is not None and (not read or reading.sheets or heading.names == read[0].heading.names):
            read.append(_Sheet(sheet, heading, found, offset))
    names = {each.sheet.name for each in read}
    return read, tuple(sheet.name for sheet, _ in filled if sheet.name not in names)


def _has_rows(sheet: Any) -> bool:
    """Return whether a worksheet has more than one row that isn't blank."""
    return sum(1 for _ in islice(_records(sheet), 2)) > 1


def _heading(
    source: Source, sheet: Any, reading: ReadOptions, spans: Sequence[Range], *, is_first: bool
) -> Heading | None:
    first = list(islice(_records(sheet, spans), LOOKED_AT))
    try:
        return find_heading(first, name=source.name, asked=reading.heading)
    except UserError:
        if is_first or reading.sheets:
            raise
        return None  # not a table: it is named among those that are not read


def is_workbook_archive(source: Source) -> bool:
    """Return whether a zip archive has the parts of an .xlsx workbook.

    Raises:
        UserError: if it is not a whole zip archive.
    """
    with source.open() as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return bool({"xl/workbook.xml", "xl/workbook.bin"} & set(archive.namelist()))
        except _DAMAGE as error:
            raise UserError("import_file_damaged", name=source.name) from error


def _check_archive(source: Source) -> dict[str, Flaws]:
    """Look into the archive before the reader does, which unpacks and allocates whatever the file asks for.

    A file of 5 kB with a value in A1 and one in ZZ300000 took it 27 s and 6.6 GB.

    Returns:
        What is wrong with cells and rows, by worksheet.
    """
    with source.open() as file:
        try:
            with zipfile.ZipFile(file) as archive:
                _check_sizes(source, archive.infolist())
                flaws = {part.filename: _check_part(source, archive, part) for part in archive.infolist()}
                if "content.xml" in flaws:
                    return {name: Flaws(spans=spans) for name, spans in ods_spans.read(archive)}
                return {name: flaws[part] for name, part in _parts(archive).items() if part in flaws}
        except _DAMAGE as error:
            raise UserError("import_file_damaged", name=source.name) from error


def _parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the part of each worksheet by its name, as the workbook lists them."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return {}
    targets = {}
    for relation in _RELATION.findall(archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")):
        fields = dict(_ATTRIBUTE.findall(relation))
        target = fields.get("Target", "")
        targets[fields.get("Id", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    sheets = {}
    for sheet in _SHEET.findall(archive.read("xl/workbook.xml").decode("utf-8", "replace")):
        fields = dict(_ATTRIBUTE.findall(sheet))
        sheets[html.unescape(fields.get("name", ""))] = targets.get(fields.get("r:id", ""), "")
    return sheets


def _check_sizes(source: Source, parts: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts) or 1
    is_bomb = unpacked > _RATIO_FROM_BYTES and unpacked > _MAX_RATIO * packed
    if unpacked > MAX_UNPACKED_BYTES or is_bomb:
        limit = min(MAX_UNPACKED_BYTES, _MAX_RATIO * packed) if is_bomb else MAX_UNPACKED_BYTES
        details = {"megabytes": unpacked // 1_000_000, "limit": limit // 1_000_000}
        raise UserError("import_workbook_too_large", name=source.name, **details)


def _check_part(source: Source, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Flaws:
    """Unpack a part, which checks its size and checksum, and measure it if it is a worksheet.

    A formula that was never computed has no value: its cell would be read as empty, without a word.
    """
    flaws = Flaws()
    is_sheet = part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml")
    letters: set[bytes] = set()
    rows, tail = 0, b""
    with archive.open(part) as packed:
        while chunk := packed.read(_CHUNK_BYTES):
            if is_sheet:
                tail += chunk
                if formula := _EMPTY_FORMULA.search(tail):
                    raise UserError("import_formula_empty", name=source.name, cell=formula[1].decode())
                if b't="e"' in tail:
                    flaws.errors.update(cell.decode() for cell in _ERROR.findall(tail))
                if b"hidden=" in tail:
                    flaws.hidden.update(int(row) for row in _HIDDEN.findall(tail))
                cells = _CELL.findall(tail)
                letters.update(letter for letter, _ in cells)
                rows = max(rows, max((int(row) for _, row in cells), default=0))
                tail = tail[-_LONGEST_CELL:]
    columns = max(map(_column_number, letters), default=0)
    if rows * columns > MAX_CELLS:
        details = {"rows": rows, "columns": columns, "limit": MAX_CELLS}
        raise UserError("import_sheet_too_large", name=source.name, **details)
    return flaws


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _letters(place: int) -> str:
    """Return what Excel calls a column, counted from 0."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _find_sheets(source: Source) -> list[tuple[Any, bool]]:
    """Return the worksheets with cells, and whether each is visible."""
    try:
        workbook = _load(source)
        visible = python_calamine.SheetVisibleEnum.Visible
        kinds = [(sheet.name, sheet.visible == visible) for sheet in workbook.sheets_metadata if _is_table(sheet)]
        sheets = [(workbook.get_sheet_by_name(name), is_visible) for name, is_visible in kinds]
    except python_calamine.PasswordError as error:
        raise UserError("import_file_encrypted", name=source.name) from error
    except BaseException as error:
        # A panic of the Rust reader is no Exception.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise UserError("import_file_damaged", name=source.name) from error
        raise
    filled = [(sheet, is_visible) for sheet, is_visible in sheets if sheet.start is not None]
    if not any(is_visible for _, is_visible in filled):
        raise UserError("import_file_empty", name=source.name)
    return filled


def _is_table(sheet: Any) -> bool:
    return bool(sheet.typ == python_calamine.SheetTypeEnum.WorkSheet)


def _load(source: Source) -> Any:
    with source.open() as file:
        return python_calamine.CalamineWorkbook.from_filelike(file)


def _records(sheet: Any, spans: Sequence[Range] = ()) -> Iterator[tuple[int, list[str | None]]]:
    """Yield row numbers as Excel shows them and cells; rows without any value are counted and left out.

    A merged cell counts for all the rows and columns that it covers.
    """
    covered = dict(_merged(sheet, spans))
    values_of: dict[tuple[int, int], str | None] = {}
    for place, cells in enumerate(sheet.iter_rows()):
        values = [_as_text(cell) for cell in cells]
        for column, corner in covered.get(place, ()):
            if corner == (place, column):
                values_of[corner] = values[column] if column < len(values) else None
            elif column < len(values):
                values[column] = values_of.get(corner)
        if any(values):
            yield place + 1, values


def _merged(sheet: Any, spans: Sequence[Range] = ()) -> Iterator[tuple[int, list[tuple[int, tuple[int, int]]]]]:
    """Yield, for each row with merged cells, its columns that they cover and the corner that has their value."""
    by_row: dict[int, list[tuple[int, tuple[int, int]]]] = defaultdict(list)
    covered = 0
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or spans:
        covered += (bottom - top + 1) * (right - left + 1)
        if covered > MAX_CELLS // 10:
            break  # a range over the whole sheet says nothing of its cells
        for row in range(top, bottom + 1):
            by_row[row] += [(column, (top, left)) for column in range(left, right + 1)]
    yield from by_row.items()


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
