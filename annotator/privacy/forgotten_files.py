"""Clearing the files beside the database when diaries are forgotten: vectors, map, words, exports, the write-ahead log.

Files can only follow a transaction of the database. The transaction records that they still have to be cleared,
so that whoever comes next can continue if this is interrupted.
"""

from __future__ import annotations

import fcntl
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from annotator import ownership, project
from annotator.privacy import forgotten_pool
from db import connection
from db.answers import rationales
from db.forgetting import forgotten, leftovers
from db.models import word_emotions
from learner.encoders import vector_store
from learner.layout import layout_store
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from db import Database

WORDS = "words"
"""Folder of the vectors of words among those of diaries."""

MARKS = "marks-"
"""How the folders begin whose rows belong to marks, not to diaries."""

_LOG_SECONDS = 2.0
_TRIES = 5


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Keep forgetting from clearing files for the length of the block, in which some are written.

    What is written within it, and looked up in the database within it, is either not forgotten yet, and cleared
    afterwards, or known to be.
    """
    with _locked(path, fcntl.LOCK_SH):
        yield


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep others from forgetting diaries or writing such files for the length of the block."""
    with _locked(path, fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    with private_files.open_file(path.with_name(path.name + "-forget.lock"), "ab") as lock:
        fcntl.flock(lock, how)
        yield


def follow(db: Database, path: Path, texts: Sequence[str | bytes] | None = None) -> bool:
    """Clear the files of what was forgotten; return False if a reader kept the log from being emptied.

    Does nothing if they are clear. The next call finishes what is left undone.

    Args:
        path: of the database.
        texts: what was forgotten just now; None where nobody knows any more.

    Raises:
        LearnerError, OSError: if a file can't be written.
        UserError: ``project_link`` if one leads somewhere else.
        DatabaseError: if the database can't be.
    """
    number = forgotten.count_forgettings(db)
    if forgotten.is_finished(db):
        return True
    ownership.check_links(path)
    with alone(path):
        _clear_vectors(db, project.vectors_folder(path))
        _remove_words(db, project.vectors_folder(path) / WORDS)
        layout_store.remove_words(project.vectors_folder(path))
        _remove_all(project.exports_folder(path))
    forgotten_pool.follow(db)
    is_empty = _empty_log(db)
    if is_empty and (texts is None or leftovers.holds(path, texts)):
        connection.rewrite(db)
        is_empty = _empty_log(db)
    if is_empty:
        forgotten.mark_finished(db, number)
        connection.empty_log(db, seconds=_LOG_SECONDS)
    return is_empty


def list_exports(path: Path) -> list[str]:
    """Return the names of the exports beside the database, which may hold forgotten diaries."""
    folder = project.exports_folder(path)
    return sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []


def _clear_vectors(db: Database, folder: Path) -> None:
    forgotten_ids = forgotten.list_ids(db)
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        file = vector_store.find(place)
        if file is not None and place.name.startswith(MARKS):
            there = np.flatnonzero(file.present(file.rows)) + 1
            file.clear(there[~np.isin(there, rationales.keep_known(db, there))])
        elif file is not None:
            file.clear(forgotten_ids)


def _remove_words(db: Database, folder: Path) -> None:
    """Remove the word vectors, which name each word of many diaries, and request new ones if there were any."""
    if folder.is_dir() and any(folder.iterdir()):
        word_emotions.ask(db, "vectors")
    _remove_all(folder)


def _remove_all(folder: Path) -> None:
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _empty_log(db: Database) -> bool:
    return any(connection.empty_log(db, seconds=_LOG_SECONDS) for _ in range(_TRIES))
