"""Quotations of a forgotten diary: wherever people write, and however they copied it."""

from __future__ import annotations

import json
import shutil
import unicodedata
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import db
from db import settings
from db.connection import rows, scalar, write
from db.forgetting import forgetting, quotes
from db.forgetting.letters import letters_of, sentences_of, spans_of
from db.forgetting.quotes import GAP, NOTES, RUN, SENTENCE, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db import Database

SECRET = "할머니가 돌아가신 날 아무에게도 말하지 못했다. 창밖에는 눈이 펑펑 내리고 있었고\n나는 「그 편지」를 태웠다."
OTHER = "도서관에서 새 책을 세 권이나 빌려서 기분 좋게 돌아왔다."

WAYS = {
    "as it is": SECRET,
    "a sentence": "할머니가 돌아가신 날 아무에게도 말하지 못했다.",
    "without its full stop": "할머니가 돌아가신 날 아무에게도 말하지 못했다",
    "a part of a sentence": "돌아가신 날 아무에게도 말하지",
    "from one sentence to the next": "말하지 못했다. 창밖에는 눈이 펑펑",
    "other spaces": "할머니가   돌아가신 날 아무에게도\t말하지\u00a0못했다",
    "no spaces": "할머니가돌아가신날아무에게도말하지못했다",
    "lines broken elsewhere": "창밖에는 눈이\n펑펑 내리고\r\n있었고",
    "other signs": "창밖에는, 눈이 펑펑 내리고 있었고 나는 '그 편지'를 태웠다",
    "decomposed": unicodedata.normalize("NFD", "창밖에는 눈이 펑펑 내리고 있었고"),
    "unseen characters": "창밖에는\u200b 눈이 펑\u200d펑 내리고 \ufeff있었고",
    "a short sentence": "나는 그 편지를 태웠다",
    "fillers": "창밖에는\u3164눈이\u115f펑펑\uffa0내리고\u3164있었고",
    "after a NUL": "ab\0창밖에는 눈이 펑펑 내리고 있었고",
    "as JSON": '["할머니가 돌아가신 날 아","무에게도 말하지 못했다"]',
    "as JSON with one key twice": '{"a": "창밖에는 눈이 펑펑 내리고 있었고", "a": "x"}',
    "with half a character": '{"a":"\\ud800 창밖에는 눈이 펑펑 내리고 있었고"}',
}

NOT_NOTES = {
    "_sqlite_migrations": {"migration_set", "name", "applied_at"},
    "accounts": {"role", "password_hash", "email", "subject", "created_at", "disabled_at"},
    "activations": {"activated_at", "reason"},
    "annotators": {"kind", "created_at"},
    "api_tokens": {"scopes", "created_at", "expires_at", "revoked_at", "last_used_at"},
    "audit_log": {"at", "action", "subject"},
    "batch_skips": {"reason"},
    "batches": {"file_hash", "format", "encoding", "imported_at"},
    "browsers": {"used_at"},
    "searched": {"sent_at"},
    "group_acts": {"token", "kind", "decided_at", "undone_at"},
    "group_members": {"queued_as"},
    "selections": {"token", "made_at"},
    "care_flags": {"found_at", "list_hash", "handled_at"},
    "decisions": {"kind", "token", "source", "decided_at", "asked_by"},
    "diaries": {"text", "written_on", "author", "source", "metadata", "part"},
    "encoders": {"hash", "name", "base", "kind", "folder", "weights_hash", "tuned_on", "settings", "metrics"}
    | {"created_at"},
    "forgotten_decisions": {"kind", "part"},
    "guidelines": {"written_at"},
    "idempotency_keys": {"key", "answer", "kept_at"},
    "invites": {"role", "created_at", "expires_at", "used_at", "withdrawn_at"},
    "label_checks": {"checked_at"},
    "label_history": {"action", "changed_at"},
    "labels": {"colour", "key", "retired_at"},
    "login_failures": {"address", "failed_at"},
    "models": {"tier", "encoder", "encoder_hash", "label_ids", "weights_hash", "settings", "training_decisions"}
    | {"metrics", "created_at"},
    "pools": {"identity", "url", "created_at"},
    "pool_shards": {"stage", "digest", "source", "next_digest", "engine", "made_at"},
    "pool_waiting": {"strategy"},
    "rationales": {"verdict", "token", "marked_at"},
    "repeats": {"kind", "token", "answered_at", "undone_at"},
    "reviews": {"kind", "signals", "bulk", "token", "reviewed_at"},
    "rounds": {"status", "requested_at", "started_at", "ended_at", "step", "report", "error", "tier"},
    "sessions": {"created_at", "last_seen_at", "expires_at", "ended_at"},
    "settings": {"key"},
    "text_spaces": {"hash", "created_at"},
    "word_emotions": {"verdict", "source", "decided_at"},
    "worker": {"host", "started_at", "seen_at", "step", "error"},
    # What a diary's own rows hold goes with it; that of others is of others.
    **dict.fromkeys(("attributions", "audit_queue", "explanations", "gold", "handed", "leases"), None),
    **dict.fromkeys(("queue", "sentences", "settled", "standing", "test_answers"), None),
}
"""Columns in which the program writes, or that belong to other diaries. None stands for a whole table."""

