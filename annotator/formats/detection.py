"""Detection of a file's format: by its content where that is clear, by the ending of its name otherwise.

All readers of formats run in a process of their own: only `annotator.importing.reader` opens tables. That process
starts for each file and loads what this one file needs, which halves the time of its start; so most imports are where
the reader is called.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.formats import own_columns
from annotator.formats.source import ENDINGS, is_folder
from annotator.formats.table import ReadOptions

if TYPE_CHECKING:
    from annotator.formats.source import Source
    from annotator.formats.table import Format, Table

_ZIP = b"PK\x03\x04"
_GZIP = b"\x1f\x8b"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PARQUET = b"PAR1"
_PDF = b"%PDF"
_BINARY = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"SQLite format 3\0", b"7z\xbc\xaf", b"\x7fELF")
_DOCUMENTS = {
    "hwp": ("import_file_hwp", "BodyText"),
    "doc": ("import_file_doc", "WordDocument"),
    "ppt": ("import_file_ppt", "PowerPoint Document"),
}
"""Documents that are no workbooks, by their endings: what is said of them, and the part by which each is known."""


def open_table(source: Source, reading: ReadOptions | None = None) -> Table:
    """Detect a file's format, encoding and columns, and whether it is one of our own exports.

    Raises:
        UserError: if it isn't a file of one of the formats, or is damaged.
    """
    table = _open(source, reading or ReadOptions())
    if not own_columns.is_ours(table.columns):
        return table
    from annotator.formats import own_export

    return own_export.restore(table, name=source.name)


def _open(source: Source, reading: ReadOptions) -> Table:
    if source.file is not None:
        return _open_file(source, reading)
    if source.folder is not None and not is_folder(source.folder):
        from annotator.formats import texts

        return texts.open_folder(source, reading)
    from annotator.formats.arrow import read_datasets

    if source.folder is None:
        return read_datasets.open_hub(source, split=reading.split)
    return read_datasets.open_folder(source, source.folder, split=reading.split)


def _open_file(source: Source, reading: ReadOptions) -> Table:
    if reading.split is not None:
        raise UserError("import_split_unknown", name=source.name)
    if source.head().startswith(_GZIP):
        from annotator.formats import archives

        return open_table(archives.unpack(source), reading)
    kind = _find_format(source)
    return _open_binary(source, kind, reading) or _open_text(source, kind, reading)


def _open_binary(source: Source, kind: Format, reading: ReadOptions) -> Table | None:
    """Return the table of a file that is read as bytes, or None where its encoding has to be known first."""
    if kind == "archive":
        from annotator.formats import archives

        return archives.open_zip(source, reading, open_table)
    if kind in ("excel", "ods"):
        from annotator.formats.excel.read import open_workbook

        return open_workbook(source, reading, kind=kind)
    if kind == "parquet":
        from annotator.formats.arrow.read_parquet import open_parquet

        return open_parquet(source)
    if kind == "spacy":
        from annotator.formats.spacy_docbin.read import open_docbin

        return open_docbin(source)
    if kind == "html":
        from annotator.formats.excel.read_html import open_html

        return open_html(source, reading)
    return None


def _open_text(source: Source, kind: Format, reading: ReadOptions) -> Table:
    if kind == "texts" and source.head().startswith(_ZIP):
        return _open_running_text(source, None, reading)
    from annotator.formats import encodings
    from annotator.formats.csv.read import open_delimited, refuse_long_lines

    if kind not in ("json", "texts"):  # which may be one line
        refuse_long_lines(source)
    encoding = encodings.detect(source, forced=reading.encoding)
    if kind in ("json", "jsonl"):
        from annotator.formats.tool_json import open_json

        return open_json(source, encoding)
    if kind == "texts" or (_ending(source) == ".txt" and _is_running_text(source, encoding, reading)):
        return _open_running_text(source, encoding, reading)
    return open_delimited(source, encoding, reading, kind="tsv" if kind == "tsv" else "csv")


def _open_running_text(source: Source, encoding: str | None, reading: ReadOptions) -> Table:
    from annotator.formats import texts

    return texts.open_text(source, encoding, reading)


def _ending(source: Source) -> str:
    return PurePosixPath(source.name).suffix.lower()


def _find_format(source: Source) -> Format:
    """Return the format; a workbook that somebody has named .csv is still a workbook."""
    head = source.head()
    if head.startswith(_OLE):
        _refuse_documents(source)
        return "excel"
    if head.startswith(_ZIP):
        return _find_in_zip(source)
    if head.startswith(_PARQUET):
        return "parquet"
    if head.startswith(_PDF):
        raise UserError("import_file_pdf", name=source.name)
    if head.startswith(_BINARY):
        raise UserError("import_file_binary", name=source.name)
    kind = ENDINGS.get(_ending(source))
    if kind in ("excel", "html", None) and _is_html(head):
        return "html"
    if kind is None:
        if (ending := _ending(source).removeprefix(".")) in _DOCUMENTS:
            raise UserError(_DOCUMENTS[ending][0], name=source.name)
        raise UserError("import_format_unknown", name=source.name, endings=" ".join(ENDINGS))
    if kind in ("excel", "parquet", "ods", "html", "archive") or _ending(source) in (".docx", ".hwpx"):
        raise UserError("import_format_differs", name=source.name, ending=_ending(source))
    return kind


def _is_html(head: bytes) -> bool:
    from annotator.formats.excel.read_html import is_html

    return is_html(head)


def _find_in_zip(source: Source) -> Format:
    from annotator.formats import archives
    from annotator.formats.excel.archive import is_workbook_archive

    if is_workbook_archive(source):
        return "excel"
    parts = archives.list_parts(source)
    if "content.xml" in parts and "mimetype" in parts:
        return "ods"
    if "word/document.xml" in parts or "Contents/section0.xml" in parts:
        return "texts"
    return "archive"


def _refuse_documents(source: Source) -> None:
    """Name a document for what it is: it looks like an old workbook, which is a container of the same kind.

    Raises:
        UserError: for one of Hangul, Word or PowerPoint.
    """
    content = b"".join(source.chunks())
    for kind, (code, part) in _DOCUMENTS.items():
        if part.encode("utf-16-le") in content or _ending(source) == f".{kind}":
            raise UserError(code, name=source.name)


def _is_running_text(source: Source, encoding: str, reading: ReadOptions) -> bool:
    """Return whether a text is no table: its first line would be taken for the heading and be lost."""
    if reading.delimiter is not None or reading.heading is not None:
        return False
    from annotator.formats.csv.read import lines

    first = next((line for line in lines(source, encoding, newline="") if line.strip()), "")
    return "\t" not in first.strip()
