"""Stored files of every encoding and format are read alike; broken ones are refused by row, and nothing is kept."""

from __future__ import annotations

import codecs
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from annotator import project
from annotator.cli.main import cli
from annotator.errors import UserError
from annotator.formats.csv.read import refuse_long_lines
from annotator.formats.json import read_array
from annotator.formats.source import open_source
from annotator.formats.table import ColumnMap, ReadOptions
from annotator.importing import Choices, import_file, preview
from annotator.messages import LANGUAGES, explain
from db.connection import rows
from db.people import annotators
from db.texts import diaries
from tests.conftest import ROOT

if TYPE_CHECKING:
    from typing import Any

    from db import Database

GOLDEN = ROOT / "tests" / "golden" / "importing"

ALL = Choices(several="all")

TEXTS = [
    "오늘은 종일 비가 왔다. 우산을 나눠 쓴 친구가 고마웠다.",
    "발표를 망쳤다. 머릿속이 하얘져서 한마디도 못 했다.",
    "아무 일도 없는 하루였다. 빨래를 개고 일찍 누웠다.",
]


def stored(db: Database) -> list[str]:
    return [text for (text,) in rows(db, "select text from diaries order by id")]


def decided(db: Database) -> list[tuple[Any, ...]]:
    """Return text place, who, kind, label, further labels, memo, intensity of every decision."""
    sql = """
        select d.diary_id, a.name, d.kind, l.name, (select group_concat(o.name) from decision_labels f
            join labels o on o.id = f.label_id where f.decision_id = d.id), d.memo, d.intensity
        from decisions d join annotators a on a.id = d.annotator_id left join labels l on l.id = d.label_id
        order by d.id
    """
    return rows(db, sql)


def marked(db: Database) -> list[tuple[Any, ...]]:
    """Return the words, the person and the label of every mark."""
    sql = """
        select substr(y.text, r.span_start + 1, r.span_end - r.span_start), a.name, l.name, r.verdict
        from rationales r join diaries y on y.id = r.diary_id join annotators a on a.id = r.annotator_id
            join labels l on l.id = r.label_id order by r.id
    """
    return rows(db, sql)


@pytest.mark.parametrize("path", sorted((GOLDEN / "encodings").iterdir()), ids=lambda path: path.name)
def test_every_encoding_gives_the_same_diaries(opened: Database, path: Path) -> None:
    forced = "johab" if path.stem == "johab" else None  # nothing tells it from a damaged file
    report = import_file(opened, path, path.name, reading=ReadOptions(encoding=forced))
    assert codecs.lookup(str(report.encoding)).name in {
        codecs.lookup(name).name for name in (path.stem.removesuffix("-bom"), "utf-16", "cp949")
    }
    assert stored(opened) == TEXTS
    assert [row[3] for row in decided(opened)] == ["행복", "당황", "중립"]


def test_johab_is_not_taken_for_another_encoding() -> None:
    with pytest.raises(UserError, match="import_encoding_none"):
        preview(GOLDEN / "encodings" / "johab.csv", "johab.csv")


@pytest.mark.parametrize("name", ["csv", "tsv", "json", "jsonl", "xlsx", "parquet"])
def test_every_table_gives_the_same_diaries(opened: Database, name: str) -> None:
    path = GOLDEN / "formats" / f"table.{name}"
    report = import_file(opened, path, path.name)
    assert report.format == {"xlsx": "excel"}.get(name, name)
    assert stored(opened) == TEXTS
    assert [row[1:4] for row in decided(opened)] == [
        (f"가져오기:table.{name}", "label", label) for label in ("행복", "당황", "중립")
    ]


def test_a_folder_of_datasets_is_read_with_its_splits_and_the_names_of_its_classes(opened: Database) -> None:
    report = import_file(opened, GOLDEN / "formats" / "datasets", "datasets")
    assert (report.format, report.kept_count, report.file_name) == ("datasets", 3, "datasets")
    assert stored(opened) == TEXTS
    assert [row[3] for row in decided(opened)] == ["행복", "당황", "중립"]
    assert [diaries.get_diary(opened, i).metadata["split"] for i in (1, 2, 3)] == ["train", "train", "test"]


