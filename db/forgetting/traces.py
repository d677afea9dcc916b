"""Traces of diaries that are being forgotten in rows that stay: predictions, reports, answers, imports; and counts.

Runs within the transaction of `db.forgetting.forgetting`, on what that has gathered in temporary tables.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from db.connection import rows
from db.models import predictions
from db.models.encoders import READS
from db.pool import members

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database


def clean(db: Database) -> None:
    """Remove what is about the diaries from rows that stay."""
    _clear_predictions(db)
    _clean_reports(db)
    _clean_batches(db)
    # An answer names diaries, and is stored with a digest of the request, which held their texts.
    db.conn.execute(
        """
        delete from idempotency_keys where exists (
            select 1 from json_tree(answer) a where a.key = 'id' and a.value in (select id from temp.going_diaries))
        """
    )


def keep_counts(db: Database) -> None:
    """Count the decisions in force, and the models that learned from them, while they can still be counted."""
    db.conn.execute(
        """
        insert into forgotten_decisions (annotator_id, kind, part, is_shared, count)
        select iif(a.kind = 'person', a.id, 0), s.kind, y.part, exists (
                select 1 from standing o where o.diary_id = s.diary_id and o.annotator_id <> s.annotator_id), count(*)
        from temp.going_decisions g join decisions d on d.id = g.id
            join standing s on s.diary_id = d.diary_id and s.annotator_id = d.annotator_id and s.decision_id = d.id
            join diaries y on y.id = s.diary_id join annotators a on a.id = s.annotator_id
        where true group by 1, 2, 3, 4
        on conflict do update set count = count + excluded.count
        """
    )
    db.conn.execute(
        f"""
        insert into forgotten_training (model_id, diary_count)
        select model_id, diary_count from ({TRAINED}) where true
        on conflict do update set diary_count = diary_count + excluded.diary_count
        """  # noqa: S608 - constants
    )


TRAINED = f"""
    select model_id, count(distinct diary_id) as diary_count from (
        select m.id as model_id, d.diary_id from models m, json_each(m.training_decisions) t
            join temp.going_decisions g on g.id = t.value join decisions d on d.id = g.id
        union all
        select m.id, g.id from encoders e
            join models m on {READS},
            json_each(e.tuned_on) t join temp.going_diaries g on g.id = t.value
        union all
        select m.id, r.diary_id from models m
            join temp.going_rationales g on g.id <= m.settings ->> 'last_rationale_id'
            join rationales r on r.id = g.id join diaries y on y.id = r.diary_id where y.part = 'pool'
    ) group by model_id
"""  # noqa: S608 - constants
"""Versions that learned from diaries that go: from labels, from marked words, or by an encoder that was tuned."""


def _clear_predictions(db: Database) -> None:
    ids = [int(i) for (i,) in rows(db, "select id from temp.going_diaries order by id")]
    predictions.clear_predictions(db, ids)


def _clean_reports(db: Database) -> None:
    """Remove marked words and doubted labels from the reports of rounds."""
    diaries = {i for (i,) in rows(db, "select id from temp.going_diaries")}
    decisions = {str(i) for (i,) in rows(db, "select id from temp.going_decisions")}
    for round_id, stored in rows(db, "select id, report from rounds where report <> '{}'"):
        report = json.loads(stored)
        if "rationales" in report:
            report["rationales"] = [mark for mark in report["rationales"] if mark["diary_id"] not in diaries]
        study = report.get("study") or {}
        if study.get("doubts"):
            study["doubts"] = {key: value for key, value in study["doubts"].items() if key not in decisions}
        if (text := json.dumps(report, ensure_ascii=False)) != stored:
            db.conn.execute("update rounds set report = ? where id = ?", (text, round_id))


def _clean_batches(db: Database) -> None:
    """Count what goes from each import, and delete what would reveal it: digests of files and of left-out rows."""
    db.conn.execute(
        """
        update batches set kept_count = kept_count - gone.count, forgotten_count = forgotten_count + gone.count,
            file_hash = ''
        from (select batch_id, count(*) as count from diaries where id in (select id from temp.going_diaries)
            group by batch_id) gone
        where gone.batch_id = batches.id
        """
    )
    # The detail begins with the id of a diary; what follows are names of labels.
    equal = """
        reason in ('duplicate', 'joined', 'superseding', 'conflict', 'older')
            and substr(detail, 1, instr(detail || ' ', ' ') - 1) in (select cast(id as text) from temp.going_diaries)
    """
    db.conn.execute(f"update batches set file_hash = '' where id in (select batch_id from batch_skips where {equal})")  # noqa: S608
    db.conn.execute(f"update batch_skips set reason = 'forgotten', detail = '' where {equal}")  # noqa: S608
    # A file may be named after its writer. An import that grows keeps the name of its program.
    db.conn.execute(
        """
        update batches set file_name = '', columns = '{}' where kept_count = 0 and forgotten_count > 0
            and not exists (select 1 from api_tokens t where t.batch_id = batches.id)
            and not exists (select 1 from pools p where p.batch_id = batches.id)
        """
    )
    db.conn.execute("delete from batch_skips where batch_id in (select id from batches where file_name = '')")


def leave_pools(db: Database, further: Sequence[tuple[int, int]]) -> None:
    """Note which texts of pools have to be taken out of their files: those of the diaries, and further ones."""
    of_diaries = rows(
        db, "select pool_id, number from pool_diaries where diary_id in (select id from temp.going_diaries)"
    )
    members.add_leaving(db, [*map(tuple, of_diaries), *further])


def rename_importers(db: Database) -> None:
    """Remove the names of importers, which contain file names, once nothing of their import is left."""
    db.conn.execute(
        """
        update annotators set name = '#' || id where kind = 'importer'
            and not exists (select 1 from decisions d where d.annotator_id = annotators.id)
            and not exists (select 1 from rationales r where r.annotator_id = annotators.id)
            and not exists (select 1 from batches b where b.imported_by = annotators.id and b.file_name <> '')
        """
    )


def find_unsettled(db: Database) -> list[int]:
    """Return the diaries that stay but lose a review that rests on a decision that goes."""
    sql = """
        select distinct r.diary_id from temp.going_reviews g join reviews r on r.id = g.id
        where r.diary_id not in (select id from temp.going_diaries)
    """
    return [int(diary_id) for (diary_id,) in rows(db, sql)]


def settle_anew(db: Database, diary_ids: list[int]) -> None:
    """Put the newest remaining review in force on diaries that stay."""
    db.conn.execute(
        """
        insert or replace into settled (diary_id, review_id, kind, decision_id)
        select r.diary_id, r.id, r.kind, r.decision_id from reviews r where r.id in (
            select max(r.id) from reviews r
            where r.diary_id in (select value from json_each(?)) and r.kind <> 'undo'
                and not exists (select 1 from reviews u where u.undoes = r.id)
            group by r.diary_id)
        """,
        (json.dumps(diary_ids),),
    )
