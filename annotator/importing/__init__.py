"""Importing diaries from CSV, TSV, JSONL, Excel and Parquet files."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from annotator.formats.source import ENDINGS
    from annotator.formats.table import ColumnMap, ReadOptions, Scale
    from annotator.importing.choices import ALL_OPTIONS, Choices, ImportQuestions, Question
    from annotator.importing.columns import NamedColumns
    from annotator.importing.importer import ImportReport, Preview, import_file, preview
    from annotator.importing.report import describe, details, list_outcomes, report_csv, summary
    from annotator.importing.row_filter import MAX_CHARACTERS

__all__ = [
    "ALL_OPTIONS",
    "ENDINGS",
    "MAX_CHARACTERS",
    "Choices",
    "ColumnMap",
    "ImportQuestions",
    "ImportReport",
    "NamedColumns",
    "Preview",
    "Question",
    "ReadOptions",
    "Scale",
    "describe",
    "details",
    "import_file",
    "list_outcomes",
    "preview",
    "report_csv",
    "summary",
]

_MODULES = {
    "ENDINGS": "annotator.formats.source",
    "MAX_CHARACTERS": "annotator.importing.row_filter",
    **dict.fromkeys(("ColumnMap", "ReadOptions", "Scale"), "annotator.formats.table"),
    **dict.fromkeys(("ALL_OPTIONS", "Choices", "ImportQuestions", "Question"), "annotator.importing.choices"),
    "NamedColumns": "annotator.importing.columns",
    **dict.fromkeys(("describe", "details", "list_outcomes", "report_csv", "summary"), "annotator.importing.report"),
}


def __getattr__(name: str) -> Any:
    """Load a module when it is first used: the reading process, which has no database, loads only the readers."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(_MODULES.get(name, "annotator.importing.importer")), name)