def test_one_split_of_a_folder_can_be_asked_for(opened: Database) -> None:
    folder = GOLDEN / "formats" / "datasets"
    assert import_file(opened, folder, "datasets", reading=ReadOptions(split="test")).kept_count == 1
    with pytest.raises(UserError, match="import_split_missing"):
        import_file(opened, folder, "datasets", reading=ReadOptions(split="dev"))
    with pytest.raises(UserError, match="import_split_unknown"):
        preview(GOLDEN / "formats" / "table.csv", "table.csv", reading=ReadOptions(split="test"))


def test_a_name_on_the_hub_is_asked_for_only_where_the_hub_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError) as caught:
        preview(Path("hf:nobody/no-such-diaries"), "hf:nobody/no-such-diaries")
    assert (caught.value.code, caught.value.details["name"]) == ("import_hub_offline", "nobody/no-such-diaries")


def test_an_upload_that_is_called_like_a_name_on_the_hub_is_a_file() -> None:
    assert preview(b"text,b\nx,1\n", "hf:owner/name.csv").columns == ("text", "b")


@pytest.mark.parametrize("name", ["label_studio.json", "label_studio.jsonl"])
def test_label_studio_keeps_each_persons_decision(opened: Database, name: str) -> None:
    report = import_file(opened, GOLDEN / "formats" / name, name)
    garam, naru = "가져오기:Label Studio · 가람", "가져오기:Label Studio · 나루"
    assert (report.format, report.kept_count, report.label_count, report.skips) == ("label_studio", 3, 2, ())
    assert stored(opened) == TEXTS
    assert decided(opened) == [
        (1, garam, "label", "행복", None, "", 4),
        (1, naru, "label", "중립", None, "", None),
        (2, garam, "label", "당황", None, "말문이 막힘", None),
        (3, naru, "skip", None, None, "", None),
    ]
    assert marked(opened) == [("고마웠다", garam, "행복", "right")]
    first = diaries.get_diary(opened, 1)
    assert first.written_on == "2026-03-02"
    assert first.metadata == {
        "task_id": "1",
        "prediction": "행복",
        "prediction_score": "0.7",
        "prediction_model": "m1",
    }


def test_the_decisions_of_several_people_count_for_agreement(opened: Database) -> None:
    from db.stats import agreement

    import_file(opened, GOLDEN / "formats" / "label_studio.json", "label_studio.json")
    assert agreement.list_answers(opened).diary_ids.tolist() == [1, 1]


def test_json_min_adds_the_second_persons_choice_to_the_first_ones_diary(opened: Database) -> None:
    report = import_file(opened, GOLDEN / "formats" / "label_studio_min.json", "min.json", choices=ALL)
    assert [(skip.row_number, skip.reason, skip.detail) for skip in report.skips] == [(2, "joined", "1")]
    assert [row[:5] for row in decided(opened)] == [
        (1, "가져오기:Label Studio · 1", "label", "행복", None),
        (1, "가져오기:Label Studio · 2", "label", "행복", "중립"),
        (2, "가져오기:Label Studio · 1", "label", "당황", None),
    ]
    assert marked(opened) == [("고마웠다", "가져오기:Label Studio · 1", "행복", "right")]


def test_doccano_lists_are_labels_and_spans_are_marks(opened: Database) -> None:
    import_file(opened, GOLDEN / "formats" / "doccano.jsonl", "doccano.jsonl", choices=ALL)
    assert [row[:5] for row in decided(opened)] == [
        (1, "가져오기:doccano.jsonl", "label", "행복", None),
        (2, "가져오기:doccano.jsonl", "label", "당황", "불안"),
    ]
    assert diaries.get_diary(opened, 2).metadata == {"id": "2", "Comments": '["다시 보기"]'}


