"""Texts that are a diary each: a folder of files, an archive of them, or one file. Date and writer come from names.

Plain text and Markdown in any encoding; DOCX and HWPX, archives of XML whose paragraphs are read.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from annotator.errors import UserError
from annotator.formats import encodings
from annotator.formats.csv.read import BYTE_ORDER_MARK
from annotator.formats.dates import read_date
from annotator.formats.source import TEXT_ENDINGS
from annotator.formats.table import ColumnMap, Row, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from annotator.formats.source import Source
    from annotator.formats.table import ReadOptions

_DATE = re.compile(r"(?<!\d)(\d{4})[-._ 년]*(\d{1,2})[-._ 월]*(\d{1,2})(?!\d)")
_FIELDS = {"date": r"(?P<date>.+?)", "author": r"(?P<author>.+?)", "*": r".*?"}
_MOST_XML = 50_000_000
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
    ET.ParseError,
)
_COLUMNS = ("text", "date", "author", "file")


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file of one text: its name within the folder or archive, and its content."""

    name: str
    source: Source


def open_texts(source: Source, files: Callable[[], Iterator[TextFile]], reading: ReadOptions) -> Table:
    """Return a table with a row for each file, in the order of their names.

    Raises:
        UserError: if a file can't be read, or no name fits the pattern.
    """
    names = [file.name for file in files()]
    fields = _reader(source, reading.pattern, names)
    columns_of_names = [fields(name) for name in names]
    columns = tuple(
        column for column in _COLUMNS if column in ("text", "file") or any(one.get(column) for one in columns_of_names)
    )
    date, author = (column if column in columns else None for column in ("date", "author"))
    return Table(
        "texts",
        None,
        columns,
        lambda: _rows(files(), columns, fields),
        known=ColumnMap("text", date=date, author=author),
    )


def open_folder(source: Source, reading: ReadOptions) -> Table:
    """Return a table with a row for each text of a folder."""
    others = tuple(name for name, file in source.members() if not _is_text(file))
    table = open_texts(
        source, lambda: (TextFile(name, file) for name, file in source.members() if _is_text(file)), reading
    )
    return replace(table, other_sheets=others)


def open_text(source: Source, encoding: str | None, reading: ReadOptions) -> Table:
    """Return a table of one text, or of its lines.

    Raises:
        UserError: ``import_ask_lines`` if nobody has said which, and its name tells neither.
    """
    is_plain = PurePosixPath(source.name).suffix.lower() not in (".docx", ".hwpx")
    if is_plain and encoding is not None and reading.lines != "whole":
        count = count_lines(source, encoding)
        if reading.lines == "each":
            return Table("texts", encoding, ("text",), lambda: _lines(source, encoding), known=ColumnMap("text"))
        if count > 1 and _date_in(PurePosixPath(source.name).stem) is None:
            raise UserError("import_ask_lines", name=source.name, count=count)
    return open_texts(source, lambda: iter((TextFile(source.name, source),)), reading)


def _lines(source: Source, encoding: str) -> Iterator[Row]:
    for number, line in enumerate(read_plain(source, encoding).split("\n"), 1):
        if line.strip():
            yield Row(number, {"text": line.removeprefix(BYTE_ORDER_MARK)})


def _is_text(source: Source) -> bool:
    return PurePosixPath(source.name).suffix.lower() in TEXT_ENDINGS


def _rows(
    files: Iterator[TextFile], columns: tuple[str, ...], fields: Callable[[str], dict[str, str | None]]
) -> Iterator[Row]:
    for number, file in enumerate(files, 1):
        values = {**fields(file.name), "text": read_text(file.source), "file": file.name}
        yield Row(number, {column: values.get(column) for column in columns})


