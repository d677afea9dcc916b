"""The beginning of a file, and how it would be read: what a person sees before anything is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.formats import table as tables
from annotator.formats.source import open_source
from annotator.formats.table import ReadOptions
from annotator.importing import shapes
from annotator.importing.asking import heading_question
from annotator.importing.choices import Choices
from annotator.importing.columns import guess_roles, long_columns
from annotator.importing.label_names import LabelReader, read_names
from annotator.importing.people import read_people
from annotator.importing.reader import opened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from annotator.formats.table import ColumnMap, Format, Row, Table
    from annotator.importing.choices import Question
    from db import Database

_PREVIEW_ROWS = 5
_SAMPLE_ROWS = 50
_LONG_ROW = 1_000_000


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a file, and how it would be read.

    Attributes:
        encoding: None for Excel and Parquet.
        columns: names in file order.
        rows: the first five, column to text; characters that can't be shown are escaped.
        row_numbers: their numbers in the file.
        guess: which column seems to be what; its text is None where several or none could be.
        sheet: the worksheet that is read, for Excel files.
        other_sheets: worksheets with cells that are not read.
        long: columns whose values are long enough to be a text, or a part of one.
        said: the column that stands for what each person decided, for formats that say so.
        more_sheets: worksheets of the same columns that are read, too.
        delimiter: between the values, for CSV and TSV.
        heading: number of the row with the column names, 0 where there is none; None for other formats.
        first_line: the first row of a table that may have no heading; empty if it has one.
        people: names in the first rows of who decided, with who they are here.
        remembered: how an earlier file of the same shape was read; None if there was none.
        choices: what was chosen for that file.
        asked: what has to be answered before the rows below mean anything.
    """

    format: Format
    encoding: str | None
    columns: tuple[str, ...]
    rows: tuple[dict[str, str | None], ...]
    row_numbers: tuple[int, ...]
    guess: ColumnMap
    sheet: str | None
    other_sheets: tuple[str, ...]
    long: tuple[str, ...] = ()
    said: str | None = None
    more_sheets: tuple[str, ...] = ()
    delimiter: str | None = None
    heading: int | None = None
    first_line: tuple[str, ...] = ()
    people: tuple[tuple[str, str], ...] = ()
    remembered: ColumnMap | None = None
    choices: Choices = field(default_factory=Choices)
    asked: tuple[Question, ...] = ()


def preview(
    source: Path | bytes,
    name: str,
    *,
    reading: ReadOptions | None = None,
    db: Database | None = None,
    remembers: bool = True,
) -> Preview:
    """Show how a file would be read; writes nothing.

    Args:
        source: a path, or the bytes of an upload.
        name: the file's name, whose ending says the format where the content doesn't.
        reading: how it is to be read; None finds everything out.
        db: the project, by whose labels columns are guessed, too.
        remembers: whether to look up how an earlier file of the same shape was read.

    Raises:
        UserError: if the file can't be read, or has no rows.
    """
    file = open_source(source, name)
    with opened(file, reading or ReadOptions()) as table:
        sample = take_sample(table, file.name)
        is_open = bool(table.first_line) and (reading or ReadOptions()).heading is None
        asked = (heading_question(table),) if is_open else ()
    first = sample[:_PREVIEW_ROWS]
    names = None if db is None else LabelReader(read_names(db))
    guess = guess_roles(table, sample, names)
    memory = db if remembers else None
    return Preview(
        format=table.format,
        encoding=table.encoding,
        columns=table.columns,
        rows=tuple(_printable(row) for row in first),
        row_numbers=tuple(row.number for row in first),
        guess=guess,
        long=tuple(long_columns(table.columns, sample)),
        said=table.said,
        sheet=table.sheet,
        other_sheets=table.other_sheets,
        more_sheets=table.more_sheets,
        delimiter=table.delimiter,
        heading=table.heading,
        first_line=tuple(map(tables.shorten, table.first_line)),
        people=() if db is None else _people(db, table, guess, sample),
        remembered=None if memory is None else shapes.find_columns(memory, table),
        choices=Choices() if memory is None else shapes.find_choices(memory, table),
        asked=asked,
    )


def _people(db: Database, table: Table, guess: ColumnMap, sample: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    """Return who decided in the first rows, with who they are here."""
    names = read_people(db, table.tool, {})
    ours = {decision.person: decision.is_ours for row in sample for decision in row.said}
    written = [row.values.get(guess.annotator or "") or "" for row in sample]
    people = {**dict.fromkeys((*guess.people, *written), False), **ours}
    return tuple((person, names.find(person, is_ours=is_ours) or "") for person, is_ours in people.items() if person)


def take_sample(table: Table, name: str) -> list[Row]:
    """Return the first rows of a table, by which its columns are guessed.

    Raises:
        UserError: if it has no rows.
    """
    sample: list[Row] = []
    for row in islice(table.rows(), _SAMPLE_ROWS):
        sample.append(row)
        if sum(map(len, filter(None, row.values.values()))) > _LONG_ROW:
            break  # fifty of these would fill the memory, and tell no more
    if not sample:
        raise UserError("import_no_rows", name=name)
    return sample


def _printable(row: Row) -> dict[str, str | None]:
    return {column: value and tables.printable(value) for column, value in row.values.items()}
