"""An import is all or nothing, keeps texts untouched and says why rows are left out."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from typing import TYPE_CHECKING

import pytest

from annotator import project
from annotator.errors import UserError
from annotator.importing import ColumnMap, describe, import_file, report_csv
from annotator.importing.spool import Spool
from annotator.messages import LANGUAGES, explain
from db.answers import decisions
from db.connection import rows
from db.people import annotators
from db.texts import batches, diaries
from db.texts.batches import Imported, NewDiary, Skip
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db import Database

SEED = "5eed" * 8


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "project.db"
    project.init(path, seed=SEED)
    opened = project.open_project(path)
    yield opened
    opened.close()


def is_untouched(db: Database) -> bool:
    tables = ("batches", "batch_skips", "diaries", "decisions", "annotators")
    return not any(rows(db, f"select 1 from {table}") for table in tables)


def table(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def test_a_file_with_everything_is_imported(db: Database) -> None:
    content = table("번호,일기,감정,날짜,작성자", "07,  기뻤다 ,행복,2024. 3. 1.,가람", "08,무섭다,,2024-03-02,")
    report = import_file(db, content, "folder/일기.csv")
    assert (report.file_name, report.format, report.encoding) == ("일기.csv", "csv", "utf-8")
    assert (report.row_count, report.kept_count, report.label_count, report.skips) == (2, 2, 1, ())
    assert report.columns == ColumnMap("일기", "감정", "날짜", "작성자")
    first = diaries.get_diary(db, 1)
    assert (first.text, first.written_on, first.author, first.source) == ("  기뻤다 ", "2024-03-01", "가람", "일기.csv")
    assert first.metadata == {"번호": "07"}
    batch = batches.list_batches(db)[0]
    assert (batch.row_count, batch.kept_count, batch.columns["label"]) == (2, 2, "감정")


def test_labels_become_decisions_of_the_importer(db: Database) -> None:
    content = table("text,label", "기뻤다, 행복 ", f"슬펐다,{unicodedata.normalize('NFD', '슬픔')}", "그랬다,  ")
    report = import_file(db, content, "a.csv")
    assert report.label_count == 2
    assert annotators.list_annotators(db) == [(1, "가져오기:a.csv")]
    assert decisions.count_by_label(db) == {2: 1, 5: 1}
    import_file(db, table("text,label", "화났다,분노"), "a.csv", importer="연구팀")
    assert annotators.list_annotators(db)[1:] == [(2, "연구팀")]


def test_unknown_labels_stop_the_import_with_their_counts(db: Database) -> None:
    content = table("text,label", "a,행복", "b,기쁨", "c,놀람", "d,기쁨", *(f"t{i},x{i}" for i in range(30)))
    with pytest.raises(UserError) as caught:
        import_file(db, content, "a.csv")
    assert caught.value.code == "import_ask_unknown"
    assert caught.value.details["count"] == 32
    assert str(caught.value.details["example"]).startswith("기쁨 (2), 놀람 (1), x0 (1)")
    assert str(caught.value.details["example"]).count("(") == 20
    assert all(explain(caught.value, language) for language in LANGUAGES)
    assert is_untouched(db)


def test_rows_without_a_usable_text_are_left_out_with_their_numbers(db: Database) -> None:
    content = table("text,n", "하나,1", " \u3000\u200b\u3164,2", ",3", "가나다라마바,4", "하나,5", "ㅎㅏㄴㅏ,6")
    report = import_file(db, content, "a.csv", max_characters=5)
    assert report.skips == (Skip(3, "empty"), Skip(4, "empty"), Skip(5, "too_long", "6"), Skip(6, "duplicate", "1"))
    assert (report.row_count, report.kept_count) == (6, 2)
    assert batches.list_skips(db, report.batch_id) == list(report.skips)


def test_texts_that_differ_in_form_or_margin_alone_are_duplicates(db: Database) -> None:
    import_file(db, table("text", "한글 일기"), "a.csv")
    again = import_file(db, table("text", f'" {unicodedata.normalize("NFD", "한글 일기")}\n"', "한글  일기"), "b.csv")
    assert again.skips == (Skip(2, "duplicate", "1"),)


def test_the_raw_text_is_stored_untouched(db: Database) -> None:
    text = f"\ufeff {unicodedata.normalize('NFD', '각')}\r\n\t\u00a0“=1+1” 🙂 \u2028끝\n"
    import_file(db, json.dumps({"text": text}).encode(), "a.jsonl")
    assert diaries.get_diary(db, 1).text == text


def test_characters_that_cannot_be_stored_leave_their_row_out(db: Database) -> None:
    texts = [{"text": "가"}, {"text": "나\0"}, {"text": "다\ud800"}, {"text": "라", "memo": "\udfff"}, {"text": "마"}]
    report = import_file(db, "\n".join(map(json.dumps, texts)).encode(), "a.jsonl")
    assert report.skips == tuple(Skip(i, "bad_character", c) for i, c in ((2, "text"), (3, "text"), (4, "memo")))
    assert report.kept_count == 2


def test_a_date_that_cannot_be_read_is_noted_and_kept_as_metadata(db: Database) -> None:
    content = table("text,date", "하나,2024-03-01", "둘,어제쯤", "하나,그제", "셋,")
    report = import_file(db, content, "a.csv", columns=ColumnMap("text", date="date"))
    assert report.notes == (Skip(3, "bad_date", "어제쯤"),)
    second = diaries.get_diary(db, 2)
    assert (second.written_on, second.metadata) == (None, {"date": "어제쯤"})


def test_ignored_columns_are_not_kept(db: Database) -> None:
    columns = ColumnMap("text", ignored=("phone",))
    import_file(db, table("text,phone,n", "하나,010,1"), "a.csv", columns=columns)
    assert diaries.get_diary(db, 1).metadata == {"n": "1"}


def test_the_callback_runs_in_the_same_transaction(db: Database) -> None:
    def fail(inner: Database, imported: Imported) -> None:
        assert (imported.kept_count, diaries.count_diaries(inner)) == (1, 1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        import_file(db, table("text", "하나"), "a.csv", after=fail)
    assert is_untouched(db)


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (table("text,b", *["하나,1"] * 200, "둘,1,2"), "a.csv", "import_row_ragged"),
        (table("text,b", *["하나,1"] * 200, '"둘'), "a.csv", "import_quotes_broken"),
        (table(*['{"text": "하나"}'] * 200, "{"), "a.jsonl", "import_json_broken"),
        (table("text", "하나") + b"\xff\xff\n", "a.csv", "import_encoding_none"),
    ],
)
def test_a_file_that_breaks_at_its_end_leaves_nothing_behind(
    db: Database, content: bytes, name: str, code: str
) -> None:
    with pytest.raises(UserError, match=code):
        import_file(db, content, name)
    assert is_untouched(db)


def test_a_database_without_settings_is_refused(tmp_path: Path) -> None:
    import db as database

    bare = database.create(tmp_path / "bare.db")
    with pytest.raises(UserError, match="project_not_set_up"):
        import_file(bare, table("text", "하나"), "a.csv")
    bare.close()


def test_the_part_depends_on_the_text_and_the_project_alone(db: Database, tmp_path: Path) -> None:
    lines = [f"{i}번째 날의 일기" for i in range(2_000)]
    import_file(db, table("text", *lines), "a.csv")
    project.init(tmp_path / "other.db", seed=SEED)
    other = project.open_project(tmp_path / "other.db")
    import_file(other, "\n".join(json.dumps({"일기": f" {line}"}) for line in reversed(lines)).encode(), "b.jsonl")
    parts = [{text.strip(): part for text, part in rows(d, "select text, part from diaries")} for d in (db, other)]
    other.close()
    assert parts[0] == parts[1]
    assert 320 < sum(part == "test" for part in parts[0].values()) < 480  # five deviations around 400


def test_a_file_larger_than_a_block_is_imported_in_order(db: Database) -> None:
    import_file(db, table("text", *(f"{i}일" for i in range(12_345))), "a.csv")
    assert diaries.get_diary(db, 12_345).text == "12344일"
    assert rows(db, "select row_number from diaries where id = 10001") == [(10_002,)]


def test_the_spool_gives_back_what_it_was_given_beyond_its_memory() -> None:
    given = [NewDiary(i, f"{i}\r\n가", bytes([i % 256]) * 16, None, "", "{}", "pool", i) for i in range(3_500)]
    with Spool(in_memory_bytes=10_000) as spool:
        for diary in given:
            spool.add(diary)
        assert list(spool) == given
        assert list(spool) == given


def test_the_report_names_rows_and_reasons_in_both_languages(db: Database) -> None:
    content = table("text,date", "하나,=1+1", "하나,", ",", "둘,2024-01-01")
    report = import_file(db, content, "a.csv", columns=ColumnMap("text", date="date"))
    written = {language: report_csv(report, language) for language in LANGUAGES}
    assert all(content.startswith(b"\xef\xbb\xbf") for content in written.values())
    assert list(csv.reader(io.StringIO(written["en"].decode("utf-8-sig")))) == [
        ["Row", "Outcome", "Reason"],
        ["2", "imported", "Imported without its date, which could not be read: =1+1"],
        ["3", "left out", "Same text as diary 1, and it says nothing new"],
        ["4", "left out", "The text is empty"],
    ]
    assert "1번 일기와 글이 같고" in written["ko"].decode("utf-8-sig")


@pytest.mark.parametrize("reason", ["empty", "too_long", "duplicate", "joined", "bad_character", "bad_date"])
def test_every_reason_has_words(reason: str) -> None:
    assert len({describe(Skip(1, reason, "7"), language) for language in LANGUAGES}) == 2


def test_every_error_code_has_a_sentence_in_both_languages() -> None:
    import re

    from annotator.messages import catalogue

    folders = [ROOT / "annotator" / name for name in ("importing", "formats")]
    sources = [path.read_text("utf-8") for folder in folders for path in folder.rglob("*.py")]
    codes = {code for source in sources for code in re.findall(r'"(import_[a-z_0-9]+)"', source)} - {
        "import_file",
        "import_files",
        "import_id",
    }
    assert len(codes) > 25
    for language in LANGUAGES:
        assert {f"error.{code}" for code in codes} <= set(catalogue(language))
