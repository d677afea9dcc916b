"""Files as people really have them: each case that was reported of this trade's tools, with its right value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from annotator import project
from annotator.errors import UserError
from annotator.importing import (
    Choices,
    ColumnMap,
    ImportQuestions,
    NamedColumns,
    ReadOptions,
    import_file,
    preview,
    summary,
)
from annotator.label_sets import crosswalks, definitions, editing
from annotator.messages import LANGUAGES, explain
from db.connection import rows
from db.people import annotators
from db.stats import agreement
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database

CASES = ROOT / "tests" / "golden" / "cases"

SIX = ["행복", "분노", "불안", "슬픔", "중립", "당황"]


def given(db: Database) -> list[tuple[Any, ...]]:
    """Return the first word of each diary, with who says what of it, oldest diary first."""
    sql = """
        select y.id, a.name, coalesce(l.name, s.kind) from diaries y
            left join standing s on s.diary_id = y.id left join annotators a on a.id = s.annotator_id
            left join labels l on l.id = s.label_id order by y.id, s.decision_id
    """
    return rows(db, sql)


def labels_of(db: Database) -> list[str | None]:
    return [label for _, _, label in given(db)]


def read(db: Database, name: str, **how: Any) -> Any:
    path = CASES / name
    return import_file(db, path, path.name, **how)


def asked(db: Database, name: str, **how: Any) -> ImportQuestions:
    with pytest.raises(ImportQuestions) as caught:
        read(db, name, **how)
    assert not rows(db, "select 1 from batches union all select 1 from diaries")
    assert all(explain(caught.value, language) for language in LANGUAGES)
    return caught.value


def refused(name: str) -> str:
    path = CASES / name
    with pytest.raises(UserError) as caught:
        preview(path, path.name)
    return caught.value.code


def test_another_label_for_the_same_text_is_named_with_both(opened: Database) -> None:
    report = read(opened, "01-duplicate-text-conflicting-labels/in.csv")
    assert [(skip.row_number, skip.reason, skip.detail) for skip in report.left_out] == [
        (3, "conflict", "1 · 행복 → 슬픔"),
        (5, "duplicate", "2"),
    ]
    assert labels_of(opened) == ["행복", "분노"]


def test_another_label_for_the_same_text_counts_as_a_second_opinion_by_choice(opened: Database) -> None:
    for _ in range(2):  # and the file may come again
        report = read(opened, "01-duplicate-text-conflicting-labels/in.csv", choices=Choices(several_opinions=True))
    assert labels_of(opened) == ["행복", "슬픔", "분노"]
    assert {skip.reason for skip in report.left_out} == {"duplicate"}


def test_what_cannot_be_seen_is_no_part_of_a_label(opened: Database) -> None:
    report = read(opened, "02-label-form/in.csv")
    assert labels_of(opened) == ["행복", "분노", "불안", "슬픔", "중립", "당황", "행복"]
    assert {note.reason for note in report.notes} == {"label_trimmed"}


def test_labels_that_are_figures_meet_however_they_are_written(tmp_path: Path) -> None:
    labels = definitions.read_labels(CASES / "03-numeric-labels" / "labels.csv")
    project.init(tmp_path / "project.db", labels=labels)
    with project.opened(tmp_path / "project.db") as db:
        read(db, "03-numeric-labels/in.csv")
        assert labels_of(db) == ["0", "1"] * 3


@pytest.mark.parametrize(("name", "count"), [("in.csv", 6), ("short.csv", 2)])
def test_empty_cells_at_the_end_of_a_row_may_lack_or_abound(opened: Database, name: str, count: int) -> None:
    report = read(opened, f"06-trailing-comma/{name}")
    assert (report.kept_count, labels_of(opened)) == (count, SIX[:count])


@pytest.mark.parametrize("name", ["07-delimiters/pipe.csv", "07-delimiters/sep.csv", "20-xls-ods/html.xls"])
@pytest.mark.parametrize("again", [0, 1])
def test_tables_are_read_however_their_values_are_separated(opened: Database, name: str, again: int) -> None:
    for _ in range(1 + again):
        read(opened, name)
    assert labels_of(opened) == SIX


@pytest.mark.parametrize(
    "name",
    ["09-json-quirks/wrapped.json", "20-xls-ods/in.ods", "18-excel-sheets/months.xlsx", "22-parquet/list.parquet"],
)
def test_other_containers_hold_the_same_diaries(opened: Database, name: str) -> None:
    report = read(opened, name)
    assert labels_of(opened) == SIX
    assert (report.kept_count, report.decision_count, report.skips) == (6, 6, ())


def test_times_of_day_behind_a_date_are_read(opened: Database) -> None:
    report = read(opened, "08-date-forms/in.csv")
    unread = {note.detail for note in report.notes if note.reason == "bad_date"}
    assert unread == {"24.03.05", "3/5/2024", "1709619120", "2024-03", "２０２４-０３-０５"}
    dates = {date for (date,) in rows(opened, "select written_on from diaries where written_on is not null")}
    assert dates == {"2024-03-05"}


def test_json_that_pandas_writes_has_its_rows(opened: Database) -> None:
    read(opened, "09-json-quirks/pandas_default.json")
    assert rows(opened, "select count(*), min(written_on) from diaries") == [(6, "2024-03-05")]


def test_the_corpus_of_ai_hub_is_read_from_its_json(opened: Database) -> None:
    read(opened, "09-json-quirks/aihub.json")
    assert rows(opened, "select text from diaries where id = 1") == [
        ("오늘은 친구와 한강을 걸어서 마음이 참 가벼웠다. 네, 그래요.",)
    ]


def test_nan_is_no_diary(opened: Database) -> None:
    report = read(opened, "09-json-quirks/nan_text.jsonl")
    assert [(skip.row_number, skip.reason) for skip in report.left_out] == [(1, "empty")]
    assert report.kept_count == 1


def test_several_labels_in_a_cell_are_asked_about(opened: Database) -> None:
    for name, count in (("15-several-labels-in-a-cell/in.csv", 2), ("24-label-studio-csv/multi.csv", 4)):
        [question] = asked(opened, name).questions
        assert (question.kind, question.count, question.options) == ("several", count, ("all", "first", "none"))


@pytest.mark.parametrize(
    ("choice", "labels"),
    [("first", ["행복", "분노", "불안", "슬픔"]), ("none", [None, None, "불안", "슬픔"])],
)
def test_several_labels_in_a_cell_end_as_chosen(opened: Database, choice: Any, labels: list[str | None]) -> None:
    read(opened, "15-several-labels-in-a-cell/in.csv", choices=Choices(several=choice))
    assert labels_of(opened) == labels


def test_with_several_emotions_on_all_of_a_cell_count(opened: Database) -> None:
    from annotator import settings

    settings.change(opened, several_labels=True)
    read(opened, "24-label-studio-csv/multi.csv")
    sql = "select l.name from decision_labels f join labels l on l.id = f.label_id"
    assert rows(opened, sql) == [("당황",)] * 4


def test_a_merged_cell_counts_for_all_its_rows(opened: Database) -> None:
    read(opened, "17-excel-merged/merged_label.xlsx")
    assert labels_of(opened) == ["행복"] * 3 + ["분노"] * 3


def test_one_sheet_can_be_chosen_and_the_others_are_named(opened: Database) -> None:
    report = read(opened, "18-excel-sheets/months.xlsx", reading=ReadOptions(sheets=("4월",)))
    assert (report.kept_count, report.sheet, report.other_sheets) == (3, "4월", ("3월",))


def test_error_cells_are_said(opened: Database) -> None:
    report = read(opened, "19-excel-cells/errors.xlsx")
    assert [(skip.row_number, skip.reason, skip.detail) for skip in report.left_out] == [(3, "error_cell", "일기")]
    assert [(note.row_number, note.reason, note.detail) for note in report.notes] == [(2, "error_cell", "감정")]


def test_columns_that_are_called_like_labels_hold_them(opened: Database) -> None:
    read(opened, "19-excel-cells/one_hot.xlsx")
    assert labels_of(opened) == SIX


def test_a_heading_of_two_rows_names_the_columns_and_people(opened: Database) -> None:
    report = read(opened, "19-excel-cells/two_row_header.xlsx")
    assert report.columns == ColumnMap("일기", date="날짜", people=("평가자1", "평가자2"))
    assert report.decision_count == 12
    assert len(agreement.list_answers(opened)) == 12
    assert given(opened)[2:4] == [(2, "가져오기:표 · 평가자1", "분노"), (2, "가져오기:표 · 평가자2", "불안")]


def test_class_numbers_are_read_by_their_names(opened: Database) -> None:
    read(opened, "22-parquet/classlabel.parquet")
    assert labels_of(opened) == [*SIX[:5], None]


def test_a_document_of_hangul_is_named_for_what_it_is() -> None:
    assert refused("23-office-files/일기.hwp") == "import_file_hwp"


def test_the_marked_words_decide_where_a_mark_is(opened: Database) -> None:
    read(opened, "25-span-offsets-emoji/label_studio.json")
    sql = """
        select substr(y.text, r.span_start + 1, r.span_end - r.span_start) from rationales r
            join diaries y on y.id = r.diary_id
    """
    assert rows(opened, sql) == [("기뻤다",)]


@pytest.mark.parametrize(("name", "labels"), [("null_label", ["행복", None]), ("string_label", ["행복", "분노"])])
def test_doccano_labels_may_be_null_or_one_text(opened: Database, name: str, labels: list[str | None]) -> None:
    read(opened, f"27-doccano-quirks/{name}.jsonl")
    assert labels_of(opened) == labels


def test_settings_files_are_read_in_cp949_and_as_lists_of_names() -> None:
    folder = CASES / "29-names-and-paths"
    in_cp949 = definitions.read_labels(folder / "labels_cp949.csv")
    assert [(label.name, label.definition) for label in in_cp949] == [("기쁨", "즐겁다"), ("서운함", "아쉽다")]
    assert [label.name for label in definitions.read_labels(folder / "labels_list.json")] == ["기쁨", "서운함"]
    assert crosswalks.read(str(folder / "cw_cp949.csv")).targets() == {"기쁨": "행복", "서운함": "슬픔"}


@pytest.mark.parametrize(
    "content",
    [
        "라벨;정의\n기쁨;즐겁다\n서운함;아쉽다\n".encode("utf-8-sig"),
        "sep=;\r\n이름;설명\r\n기쁨;즐겁다\r\n서운함;아쉽다\r\n".encode("cp949"),
        "라벨\t뜻\n기쁨\t즐겁다\n서운함\t아쉽다\n".encode("utf-16"),
    ],
)
def test_settings_files_may_have_korean_headings_and_other_delimiters(content: bytes) -> None:
    labels = definitions.read_label_bytes(content, "labels.csv")
    assert [(label.name, label.definition) for label in labels] == [("기쁨", "즐겁다"), ("서운함", "아쉽다")]


def test_the_old_name_of_a_label_is_understood_and_said(opened: Database) -> None:
    me = annotators.get_or_create_id(opened, "가람")
    happy = next(label for label in editing.list_labels(opened) if label.name == "행복")
    editing.edit(opened, {happy.id: {"name": "기쁨"}}, annotator_id=me)
    report = read(opened, "31-label-lifecycle/old_name.csv")
    assert labels_of(opened) == ["기쁨"]
    assert [(note.reason, note.detail) for note in report.notes] == [("label_former", "행복 → 기쁨")]


def test_labels_that_come_back_are_added_and_corrections_supersede(opened: Database) -> None:
    read(opened, "32-edit-export-in-excel/in.csv")
    content = (CASES / "32-edit-export-in-excel" / "in.csv").read_text("utf-8").splitlines()
    edited = "\n".join([content[0], content[1].replace("행복", "중립"), content[2] + "분노", content[3] + "불안"])
    report = import_file(opened, edited.encode("cp949"), "in.csv")
    assert labels_of(opened) == ["중립", "분노", "불안"]
    assert (report.kept_count, report.joined_count, report.superseding_count, len(report.left_out)) == (0, 2, 1, 0)
    assert "2개" in summary(report, "ko")


def test_labels_that_come_back_in_another_file_are_asked_about(opened: Database) -> None:
    read(opened, "32-edit-export-in-excel/in.csv")
    edited = "text,label\n오늘은 친구와 한강을 걸어서 마음이 참 가벼웠다.,중립\n".encode()
    with pytest.raises(ImportQuestions) as caught:
        import_file(opened, edited, "고친 것.csv")
    assert [(each.kind, each.count) for each in caught.value.questions] == [("again", 1)]
    assert "행복 → 중립" in explain(caught.value, "ko")
    assert labels_of(opened) == ["행복", None, None]
    kept = import_file(opened, edited, "고친 것.csv", choices=Choices(again="keep"))
    assert [skip.reason for skip in kept.left_out] == ["conflict"]
    import_file(opened, edited, "고친 것.csv", choices=Choices(again="correct"))
    assert labels_of(opened) == ["중립", None, None]
    import_file(opened, edited.replace("중립".encode(), "슬픔".encode()), "셋째.csv", choices=Choices(again="add"))
    assert labels_of(opened) == ["중립", "슬픔", None, None]


def test_weekly_exports_are_of_one_person_whose_newest_decision_counts(opened: Database) -> None:
    first, second = sorted((CASES / "33-weekly-exports").iterdir())
    import_file(opened, first, first.name)
    report = import_file(opened, second, second.name)
    assert (report.kept_count, report.superseding_count, len(report.left_out)) == (2, 1, 3)
    assert {name for _, name, _ in given(opened)} == {"가져오기:Label Studio 7 · gaon@example.org"}
    assert labels_of(opened) == ["중립", "분노", "불안", "슬픔", "중립", "당황"]
    assert len(agreement.list_answers(opened)) == 0


def test_trailing_cells_that_excel_leaves_out_are_empty(opened: Database) -> None:
    assert read(opened, "36-excel-csv-quirks/excel_trailing.csv").kept_count == 20


def test_a_column_whose_every_value_is_a_label_is_one(opened: Database) -> None:
    report = read(opened, "36-excel-csv-quirks/head5.csv")
    assert (report.columns.label, labels_of(opened)) == ("분류", SIX[:4])


def test_a_file_without_a_heading_loses_no_row(opened: Database) -> None:
    [question] = asked(opened, "36-excel-csv-quirks/no_header.csv").questions
    assert (question.kind, question.options) == ("heading", ("none", "first"))
    assert "column_1" not in question.example, "the question shows what stands in the row"
    read(opened, "36-excel-csv-quirks/no_header.csv", reading=ReadOptions(heading=0))
    assert labels_of(opened) == SIX[:4]


def test_a_nul_costs_its_row_alone(opened: Database) -> None:
    report = read(opened, "37-nul/nul_in_memo.csv")
    assert (report.kept_count, [(skip.reason, skip.detail) for skip in report.left_out]) == (
        299,
        [("bad_character", "memo")],
    )


def test_a_folder_of_texts_has_a_diary_in_each(opened: Database) -> None:
    folder = CASES / "39-txt-folder"
    assert import_file(opened, folder, folder.name).kept_count == 3
    assert rows(opened, "select written_on, text from diaries order by id")[0] == (
        "2024-03-01",
        "3월 1일 일기. 오늘은 친구와 한강을 걸었다.\n바람이 시원했다.",
    )


def test_any_number_of_labels_can_be_used(tmp_path: Path) -> None:
    labels = definitions.read_labels(CASES / "44-many-labels" / "labels.json")
    assert len(labels) == 44
    project.init(tmp_path / "project.db", labels=labels)
    with project.opened(tmp_path / "project.db") as db:
        stored = editing.list_labels(db)
        keys = [definitions.shown_key(label) for label in stored]
        assert (len(stored), keys[0], keys[43]) == (44, "1", "")
        import_file(db, "text,label\n오늘은 긴 하루였다,감정43\n".encode(), "a.csv")
        assert labels_of(db) == ["감정43"]


def test_an_option_adds_to_what_is_guessed(opened: Database) -> None:
    content = "text,label,name\n오늘은 긴 하루였다,행복,가람\n".encode()
    columns = NamedColumns(ColumnMap(None, author="name"))
    assert import_file(opened, content, "a.csv", columns=columns).columns == ColumnMap("text", "label", author="name")
    assert labels_of(opened) == ["행복"]


@pytest.mark.parametrize("name", ["merged.xls", "merged_further_down.xls"])
def test_merged_cells_of_a_workbook_of_excel_97_count_for_all_their_rows(opened: Database, name: str) -> None:
    read(opened, f"17-excel-merged/{name}")
    assert labels_of(opened) == ["행복", "행복", "당황", "중립"]
    dates = rows(opened, "select written_on from diaries order by id")
    assert [date for (date,) in dates] == ["2024-03-05", "2024-03-05", "2024-03-06", "2024-03-06"]
