"""Making a pool: files of texts become shards, by the rules by which an import makes diaries of them."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from annotator import settings as project_settings
from annotator.errors import UserError
from annotator.importing import parts
from annotator.importing.file_reading import read_file
from annotator.importing.gc_pause import paused_gc
from annotator.privacy import forgotten_key
from db.connection import write
from db.pool import manifest, members
from db.texts import diaries
from learner.pool import shards
from learner.pool.keys import SeenKeys, key_of
from learner.pool.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from annotator.importing.file_reading import FileRead, Plan
    from annotator.importing.row_filter import RowFilter
    from db import Database
    from db.texts.batches import NewDiary
    from learner.pool.shards import Made

    Progress = Callable[[int, int], None]

ABOUT = "pool.json"
"""What says that a folder holds a pool, and whose."""

_AT_A_TIME = 5_000


@dataclass(frozen=True, slots=True)
class Created:
    """A pool that was made.

    Attributes:
        row_count: texts in it.
        duplicate_count: rows that were left out since their text was in it already.
        forgotten_count: rows that were left out since their text was forgotten here.
        left_out: rows that no diary can be made of, by reason; see `annotator.importing.row_filter`.
        known_count: texts that are diaries of the project already.
    """

    url: str
    row_count: int
    shard_count: int
    test_count: int
    bytes: int
    duplicate_count: int
    forgotten_count: int
    left_out: dict[str, int]
    known_count: int


def create(
    db: Database,
    url: str,
    files: Sequence[tuple[Path | bytes, str]],
    plan: Plan,
    *,
    rows_a_shard: int = shards.ROWS,
    on_progress: Progress = lambda texts, shard_count: None,
) -> Created:
    """Make a pool of files, and put it in force where none is.

    The texts come in the order of the files, and what is left out is what an import would leave out. Nothing of the
    pool counts before all of its files are written.

    Args:
        url: an empty folder, or any address that fsspec opens.
        plan: how the files are read; what they say of labels is left out.
        on_progress: is told how many texts and shards there are so far.

    Raises:
        ImportQuestions, UserError: as `annotator.importing.importer.import_files` does; ``pool_exists``,
            ``pool_folder_used``, ``pool_empty``.
        PoolError: if the shards can't be written.
    """
    place = Storage(url)
    _check_free(db, place)
    writer = _Writer(place, rows_a_shard, secrets.token_hex(16), _seed(db), on_progress)
    # Whoever finds the folder after a power cut sees that it was being made, and it may be made again.
    place.write(ABOUT, json.dumps({"pool": writer.identity, "is_whole": False}).encode())
    refused = forgotten_key.make_refusal_check(db)
    with paused_gc():
        for source, name in files:
            _add_file(db, source, name, plan, writer, refused)
    writer.close()
    if not writer.made:
        raise UserError("pool_empty", url=place.url)
    known = _store(db, writer)
    place.write(ABOUT, json.dumps({"pool": writer.identity, "is_whole": True}).encode())
    return Created(
        url=place.url,
        row_count=writer.row_count,
        shard_count=len(writer.made),
        test_count=writer.test_count,
        bytes=sum(made.bytes for made in writer.made),
        duplicate_count=writer.duplicate_count,
        forgotten_count=writer.forgotten_count,
        left_out=dict(writer.left_out),
        known_count=known,
    )


def _check_free(db: Database, place: Storage) -> None:
    if manifest.find_pool(db, place.url) is not None:
        raise UserError("pool_exists", url=place.url)
    names = place.list_names()
    if not names:
        return
    if ABOUT not in names or _is_whole(place):
        raise UserError("pool_folder_used", url=place.url, count=len(names))
    for name in names:
        place.remove(name)


def _is_whole(place: Storage) -> bool:
    try:
        return bool(json.loads(place.read(ABOUT))["is_whole"])
    except (ValueError, KeyError, TypeError):
        return True


def _seed(db: Database) -> bytes:
    return bytes.fromhex(project_settings.load(db).seed)


@dataclass
class _Writer:
    """Collects rows and writes a shard whenever one is full."""

    place: Storage
    rows_a_shard: int
    identity: str
    seed: bytes
    on_progress: Progress
    made: list[Made] = field(default_factory=list)
    seen: SeenKeys = field(default_factory=SeenKeys)
    left_out: Counter[str] = field(default_factory=Counter)
    duplicate_count: int = 0
    forgotten_count: int = 0
    test_count: int = 0
    row_count: int = 0
    has_writers: bool = False
    _rows: list[tuple[object, ...]] = field(default_factory=list)

    def add(self, some: Sequence[NewDiary], source: str) -> None:
        """Add those of some diaries whose text is new."""
        keys = np.array([key_of(each.text_hash, seed=self.seed) for each in some], np.int64)
        is_new = self.seen.add(keys)
        self.duplicate_count += int((~is_new).sum())
        for each, key, new in zip(some, keys.tolist(), is_new.tolist(), strict=True):
            if new:
                is_test = each.part == "test"
                self.test_count += is_test
                self.has_writers |= each.author is not None
                fields = (each.text, key, each.written_on, each.author, each.metadata, source, each.draw, is_test)
                self._rows.append(fields)
                if len(self._rows) == self.rows_a_shard:
                    self.close()

    def close(self) -> None:
        """Write the rows that are left."""
        if self._rows:
            rows = shards.texts_of(self._rows)
            self.made.append(shards.write_texts(self.place, len(self.made), rows, pool=self.identity))
            self.row_count += len(rows)
            self._rows = []
            self.on_progress(self.row_count, len(self.made))


def _add_file(
    db: Database,
    source: Path | bytes,
    name: str,
    plan: Plan,
    writer: _Writer,
    is_refused: Callable[[str, bytes], bool],
) -> None:
    with read_file(db, source, name, plan) as read:
        writer.left_out.update(skip.reason for skip in read.skips)
        split = split_for(db, read.sieve, has_writers=writer.has_writers)
        for some in _blocks(read, split):
            there = [each for each in some if not is_refused(each.text, each.text_hash)]
            writer.forgotten_count += len(some) - len(there)
            writer.add(there, read.plan.source_label or read.name)


def split_for(db: Database, sieve: RowFilter, *, has_writers: bool) -> parts.Split:
    """Return how the project sets diaries apart; the first file that names writers decides whether by these."""
    settings = project_settings.load(db)
    if sieve.writers and not (has_writers or diaries.has_authors(db) or manifest.has_writers(db)):
        cut = parts.choose_cut(sieve.writers, seed=sieve.seed, test_share=settings.test_share)
        settings = project_settings.change(db, writer_cut=cut)
    return parts.split_of(settings)


def _blocks(read: FileRead, split: parts.Split) -> Iterator[list[NewDiary]]:
    block: list[NewDiary] = []
    for diary in read.spool:
        block.append(split.dealt(diary))
        if len(block) == _AT_A_TIME:
            yield block
            block = []
    if block:
        yield block


def _store(db: Database, writer: _Writer) -> int:
    """Store the manifest, and which texts are diaries already; return how many of these there are."""
    files = [manifest.Shard(made.shard, made.rows, made.bytes, made.digest) for made in writer.made]
    with write(db):
        pool_id = manifest.add_pool(
            db,
            identity=writer.identity,
            url=writer.place.url,
            rows_a_shard=writer.rows_a_shard,
            shards=files,
            test_count=writer.test_count,
            has_writers=writer.has_writers,
        )
        pairs = _known_texts(db, writer)
        members.add(db, pool_id, pairs)
        if not project_settings.load(db).pool:
            project_settings.change(db, pool=writer.place.url)
    return len(pairs)


def _known_texts(db: Database, writer: _Writer) -> list[tuple[int, int]]:
    """Return the texts that are diaries of the project, as (number, diary id)."""
    ids = {key_of(text_hash, seed=writer.seed): diary_id for diary_id, text_hash in diaries.read_hashes(db)}
    if not ids:
        return []
    keys = np.sort(np.fromiter(ids, np.int64, len(ids)))
    pairs = []
    for made in writer.made:
        rows = shards.read_texts(writer.place, made.shard, digest=made.digest)
        first = made.shard * writer.rows_a_shard + 1
        known = np.flatnonzero(np.isin(rows.keys, keys)).tolist()
        pairs += [(first + row, ids[int(rows.keys[row])]) for row in known]
    return pairs
