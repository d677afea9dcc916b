"""Detection of a file's format: by its content where that is clear, by the ending of its name otherwise.

All readers of formats run in a process of their own: only `annotator.importing.reader` opens tables.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.formats import encodings, own_export
from annotator.formats.arrow import read_datasets
from annotator.formats.arrow.read_parquet import open_parquet
from annotator.formats.csv.read import lines, open_delimited, refuse_long_lines
from annotator.formats.excel.read import is_workbook_archive, open_workbook
from annotator.formats.source import ENDINGS
from annotator.formats.spacy_docbin.read import open_docbin
from annotator.formats.tool_json import open_json

if TYPE_CHECKING:
    from annotator.formats.source import Source
    from annotator.formats.table import Format, Table

_ARCHIVE = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PARQUET = b"PAR1"
_BINARY = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"SQLite format 3\0", b"\x1f\x8b", b"7z\xbc\xaf", b"\x7fELF")


def open_table(source: Source, *, encoding: str | None = None, split: str | None = None) -> Table:
    """Detect a file's format, encoding and columns, and whether it is one of our own exports.

    Args:
        encoding: use this one for CSV, TSV and JSON; None finds it out. Other formats carry their own.
        split: read only this part of a data set, for formats that have parts.

    Raises:
        UserError: if it isn't a file of one of the formats, or is damaged.
    """
    return own_export.restore(_open(source, encoding, split), name=source.name)


def _open(source: Source, encoding: str | None, split: str | None) -> Table:
    if source.is_on_hub():
        return read_datasets.open_hub(source, split=split)
    if source.folder is not None:
        return read_datasets.open_folder(source, source.folder, split=split)
    if split is not None:
        raise UserError("import_split_unknown", name=source.name)
    kind = _find_format(source)
    if kind == "excel":
        return open_workbook(source)
    if kind == "parquet":
        return open_parquet(source)
    if kind == "spacy":
        return open_docbin(source)
    return _open_text(source, kind, encoding)


def _open_text(source: Source, kind: Format, encoding: str | None) -> Table:
    if kind != "json":  # which may be one line
        refuse_long_lines(source)
    encoding = encodings.detect(source, forced=encoding)
    if kind in ("json", "jsonl"):
        return open_json(source, encoding)
    if _ending(source) == ".txt":
        _check_tabs(source, encoding)
    return open_delimited(source, encoding, kind="tsv" if kind == "tsv" else "csv")


def _ending(source: Source) -> str:
    return PurePosixPath(source.name).suffix.lower()


def _find_format(source: Source) -> Format:
    """Return the format; a workbook that somebody has named .csv is still a workbook."""
    head = source.head()
    if head.startswith(_OLE) or (head.startswith(_ARCHIVE) and is_workbook_archive(source)):
        return "excel"
    if head.startswith(_PARQUET):
        return "parquet"
    if head.startswith((_ARCHIVE, *_BINARY)):
        raise UserError("import_file_binary", name=source.name)
    kind = ENDINGS.get(_ending(source))
    if kind is None:
        raise UserError("import_format_unknown", name=source.name, endings=" ".join(ENDINGS))
    if kind in ("excel", "parquet"):
        raise UserError("import_format_differs", name=source.name, ending=_ending(source))
    return kind


def _check_tabs(source: Source, encoding: str) -> None:
    """Refuse running text: its first line would be taken for the heading and be lost."""
    first = next((line for line in lines(source, encoding, newline="") if line.strip()), "")
    if "\t" not in first:
        raise UserError("import_txt_without_tabs", name=source.name)
