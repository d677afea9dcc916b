"""What a share of labels can be broken down by: where diaries came from, who wrote them, in which month."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import numpy as np

from db.connection import one, rows
from db.texts.diaries import last_diary_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database

    IntArray = NDArray[np.int64]

Trait = Literal["week", "month", "writer", "source"]
"""A week is named by the date of its Monday."""

_READ: dict[Trait, str] = {
    "week": "select id, date(written_on, 'weekday 0', '-6 days') from diaries where date(written_on) is not null",
    "month": "select id, strftime('%Y-%m', written_on) from diaries where date(written_on) is not null",
    "writer": "select id, author from diaries where author is not null",
}

_IMPORTS = """
    select (select coalesce(source, '') from diaries where batch_id = b.id limit 1), d.first, d.last, d.ids
    from batches b join (
        select batch_id, min(id) as first, max(id) as last,
            iif(count(*) = max(id) - min(id) + 1, null, json_group_array(id)) as ids
        from diaries indexed by diaries_by_batch group by batch_id
    ) d on d.batch_id = b.id
"""
"""Where the diaries of each import came from, and which these are; `ids` where others lie between first and last.

All diaries of an import have one source, and the index of imports holds the ids: a million texts are not read.
"""


def read_trait(db: Database, trait: Trait) -> tuple[IntArray, tuple[str, ...]]:
    """Return a trait of every diary as an index into its values, which ascend; row i belongs to diary i + 1.

    Returns:
        (last diary id,) with -1 where there is no diary, or it lacks the trait; and the values.
    """
    codes = np.full(last_diary_id(db), -1, np.int64)
    code_of: dict[str, int] = {}
    if trait == "source":
        for source, first, last, ids in rows(db, _IMPORTS):
            chosen = slice(first - 1, last) if ids is None else np.array(json.loads(ids), np.int64) - 1
            codes[chosen] = code_of.setdefault(source, len(code_of))
    else:
        for diary_id, value in db.conn.execute(_READ[trait]):
            codes[diary_id - 1] = code_of.setdefault(value, len(code_of))
    values = sorted(code_of)
    place = np.full(len(values) + 1, -1, np.int64)
    place[[code_of[value] for value in values]] = np.arange(len(values))
    return place[codes], tuple(values)


def list_writers(db: Database, diary_ids: Sequence[int]) -> dict[int, str]:
    """Return who wrote some diaries, by id; those without a writer are left out."""
    sql = "select id, author from diaries where author is not null and id in (select value from json_each(:ids))"
    return {int(diary_id): str(author) for diary_id, author in rows(db, sql, ids=json.dumps(list(diary_ids)))}


def have_pool_diaries(db: Database, writers: Sequence[str]) -> bool:
    """Return whether any of some writers has diaries outside of the test part."""
    sql = "select 1 from diaries where part = 'pool' and author in (select value from json_each(:names)) limit 1"
    return one(db, sql, names=json.dumps(list(writers), ensure_ascii=False)) is not None
