"""Texts of a pool that become diaries: those that are handed out, searched for or tested on."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal

import numpy as np

from annotator.accounts.annotators import IMPORTER
from annotator.importing.text_checks import text_hash
from annotator.pool import rows as pool_rows
from annotator.privacy import forgotten_key
from db.connection import write
from db.people import annotators
from db.pool import manifest, members
from db.texts import incremental_import
from db.texts.batches import NewDiary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.pool.pools import Pool
    from db import Database
    from learner.pool.fetching import Fetched

    IntArray = NDArray[np.int64]

FORMAT: Literal["pool"] = "pool"
"""Format of the growing import under which texts of a pool become diaries."""


def join(db: Database, pool: Pool, numbers: IntArray, fetched: Fetched | None = None) -> dict[int, int]:
    """Make diaries of texts, and return the diary of each by its number.

    A text that is a diary already keeps it, also where it came in with a file. Forgotten ones have none.

    Args:
        fetched: the texts, where they were fetched already.

    Raises:
        PoolError: if a shard can't be read.
        DatabaseError: if the database can't be written.
    """
    there = members.find_diaries(db, pool.id, numbers)
    due = np.array([number for number in numbers.tolist() if number not in there], np.int64)
    if not len(due):
        return there
    if fetched is None:
        fetched = pool_rows.fetch(db, pool, due, with_texts=True)
    due_numbers = set(due.tolist())
    by_source: dict[str, list[NewDiary]] = defaultdict(list)
    is_refused = forgotten_key.make_refusal_check(db)
    for diary, source in _diaries(fetched):
        if diary.row_number in due_numbers and not is_refused(diary.text, diary.text_hash):
            by_source[source].append(diary)
    with write(db):
        batch_id = _batch_of(db, pool)
        leaving = set(members.list_leaving(db, pool.id).tolist())
        for source, some in by_source.items():
            kept = [each for each in some if each.row_number not in leaving]
            outcomes = incremental_import.add(db, batch_id, kept, source=source)
            pairs = [(each.row_number, diary_id) for each, (diary_id, _) in zip(kept, outcomes, strict=True)]
            members.add(db, pool.id, pairs)
            there |= dict(pairs)
    return there


def _diaries(fetched: Fetched) -> list[tuple[NewDiary, str]]:
    """Return the texts that are there as diaries, each with its source."""
    columns = fetched.texts
    diaries = []
    for place, number in enumerate(fetched.numbers.tolist()):
        text = columns["text"][place]
        if text is None:
            continue
        diary = NewDiary(
            row_number=number,
            text=text,
            text_hash=text_hash(text),
            written_on=columns["written_on"][place],
            author=columns["author"][place],
            metadata=columns["metadata"][place] or "{}",
            part="test" if columns["is_test"][place] else "pool",
            draw=columns["draw"][place],
        )
        diaries.append((diary, columns["source"][place] or ""))
    return diaries


def _batch_of(db: Database, pool: Pool) -> int:
    current = manifest.get_pool(db, pool.id)
    if current.batch_id is not None:
        return current.batch_id
    name = pool.url.rstrip("/").rpartition("/")[2]
    importer = annotators.get_or_create_id(db, f"{IMPORTER}{name}", kind="importer")
    batch_id = incremental_import.begin_batch(db, name=name, imported_by=importer, kind=FORMAT)
    manifest.set_batch(db, pool.id, batch_id)
    return batch_id
