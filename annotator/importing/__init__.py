"""Getting diaries in: CSV, TSV, JSONL, Excel and Parquet files."""

from annotator.importing.columns import ColumnMap
from annotator.importing.formats import ENDINGS
from annotator.importing.importer import ImportReport, Preview, import_file, preview
from annotator.importing.report import describe, report_csv
from annotator.importing.sieve import MAX_CHARACTERS

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
