"""Every table that has to do with diaries goes with them: read from the schema, so that no new one is left out."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import db
from db.connection import rows
from db.forgetting import forgetting, owned

if TYPE_CHECKING:
    from pathlib import Path

STAYS = {
    "annotators": "names of people; those of files go once nothing of them is left",
    "batches": "imports: counts; names and digests of files go",
    "batch_skips": "rows that were left out: what names a forgotten diary goes",
    "models": "versions that learned from it are named",
    "encoders": "ids of what an encoder was tuned on",
    "text_spaces": "n-grams that three diaries share; fitted anew after each forgetting",
    "prediction_blocks": "blobs of many diaries: their rows are emptied",
    "search_blocks": "blobs of many diaries: their block goes and is made again without them",
    "search_postings": "blobs of many diaries: their block goes and is made again without them",
    "pool_shards": "digests of files; another file takes the place of one that held a forgotten text",
    "pool_leaving": "numbers, until the texts are out of their files",
    "pool_waiting": "numbers; those of forgotten texts go",
    "rounds": "reports: entries about single diaries go",
    "idempotency_keys": "answers that name a forgotten diary go",
    "audit_log": "who did what; quotations go, see db.forgetting.quotes",
    "group_acts": "presses on many diaries: who, when, which label; their members go",
    "selections": "who chose diaries on a page, and when; the diaries of the selection go",
    "forgotten": "ids, never given out again",
    "forgotten_texts": "keyed digests",
    "forgotten_decisions": "counts",
    "forgotten_training": "counts",
    "guidelines": "quotations go, see db.forgetting.quotes",
    "label_history": "quotations go, see db.forgetting.quotes",
    "labels": "quotations go, see db.forgetting.quotes",
    "word_emotions": "words; those that are quotations go, see db.forgetting.quotes",
}
"""Tables that may know something of diaries and stay, and why that is right: see docs/forgetting.md."""

APART = {
    "settings",
    "pools",
    "activations",
    "browsers",
    "worker",
    "accounts",
    "sessions",
    "invites",
    "login_failures",
    "api_tokens",
    "forgetting",
    "_sqlite_migrations",
}
"""Tables that have nothing to do with diaries."""


def test_each_table_goes_with_diaries_or_is_known_to_stay(tmp_path: Path) -> None:
    with closing(db.create(tmp_path / "a.db")) as made:
        names = {name for (name,) in rows(made, "select name from sqlite_schema where type = 'table'")}
        goes = {each.name for each in owned.find_owned(made)}
    unknown = names - goes - STAYS.keys() - APART - {"diaries", "sqlite_sequence"}
    assert not unknown, "say in db/forgetting/owned.py or here what becomes of these when a diary is forgotten"
    assert not goes & STAYS.keys()


def test_a_table_that_is_new_goes_without_being_named_anywhere(tmp_path: Path) -> None:
    with closing(db.create(tmp_path / "a.db")) as made:
        made.conn.execute(
            "create table shapes (id integer primary key, drawn_of integer references diaries (id)) strict"
        )
        made.conn.execute("create table corners (shape_id integer references shapes (id), at text) strict")
        made.conn.execute("create table strokes (diary_id integer, at text) strict")
        _add_diaries(made, 3)
        made.conn.execute("insert into shapes values (7, 2), (8, 3)")
        made.conn.execute("insert into corners values (7, 'a'), (7, 'b'), (8, 'c')")
        made.conn.execute("insert into strokes values (2, 'x'), (1, 'y')")
        made.conn.commit()
        counted = forgetting.count_rows(made, [2])
        erased = forgetting.erase(made, [2])
        assert rows(made, "select id, drawn_of from shapes") == [(8, 3)]
        assert rows(made, "select shape_id, at from corners") == [(8, "c")]
        assert rows(made, "select diary_id from strokes") == [(1,)]
        assert rows(made, "pragma foreign_key_check") == []
    assert counted == erased.row_counts
    assert {name: counted[name] for name in ("shapes", "corners", "strokes")} == {
        "shapes": 1,
        "corners": 2,
        "strokes": 1,
    }


def _add_diaries(made: db.Database, count: int) -> None:
    made.conn.execute("insert into annotators values (1, '나', 'person', '')")
    made.conn.execute(
        """
        insert into batches (id, file_name, file_hash, format, columns, imported_by, imported_at, row_count, kept_count)
        values (1, 'a.csv', 'x', 'csv', '{}', 1, '', 3, 3)
        """
    )
    for i in range(1, count + 1):
        made.conn.execute(
            """
            insert into diaries (id, text, text_hash, batch_id, row_number, part, draw)
            values (?, ?, ?, 1, ?, 'pool', ?)
            """,
            (i, f"글 {i}", bytes([i]), i, i),
        )
