"""Files as they come out of other hands: put together, counted up, decorated, half submitted, further to the right."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from annotator.formats.json import read_array
from annotator.formats.source import open_source
from annotator.formats.table import ReadOptions
from annotator.importing import ImportQuestions, import_file
from db.connection import rows

if TYPE_CHECKING:
    from db import Database

RAIN, SPEECH = "오늘은 종일 비가 왔다.", "발표를 망쳤다 정말."


def stored(db: Database) -> list[tuple[Any, ...]]:
    sql = """
        select y.text, l.name from diaries y left join standing s on s.diary_id = y.id
            left join labels l on l.id = s.label_id order by y.id
    """
    return rows(db, sql)


@pytest.mark.parametrize("again", ["text,label", "\ufefftext,label", "text,"])
def test_column_names_that_come_once_more_are_no_diary(opened: Database, again: str) -> None:
    content = f"text,label\n{RAIN},행복\n{again}\n{SPEECH},당황\n"
    report = import_file(opened, content.encode(), "a.csv")
    assert [(skip.row_number, skip.reason) for skip in report.skips] == [(3, "heading")]
    assert stored(opened) == [(RAIN, "행복"), (SPEECH, "당황")]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.txt"])
def test_marks_that_begin_joined_files_are_in_no_diary_and_break_no_quotes(opened: Database, name: str) -> None:
    between = "\t" if name == "a.tsv" else ","
    tables = [f'text{between}label\n"{RAIN}"{between}행복\n', f'"{SPEECH}"{between}당황\n']
    records = [json.dumps({"text": text, "label": label}) + "\n" for text, label in ((RAIN, "행복"), (SPEECH, "당황"))]
    parts = {"a.jsonl": records, "a.txt": [f"{RAIN}\n", f"{SPEECH}\n"]}.get(name, tables)
    joined = "".join("\ufeff" + part for part in parts).encode()
    import_file(opened, joined, name, reading=ReadOptions(lines="each"))
    labels = (None, None) if name == "a.txt" else ("행복", "당황")
    assert stored(opened) == [(RAIN, labels[0]), (SPEECH, labels[1])]


@pytest.mark.parametrize("total", ["총 2건", "합계: 2", "Total: 2", "총합 (1000)", "전체 2명"])
def test_a_total_with_its_figure_is_asked_about(opened: Database, total: str) -> None:
    with pytest.raises(ImportQuestions) as caught:
        import_file(opened, f"text\n{RAIN}\n{total}\n".encode(), "a.csv")
    assert [(each.kind, each.counts) for each in caught.value.questions] == [("totals", (1, 1))]


@pytest.mark.parametrize("text", ["3월 2일 비", "총명한 아이를 만났다", "평균 2번은 운다", "2024", ":3"])
def test_a_short_diary_with_a_figure_is_no_total(opened: Database, text: str) -> None:
    assert import_file(opened, f"text\n{RAIN}\n{text}\n".encode(), "a.csv").kept_count == 2


@pytest.mark.parametrize("written", ["1:행복", "2. 행복", "(3) 행복", "#행복", "[행복]", '""행복""', "행복."])
def test_what_lists_put_around_a_label_is_no_part_of_it(opened: Database, written: str) -> None:
    report = import_file(opened, f'text,label\n{RAIN},"{written}"\n'.encode(), "a.csv")
    assert stored(opened) == [(RAIN, "행복")]
    assert [note.reason for note in report.notes] in (["label_trimmed"], [])


@pytest.mark.parametrize("written", ["NaN", "null", "N/A", "<NA>"])
def test_what_programs_write_for_nothing_is_no_label(opened: Database, written: str) -> None:
    import_file(opened, f"text,label\n{RAIN},{written}\n{SPEECH},당황\n".encode(), "a.csv")
    assert stored(opened) == [(RAIN, None), (SPEECH, "당황")]


@pytest.mark.parametrize(
    "items",
    [
        [
            {"talk": {"content": {"text": RAIN}}, "label": "행복"},
            {"talk": {"content": {"text": SPEECH}}, "label": "당황"},
        ],
        [{"text": RAIN, "label": {"id": 1, "name": "행복"}}, {"text": SPEECH, "label": {"id": 2, "name": "당황"}}],
    ],
)
def test_objects_within_objects_are_read(opened: Database, items: list[dict[str, Any]]) -> None:
    import_file(opened, json.dumps({"data": {"rows": items}}).encode(), "a.json")
    assert stored(opened) == [(RAIN, "행복"), (SPEECH, "당황")]


def test_a_total_whose_word_stands_in_another_column_is_asked_about(opened: Database) -> None:
    with pytest.raises(ImportQuestions) as caught:
        import_file(opened, f"번호,text\n1,{RAIN}\n합계,1건\n".encode(), "a.csv")
    assert [each.kind for each in caught.value.questions] == ["totals"]


def test_a_person_whose_column_holds_something_else_than_labels_is_asked_about(opened: Database) -> None:
    with pytest.raises(ImportQuestions) as caught:
        import_file(opened, f"text,평가자1,평가자2\n{RAIN},행복,슬픔\n{SPEECH},당황,모름\n".encode(), "a.csv")
    assert [(each.kind, each.example) for each in caught.value.questions] == [("unknown", "모름 (1)")]


@pytest.mark.parametrize("dates", [("03/05/2024", "12/25/2024"), ("24.3.5", "24.3.6"), ("45352", "2024-02-30")])
def test_dates_whose_order_is_unclear_are_listed_one_by_one(opened: Database, dates: tuple[str, str]) -> None:
    report = import_file(opened, f"text,날짜\n{RAIN},{dates[0]}\n{SPEECH},{dates[1]}\n".encode(), "a.csv")
    assert [(note.reason, note.detail) for note in report.notes] == [("bad_date", date) for date in dates]
    assert rows(opened, "select metadata ->> '날짜' from diaries order by id") == [(date,) for date in dates]


@pytest.mark.parametrize("gap", range(65_500, 65_540, 3))
def test_half_of_a_surrogate_pair_in_a_list_leaves_its_row_out(gap: int) -> None:
    texts = ["가" * (gap // 3), r"\ud83d\ude00", r"\\ud83d", r"\ud83d 반쪽", r"\ude00 반쪽", "끝"]
    content = "[" + ",".join(f'{{"text": "{text}"}}' for text in texts) + "]"
    texts_read = [item["text"] for _, item in read_array.objects(open_source(content.encode(), "a.json"), "utf-8")]
    assert texts_read == ["가" * (gap // 3), "😀", r"\ud83d", "\0 반쪽", "\0 반쪽", "끝"]


def test_tables_whose_columns_stand_in_another_order_belong_together(opened: Database) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.csv", f"text,label\n{RAIN},행복\n")
        archive.writestr("b.csv", f"label,text\n당황,{SPEECH}\n")
    import_file(opened, file.getvalue(), "a.zip")
    assert stored(opened) == [(RAIN, "행복"), (SPEECH, "당황")]


def test_a_table_of_tabs_in_an_archive_is_no_diary(opened: Database) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", f"text\tlabel\n{RAIN}\t행복\n".encode("utf-16"))
    import_file(opened, file.getvalue(), "a.zip")
    assert stored(opened) == [(RAIN, "행복")]


def test_what_nobody_has_submitted_is_no_decision_and_is_named(opened: Database) -> None:
    responses = {"emotion": [{"value": "행복", "user_id": "u1", "status": "draft"}]}
    record = {"id": "1", "fields": {"text": RAIN}, "suggestions": {}, "responses": responses}
    argilla = import_file(opened, json.dumps([record]).encode(), "argilla.json")
    result = [{"type": "choices", "from_name": "s", "to_name": "text", "value": {"choices": ["행복"]}}]
    task = {"id": 1, "data": {"text": SPEECH}, "annotations": [], "drafts": [{"result": result}]}
    studio = import_file(opened, json.dumps([task]).encode(), "studio.json")
    assert stored(opened) == [(RAIN, None), (SPEECH, None)]
    assert [note.detail for report in (argilla, studio) for note in report.notes] == ["drafts", "drafts"]


def test_label_studio_renumbers_annotations_and_their_people_are_still_known(opened: Database) -> None:
    beside = {"diary_id": 1, "file_hash": "a", "imported_at": "b", "soft_label": None, "people": {"41": "가람"}}
    result = [{"type": "choices", "from_name": "s", "to_name": "text", "value": {"choices": ["행복"]}}]
    ours = {"id": 7, "import_id": 41, "completed_by": 1, "result": result}
    theirs = {"id": 41, "import_id": None, "completed_by": 2, "result": result}
    task = {"id": 1, "data": {"text": RAIN, **beside}, "annotations": [ours, theirs]}
    import_file(opened, json.dumps([task]).encode(), "studio.json")
    names = rows(opened, "select a.name from standing s join annotators a on a.id = s.annotator_id order by a.id")
    assert names == [("가져오기:마음결 · 가람",), ("가져오기:Label Studio · 2",)]
