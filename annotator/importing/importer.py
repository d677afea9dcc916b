"""Importing files: all of them or none."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from annotator import settings as project_settings
from annotator.accounts.annotators import IMPORTER
from annotator.errors import UserError
from annotator.importing import asking, parts
from annotator.importing.choices import Choices, ImportQuestions, merge
from annotator.importing.file_reading import Plan, read_file
from annotator.importing.gc_pause import paused_gc
from annotator.importing.new_labels import add_labels, settler
from annotator.importing.report import ImportReport
from annotator.importing.row_filter import MAX_CHARACTERS
from annotator.messages import say
from annotator.privacy import forgotten_key, masking
from db.answers.imported_decisions import Rules
from db.connection import write
from db.people import annotators
from db.pool import manifest
from db.texts import diaries
from db.texts.batch_insertion import insert_batch
from db.texts.batches import TOOK_PART, Batch, Imported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from annotator.formats.table import ColumnMap, ReadOptions
    from annotator.importing.columns import NamedColumns
    from annotator.importing.file_reading import FileRead
    from annotator.importing.row_filter import RowFilter
    from annotator.label_sets.crosswalks import Crosswalk
    from db import Database
    from db.texts.batches import NewDiary

    After = Callable[[Database, Imported], None]


def import_file(
    db: Database,
    source: Path | bytes,
    name: str,
    *,
    columns: ColumnMap | NamedColumns | None = None,
    reading: ReadOptions | None = None,
    choices: Choices | None = None,
    importer: str | None = None,
    source_label: str | None = None,
    crosswalk: Crosswalk | None = None,
    max_characters: int = MAX_CHARACTERS,
    remembers: bool = True,
    after: After | None = None,
) -> ImportReport:
    """Import a file in one transaction: all of it, or nothing.

    Args:
        source: a path, or the bytes of an upload; the same as a path where `name` names a data set on the hub.
        name: the file's name, whose ending says the format where the content doesn't, or ``hf:owner/name``.
        columns: which column is what; None guesses all of them, a text of None guesses that one, and named columns
            leave all others to be guessed.
        reading: how the file is to be read; None finds everything out.
        choices: answers to the questions that the file raises.
        importer: who decides the labels of the file that nobody is named for; ``가져오기:<file name>`` by default.
        source_label: what the diaries' source is called; the file's name by default.
        crosswalk: the labels of the file are those of another set, and this says which ones they are here.
        max_characters: longer texts are left out.
        remembers: whether what is left open is read as the latest file of the same shape was.
        after: called in the same transaction, once everything is in; what it raises undoes the import.

    Raises:
        ImportQuestions: if it can be read in several ways, and nobody has said which one is meant.
        UserError: if the file can't be read to its end, its columns don't fit, or the database has not been set up.
        DatabaseError: if it can't be written.
    """
    plan = Plan(columns, reading, choices, importer, source_label, crosswalk, max_characters, remembers)
    return import_files(db, [(source, name)], plan, after=after)[0]


def import_files(
    db: Database, files: Sequence[tuple[Path | bytes, str]], plan: Plan, *, after: After | None = None
) -> list[ImportReport]:
    """Import files in one transaction: all of them, or nothing; return a report for each.

    Args:
        files: each with its name; see `import_file`, also for what may be raised.
        after: called once for each.

    Raises:
        ImportQuestions: those of all files; the counts are sums.
    """
    name = name_together([name for _, name in files])
    with paused_gc(), ExitStack() as stack:
        read, asked = [], []
        for source, file_name in files:
            try:
                read.append(stack.enter_context(read_file(db, source, file_name, plan)))
            except ImportQuestions as open_questions:
                asked.append(open_questions)
            except UserError as error:
                raise _not_alike(error, file_name, files[0][1]) from error
        if asked:
            raise merge(asked, name=name)
        with write(db):
            stored = [_store(db, each, after) for each in read]
            raised = filter(None, map(asking.questions_of_votes, stored))
            asked += [ImportQuestions(questions, name=name) for questions in raised]
            if asked:
                raise merge(asked, name=name)
        return [_report(each, imported) for each, imported in zip(read, stored, strict=True)]


def _not_alike(error: UserError, name: str, first: str) -> UserError:
    """Return the error of one of several files; a column that only the first of them has is said as such."""
    if error.code != "import_column_missing" or name == first:
        return error
    return UserError("import_files_differ", name=name, first=first, column=error.details["column"])


def name_together(names: Sequence[str]) -> str:
    """Return what several files are called together."""
    return names[0] if len(names) == 1 else say("import.together", name=names[0], count=len(names) - 1)


def _store(db: Database, read: FileRead, after: After | None) -> Imported:
    importer = read.plan.importer or f"{IMPORTER}{read.name}"
    imported_by = annotators.get_or_create_id(db, importer, kind="importer")
    imported = insert_batch(
        db,
        _batch(read, imported_by),
        _diaries(db, read, imported_by),
        read.skips,
        source=read.plan.source_label or read.name,
        is_refused=forgotten_key.make_refusal_check(db),
        rules=_rules(db, read.sieve.choices),
    )
    if after is not None:
        after(db, imported)
    return imported


def _diaries(db: Database, read: FileRead, imported_by: int) -> Iterator[NewDiary]:
    """Return the diaries of a file in their parts, with the labels that the file brings."""
    dealt = map(_split(db, read.sieve).dealt, read.spool)
    added = read.sieve.labels.added
    if not added:
        return dealt
    return map(settler(add_labels(db, added, annotator_id=imported_by, note=read.name)), dealt)


def _rules(db: Database, choices: Choices) -> Rules:
    settings = project_settings.load(db)
    opinions = choices.several_opinions
    return Rules(choices.again, choices.cleared, opinions, lambda text: masking.mask(text, settings))


def _split(db: Database, sieve: RowFilter) -> parts.Split:
    """Return how the project sets diaries apart; the first file that names writers decides whether by these."""
    settings = project_settings.load(db)
    if sieve.writers and not (diaries.has_authors(db) or manifest.has_writers(db)):
        cut = parts.choose_cut(sieve.writers, seed=sieve.seed, test_share=settings.test_share)
        settings = project_settings.change(db, writer_cut=cut)
    return parts.split_of(settings)


def _batch(read: FileRead, imported_by: int) -> Batch:
    crosswalk = read.plan.crosswalk
    return Batch(
        file_name=read.name,
        file_hash=read.digest,
        format=read.table.format,
        encoding=read.table.encoding,
        columns={
            **read.sieve.columns.describe(),
            **read.memory,
            **({} if crosswalk is None else {"crosswalk": crosswalk.name}),
        },
        imported_by=imported_by,
        row_count=read.row_count,
    )


def _report(read: FileRead, imported: Imported) -> ImportReport:
    left_out = {skip.row_number for skip in imported.skips if skip.reason not in TOOK_PART}
    return ImportReport(
        batch_id=imported.batch_id,
        file_name=read.name,
        format=read.table.format,
        encoding=read.table.encoding,
        row_count=read.row_count,
        kept_count=imported.kept_count,
        label_count=imported.label_count,
        columns=read.sieve.columns,
        skips=imported.skips,
        notes=tuple(note for note in (*read.sieve.notes, *imported.notes) if note.row_number not in left_out),
        decision_count=imported.decision_count,
        sheet=read.table.sheet,
        other_sheets=read.table.other_sheets,
        is_remembered=read.is_remembered,
        choices=read.sieve.choices,
    )
