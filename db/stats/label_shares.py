"""What a share of labels can be broken down by: where diaries came from, who wrote them, in which month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from db.texts.diaries import last_diary_id

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlite_utils import Database

    IntArray = NDArray[np.int64]

Trait = Literal["month", "writer", "source"]

_READ: dict[Trait, str] = {
    "month": "select id, substr(written_on, 1, 7) from diaries where written_on is not null",
    "writer": "select id, author from diaries where author is not null",
    # The index of imports holds ids, so that a million texts are not read: all diaries of an import have one source.
    "source": """
        select d.id, b.source from diaries d indexed by diaries_by_batch join (
            select id, (select coalesce(source, '') from diaries where batch_id = batches.id limit 1) as source
            from batches
        ) b on b.id = d.batch_id
    """,
}


def read_trait(db: Database, trait: Trait) -> tuple[IntArray, tuple[str, ...]]:
    """Return a trait of every diary as an index into its values, which ascend; row i belongs to diary i + 1.

    Returns:
        (last diary id,) with -1 where there is no diary, or it lacks the trait; and the values.
    """
    codes = np.full(last_diary_id(db), -1, np.int64)
    code_of: dict[str, int] = {}
    for diary_id, value in db.conn.execute(_READ[trait]):
        codes[diary_id - 1] = code_of.setdefault(value, len(code_of))
    values = sorted(code_of)
    place = np.full(len(values) + 1, -1, np.int64)
    place[[code_of[value] for value in values]] = np.arange(len(values))
    return place[codes], tuple(values)
