"""Writing an export and its data card: all of it, from one state of the database, or none of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from annotator import project
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.exporting import data_card, records
from annotator.exporting.label_scheme import read_scheme
from annotator.exporting.options import Choice
from annotator.exporting.registry import FORMATS, format_of, get_format
from annotator.exporting.relabelling import translate
from annotator.formats.record import BATCH
from annotator.label_sets import crosswalks
from annotator.privacy import forgotten_files
from db.answers import decisions
from db.connection import file_of
from db.forgetting import forgotten
from db.label_sets import labels
from db.people import audit_log
from db.texts import diaries, exports
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from annotator.accounts.permissions import Person
    from annotator.exporting.registry import Format
    from annotator.formats.record import Record
    from annotator.messages import Language
    from db import Database


def export(
    db: Database,
    target: Path,
    choice: Choice | None = None,
    *,
    file_format: str | None = None,
    language: Language | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write the diaries with a data card, and return how many there are. The target appears once it is complete.

    Args:
        file_format: a key of `FORMATS`; None has the ending say it.
        language: of the data card.
        on_progress: told how many diaries have been written, and of how many.

    Raises:
        UserError: if a file exists already or can't be written, the format is not clear or can't hold it, the
            crosswalk lacks a label, or diaries were forgotten meanwhile.
    """
    choice = choice or Choice()
    chosen = format_of(target) if file_format is None else get_format(file_format)
    for path in (target, *_beside(target, chosen)):
        if path.exists():
            raise UserError("target_exists", path=str(path))
    if choice.crosswalk is not None:
        crosswalks.check_covers(choice.crosswalk, _used_labels(db))
    number = forgotten.count_forgettings(db)
    try:
        with private_files.umask(), _draft(db, target) as draft:
            if choice.unmasked:
                audit_log.add(db, None, "mask.reveal", "export")
            with exports.snapshot(db):
                return _write(db, draft, chosen, choice, language, on_progress)
    except OSError as error:
        _check_current(db, number)
        raise UserError("file_unwritable", path=str(target), reason=error.strerror or "") from error


def _check_current(db: Database, number: int) -> None:
    """Refuse an export if diaries were forgotten while it was written, which it may hold."""
    if forgotten.count_forgettings(db) != number:
        raise UserError("export_forgotten")


def count(db: Database, *, decided_only: bool) -> int:
    """Count the diaries that an export would hold, without reading all of them."""
    return decisions.count_decided(db) if decided_only else diaries.count_diaries(db)


def list_crosswalks(db: Database) -> list[str]:
    """Return the names of the bundled crosswalks that cover every label of this project."""
    used = _used_labels(db)
    return [name for name in crosswalks.list_names() if used.keys() <= crosswalks.read(name).targets().keys()]


def export_bytes(
    path: Path, file_format: str, choice: Choice | None = None, *, person: Person, language: Language | None = None
) -> dict[str, bytes]:
    """Return the bytes of every file of an export of the database at `path`, by name; the first is the export itself.

    Raises:
        UserError, DatabaseError: for whoever may not export, if the project can't be opened, or there is no room for
            the file.
    """
    with tempfile.TemporaryDirectory() as folder, project.opened(path) as db:
        diary_access.require_right(db, diary_access.actor_of(person), "review")
        target = Path(folder) / f"maeumgyeol{FORMATS[file_format].ending}"
        export(db, target, choice, file_format=file_format, language=language)
        files = [target, *_beside(target, FORMATS[file_format])]
        return {path.name: path.read_bytes() for path in files}


def _write(
    db: Database,
    draft: Path,
    chosen: Format,
    choice: Choice,
    language: Language | None,
    on_progress: Callable[[int, int], None] | None,
) -> int:
    total = len(records.list_ids(db, decided_only=choice.decided_only))
    if chosen.most is not None and total > chosen.most:
        raise UserError("export_too_many_rows", found=total, most=chosen.most, format=chosen.name)
    stream = records.read(db, decided_only=choice.decided_only, unmasked=choice.unmasked)
    scheme = read_scheme(db, choice.crosswalk)
    counts = data_card.Counts(Counter(dict.fromkeys(scheme.names, 0)))
    if choice.crosswalk is not None:
        stream = translate(stream, choice.crosswalk)
    entries = chosen.write(draft, counts.of(_watched(stream, total, on_progress)), scheme)
    data_card.write(db, draft, data_card.Export(chosen.name, entries, choice, counts), language=language)
    return total


def _watched(stream: Iterator[Record], total: int, on_progress: Callable[[int, int], None] | None) -> Iterator[Record]:
    for done, record in enumerate(stream):
        if on_progress is not None and done % BATCH == 0:
            on_progress(done, total)
        yield record


def _beside(target: Path, chosen: Format) -> list[Path]:
    """Return the files that an export leaves beside its target."""
    return [*data_card.files(target), *([] if chosen.beside is None else [chosen.beside(target)])]


@contextmanager
def _draft(db: Database, target: Path) -> Iterator[Path]:
    """Give the block a folder to write into; then move its files into place, the target last.

    Raises:
        UserError: ``export_forgotten`` if diaries were forgotten meanwhile.
    """
    number = forgotten.count_forgettings(db)
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=".exporting-"))
    try:
        yield folder / target.name
        written = [path for path in folder.iterdir() if path.name.startswith(target.name)]
        with forgotten_files.writing(Path(file_of(db))):
            _check_current(db, number)
            for file in sorted(written, key=lambda path: path.name == target.name):
                os.replace(file, target.parent / file.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _used_labels(db: Database) -> dict[str, int]:
    """Count the decisions of the labels in force, and of retired ones that some still name, by their names."""
    counts = decisions.count_by_label(db)
    used_labels = [label for label in labels.list_all_labels(db) if label.retired_at is None or counts.get(label.id)]
    return {label.name: counts.get(label.id, 0) for label in used_labels}
