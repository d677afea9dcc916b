"""CSV and TSV files."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass, replace
from io import TextIOWrapper
from itertools import islice
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.formats import tools
from annotator.formats.column_names import has_known
from annotator.formats.heading import LOOKED_AT, find_heading
from annotator.formats.table import Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Literal

    from annotator.formats.heading import Heading
    from annotator.formats.source import Source
    from annotator.formats.table import ReadOptions

MAX_LINE_CHARACTERS = 10_000_000
"""A longer line, or a longer quoted value, is not a table of diaries: it is refused before memory runs out."""

_DELIMITERS = (",", "\t", ";", "|")

_SAMPLE_CHARACTERS = 1_000_000
_MOST_LINES = 2_000
_LEAST_EVEN = 0.7
"""Of the first rows, this share has the same number of values where a delimiter is the right one."""

BYTE_ORDER_MARK = "\ufeff"

SEP = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE)
"""The line by which Excel is told the delimiter."""


@dataclass(frozen=True, slots=True)
class _Dialect:
    delimiter: str
    quoted: bool = True
    has_sep: bool = False


def open_delimited(source: Source, encoding: str, reading: ReadOptions, *, kind: Literal["csv", "tsv"]) -> Table:
    """Find the heading of a CSV or TSV file, and how its values are separated and quoted.

    Raises:
        UserError: for a file without a row, repeated column names or broken quotes.
    """
    dialect = _find_dialect(source, encoding, reading.delimiter, kind=kind)
    if kind == "tsv" and not _reads_through(source, encoding, dialect):
        # Many published TSV files don't use quoting: there, a quotation mark at the start of a text is just text.
        unquoted = replace(dialect, quoted=False)
        dialect = unquoted if _reads_through(source, encoding, unquoted) else dialect
    first = list(islice(_records(source, encoding, dialect), LOOKED_AT))
    heading = find_heading(first, name=source.name, asked=reading.heading)
    return Table(
        kind,
        encoding,
        heading.names,
        lambda: _rows(source, encoding, dialect, heading),
        delimiter=dialect.delimiter,
        heading=heading.number,
        first_line=heading.first_line,
        tool=tools.tool_of(heading.names, source.name),
    )


def lines(source: Source, encoding: str, *, newline: str) -> Iterator[str]:
    """Yield the lines of a text file with their ends, without the mark that begins each of several joined files.

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
                yield line.removeprefix(BYTE_ORDER_MARK)
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


def _find_dialect(source: Source, encoding: str, asked: str | None, *, kind: Literal["csv", "tsv"]) -> _Dialect:
    sample = _first_lines(source, encoding)
    told = SEP.fullmatch(sample[0]) if sample else None
    if asked is not None:
        return _Dialect(asked, has_sep=told is not None)
    if told is not None:
        return _Dialect(told[1], has_sep=True)
    usual = "\t" if kind == "tsv" else ","
    return _Dialect(find_delimiter(sample, usual))


def _first_lines(source: Source, encoding: str) -> list[str]:
    """Return the first lines of a file that aren't blank, up to a million characters."""
    kept: list[str] = []
    length = 0
    for line in lines(source, encoding, newline=""):
        length += len(line)
        if line.strip() or kept:
            kept.append(line)
        if length > _SAMPLE_CHARACTERS or len(kept) > _MOST_LINES:
            break
    return kept


def find_delimiter(sample: Sequence[str], usual: str) -> str:
    """Return the delimiter by which the first rows have equally many values; by the first line if none does."""
    first = next((line for line in sample if line.strip()), "")
    outside_quotes = "".join(first.split('"')[::2])
    counts = {delimiter: outside_quotes.count(delimiter) for delimiter in _DELIMITERS}
    # A comma in a tab-separated heading belongs to a name, so the usual one wins wherever it fits.
    order = sorted(_DELIMITERS, key=lambda d: (d != usual, -counts[d]))
    fitting = [(delimiter, *_evenness(sample, delimiter)) for delimiter in order]
    even = [(delimiter, width) for delimiter, width, share in fitting if width > 1 and share >= _LEAST_EVEN]
    if even:
        named = [delimiter for delimiter, _ in even if has_known(first.split(delimiter))]
        return (named or [delimiter for delimiter, _ in even])[0]
    return usual if counts[usual] else max(_DELIMITERS, key=lambda d: (counts[d], d == usual))


def _evenness(sample: Sequence[str], delimiter: str) -> tuple[int, float]:
    """Return how many values most of the first rows have, and the share of rows that have as many."""
    widths: Counter[int] = Counter()
    csv.field_size_limit(MAX_LINE_CHARACTERS)
    try:
        for fields in islice(csv.reader(sample, delimiter=delimiter), LOOKED_AT):
            if any(field.strip() for field in fields):
                widths[len(fields)] += 1
    except csv.Error:
        return 0, 0.0
    width = max(widths, key=lambda each: (widths[each], each), default=0)
    return width, widths[width] / widths.total() if widths else 0.0


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
            if fields and not (number == 1 and dialect.has_sep):
                yield number, fields
    except csv.Error as error:
        # The module has no codes, only English sentences.
        code = "import_value_too_long" if "field limit" in str(error) else "import_quotes_broken"
        raise UserError(code, name=source.name, row=number + 1, line=reader.line_num) from error


def _rows(source: Source, encoding: str, dialect: _Dialect, heading: Heading) -> Iterator[Row]:
    columns = heading.names
    width = len(columns)
    for number, fields in _records(source, encoding, dialect):
        if number < heading.first:
            continue
        if len(fields) == width:
            yield Row(number, dict(zip(columns, fields, strict=True)))
        elif (whole := _evened(source, number, fields, width)) is not None:
            yield Row(number, dict(zip(columns, whole, strict=True)))


def _evened(source: Source, number: int, fields: list[str], width: int) -> list[str] | None:
    """Return a row with its empty cells: Excel leaves out those at its end, and others add some. None for a blank line.

    Raises:
        UserError: where values are missing or too many. Padding or cutting would move them into the wrong columns
            without anybody noticing: a line end in a text that isn't quoted gives a row of few values.
    """
    if width > 1 and len(fields) == 1 and not fields[0].strip():
        return None
    kept = fields[:width]
    if any(field.strip() for field in fields[width:]) or 2 * len(fields) < width:
        raise UserError("import_row_ragged", name=source.name, row=number, found=len(fields), expected=width)
    return [*kept, *[""] * (width - len(kept))]


def _reads_through(source: Source, encoding: str, dialect: _Dialect) -> bool:
    try:
        records = _records(source, encoding, dialect)
        first = next((fields for _, fields in records if any(field.strip() for field in fields)), [])
        return all(len(fields) == len(first) for _, fields in records)
    except UserError as error:
        if error.code in ("import_quotes_broken", "import_value_too_long"):
            return False
        raise
