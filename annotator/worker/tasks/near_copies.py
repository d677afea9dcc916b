"""Putting near-copies of texts into one part before anybody works on them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from annotator.importing.parts import writer_of
from annotator.serving import encoder_cache
from annotator.worker.tasks.progress import Progress, forgotten_ids
from db.connection import write
from db.models import facts
from db.texts import diaries
from learner.classification import groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.worker.runtime import WorkerRuntime
    from db import Database
    from db.texts.diaries import Part
    from learner.encoders.vector_store import VectorFile

    IntArray = NDArray[np.int64]

MOST_DIARIES = 100_000
"""Later diaries of a longer project are not looked at: comparing each with each would take hours.

Whatever stays on both sides is left out of training, see `annotator.worker.round.gathering`.
"""

_AT_A_TIME = 1000

_MOST_FOLLOWERS = 0.05
"""Share of the diaries looked at above which the near-copies of one diary are texts of one pattern, and stay apart.

Otherwise half of a project could follow its first diary into one part.
"""
_COMPARED_AT_A_TIME = 8192


def follow(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Put some diaries, in the order in which they came, into the part of the first one of which they are near-copies.

    Diaries that somebody has decided or been handed stay where they are, and so do those that follow their writer.
    """
    if encoder_cache.in_force(db).tuned is not None:
        return None  # it puts all texts of a label close together
    encoder = runtime.encoder(db)
    file, last = runtime.vector_file(db), min(diaries.last_diary_id(db), MOST_DIARIES)
    up_to = facts.copies_looked_for(db, encoder.hash)
    new_ids = _ready(runtime, db, file, up_to, last)
    if not len(new_ids):
        return None
    copies = _first_copies(file, new_ids)
    with write(db):
        _move(db, copies, by_writers=runtime.settings(db).writer_cut > 0)
        facts.store_copies_looked_for(db, encoder.hash, int(new_ids[-1]))
    return Progress("near_copies", int(new_ids[-1]), last)


def _ready(runtime: WorkerRuntime, db: Database, file: VectorFile, up_to: int, last: int) -> IntArray:
    """Return the next diaries, up to the first that has no vector yet."""
    ids = np.setdiff1d(np.arange(up_to + 1, last + 1), forgotten_ids(runtime.marks, db))[:_AT_A_TIME]
    missing = np.flatnonzero(~file.has(ids))
    return ids[: missing[0]] if len(missing) else ids


def _first_copies(file: VectorFile, new_ids: IntArray) -> dict[int, int]:
    """Return the first diary that came before each of these and is nearly the same, where there is one."""
    vectors, first = file.read(new_ids), dict[int, int]()
    for start in range(1, int(new_ids[-1]), _COMPARED_AT_A_TIME):
        ids = np.arange(start, min(start + _COMPARED_AT_A_TIME, int(new_ids[-1])))
        ids = ids[file.has(ids)]
        for mine, theirs in groups.find_near_copies(vectors, file.read(ids)):
            for new_id, earlier_id in zip(new_ids[mine].tolist(), ids[theirs].tolist(), strict=True):
                if earlier_id < new_id:
                    first[new_id] = min(earlier_id, first.get(new_id, earlier_id))
    most = max(3, _MOST_FOLLOWERS * len(new_ids))
    followers = Counter(first.values())
    return {new_id: earlier_id for new_id, earlier_id in first.items() if followers[earlier_id] <= most}


def _move(db: Database, copies: dict[int, int], *, by_writers: bool) -> None:
    part_of = diaries.find_parts(db, {*copies, *copies.values()})
    follows_writer = set[int]()
    if by_writers:
        authors = diaries.list_authors_of(db, copies)
        follows_writer.update(i for i, author in zip(copies, authors, strict=True) if writer_of(author))
    for diary_id in sorted(set(copies) - follows_writer):
        part: Part = part_of[copies[diary_id]]
        if part_of[diary_id] != part and diaries.move_untouched(db, [diary_id], part):
            part_of[diary_id] = part