def _reader(source: Source, pattern: str | None, names: Sequence[str]) -> Callable[[str], dict[str, str | None]]:
    """Return what reads date and writer from the name of a file."""
    if pattern is None:
        return lambda name: {"date": _date_in(PurePosixPath(name).stem)}
    parts = re.split(r"\{(date|author)\}|(\*)", pattern)
    regex = re.compile("".join(_FIELDS.get(part, re.escape(part)) for part in parts if part))

    def read(name: str) -> dict[str, str | None]:
        path = PurePosixPath(name)
        plain = (path.with_suffix("").as_posix(), path.stem)
        match = next((candidate for each in plain if (candidate := regex.fullmatch(each))), None)
        groups = {} if match is None else match.groupdict()
        return {**groups, "date": _date_in(groups.get("date") or "")}

    if not any(any(read(name).values()) for name in names):
        raise UserError("import_pattern_unfit", name=source.name, pattern=pattern[:60], example=names[0][:60])
    return read


def _date_in(text: str) -> str | None:
    return next((day for parts in _DATE.findall(text) if (day := read_date("-".join(parts)))), None)


def is_tabbed(source: Source) -> bool:
    """Return whether a plain text is a table, as Excel writes one: tabs stand between the words of its first line."""
    if PurePosixPath(source.name).suffix.lower() != ".txt":
        return False
    first = next((line for line in source.head().splitlines() if line.strip(b"\xff\xfe\xef\xbb\xbf\0 \t")), b"")
    return b"\t" in first.strip(b"\xff\xfe\xef\xbb\xbf\0 \t")


def count_lines(source: Source, encoding: str) -> int:
    """Return how many lines of a text aren't blank."""
    return sum(bool(line.strip()) for line in read_plain(source, encoding).splitlines())


def read_plain(source: Source, encoding: str) -> str:
    """Return a plain text, without its byte order mark."""
    return b"".join(source.chunks()).decode(encoding).removeprefix("\ufeff").replace("\r\n", "\n").rstrip("\n")


def read_text(source: Source, encoding: str | None = None) -> str:
    """Return the text of a file: plain, of Word or of Hangul.

    Raises:
        UserError: if it can't be read.
    """
    ending = PurePosixPath(source.name).suffix.lower()
    if ending in (".docx", ".hwpx"):
        return read_document(source)
    return read_plain(source, encodings.detect(source, forced=encoding))


def read_document(source: Source) -> str:
    """Return the paragraphs of a DOCX or HWPX file, a line each.

    Raises:
        UserError: if it is damaged or none.
    """
    with source.open() as file:
        try:
            with zipfile.ZipFile(file) as archive:
                names = archive.namelist()
                parts = [name for name in names if re.fullmatch(r"word/document\.xml|Contents/section\d+\.xml", name)]
                if not parts or sum(archive.getinfo(part).file_size for part in parts) > _MOST_XML:
                    raise UserError("import_file_damaged", name=source.name)
                in_order = sorted(parts, key=lambda part: (len(part), part))
                return "\n".join("\n".join(_paragraphs(archive.read(part))) for part in in_order).strip("\n")
        except _DAMAGE as error:
            raise UserError("import_file_damaged", name=source.name) from error


def _paragraphs(xml: bytes) -> Iterator[str]:
    """Yield the text of paragraphs. Entities that a file declares are none of Word's or Hangul's."""
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        raise ValueError("doctype")
    for paragraph in ET.fromstring(xml).iter():  # noqa: S314 - what declares entities was refused
        if _local(paragraph) == "p":
            yield "".join(_pieces(paragraph))


def _pieces(paragraph: ET.Element) -> Iterator[str]:
    """Yield what a paragraph itself holds: tables and boxes inside it have paragraphs of their own."""
    for child in paragraph:
        name = _local(child)
        if name == "p":
            continue
        if name == "t":
            yield "".join(child.itertext())
        elif name in ("br", "lineBreak", "cr"):
            yield "\n"
        elif name == "tab":
            yield "\t"
        elif name not in ("del", "instrText", "ctrl", "secPr", "tbl"):
            yield from _pieces(child)


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