def test_doccano_spans_alone_are_no_decision(opened: Database) -> None:
    report = import_file(opened, GOLDEN / "formats" / "doccano_spans.jsonl", "s.jsonl")
    assert (report.kept_count, report.label_count, decided(opened)) == (2, 0, [])
    assert [row[:3:2] for row in marked(opened)] == [("고마웠다", "행복"), ("발표를 망쳤다", "당황")]


def test_argilla_records_keep_everybodys_answers(opened: Database) -> None:
    import_file(opened, GOLDEN / "formats" / "argilla.json", "argilla.json")
    one, two = (f"가져오기:Argilla · 6a1e7f00-0000-4000-8000-00000000000{i}" for i in (1, 2))
    assert [row[:4] for row in decided(opened)] == [
        (1, one, "label", "행복"),
        (1, two, "label", "중립"),
        (2, one, "skip", None),
    ]
    assert marked(opened) == [("고마웠다", one, "행복", "right")]
    assert diaries.get_diary(opened, 1).metadata["prediction"] == "행복"


def test_feedback_records_of_argilla_1_are_read(opened: Database) -> None:
    import_file(opened, GOLDEN / "formats" / "argilla_feedback.json", "a.json")
    assert [(row[3], row[5]) for row in decided(opened)] == [("행복", ""), ("중립", "담담함")]


def test_prodigy_answers_are_accepted_rejected_and_ignored(opened: Database) -> None:
    report = import_file(opened, GOLDEN / "formats" / "prodigy.jsonl", "p.jsonl")
    assert [(skip.row_number, skip.reason) for skip in report.skips] == [(2, "joined"), (5, "joined")]
    assert [row[:4] for row in decided(opened)] == [
        (1, "가져오기:Prodigy · 가람", "label", "행복"),
        (1, "가져오기:Prodigy · 나루", "label", "중립"),
        (3, "가져오기:Prodigy · 가람", "label", "중립"),
        (3, "가져오기:Prodigy · 나루", "skip", None),
    ]
    assert diaries.get_diary(opened, 2).metadata == {"rejected": "행복"}
    assert marked(opened) == [("아무 ", "가져오기:Prodigy · 가람", "중립", "right")]


def test_a_docbin_gives_categories_and_entities(opened: Database) -> None:
    pytest.importorskip("annotator.formats.spacy_docbin.library")
    report = import_file(opened, GOLDEN / "formats" / "docs.spacy", "docs.spacy")
    assert (report.format, report.kept_count) == ("spacy", 4)
    assert stored(opened)[:3] == TEXTS
    assert [row[3] for row in decided(opened)] == ["행복", "당황", "중립"]
    assert [row[:3:2] for row in marked(opened)] == [("와서 울었다", "슬픔")]


def test_a_workbook_of_ai_hub_is_known_by_its_columns(opened: Database) -> None:
    from annotator.label_sets import crosswalks

    path = GOLDEN / "formats" / "aihub.xlsx"
    seen = preview(path, path.name)
    assert seen.guess == ColumnMap("사람문장1", "감정_대분류", more_text=("사람문장2",))
    import_file(opened, path, path.name, crosswalk=crosswalks.read("aihub"))
    assert stored(opened)[0] == "친구가 우산을 나눠 씌워 줬어. 응, 정말 고마웠어."
    assert [row[3] for row in decided(opened)] == ["행복", "슬픔"]
    assert "사람문장2" not in diaries.get_diary(opened, 1).metadata


def test_a_third_sentence_is_joined_where_there_is_one(opened: Database) -> None:
    path = GOLDEN / "formats" / "aihub.xlsx"
    columns = ColumnMap("사람문장1", more_text=("사람문장2", "사람문장3"))
    import_file(opened, path, path.name, columns=columns, choices=Choices(texts="join"))
    assert stored(opened) == [
        "친구가 우산을 나눠 씌워 줬어. 응, 정말 고마웠어.",
        "믿던 동료가 내 흉을 봤대. 한동안 말도 섞기 싫어. 그래도 풀어야겠지.",
    ]


