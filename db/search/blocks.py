"""A block of 4,096 consecutive diaries as the search reads it: which letters follow which, and what is filtered by.

FTS5 would take longer to index a million diaries than their import takes, finds no words of one or two syllables by
its trigrams, and keeps what is deleted in its segments. Here each pair of neighbouring letters names the diaries in
which it stands; a word stands in those that all of its pairs name, which the text itself confirms.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from db.search.folding import compose, fold_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from db.search.folding import Units

BLOCK = 4096
"""Diaries of a block: so many are read through in some twenty milliseconds, while no block of them is stored."""

VERSION = 1
"""Of the blocks that are stored; those of another one are made anew."""

NO_DAY = -(2**31)
"""The day of a diary without a date."""

_HEAD = 4
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Columns:
    """What diaries are filtered and sorted by, one entry a diary; 0 or `NO_DAY` where there is nothing.

    Attributes:
        lengths: letters of the text; 0 where there is no diary.
        days: days since 1970.
        authors, sources: checksums of names.
    """

    lengths: NDArray[np.int32]
    days: NDArray[np.int32]
    authors: NDArray[np.uint32]
    sources: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its columns, and the postings of each bucket of letters."""

    columns: Columns
    postings: dict[int, bytes]


def build(records: Sequence[Any], first_id: int) -> Block:
    """Return the block of some diaries.

    Args:
        records: (id, text, written_on, author, source), ascending by id.
        first_id: of the block.
    """
    places = np.fromiter((record[0] - first_id for record in records), np.int64, len(records))
    units, lengths = fold_texts([record[1] for record in records])
    columns = Columns(
        _placed(places, lengths, 0),
        _placed(places, np.array(_numbers([record[2] for record in records], _day, NO_DAY), np.int32), NO_DAY),
        _placed(places, np.array(_numbers([record[3] for record in records], checksum, 0), np.uint32), 0),
        _placed(places, np.array(_numbers([record[4] for record in records], checksum, 0), np.uint32), 0),
    )
    return Block(columns, _postings(units, places))


def _placed(places: NDArray[np.int64], values: NDArray[Any], empty: int) -> NDArray[Any]:
    column = np.full(BLOCK, empty, values.dtype)
    column[places] = values
    return column


def _numbers(values: Iterable[str | None], number_of: Callable[[str], int], empty: int) -> list[int]:
    """Return the numbers of values, of each distinct one once."""
    known: dict[str | None, int] = {None: empty, "": empty}
    return [known[value] if value in known else known.setdefault(value, number_of(value or "")) for value in values]


def _day(written_on: str) -> int:
    try:
        return date.fromisoformat(written_on[:10]).toordinal() - _EPOCH
    except ValueError:
        return NO_DAY


def checksum(name: str | None) -> int:
    """Return the checksum of a name, however it is composed; 0 for none."""
    return zlib.crc32(compose(name).strip().encode("utf-8", "surrogatepass")) or 1 if name else 0


def _postings(units: Units, places: NDArray[np.int64]) -> dict[int, bytes]:
    """Return the postings by bucket: pairs, the number of diaries of each, and the diaries' places in the block."""
    is_end = units == 0
    diary = np.repeat(places.astype(np.uint16), np.diff(np.flatnonzero(is_end), prepend=-1))[:-1]
    begins = ~is_end[:-1]
    first, second, diary = units[:-1][begins], units[1:][begins], diary[begins]
    # Sorting twice by 16 bits is done by counting, in half the time of sorting once by all.
    order = np.argsort(second, kind="stable")
    order = order[np.argsort(first[order], kind="stable")]
    pairs, diary = pair_of(first[order], second[order]), diary[order]
    is_new_pair = _differs(pairs)
    is_new = is_new_pair | _differs(diary)
    diary, starts = diary[is_new], np.flatnonzero(is_new_pair[is_new])
    pairs = pairs[is_new][starts]
    return _cut(pairs, np.append(starts, len(diary)), diary)


def pair_of(first: Any, second: Any) -> Any:
    """Return the number of pairs of units; a letter at the end of a text is followed by 0."""
    return first.astype(np.uint32) << np.uint32(16) | second


def _differs(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return whether each value differs from the one before it."""
    return np.concatenate([np.ones(min(1, len(values)), np.bool_), values[1:] != values[:-1]])


def _cut(pairs: NDArray[np.uint32], ends: NDArray[np.int64], diary: Units) -> dict[int, bytes]:
    edges = np.searchsorted(bucket_of(pairs), np.arange(257))
    counts = np.diff(ends).astype(np.uint16)
    cut = {}
    for bucket in np.flatnonzero(np.diff(edges)).tolist():
        low, high = int(edges[bucket]), int(edges[bucket + 1])
        parts = (np.array([high - low], np.uint32), pairs[low:high], counts[low:high], diary[ends[low] : ends[high]])
        cut[bucket] = b"".join(part.tobytes() for part in parts)
    return cut


def bucket_of(pairs: Any) -> Any:
    """Return the bucket of pairs: the upper half of their first letter."""
    return pairs >> 24


def places_of(postings: bytes, first: int, last: int) -> Units:
    """Return the places of the diaries that have a pair between two numbers, both included; each as often as pairs."""
    count, pairs, counts = _heads(postings)
    low, high = np.searchsorted(pairs, np.array([first, last + 1], np.int64))
    if low == high:
        return np.zeros(0, np.uint16)
    start = int(counts[:low].sum(dtype=np.int64))
    offset = _HEAD + 6 * count + 2 * start
    return np.frombuffer(postings, np.uint16, int(counts[low:high].sum(dtype=np.int64)), offset)


def all_places(postings: bytes) -> bytes:
    """Return the bytes of a bucket that name diaries."""
    return postings[_HEAD + 6 * _heads(postings)[0] :]


def _heads(postings: bytes) -> tuple[int, NDArray[np.uint32], Units]:
    count = int.from_bytes(postings[:_HEAD], "little")
    pairs = np.frombuffer(postings, "<u4", count, _HEAD)
    return count, pairs, np.frombuffer(postings, "<u2", count, _HEAD + 4 * count)
