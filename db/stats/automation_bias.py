"""Labels that people gave compared with the model's answer, when that was in view and when it was not.

What counts: people's label decisions on the label page, on pool diaries, not taken back, for which a model of any
version had an answer. Test diaries are left out: the answer is hidden on all of them, so there is nothing to compare
with. Labels from the command line and from the page of doubted labels come without `seconds` and are left out as
well, since nobody knows what those people had seen. Whether the answer is hidden is drawn per diary and not per model,
so both sides hold the same mixture of versions, including the one without labels, as long as the share of hidden
diaries stays the same. If the share changed, sides from different times would be compared; so only decisions between
the first hidden diary and the last one count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.connection import one

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Agreeing:
    """How many labels there are, and how many of them agree with the model's answer."""

    n: int
    same: int


def count_agreeing(db: Database) -> tuple[Agreeing, Agreeing]:
    """Return the labels given with the model's answer in view, and those given without it.

    The model's answer is the one that was in view or, if none was, that of the model serving at the time.
    """
    sql = """
        with counted as not materialized (
            select d.id, d.shown_label_id is null as is_hidden,
                d.label_id = coalesce(d.shown_label_id, d.predicted_label_id) as is_same
            from decisions d
            where d.kind = 'label' and d.source = 'person' and d.seconds is not null
                and d.predicted_label_id is not null
                and d.diary_id not in (select id from diaries where part = 'test')
                and d.id not in (select undoes from decisions where undoes is not null)
        ), stretch as materialized (
            select (select id from counted where is_hidden order by id limit 1) as first_id,
                (select id from counted where is_hidden order by id desc limit 1) as last_id
        )
        select coalesce(sum(not is_hidden), 0), coalesce(sum(not is_hidden and is_same), 0),
            coalesce(sum(is_hidden), 0), coalesce(sum(is_hidden and is_same), 0)
        from stretch cross join counted where id between first_id and last_id
    """
    shown_n, shown_same, hidden_n, hidden_same = one(db, sql) or (0, 0, 0, 0)
    return Agreeing(shown_n, shown_same), Agreeing(hidden_n, hidden_same)
