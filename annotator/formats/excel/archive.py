"""A workbook's archive, looked into before the reader unpacks and allocates whatever the file asks for."""

from __future__ import annotations

import html
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from annotator.errors import UserError
from annotator.formats.excel import ods_spans

if TYPE_CHECKING:
    from annotator.formats.excel.ods_spans import Range
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


def check_archive(source: Source) -> dict[str, Flaws]:
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
