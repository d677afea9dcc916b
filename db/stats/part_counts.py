"""What became of the test diaries: how many were labelled, set aside or are still open, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.connection import rows, scalar

if TYPE_CHECKING:
    from sqlite_utils import Database


def count_test_kinds(db: Database) -> dict[str, int]:
    """Count the test diaries by what was decided of them: ``label``, else ``flag``, else ``skip``, else ``open``."""
    sql = """
        select case when sum(s.kind = 'label') > 0 then 'label' when sum(s.kind = 'flag') > 0 then 'flag'
            when count(s.kind) > 0 then 'skip' else 'open' end as kind
        from diaries d left join standing s on s.diary_id = d.id where d.part = 'test' group by d.id
    """
    counts = dict.fromkeys(("label", "flag", "skip", "open"), 0)
    counts |= dict(rows(db, f"select kind, count(*) from ({sql}) group by kind"))  # noqa: S608 - constants
    return counts


def count_test_shown(db: Database) -> int:
    """Count the test diaries with a label in force that was given with the model's answer in view."""
    sql = """
        select count(distinct d.id) from diaries d join standing s on s.diary_id = d.id
            join decisions c on c.id = s.decision_id
        where d.part = 'test' and s.kind = 'label' and c.shown_label_id is not null
    """
    return int(scalar(db, sql))
