"""HTML tables: what many Korean web systems write as ``.xls``."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import islice
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.formats import encodings, tools
from annotator.formats.heading import LOOKED_AT, find_heading
from annotator.formats.table import MAX_COLUMNS, Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from annotator.formats.source import Source
    from annotator.formats.table import ReadOptions

_START = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)?<(?:!doctype html|html|head|meta|table|style|body)\b", re.I | re.S
)
_CHARSET = re.compile(rb"""charset=["']?\s*([\w-]{2,20})""", re.IGNORECASE)
_MOST_SPANNED = 100_000


def is_html(head: bytes) -> bool:
    """Return whether a file begins like a page."""
    return _START.match(head) is not None


def open_html(source: Source, reading: ReadOptions) -> Table:
    """Read the largest table of a page.

    Raises:
        UserError: if it has none, or can't be read.
    """
    told = _CHARSET.search(source.head()[:5_000])
    encoding = _find_encoding(source, reading.encoding or (told[1].decode() if told else None))
    parser = _Tables()
    for chunk in source.chunks():
        parser.buffer.append(chunk)
    parser.feed(b"".join(parser.buffer).decode(encoding))
    parser.close()
    tables = [list(_filled(rows)) for rows in parser.tables]
    records = max(tables, key=len, default=[])
    if not records:
        raise UserError("import_format_differs", name=source.name, ending=".xls")
    heading = find_heading(list(islice(records, LOOKED_AT)), name=source.name, asked=reading.heading)
    width = len(heading.names)
    return Table(
        "html",
        encoding,
        heading.names,
        lambda: (
            Row(number, dict(zip(heading.names, [*cells, *[""] * width][:width], strict=True)))
            for number, cells in records
            if number >= heading.first
        ),
        heading=heading.number,
        first_line=heading.first_line,
        tool=tools.tool_of(heading.names, source.name),
    )


def _find_encoding(source: Source, told: str | None) -> str:
    try:
        # Windows calls its own cp949 so.
        return encodings.detect(
            source, forced={"ks_c_5601-1987": "cp949", "euc-kr": "cp949"}.get((told or "").lower(), told)
        )
    except UserError:
        return encodings.detect(source)


def _filled(rows: list[list[tuple[str, int, int]]]) -> Iterator[tuple[int, list[str]]]:
    """Yield row numbers and cells, a cell that spans several rows or columns in each of them."""
    below: dict[int, tuple[str, int]] = {}
    spanned = 0
    for number, cells in enumerate(rows, 1):
        line: list[str] = []
        waiting = list(cells)
        while waiting or len(line) in below:
            place = len(line)
            if place in below:
                text, more = below.pop(place)
                line.append(text)
                if more > 1:
                    below[place] = (text, more - 1)
                continue
            text, columns, height = waiting.pop(0)
            spanned += columns * height
            for column in range(place, place + columns):
                line.append(text)
                if height > 1 and spanned < _MOST_SPANNED:
                    below[column] = (text, height - 1)
        if any(cell.strip() for cell in line):
            yield number, line


class _Tables(HTMLParser):
    """Collects the cells of all tables, with the columns and rows that each spans."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.buffer: list[bytes] = []
        self.tables: list[list[list[tuple[str, int, int]]]] = []
        self._cell: list[str] | None = None
        self._span = (1, 1)
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self._end()
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables:
            self._end()
            if not self.tables[-1]:
                self.tables[-1].append([])
            self._cell = []
            fields = dict(attrs)
            self._span = (_count(fields.get("colspan")), _count(fields.get("rowspan")))
        elif tag in ("br", "p", "div") and self._cell:
            self._cell.append("\n")
        elif tag in ("script", "style"):
            self._hidden += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr", "table"):
            self._end()
        elif tag in ("script", "style"):
            self._hidden = max(0, self._hidden - 1)

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._hidden:
            self._cell.append(data)

    def _end(self) -> None:
        if self._cell is not None:
            text = "".join(self._cell).replace("\xa0", " ").strip()
            self.tables[-1][-1].append((text, *self._span))
        self._cell = None


def _count(written: str | None) -> int:
    digits = (written or "").strip()
    return min(max(int(digits), 1), MAX_COLUMNS) if digits.isdecimal() and len(digits) < 7 else 1
