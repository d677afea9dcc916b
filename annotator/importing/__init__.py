"""Importing diaries from CSV, TSV, JSONL, Excel and Parquet files."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from annotator.formats.source import ENDINGS
    from annotator.formats.table import ColumnMap
    from annotator.importing.importer import ImportReport, Preview, import_file, preview
    from annotator.importing.report import describe, report_csv
    from annotator.importing.row_filter import MAX_CHARACTERS

__all__ = [
    "ENDINGS",
    "MAX_CHARACTERS",
    "ColumnMap",
    "ImportReport",
    "Preview",
    "describe",
    "import_file",
    "preview",
    "report_csv",
]

_MODULES = {
    "ENDINGS": "annotator.formats.source",
    "MAX_CHARACTERS": "annotator.importing.row_filter",
    "ColumnMap": "annotator.formats.table",
    "describe": "annotator.importing.report",
    "report_csv": "annotator.importing.report",
}


def __getattr__(name: str) -> Any:
    """Load a module when it is first used: the reading process, which has no database, loads only the readers."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(_MODULES.get(name, "annotator.importing.importer")), name)
