"""Importing diaries from CSV, TSV, JSONL, Excel and Parquet files."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from annotator.formats.source import ENDINGS
    from annotator.formats.table import ColumnMap, ReadOptions, Scale
    from annotator.importing.bundles import bundle
    from annotator.importing.choices import ALL_OPTIONS, Choices, ImportQuestions, Question
    from annotator.importing.columns import NamedColumns
    from annotator.importing.file_preview import Preview, preview
    from annotator.importing.file_reading import Plan
    from annotator.importing.importer import import_file, import_files, name_together
    from annotator.importing.report import (
        ImportReport,
        describe,
        describe_remembered,
        details,
        list_outcomes,
        report_csv,
        summary,
        total,
    )
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
    "Plan",
    "Preview",
    "Question",
    "ReadOptions",
    "Scale",
    "bundle",
    "describe",
    "describe_remembered",
    "details",
    "import_file",
    "import_files",
    "list_outcomes",
    "name_together",
    "preview",
    "report_csv",
    "summary",
    "total",
]

_MODULES = {
    "ENDINGS": "annotator.formats.source",
    "MAX_CHARACTERS": "annotator.importing.row_filter",
    **dict.fromkeys(("ColumnMap", "ReadOptions", "Scale"), "annotator.formats.table"),
    **dict.fromkeys(("ALL_OPTIONS", "Choices", "ImportQuestions", "Question"), "annotator.importing.choices"),
    "NamedColumns": "annotator.importing.columns",
    "bundle": "annotator.importing.bundles",
    "Plan": "annotator.importing.file_reading",
    **dict.fromkeys(("Preview", "preview"), "annotator.importing.file_preview"),
    **dict.fromkeys(("ImportReport", "describe", "describe_remembered", "details"), "annotator.importing.report"),
    **dict.fromkeys(("list_outcomes", "report_csv", "summary", "total"), "annotator.importing.report"),
}


def __getattr__(name: str) -> Any:
    """Load a module when it is first used: the reading process, which has no database, loads only the readers."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(_MODULES.get(name, "annotator.importing.importer")), name)