PLACES = (*NOTES, Place("settings", "value"), Place("word_emotions", "word"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a row in each table in which people write, which each test gets a copy of."""
    path = tmp_path_factory.mktemp("filled") / "a.db"
    with closing(db.create(path)) as opened:
        opened.conn.execute("pragma foreign_keys = off")
        opened.conn.execute("pragma ignore_check_constraints = on")
        for table in ("diaries", "accounts", *{place.table: None for place in NOTES}, "word_emotions"):
            _add_row(opened, table)
        settings.store(opened, care_phrases="죽고 싶\n힘들")
        opened.conn.execute("update diaries set text = ?", (SECRET,))
        opened.conn.execute("insert into annotators (id, name, kind, created_at) values (77, '손님', 'person', '')")
        opened.conn.commit()
    return path


@pytest.fixture
def made(filled: Path, tmp_path: Path) -> Iterator[Database]:
    with closing(db.connect(Path(shutil.copy(filled, tmp_path / "a.db")))) as opened:
        opened.conn.execute("pragma foreign_keys = off")
        opened.conn.execute("pragma ignore_check_constraints = on")
        yield opened


def _add_row(opened: Database, table: str) -> None:
    made_up = {"INTEGER": 1, "TEXT": "x", "REAL": 0.5, "BLOB": b"x"}
    columns = rows(opened, f"select name, type from pragma_table_info('{table}')")
    cells = ((name, 2 if name == "diary_id" else made_up[kind]) for name, kind in columns)  # another diary's
    names, values = zip(*cells, strict=True)
    marks = ", ".join("?" * len(names))
    opened.conn.execute(f"insert or ignore into {table} ({', '.join(names)}) values ({marks})", values)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.table}.{place.column}")
def test_a_quotation_goes_from_every_place_however_it_was_copied(made: Database, place: Place, way: str) -> None:
    _write(made, place, f"전에 이런 글: {WAYS[way]} (그리고 이렇게)")
    assert any(letters_of(WAYS[way]) in letters_of(value) for value in _values(made, place)), "it was there"
    assert len(forgetting.erase(made, [1]).quotes) == 1
    assert not any(letters_of(WAYS[way])[:RUN] in letters_of(value) for value in _values(made, place))


def _write(made: Database, place: Place, text: str) -> None:
    """Put a note where people put it."""
    if place.table == "settings":
        settings.store(made, care_phrases=f"죽고 싶\n{text.replace(chr(10), ' ')}\n힘들")
        return
    if place.column in ("before", "after", "details", "columns", "examples"):
        text = json.dumps({"말": ["다른 말", text]}, ensure_ascii=place.column == "details")
    with write(made):
        made.conn.execute("insert into forgetting (id) values (1)")
        if place.table == "word_emotions":
            made.conn.execute("drop trigger word_emotions_stay")
        who = "id = 77" if place.table == "annotators" else "true"
        made.conn.execute(f"update {place.table} set {place.column} = ? where {who}", (text,))
        made.conn.execute("delete from forgetting")


def _values(made: Database, place: Place) -> list[str]:
    """Return what a place holds, of JSON each text."""
    contents = [str(value) for (value,) in rows(made, f"select {place.column} from {place.table}")]
    return [text for value in contents for text in _texts(value)]


def _texts(value: str) -> Iterator[str]:
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = value
    within = [*parsed, *parsed.values()] if isinstance(parsed, dict) else parsed
    if isinstance(within, list):
        for each in within:
            yield from _texts(json.dumps(each))
    else:
        yield str(within)


def test_what_stands_around_a_quotation_stays(made: Database) -> None:
    _write(made, NOTES[0], f"앞: “{WAYS['a part of a sentence']}” 뒤, {OTHER}")
    forgetting.erase(made, [1])
    assert _values(made, NOTES[0]) == [f"앞: “{GAP}” 뒤, {OTHER}"]


def test_json_stays_json_and_as_it_was_where_it_quotes_nothing(made: Database) -> None:
    kept = json.dumps({"보기": ["지어낸 보기", "다\\른\n 보기"], "수": 3})
    with write(made):
        made.conn.execute("update label_history set before = ?, after = ?", (kept, json.dumps([SECRET, 1, None])))
    forgetting.erase(made, [1])
    assert scalar(made, "select before from label_history") == kept
    after = json.loads(scalar(made, "select after from label_history"))
    assert after[1:] == [1, None]
    assert not letters_of(after[0])


def test_a_line_of_the_care_list_goes_as_a_whole_and_a_word_of_the_dictionary_too(made: Database) -> None:
    _write(made, PLACES[-2], WAYS["a part of a sentence"])
    _write(made, PLACES[-1], WAYS["no spaces"])
    forgetting.erase(made, [1])
    assert settings.load(made)["care_phrases"] == "죽고 싶\n힘들"
    assert rows(made, "select * from word_emotions") == []


def test_a_phrase_that_others_use_too_stays_on_the_care_list(made: Database) -> None:
    with write(made):
        columns = "id, text, text_hash, batch_id, row_number, part, draw"
        made.conn.execute(f"insert into diaries ({columns}) values (9, ?, x'09', 1, 9, 'pool', 9)", (SECRET + " 또",))
    _write(made, PLACES[-2], WAYS["a part of a sentence"])
    forgetting.erase(made, [1])
    assert WAYS["a part of a sentence"] in settings.load(made)["care_phrases"]


def test_a_memo_of_brackets_is_a_memo_like_any_other(made: Database) -> None:
    _write(made, NOTES[0], "[" * 900 + '"' + WAYS["no spaces"] + '"' + "]" * 900)
    assert len(forgetting.erase(made, [1]).quotes) == 1
    ((memo,),) = rows(made, "select memo from decisions")
    assert GAP in memo
    assert letters_of(WAYS["no spaces"])[:RUN] not in letters_of(memo)


def test_a_gap_takes_no_name_that_somebody_has(made: Database) -> None:
    with write(made):
        for number, name in ((78, WAYS["no spaces"]), (79, f"{GAP}78")):
            made.conn.execute(
                "insert into annotators (id, name, kind, created_at) values (?, ?, 'person', '')", (number, name)
            )
    forgetting.erase(made, [1])
    assert rows(made, "select name from annotators where id > 77") == [(f"{GAP}78{GAP}",), (f"{GAP}78",)]


def test_names_stay_apart_and_who_has_an_account_keeps_theirs(made: Database) -> None:
    name = WAYS["no spaces"]
    with write(made):
        made.conn.execute("insert into annotators (id, name, kind, created_at) values (78, ?, 'person', '')", (name,))
        made.conn.execute(
            "insert into annotators (id, name, kind, created_at) values (79, ?, 'person', '')", (name + "!",)
        )
        made.conn.execute("update accounts set annotator_id = 79")
    forgetting.erase(made, [1])
    assert rows(made, "select name from annotators where id in (78, 79)") == [(f"{GAP}78",), (name + "!",)]


@pytest.mark.parametrize(
    "note", [OTHER, "할머니가 돌아가신", "창밖에는 눈이 펑펑 내", "나는 그 편지", "", "…", "{", '"']
)
def test_a_note_that_says_something_else_stays_as_it_is(made: Database, note: str) -> None:
    _write(made, NOTES[0], note)
    assert forgetting.erase(made, [1]).quotes == ()
    assert _values(made, NOTES[0])[0] == note


LETTERS = st.text("가나다 .\n\u1100\u1161\u11a8é!", max_size=60)


@given(st.lists(LETTERS, max_size=4), LETTERS)
def test_afterwards_no_run_and_no_sentence_of_a_diary_is_left_and_the_rest_is_unchanged(
    texts: list[str], note: str
) -> None:
    quotations = quotes.Quotations([note])
    quotations.add(texts)
    indices = quotations.find()
    left = quotations.without(note, "\n0\n")
    assert indices == ([0] if left != note else [])
    runs = {letters_of(text)[i : i + RUN] for text in texts for i in range(len(letters_of(text)) - RUN + 1)}
    runs |= {
        whole for text in texts for whole in {*sentences_of(text), letters_of(text)} if SENTENCE <= len(whole) < RUN
    }
    pieces = [letters_of(piece) for piece in left.split("\n0\n")]
    assert not any(run in piece for run in runs for piece in pieces)
    if not any(run in letters_of(note) for run in runs):
        assert left == note


@given(st.text())
def test_the_letters_of_a_text_are_those_of_its_characters(text: str) -> None:
    letters, spans = spans_of(text)
    assert len(letters) == len(spans)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)


@given(st.text("가각힣ㄱㅏ\u1100\u1161\u11a8é\u0301ﬁ１Ａ ", max_size=30))
def test_letters_are_the_same_character_by_character(text: str) -> None:
    assert spans_of(text)[0] == letters_of(text)


def test_each_column_of_text_is_searched_or_known_to_hold_no_words_of_people(made: Database) -> None:
    columns = rows(
        made,
        """
        select t.name, c.name from sqlite_schema t, pragma_table_info(t.name) c
        where t.type = 'table' and t.name <> 'sqlite_sequence' and c.type = 'TEXT'
        """,
    )
    known = {(place.table, place.column) for place in PLACES}
    left = [
        (table, column)
        for table, column in columns
        if (table, column) not in known and column not in (NOT_NOTES.get(table, ()) or (column,) * (table in NOT_NOTES))
    ]
    assert left == [], "say in db.forgetting.quotes.NOTES that people write there, or here that they don't"
