"""Workbooks: .xlsx, .xlsb, .xls and .ods."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any

import python_calamine

from annotator.errors import UserError
from annotator.formats import table, tools
from annotator.formats.excel.archive import Flaws, check_archive
from annotator.formats.excel.cells import first_column, records
from annotator.formats.heading import LOOKED_AT, find_heading
from annotator.formats.table import Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from annotator.formats.excel.ods_spans import Range
    from annotator.formats.heading import Heading
    from annotator.formats.source import Source
    from annotator.formats.table import Format, ReadOptions


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
        for number, cells in records(self.sheet, self.flaws.spans):
            if number >= self.heading.first:
                values = dict(zip_longest(columns, cells[: len(columns)]))
                yield Row(number + self.offset, values | beside, notes=tuple(self._notes(number, columns)))

    def _notes(self, number: int, columns: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        if number in self.flaws.hidden:
            yield "hidden_row", ""
        if self.flaws.errors:
            for place, column in enumerate(columns, first_column(self.sheet)):
                if f"{_letters(place)}{number}" in self.flaws.errors:
                    yield "error_cell", column


SHEET = "sheet"


def open_workbook(source: Source, reading: ReadOptions, *, kind: Format = "excel") -> Table:
    """Read the first visible worksheet of a workbook that isn't empty, and all others with the same columns.

    Raises:
        UserError: if the file is damaged, encrypted, unpacks to too much, or has no cells.
    """
    flaws = check_archive(source) if source.head().startswith(b"PK") else {}
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
    chosen = visible
    if reading.sheets:
        by_name = {table.plain_column(sheet.name): sheet for sheet, _ in filled}
        missing = [name for name in reading.sheets if table.plain_column(name) not in by_name]
        if missing:
            known = table.enumerate_values([sheet.name for sheet, _ in filled])
            raise UserError("import_sheet_missing", name=source.name, sheet=table.shorten(missing[0]), known=known)
        chosen = [by_name[table.plain_column(name)] for name in reading.sheets]
    if not chosen:
        raise UserError("import_file_empty", name=source.name)
    if not reading.sheets:
        # A cover or an empty form comes first often enough.
        chosen = [sheet for sheet in chosen if _has_rows(sheet)] or chosen
    read: list[_Sheet] = []
    for sheet in chosen:
        offset = sum(each.sheet.total_height for each in read)
        flaws_of_sheet = flaws.get(sheet.name, Flaws())
        heading = _heading(source, sheet, reading, flaws_of_sheet.spans, is_first=not read)
        if heading is not None and (not read or reading.sheets or set(heading.names) == set(read[0].heading.names)):
            read.append(_Sheet(sheet, heading, flaws_of_sheet, offset))
    names = {each.sheet.name for each in read}
    return read, tuple(sheet.name for sheet, _ in filled if sheet.name not in names)


def _has_rows(sheet: Any) -> bool:
    """Return whether a worksheet has more than one row that isn't blank."""
    return sum(1 for _ in islice(records(sheet), 2)) > 1


def _heading(
    source: Source, sheet: Any, reading: ReadOptions, spans: Sequence[Range], *, is_first: bool
) -> Heading | None:
    first = list(islice(records(sheet, spans), LOOKED_AT))
    try:
        return find_heading(first, name=source.name, asked=reading.heading)
    except UserError:
        if is_first or reading.sheets:
            raise
        return None  # not a table: it is named among those that are not read


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