def test_the_command_line_joins_the_columns_that_it_names(project_path: Path) -> None:
    columns = ("--text-column", "사람문장1", "--text-column", "사람문장3", "--no-label", "--texts", "join")
    path = str(GOLDEN / "formats" / "aihub.xlsx")
    assert CliRunner().invoke(cli, ["import", path, "--db", str(project_path), *columns]).exit_code == 0
    with project.opened(project_path) as db:
        assert stored(db)[1] == "믿던 동료가 내 흉을 봤대. 그래도 풀어야겠지."


BROKEN = {
    "truncated.xlsx": ("import_file_damaged", {}),
    "mixed.csv": ("import_encoding_none", {"utf_8_line": 3, "cp949_line": 2}),
    "columns.csv": ("import_row_ragged", {"row": 3, "found": 4, "expected": 3}),
    "ids.json": ("import_id_repeats", {"row": 2, "first": 1, "id": "1"}),
    "truncated.json": ("import_item_broken", {"row": 2}),
    "no_list.json": ("import_json_unclear", {}),
    "no_objects.json": ("import_item_not_object", {"row": 2}),
    "no_task.json": ("import_record_broken", {"row": 2, "tool": "Label Studio"}),
    "wrong.spacy": ("import_file_damaged", {}),
    "truncated.spacy": ("import_file_damaged", {}),
    "formula.xlsx": ("import_formula_empty", {"cell": "A3"}),
}


def test_every_broken_file_is_tried() -> None:
    assert {path.name for path in (GOLDEN / "broken").iterdir()} == set(BROKEN)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_by_row_and_leaves_nothing(opened: Database, name: str) -> None:
    if name.endswith(".spacy"):
        pytest.importorskip("annotator.formats.spacy_docbin.library")
    with pytest.raises(UserError) as caught:
        import_file(opened, GOLDEN / "broken" / name, name)
    code, details = BROKEN[name]
    assert (caught.value.code, details.items() <= caught.value.details.items()) == (code, True), caught.value.details
    sentences = [explain(caught.value, language) for language in LANGUAGES]
    assert all(name in sentence for sentence in sentences)
    assert not any(text[:12] in sentence for text in TEXTS for sentence in sentences)
    assert not annotators.list_annotators(opened)
    assert not rows(opened, "select 1 from batches union all select 1 from diaries")


def test_a_mark_outside_of_its_text_is_left_out_and_named(opened: Database) -> None:
    report = import_file(opened, GOLDEN / "formats" / "outside.json", "outside.json")
    assert [(note.row_number, note.reason) for note in report.notes] == [(1, "mark_outside")]
    assert report.kept_count > 0
    assert marked(opened) == []


def test_a_line_of_two_gigabytes_is_refused_at_once_and_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "endless.csv"
    with path.open("wb") as file:
        file.write(b"text\nx\n" + b"y" * (1 << 20))
        file.truncate(2 << 30)  # a hole, which takes no room
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(UserError) as caught:
        preview(path, path.name)
    took, (_, most) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (caught.value.code, caught.value.details["line"]) == ("import_line_too_long", 3)
    assert most < 20 << 20
    assert took < 10


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_are_measured_whatever_ends_them(end: bytes) -> None:
    lines = end.join([b"text", *[b"x" * 900] * 3_000, b""])
    refuse_long_lines(open_source(lines, "a.csv"), limit=1_000)
    with pytest.raises(UserError, match="import_line_too_long"):
        refuse_long_lines(open_source(lines + b"y" * (2 << 20), "a.csv"), limit=1_000)


def test_an_object_without_end_is_refused_with_its_place() -> None:
    content = b'[{"text": "a"}, {"text": "' + b"x" * 300_000
    with pytest.raises(UserError) as caught:
        list(read_array.objects(open_source(content, "a.json"), "utf-8", limit=200_000))
    assert (caught.value.code, caught.value.details["row"]) == ("import_item_too_long", 2)
