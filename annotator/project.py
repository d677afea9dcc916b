"""A project: one database file with a label set, its settings and a folder for what can be computed again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import db as database
from annotator import ownership
from annotator import settings as project_settings
from annotator.errors import UserError
from annotator.label_sets.definitions import DEFAULT_LABELS, check_labels
from db.connection import write
from db.errors import DatabaseError
from db.label_sets.labels import Label, list_labels, store_labels
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db import Database as Database

Labels = Sequence[Label]
"""A label set, in its order."""


def default_path() -> Path:
    """Return the default path of the database."""
    return ownership.DEFAULT_PATH


def vectors_folder(path: Path) -> Path:
    """Return the folder of vectors beside a database; if it is deleted, it is built again."""
    return path.with_name(path.name + "-vectors")


def encoders_folder(path: Path) -> Path:
    """Return the folder of fully tuned encoders beside a database; the database holds their hashes."""
    return path.with_name(path.name + "-encoders")


def tuning_folder(path: Path) -> Path:
    """Return the folder in which a round keeps its checkpoints while it tunes an encoder."""
    return path.with_name(path.name + "-tuning")


def exports_folder(path: Path) -> Path:
    """Return the folder beside a database in which the app keeps exports for people to fetch."""
    return path.with_name(path.name + "-exports")


def is_set_up(path: Path) -> bool:
    """Return whether there is a project with a label set at this path."""
    if not path.is_file() or path.stat().st_size == 0:
        return False
    db = database.connect(path)
    try:
        ownership.close_to_others(path)
        return bool(list_labels(db))
    finally:
        db.close()


def init(path: Path, *, labels: Sequence[Label] = DEFAULT_LABELS, **settings: Any) -> None:
    """Set a new project up.

    Args:
        settings: values of `annotator.settings.Settings` other than the defaults.

    Raises:
        UserError: if there is a project already, or the label set can't be used.
        DatabaseError: if the file can't be written.
    """
    if is_set_up(path):
        raise UserError("project_exists", path=str(path))
    check_labels(labels)
    chosen = project_settings.new_settings(**settings)
    try:
        private_files.make_folder(path.parent)
    except OSError as error:
        raise UserError("folder_unwritable", path=str(path.parent), reason=error.strerror or "") from error
    db = database.create(path)
    try:
        with write(db):
            store_labels(db, labels)
            project_settings.store(db, chosen)
    finally:
        db.close()


def open_project(path: Path) -> Database:
    """Open the database of a project that has been set up.

    Raises:
        UserError, DatabaseError: if it is missing, not set up, newer or not ours.
    """
    db = database.connect(path)
    try:
        ownership.close_to_others(path)
        has_labels = bool(list_labels(db))
    except (DatabaseError, UserError):
        db.close()
        raise
    if not has_labels:
        db.close()
        raise UserError("project_not_set_up")
    return db


@contextmanager
def opened(path: Path) -> Iterator[Database]:
    """Hold the database of a project open for the length of the block: one script run, one command.

    Raises:
        UserError, DatabaseError: as `open_project` does.
    """
    with database.pooled(path) as db:
        ownership.close_to_others(path)
        if not list_labels(db):
            raise UserError("project_not_set_up")
        yield db
