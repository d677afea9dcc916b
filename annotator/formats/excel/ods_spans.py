"""Merged cells of ODS workbooks, which the reader of their values passes over."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator

Range = tuple[tuple[int, int], tuple[int, int]]
"""The first and the last cell, each as row and column from 0."""

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_MOST = 100_000


def read(archive: zipfile.ZipFile) -> Iterator[tuple[str, tuple[Range, ...]]]:
    """Yield each worksheet's name with its merged cells."""
    name, row, column = "", 0, 0
    spans: list[Range] = []
    with archive.open("content.xml") as content:
        for event, element in ET.iterparse(content, ("start", "end")):  # noqa: S314 - in the sealed process
            if event == "start" and element.tag == f"{_TABLE}table":
                name, row, spans = element.get(f"{_TABLE}name", ""), 0, []
            elif event == "start" and element.tag == f"{_TABLE}table-row":
                column = 0
            elif event == "end" and element.tag in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                height, width = _count(element, "number-rows-spanned"), _count(element, "number-columns-spanned")
                if height * width > 1 and len(spans) < _MOST:
                    spans.append(((row, column), (row + height - 1, column + width - 1)))
                column += _count(element, "number-columns-repeated")
                element.clear()
            elif event == "end" and element.tag == f"{_TABLE}table-row":
                row += _count(element, "number-rows-repeated")
                element.clear()
            elif event == "end" and element.tag == f"{_TABLE}table":
                yield name, tuple(spans)


def _count(element: ET.Element, name: str) -> int:
    written = element.get(f"{_TABLE}{name}", "1")
    return int(written) if written.isdecimal() and len(written) < 8 else 1
