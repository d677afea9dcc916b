"""Importing a file: all of it or none of it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from annotator import settings as project_settings
from annotator.accounts.annotators import IMPORTER
from annotator.errors import UserError
from annotator.formats import table as tables
from annotator.formats.source import open_source
from annotator.importing import parts
from annotator.importing.columns import choose_columns, guess_roles, long_columns
from annotator.importing.gc_pause import paused_gc
from annotator.importing.reader import opened
from annotator.importing.row_filter import MAX_CHARACTERS, RowFilter
from annotator.importing.spool import Spool
from annotator.label_sets.crosswalks import ids_by_name
from annotator.privacy import forgotten_key
from db.connection import write
from db.label_sets import labels
from db.people import annotators
from db.texts import diaries
from db.texts.batches import Batch, Imported, Skip, insert_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from annotator.formats.table import ColumnMap, Format, Row, Table
    from annotator.label_sets.crosswalks import Crosswalk
    from db import Database

_PREVIEW_ROWS = 5
_SAMPLE_ROWS = 50
_LONG_ROW = 1_000_000
_SHOWN_LABELS = 20


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a file, and how it would be read.

    Attributes:
        encoding: None for Excel and Parquet.
        columns: names in file order.
        rows: the first five, column to text; characters that can't be shown are escaped.
        row_numbers: their numbers in the file.
        guess: which column seems to be what; its text is None where several or none could be.
        sheet: the worksheet that is read, for Excel files.
        other_sheets: worksheets with cells that are not read.
        long: columns whose values are long enough to be a text, or a part of one.
        said: the column that stands for what each person decided, for formats that say so.
    """

    format: Format
    encoding: str | None
    columns: tuple[str, ...]
    rows: tuple[dict[str, str | None], ...]
    row_numbers: tuple[int, ...]
    guess: ColumnMap
    sheet: str | None
    other_sheets: tuple[str, ...]
    long: tuple[str, ...] = ()
    said: str | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        row_count: rows of the file, without its heading and blank lines: kept_count + len(skips).
        label_count: diaries that came with a label.
        columns: which column was read as what.
        skips: rows that were left out and why (bad_character, empty, too_long, duplicate, joined, forgotten), by row
            number; the detail of duplicate and joined is the id of the diary that the row equals, of a text that is too
            long its length.
        notes: rows that were kept without something: ``bad_date``, whose date is now in the metadata.
    """

    batch_id: int
    file_name: str
    format: Format
    encoding: str | None
    row_count: int
    kept_count: int
    label_count: int
    columns: ColumnMap
    skips: tuple[Skip, ...]
    notes: tuple[Skip, ...] = ()
    sheet: str | None = None
    other_sheets: tuple[str, ...] = ()


def preview(source: Path | bytes, name: str, *, encoding: str | None = None, split: str | None = None) -> Preview:
    """Show how a file would be read; writes nothing.

    Args:
        source: a path, or the bytes of an upload.
        name: the file's name, whose ending says the format where the content doesn't.
        encoding: read CSV, TSV or JSON in this one; None finds it out.
        split: read only this part of a data set.

    Raises:
        UserError: if the file can't be read, or has no rows.
    """
    file = open_source(source, name)
    with opened(file, encoding=encoding, split=split) as table:
        sample = _sample(table, file.name)
    first = sample[:_PREVIEW_ROWS]
    return Preview(
        format=table.format,
        encoding=table.encoding,
        columns=table.columns,
        rows=tuple(_printable(row) for row in first),
        row_numbers=tuple(row.number for row in first),
        guess=guess_roles(table, sample),
        long=tuple(long_columns(table.columns, sample)),
        said=table.said,
        sheet=table.sheet,
        other_sheets=table.other_sheets,
    )


def import_file(
    db: Database,
    source: Path | bytes,
    name: str,
    *,
    columns: ColumnMap | None = None,
    encoding: str | None = None,
    importer: str | None = None,
    source_label: str | None = None,
    crosswalk: Crosswalk | None = None,
    split: str | None = None,
    max_characters: int = MAX_CHARACTERS,
    after: Callable[[Database, Imported], None] | None = None,
) -> ImportReport:
    """Import a file in one transaction: all of it, or nothing.

    Args:
        source: a path, or the bytes of an upload; the same as a path where `name` names a data set on the hub.
        name: the file's name, whose ending says the format where the content doesn't, or ``hf:owner/name``.
        columns: which column is what; None guesses all of them, a text of None guesses that one.
        encoding: read CSV, TSV or JSON in this one; None finds it out.
        importer: who decides the labels of the file; ``가져오기:<file name>`` by default. People whom the file names
            are called ``<importer> · <name>``.
        source_label: what the diaries' source is called; the file's name by default.
        crosswalk: the labels of the file are those of another set, and this says which ones they are here.
        split: read only this part of a data set.
        max_characters: longer texts are left out.
        after: called in the same transaction, once everything is in; what it raises undoes the import.

    Raises:
        UserError: if the file can't be read to its end, its columns don't fit, it has a label that is not in
            the set, or the database has not been set up.
        DatabaseError: if it can't be written.
    """
    file = open_source(source, name)
    importer = importer or f"{IMPORTER}{file.name}"
    with paused_gc(), Spool() as spool:
        with opened(file, encoding=encoding, split=split) as table:
            chosen = choose_columns(table, columns, _sample(table, file.name), name=file.name)
            sieve = _sieve(db, table, chosen, max_characters, crosswalk)
            sieve.importer, sieve.name = importer, file.name
            file_hash = file.digest()
            row_count, skips = _read(table, sieve, spool)
        file.check_unchanged()
        _check_labels(sieve, file.name)
        with write(db):
            imported_by = annotators.get_or_create_id(db, importer, kind="importer")
            batch = _batch(file.name, file_hash, table, chosen, imported_by, row_count)
            if crosswalk is not None:
                batch = replace(batch, columns={**batch.columns, "crosswalk": crosswalk.name})
            imported = insert_batch(
                db,
                batch,
                map(_split(db, sieve).dealt, spool),
                skips,
                source=source_label or file.name,
                is_refused=forgotten_key.refuser(db),
            )
            if after is not None:
                after(db, imported)
    return _report(batch, imported, table, sieve)


def _sample(table: Table, name: str) -> list[Row]:
    sample: list[Row] = []
    for row in islice(table.rows(), _SAMPLE_ROWS):
        sample.append(row)
        if sum(map(len, filter(None, row.values.values()))) > _LONG_ROW:
            break  # fifty of these would fill the memory, and tell no more
    if not sample:
        raise UserError("import_no_rows", name=name)
    return sample


def _printable(row: Row) -> dict[str, str | None]:
    return {column: value and tables.printable(value) for column, value in row.values.items()}


def _sieve(
    db: Database, table: Table, chosen: ColumnMap, max_characters: int, crosswalk: Crosswalk | None
) -> RowFilter:
    return RowFilter(
        columns=chosen,
        label_ids=_label_ids(db) if crosswalk is None else ids_by_name(crosswalk, _label_ids(db)),
        seed=bytes.fromhex(project_settings.load(db).seed),
        max_characters=max_characters,
        excel_dates=table.format == "excel",
        said=table.said,
    )


def _split(db: Database, sieve: RowFilter) -> parts.Split:
    """Return how the project sets diaries apart; the first file that names writers decides whether by these."""
    settings = project_settings.load(db)
    if sieve.writers and not diaries.has_authors(db):
        cut = parts.choose_cut(sieve.writers, seed=sieve.seed, test_share=settings.test_share)
        settings = project_settings.change(db, writer_cut=cut)
    return parts.split_of(settings)


def _label_ids(db: Database) -> dict[str, int | None]:
    """Return label ids by name; a merged label also keeps its old name, and counts for the label that it is now."""
    label_of = {label.id: label for label in labels.list_all_labels(db)}
    in_force = [label for label in label_of.values() if label_of[label.merged_into or label.id].retired_at is None]
    return {unicodedata.normalize("NFC", label.name).strip(): label.id for label in in_force}


def _read(table: Table, sieve: RowFilter, spool: Spool) -> tuple[int, list[Skip]]:
    """Read the file to its end; return the number of its rows, and those that are left out."""
    skips: list[Skip] = []
    row_count = 0
    for row in table.rows():
        row_count += 1
        outcome = sieve.convert(row)
        if isinstance(outcome, Skip):
            skips.append(outcome)
        else:
            spool.add(outcome)
    return row_count, skips


def _check_labels(sieve: RowFilter, name: str) -> None:
    unknown = sieve.unknown_labels.most_common()
    if not unknown:
        return
    counted: Sequence[str] = [f"{tables.shorten(label)} ({count})" for label, count in unknown]
    raise UserError(
        "import_labels_unknown",
        name=name,
        column=tables.shorten(sieve.columns.label or ""),
        count=len(unknown),
        unknown=tables.enumerate_values(counted, at_most=_SHOWN_LABELS),
        known=", ".join(sieve.label_ids),
    )


def _batch(file_name: str, file_hash: str, table: Table, chosen: ColumnMap, imported_by: int, row_count: int) -> Batch:
    return Batch(
        file_name=file_name,
        file_hash=file_hash,
        format=table.format,
        encoding=table.encoding,
        columns=chosen.describe(),
        imported_by=imported_by,
        row_count=row_count,
    )


def _report(batch: Batch, imported: Imported, table: Table, sieve: RowFilter) -> ImportReport:
    left_out = {skip.row_number for skip in imported.skips}
    return ImportReport(
        batch_id=imported.batch_id,
        file_name=batch.file_name,
        format=table.format,
        encoding=table.encoding,
        row_count=batch.row_count,
        kept_count=imported.kept_count,
        label_count=imported.label_count,
        columns=sieve.columns,
        skips=imported.skips,
        notes=tuple(note for note in sieve.notes if note.row_number not in left_out),
        sheet=table.sheet,
        other_sheets=table.other_sheets,
    )
