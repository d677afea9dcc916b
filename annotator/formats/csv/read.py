"""CSV and TSV files."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import TextIOWrapper
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.formats import table
from annotator.formats.table import Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from annotator.formats.source import Source

MAX_LINE_CHARACTERS = 10_000_000
"""A longer line, or a longer quoted value, is not a table of diaries: it is refused before memory runs out."""

_DELIMITERS = (",", "\t", ";")


@dataclass(frozen=True, slots=True)
class _Dialect:
    delimiter: str
    quoted: bool = True


def open_delimited(source: Source, encoding: str, *, kind: Literal["csv", "tsv"]) -> Table:
    """Read the heading of a CSV or TSV file, and find out how its values are separated and quoted.

    Raises:
        UserError: for a file without a heading, repeated column names or broken quotes.
    """
    dialect = _Dialect(_find_delimiter(source, encoding, kind=kind))
    if kind == "tsv" and not _reads_through(source, encoding, dialect):
        # Many published TSV files don't use quoting: there, a quotation mark at the start of a text is just text.
        unquoted = _Dialect(dialect.delimiter, quoted=False)
        dialect = unquoted if _reads_through(source, encoding, unquoted) else dialect
    _, heading = _heading(source, encoding, dialect)
    columns = table.column_names(heading, name=source.name)
    return Table(kind, encoding, columns, lambda: _rows(source, encoding, dialect, columns))


def lines(source: Source, encoding: str, *, newline: str) -> Iterator[str]:
    """Yield the lines of a text file with their ends.

    Args:
        newline: as for `open`.

    Raises:
        UserError: if a line is too long, or the file stops being readable half-way.
    """
    with source.open() as binary, TextIOWrapper(binary, encoding, "strict", newline=newline) as text:
        try:
            number = 0
            while line := text.readline(MAX_LINE_CHARACTERS + 1):
                number += 1
                if len(line) > MAX_LINE_CHARACTERS:
                    raise UserError("import_line_too_long", name=source.name, line=number, limit=MAX_LINE_CHARACTERS)
                yield line
        except UnicodeError as error:  # it was decoded before, so somebody is writing to it
            raise UserError("import_file_changed", name=source.name) from error
        except OSError as error:
            raise UserError("import_file_unreadable", name=source.name, reason=error.strerror or "?") from error


def refuse_long_lines(source: Source, *, limit: int = 4 * MAX_LINE_CHARACTERS) -> None:
    """Refuse endless lines before anything is decoded: otherwise, refusing one of 2 GB took half a minute.

    Args:
        limit: in bytes. Line ends of UTF-16 and UTF-32 contain that byte, too.

    Raises:
        UserError: naming the line.
    """
    number, length = 1, 0
    for chunk in source.chunks():
        ends = chunk.count(b"\n") or chunk.count(b"\r")
        number += ends
        length = len(chunk) - 1 - max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) if ends else length + len(chunk)
        if length > limit:
            raise UserError("import_line_too_long", name=source.name, line=number, limit=MAX_LINE_CHARACTERS)


def _find_delimiter(source: Source, encoding: str, *, kind: Literal["csv", "tsv"]) -> str:
    first = next((line for line in lines(source, encoding, newline="") if line.strip()), "")
    outside_quotes = "".join(first.split('"')[::2])
    counts = {delimiter: outside_quotes.count(delimiter) for delimiter in _DELIMITERS}
    usual = "\t" if kind == "tsv" else ","
    # A comma in a tab-separated heading belongs to a name, so the usual one wins wherever it occurs.
    return usual if counts[usual] else max(_DELIMITERS, key=lambda d: (counts[d], d == usual))


def _records(source: Source, encoding: str, dialect: _Dialect) -> Iterator[tuple[int, list[str]]]:
    """Yield row numbers and fields; blank lines are counted and left out."""
    csv.field_size_limit(MAX_LINE_CHARACTERS)
    reader = csv.reader(
        lines(source, encoding, newline=""),
        delimiter=dialect.delimiter,
        quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
        strict=dialect.quoted,
    )
    number = 0
    try:
        for number, fields in enumerate(reader, 1):
            if fields:
                yield number, fields
    except csv.Error as error:
        # The module has no codes, only English sentences.
        code = "import_value_too_long" if "field limit" in str(error) else "import_quotes_broken"
        raise UserError(code, name=source.name, row=number + 1, line=reader.line_num) from error


def _heading(source: Source, encoding: str, dialect: _Dialect) -> tuple[int, list[str]]:
    for number, fields in _records(source, encoding, dialect):
        if any(field.strip() for field in fields):
            return number, fields
    raise UserError("import_file_empty", name=source.name)


def _rows(source: Source, encoding: str, dialect: _Dialect, columns: tuple[str, ...]) -> Iterator[Row]:
    heading, _ = _heading(source, encoding, dialect)
    width = len(columns)
    for number, fields in _records(source, encoding, dialect):
        if number <= heading:
            continue
        if len(fields) != width:
            # Padding or cutting would move values into the wrong columns without anybody noticing.
            raise UserError("import_row_ragged", name=source.name, row=number, found=len(fields), expected=width)
        yield Row(number, dict(zip(columns, fields, strict=True)))


def _reads_through(source: Source, encoding: str, dialect: _Dialect) -> bool:
    try:
        _, heading = _heading(source, encoding, dialect)
        return all(len(fields) == len(heading) for _, fields in _records(source, encoding, dialect))
    except UserError as error:
        if error.code in ("import_quotes_broken", "import_value_too_long"):
            return False
        raise
