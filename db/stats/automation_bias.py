"""Labels that people gave compared with the model's answer, when that was in view and when the draw had hidden it.

What counts: people's label decisions on the label page, on pool diaries, not taken back, for which a model of any
version had an answer. Test diaries are left out: the answer is hidden on all of them, so there is nothing to compare
with. Labels from the command line and from the page of doubted labels come without `seconds` and are left out as
well, since nobody knows what those people had seen, and so are labels beside which the answer had not come yet: what
is asked just after a round is no random choice. Whether the answer is hidden is drawn per diary and not per model,
so both sides hold the same mixture of versions, including the one without labels, as long as the share of hidden
diaries stays the same. If the share changed, sides from different times would be compared; so only decisions between
the first hidden diary and the last one count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.connection import one, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Agreeing:
    """How many labels there are, and how many of them agree with the model's answer."""

    n: int
    same: int


_COUNTED = """
    select d.id, d.diary_id, d.blind, d.shown_label_id is null as is_unseen,
        d.label_id = coalesce(d.shown_label_id, d.predicted_label_id) as is_same
    from decisions d
    where d.kind = 'label' and d.source = 'person' and d.seconds is not null
        and d.predicted_label_id is not null
        and d.diary_id not in (select id from diaries where part = 'test')
        and d.id not in (select undoes from decisions where undoes is not null)
"""


def count_agreeing(db: Database, *, is_drawn: Callable[[int], bool]) -> tuple[Agreeing, Agreeing]:
    """Return the labels given with the model's answer in view, and those from which the draw had hidden it.

    The model's answer is the one that was in view or, if none was, that of the model serving at the time.

    Args:
        is_drawn: whether the draw hides a diary's answer; asked for decisions of before this was kept with them.
    """
    unseen = rows(db, f"select id, diary_id, blind, is_same from ({_COUNTED}) where is_unseen order by id")  # noqa: S608
    hidden = [
        (decision_id, is_same)
        for decision_id, diary_id, blind, is_same in unseen
        if (is_drawn(int(diary_id)) if blind is None else blind)
    ]
    if not hidden:
        return Agreeing(0, 0), Agreeing(0, 0)
    sql = f"select count(*), coalesce(sum(is_same), 0) from ({_COUNTED}) where not is_unseen and id between :a and :b"  # noqa: S608
    n, same = one(db, sql, a=hidden[0][0], b=hidden[-1][0]) or (0, 0)
    return Agreeing(n, same), Agreeing(len(hidden), sum(is_same for _, is_same in hidden))
