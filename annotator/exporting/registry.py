"""The export formats."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.formats import wide
from annotator.formats.argilla.write import write_records
from annotator.formats.arrow.write import write_datasets, write_parquet
from annotator.formats.csv.write import write_csv, write_tsv
from annotator.formats.doccano.write import write_doccano
from annotator.formats.excel.write import MAX_ROWS, write_xlsx
from annotator.formats.json.write import write_jsonl
from annotator.formats.label_studio.write import config_file, write_tasks
from annotator.formats.prodigy.write import write_prodigy
from annotator.formats.spacy_docbin.write import write_docbin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from annotator.formats.label_scheme import Scheme
    from annotator.formats.record import Record


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Attributes:
        ending: of its files; empty for a folder.
        write: writes records and returns how many rows, tasks or lines that made.
        mime: for downloads.
        most: records that it can hold; None for any number.
        beside: another file that belongs to a file of it.
        library: a library that takes seconds to load, so not for a process that serves pages.
    """

    name: str
    ending: str
    write: Callable[[Path, Iterator[Record], Scheme], int]
    mime: str = "application/octet-stream"
    most: int | None = None
    beside: Callable[[Path], Path] | None = None
    library: str | None = None

    @property
    def is_available(self) -> bool:
        """Whether its library is installed."""
        return self.library is None or find_spec(self.library) is not None


_LINES, _JSON = "application/x-ndjson", "application/json"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

FORMATS = {
    each.name: each
    for each in (
        Format("csv", ".csv", write_csv, "text/csv"),
        Format("tsv", ".tsv", write_tsv, "text/tab-separated-values"),
        Format("xlsx", ".xlsx", write_xlsx, _XLSX, most=MAX_ROWS),
        Format("jsonl", ".jsonl", write_jsonl, _LINES),
        Format("parquet", ".parquet", write_parquet, "application/vnd.apache.parquet"),
        Format("datasets", "", write_datasets, library="datasets"),
        Format("label-studio", ".json", write_tasks, _JSON, beside=config_file),
        Format("argilla", ".json", write_records, _JSON),
        Format("doccano", ".jsonl", write_doccano, _LINES),
        Format("prodigy", ".jsonl", write_prodigy, _LINES),
        Format("spacy", ".spacy", write_docbin, library="spacy"),
        Format("people-csv", ".csv", wide.write_people_csv, "text/csv"),
        Format("people-xlsx", ".xlsx", wide.write_people_xlsx, _XLSX, most=MAX_ROWS),
        Format("labels-csv", ".csv", wide.write_labels_csv, "text/csv"),
        Format("labels-xlsx", ".xlsx", wide.write_labels_xlsx, _XLSX, most=MAX_ROWS),
    )
}
"""By name. Of formats that share an ending the first one is what the ending alone asks for, but for ``.json``."""


def format_of(target: Path) -> Format:
    """Return the format that a file name implies; a name without an ending means a ``datasets`` folder.

    Raises:
        UserError: for an unknown ending, or one that several formats share.
    """
    ending = target.suffix.lower()
    matches = [each for each in FORMATS.values() if each.ending == ending]
    if not matches:
        endings = " ".join(dict.fromkeys(each.ending for each in FORMATS.values() if each.ending))
        raise UserError("export_format_unknown", found=target.suffix, known=endings)
    if ending == ".json":
        raise UserError("export_format_unclear", found=ending, known=", ".join(each.name for each in matches))
    return matches[0]


def get_format(name: str) -> Format:
    """Return a format by its name.

    Raises:
        UserError: if there is none of that name.
    """
    if name not in FORMATS:
        raise UserError("export_name_unknown", found=name, known=", ".join(FORMATS))
    return FORMATS[name]
