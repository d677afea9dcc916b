"""The index of the search: blocks that are stored, and what is not stored yet, which is read through.

Only whole blocks are stored. The newest diaries, at most 4,095, are always read through.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from db.connection import rows, scalar, write
from db.search import blocks
from db.search.blocks import BLOCK, VERSION, Block, Columns
from db.texts.diaries import last_diary_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database

    from db.search.folding import Units

    Mask = NDArray[np.bool_]

_BUCKETS = 256

_MOST_READ_THROUGH = 4
"""Whole blocks that a search reads through because they are not stored."""

_AT_A_TIME = 4
"""Blocks that the worker stores in one transaction."""

_MOST_PAIRS = 8
"""Pairs of a long word that are looked up; the text itself is compared anyway."""


def extend(db: Database, *, after_id: int = 0, limit: int | None = None) -> int:
    """Store blocks that are missing, the oldest first, and return how many were stored.

    Args:
        after_id: only those that hold a later diary.
        limit: at most so many; None for all.
    """
    with write(db):
        numbers = [number for number in missing_blocks(db) if number >= after_id // BLOCK]
        for number in (chosen := sorted(numbers)[:limit]):
            _store(db, number, _read_block(db, number))
    return len(chosen)


def extend_some(db: Database) -> tuple[int, int]:
    """Store some blocks that are missing; return how many whole blocks are stored then, and of how many."""
    extend(db, limit=_AT_A_TIME)
    whole = last_diary_id(db) // BLOCK
    return whole - len(missing_blocks(db)), whole


def missing_blocks(db: Database) -> list[int]:
    """Return the whole blocks that are not stored, or were by another version, the newest first."""
    whole = last_diary_id(db) // BLOCK
    stored = {int(number) for (number,) in rows(db, "select block from search_blocks where version = :v", v=VERSION)}
    return [number for number in reversed(range(whole)) if number not in stored]


def drop(db: Database, diary_ids: Iterable[int]) -> list[bytes]:
    """Delete the blocks of some diaries, within the caller's transaction, and return what named diaries in them."""
    numbers = sorted({(int(diary_id) - 1) // BLOCK for diary_id in diary_ids})
    dropped: list[bytes] = []
    for number in numbers:
        first, last = _BUCKETS * number, _BUCKETS * number + _BUCKETS - 1
        of_block = "from search_postings where bucket between :first and :last"
        dropped += [
            blocks.all_places(raw) for (raw,) in rows(db, f"select postings {of_block}", first=first, last=last)
        ]
        db.conn.execute(f"delete {of_block}", {"first": first, "last": last})
        db.conn.execute("delete from search_blocks where block = ?", (number,))
    return dropped


def _store(db: Database, number: int, block: Block) -> None:
    drop(db, [number * BLOCK + 1])
    columns = [getattr(block.columns, field.name).tobytes() for field in fields(Columns)]
    statement = "insert into search_blocks (block, version, lengths, days, authors, sources) values (?, ?, ?, ?, ?, ?)"
    db.conn.execute(statement, (number, VERSION, *columns))
    db.conn.executemany(
        "insert into search_postings (bucket, postings) values (?, ?)",
        [(_BUCKETS * number + bucket, postings) for bucket, postings in block.postings.items()],
    )


def _read_block(db: Database, number: int) -> Block:
    """Return a block made from the diaries themselves."""
    first = number * BLOCK + 1
    sql = """
        select id, text, written_on, author, source from diaries where id between :first and :last order by id
    """
    return blocks.build(rows(db, sql, first=first, last=first + BLOCK - 1), first)


@dataclass(frozen=True, slots=True)
class Index:
    """The index as it is now.

    Attributes:
        last_id: the largest id that a diary has or had: the length of masks and columns, indexed by id - 1.
        stored: numbers of the stored blocks.
        read_through: blocks that were made for this search.
        missing_count: whole blocks that are not searched, since they are not stored yet.
    """

    db: Database
    last_id: int
    stored: tuple[int, ...]
    read_through: dict[int, Block]
    missing_count: int

    def columns(self) -> Columns:
        """Return the columns of all diaries; those of blocks that are missing say that there is no diary."""
        return Columns(*(self._column(field.name) for field in fields(Columns)))

    def lengths(self) -> NDArray[Any]:
        """Return the lengths of all texts; 0 where there is no diary, or none that is searched."""
        return self._column("lengths")

    def _column(self, name: str) -> NDArray[Any]:
        empty = blocks.NO_DAY if name == "days" else 0
        dtype = np.int32 if name in ("lengths", "days") else np.uint32
        column = np.full(-(-max(self.last_id, 1) // BLOCK) * BLOCK, empty, dtype)
        # Names are those of the dataclass.
        for number, raw in rows(self.db, f"select block, {name} from search_blocks where version = :v", v=VERSION):  # noqa: S608
            if len(raw) == 4 * BLOCK and number * BLOCK < len(column):
                column[number * BLOCK : (number + 1) * BLOCK] = np.frombuffer(raw, dtype)
        for number, block in self.read_through.items():
            column[number * BLOCK : (number + 1) * BLOCK] = getattr(block.columns, name)
        return column[: self.last_id]

    def candidates(self, word: Units) -> Mask:
        """Return which diaries may contain a word: all that do, and rarely one whose text has only its pairs.

        Args:
            word: its units, at least one.
        """
        ranges = _ranges(word)
        mask = np.zeros(-(-max(self.last_id, 1) // BLOCK) * BLOCK, np.bool_)
        for number, postings in self._postings({blocks.bucket_of(first) for first, _ in ranges}):
            try:
                hits = _hits(postings, ranges)
            except (ValueError, IndexError):  # damaged: the texts themselves hold
                hits = _hits(_read_block(self.db, number).postings, ranges)
            mask[number * BLOCK : (number + 1) * BLOCK] = hits
        return mask[: self.last_id]

    def _postings(self, buckets: set[int]) -> Iterator[tuple[int, dict[int, bytes]]]:
        """Yield each block's number with its postings of some buckets."""
        of_block: dict[int, dict[int, bytes]] = {number: {} for number in self.stored}
        sql = f"""
            select bucket, postings from search_postings where bucket in (
                select {_BUCKETS} * s.value + b.value from json_each(:blocks) s, json_each(:buckets) b)
        """  # noqa: S608 - constants
        values = {"blocks": json.dumps(self.stored), "buckets": json.dumps(sorted(buckets))}
        for key, raw in rows(self.db, sql, **values):
            of_block[key // _BUCKETS][key % _BUCKETS] = raw
        yield from of_block.items()
        yield from ((number, block.postings) for number, block in self.read_through.items())


def _hits(postings: dict[int, bytes], ranges: Sequence[tuple[int, int]]) -> Mask:
    """Return which diaries of a block have a pair of each range.

    Raises:
        ValueError, IndexError: if postings are damaged.
    """
    counts = np.zeros(BLOCK, np.uint8)
    for first, last in ranges:
        raw = postings.get(blocks.bucket_of(first))
        if raw is None:
            break
        places = blocks.places_of(raw, first, last)
        counts[places] = counts[places] + 1 if len(ranges) > 1 else 1
    return np.asarray(counts == len(ranges))


def _ranges(word: Units) -> list[tuple[int, int]]:
    """Return ranges of pairs of which a text with a word has one each: one pair, or all that begin with a letter."""
    if len(word) == 1:
        first = int(word[0]) << 16
        return [(first, first | 0xFFFF)]
    pairs = list(dict.fromkeys(blocks.pair_of(word[:-1], word[1:]).tolist()))
    if len(pairs) > _MOST_PAIRS:
        pairs = [pairs[at] for at in np.linspace(0, len(pairs) - 1, _MOST_PAIRS).astype(int)]
    return [(pair, pair) for pair in pairs]


def load(db: Database) -> Index:
    """Return the index as it is now, with what is not stored read through."""
    last_id = last_diary_id(db)
    missing = missing_blocks(db)
    whole = last_id // BLOCK
    read = missing[:_MOST_READ_THROUGH] + ([whole] if last_id % BLOCK else [])
    stored = tuple(sorted(set(range(whole)) - set(missing)))
    made = {number: _read_block(db, number) for number in read}
    return Index(db, last_id, stored, made, len(missing) - len(missing[:_MOST_READ_THROUGH]))


def is_whole(db: Database) -> bool:
    """Return whether every whole block is stored; reads no more than how many there are."""
    count = scalar(db, "select count(*) from search_blocks where version = :v", v=VERSION)
    return bool(count >= last_diary_id(db) // BLOCK)
