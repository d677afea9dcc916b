"""How a file is read is found out, can be said, and is remembered; what can't be read is refused in a sentence."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from annotator.errors import UserError
from annotator.importing import Choices, ColumnMap, ImportQuestions, NamedColumns, ReadOptions, import_file, preview
from db.connection import rows
from tests.annotator.importing.test_cases import given, labels_of

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database

TABLE = "일기,감정\n오늘은 종일 비가 왔다.,행복\n발표를 망쳤다. 말이 안 나왔다.,당황\n"


def zipped(files: dict[str, bytes], *, encoding: str = "utf-8") -> bytes:
    """Return an archive; in another encoding than UTF-8, names are stored without saying which, as Windows does."""
    out = io.BytesIO()
    names = {
        chr(ord("A") + place) * len(name.encode(encoding)): name.encode(encoding) for place, name in enumerate(files)
    }
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for plain, (name, content) in zip(names, files.items(), strict=True):
            archive.writestr(name if encoding == "utf-8" else plain, content)
    archived = out.getvalue()
    for plain, name in names.items() if encoding != "utf-8" else ():
        archived = archived.replace(plain.encode(), name)
    return archived


def docx(*paragraphs: str) -> bytes:
    main = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    return zipped({"word/document.xml": f'<w:document xmlns:w="{main}"><w:body>{body}</w:body></w:document>'.encode()})


def hwpx(*paragraphs: str) -> bytes:
    names = (
        'xmlns:hp="http://www.hancom.co.kr/hwpml/2011/paragraph" xmlns:hs="http://www.hancom.co.kr/hwpml/2011/section"'
    )
    body = "".join(f"<hp:p><hp:run><hp:t>{text}</hp:t></hp:run></hp:p>" for text in paragraphs)
    section = f"<hs:sec {names}>{body}</hs:sec>".encode()
    return zipped({"mimetype": b"application/hwp+zip", "Contents/section0.xml": section})


def texts(db: Database) -> list[str]:
    return [text for (text,) in rows(db, "select text from diaries order by id")]


@pytest.mark.parametrize(
    "title", ["2024년 조사 결과\n", "조사,조사\n\n작성: 연구팀,\n", "제목,\n,\n", "설문 결과\n작성: 연구팀\n"]
)
def test_titles_above_the_column_names_are_passed_over(opened: Database, title: str) -> None:
    report = import_file(opened, (title + TABLE).encode(), "a.csv")
    assert (report.kept_count, report.columns.text, labels_of(opened)) == (2, "일기", ["행복", "당황"])


def test_the_row_of_the_column_names_can_be_said() -> None:
    seen = preview(f"하나,둘\n{TABLE}".encode(), "a.csv", reading=ReadOptions(heading=2))
    assert (seen.heading, seen.columns, seen.row_numbers) == (2, ("일기", "감정"), (3, 4))
    with pytest.raises(UserError, match="import_heading_missing"):
        preview(TABLE.encode(), "a.csv", reading=ReadOptions(heading=9))


def test_the_delimiter_can_be_said_and_is_shown() -> None:
    assert preview(TABLE.replace(",", ";").encode(), "a.csv").delimiter == ";"
    seen = preview("일기|감정,기분\n하나|둘,셋\n".encode(), "a.csv", reading=ReadOptions(delimiter="|"))
    assert (seen.delimiter, seen.columns) == ("|", ("일기", "감정,기분"))


def test_prose_with_commas_is_no_table_of_several_columns(opened: Database) -> None:
    prose = "일기\n" + "\n".join(f"{i}일, 비가 왔다" for i in range(10))
    with pytest.raises(UserError, match="import_row_ragged"):
        import_file(opened, prose.encode(), "a.csv")
    assert texts(opened) == []


def test_a_line_end_that_is_not_quoted_stops_the_file(opened: Database) -> None:
    with pytest.raises(UserError, match="import_row_ragged"):
        import_file(opened, "text,label,memo\n오늘은\n비가 왔다,행복,\n".encode(), "a.csv")


@pytest.mark.parametrize(
    "document",
    [
        {"rows": [{"text": "오늘은 긴 하루였다"}, {"text": "내일은 짧기를"}]},
        {"columns": ["text"], "index": [0, 1], "data": [["오늘은 긴 하루였다"], ["내일은 짧기를"]]},
        {"0": {"text": "오늘은 긴 하루였다"}, "1": {"text": "내일은 짧기를"}},
        {"text": {"0": "오늘은 긴 하루였다", "1": "내일은 짧기를"}},
        {"text": ["오늘은 긴 하루였다", "내일은 짧기를"]},
        {"result": {"count": 2, "items": [{"text": "오늘은 긴 하루였다"}, {"text": "내일은 짧기를"}]}},
        ["오늘은 긴 하루였다", "내일은 짧기를"],
        [["text"], ["오늘은 긴 하루였다"], ["내일은 짧기를"]],
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_json_documents_of_all_shapes_have_their_rows(opened: Database, document: Any, indent: int | None) -> None:
    import_file(opened, json.dumps(document, ensure_ascii=False, indent=indent).encode(), "a.json")
    assert texts(opened) == ["오늘은 긴 하루였다", "내일은 짧기를"]


@pytest.mark.parametrize(
    "document", [{"a": [{"x": 1}], "b": [{"y": 2}]}, {"a": 1, "b": 2}, {"a": {"b": {"c": {}}}}, [[1, 2], [3, 4]], 7]
)
def test_json_without_rows_is_refused_with_what_was_found(opened: Database, document: Any) -> None:
    with pytest.raises(UserError, match=r"import_json_|import_item"):
        import_file(opened, json.dumps(document).encode(), "a.json")
    assert texts(opened) == []


def test_a_text_that_is_json_source_is_no_diary(opened: Database) -> None:
    content = "\n".join(json.dumps({"text": text}) for text in ({"a": 1}, [1, 2], "그냥 하루"))
    report = import_file(opened, content.encode(), "a.jsonl")
    assert texts(opened) == ["그냥 하루"]
    assert {skip.reason for skip in report.left_out} == {"json"}


def test_a_row_of_totals_is_asked_about(opened: Database) -> None:
    content = TABLE.encode() + "합계,\n".encode()
    with pytest.raises(ImportQuestions, match="import_ask_totals"):
        import_file(opened, content, "a.csv")
    report = import_file(opened, content, "a.csv", choices=Choices(totals="skip"))
    assert [(skip.reason, skip.detail) for skip in report.left_out] == [("totals", "합계")]
    import_file(opened, content, "a.csv", choices=Choices(totals="keep"))
    assert texts(opened)[-1] == "합계"


def test_labels_that_nobody_knows_may_be_left_out_and_stay_as_metadata(opened: Database) -> None:
    content = TABLE.replace("당황", "심심").encode()
    with pytest.raises(UserError, match="import_ask_unknown"):
        import_file(opened, content, "a.csv")
    report = import_file(opened, content, "a.csv", choices=Choices(unknown="leave"))
    assert labels_of(opened) == ["행복", None]
    assert [(note.reason, note.detail) for note in report.notes] == [("label_unknown", "심심")]
    assert rows(opened, "select metadata ->> '감정' from diaries where id = 2") == [("심심",)]


def test_columns_of_people_are_asked_about_unless_they_are_numbered(opened: Database) -> None:
    content = "일기,가람,나루\n오늘은 종일 비가 왔다.,행복,슬픔\n발표를 망쳤다. 말이 안 나왔다.,당황,\n".encode()
    with pytest.raises(ImportQuestions, match="import_ask_wide"):
        import_file(opened, content, "a.csv")
    import_file(opened, content, "a.csv", choices=Choices(wide="people"))
    assert given(opened) == [
        (1, "가져오기:표 · 가람", "행복"),
        (1, "가져오기:표 · 나루", "슬픔"),
        (2, "가져오기:표 · 가람", "당황"),
    ]


def test_figures_in_columns_of_labels_may_be_strengths(opened: Database) -> None:
    content = "일기,행복,슬픔\n오늘은 종일 비가 왔다.,1,4\n발표를 망쳤다. 말이 안 나왔다.,0,0\n".encode()
    report = import_file(opened, content, "a.csv", choices=Choices(several="all"))
    assert report.columns.scale == "strength"
    assert rows(opened, "select l.name, d.intensity from decisions d join labels l on l.id = d.label_id") == [
        ("슬픔", 4)
    ]


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: zipped({"폴더/일기.csv": content})])
def test_compressed_tables_are_read(opened: Database, pack: Any) -> None:
    name = "일기.csv.gz" if pack is gzip.compress else "일기.zip"
    assert import_file(opened, pack(TABLE.encode("cp949")), name).kept_count == 2
    assert labels_of(opened) == ["행복", "당황"]


def test_the_tables_of_an_archive_with_the_same_columns_are_read_and_others_named(opened: Database) -> None:
    second = "일기,감정\n친구가 우산을 씌워 줬다.,행복\n".encode()
    files = {"3월.csv": TABLE.encode(), "4월.csv": second, "읽어보기.txt": b"memo", "그림.png": b"\x89PNG"}
    report = import_file(opened, zipped(files, encoding="cp949"), "모음.zip")
    assert report.kept_count == 3
    assert set(report.other_sheets) == {"읽어보기.txt", "그림.png"}
    assert rows(opened, "select metadata ->> 'file', row_number from diaries order by id") == [
        ("3월.csv", 2),
        ("3월.csv", 3),
        ("4월.csv", 5),
    ]


def test_a_damaged_archive_is_refused(opened: Database) -> None:
    broken = {"a.zip": zipped({"a.csv": TABLE.encode()})[:60], "a.csv.gz": gzip.compress(b"x" * 999)[:15]}
    for name, content in broken.items():
        with pytest.raises(UserError, match="import_file_damaged"):
            import_file(opened, content, name)


def test_documents_of_word_and_hangul_are_texts(opened: Database, tmp_path: Path) -> None:
    folder = tmp_path / "일기장"
    folder.mkdir()
    (folder / "2024-03-01_가람.docx").write_bytes(docx("비가 왔다.", "많이 왔다."))
    (folder / "2024-03-02_나루.hwpx").write_bytes(hwpx("해가 났다."))
    (folder / "2024-03-10_가람.md").write_text("눈이 왔다.", "utf-8")
    (folder / "2024-03-09_가람.txt").write_bytes("바람이 불었다.".encode("cp949"))
    (folder / "사진.jpg").write_bytes(b"\xff\xd8\xff")
    report = import_file(opened, folder, folder.name, reading=ReadOptions(pattern="{date}_{author}"))
    assert rows(opened, "select text, written_on, author from diaries order by id") == [
        ("비가 왔다.\n많이 왔다.", "2024-03-01", "가람"),
        ("해가 났다.", "2024-03-02", "나루"),
        ("바람이 불었다.", "2024-03-09", "가람"),
        ("눈이 왔다.", "2024-03-10", "가람"),
    ]
    assert report.other_sheets == ("사진.jpg",)
    with pytest.raises(UserError, match="import_pattern_unfit"):
        preview(folder, folder.name, reading=ReadOptions(pattern="[{author}] {date}"))


def test_the_lines_of_a_text_are_asked_about(opened: Database) -> None:
    content = "오늘은 비가 왔다.\n\n내일은 해가 난다.\n".encode()
    with pytest.raises(ImportQuestions, match="import_ask_lines"):
        import_file(opened, content, "일기.txt")
    import_file(opened, content, "일기.txt", reading=ReadOptions(lines="each"))
    assert texts(opened) == ["오늘은 비가 왔다.", "내일은 해가 난다."]


def test_raw_bytes_without_a_role_drop_no_row(opened: Database) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(
        pa.table({"text": ["오늘은 긴 하루였다", "내일은 짧기를"], "uuid": [b"\xff\x00\x01", b"\xfe\x80\x02"]}), file
    )
    assert import_file(opened, file.getvalue(), "a.parquet").kept_count == 2
    assert rows(opened, "select metadata ->> 'uuid' from diaries where id = 1") == [("ff0001",)]


def test_choices_are_remembered_for_the_next_file_of_the_same_shape(opened: Database) -> None:
    content = "일기,감정,기록\n오늘은 종일 비가 왔다.,행복,2024-03-01\n".encode()
    chosen = ColumnMap("일기", None, date="기록")
    import_file(opened, content, "3월.csv", columns=chosen, reading=ReadOptions(heading=1))
    later = content.replace("종일 비가".encode(), "눈이 펑펑".encode())
    seen = preview(later, "4월.csv", db=opened)
    assert seen.remembered == chosen
    assert import_file(opened, later, "4월.csv").columns == chosen
    other = import_file(opened, TABLE.encode(), "다른 모양.csv")
    assert other.columns == ColumnMap("일기", "감정")


def test_named_columns_take_the_place_of_guessed_ones(opened: Database) -> None:
    content = "text,label,mood\n오늘은 종일 비가 왔다.,행복,슬픔\n".encode()
    import_file(opened, content, "a.csv", columns=NamedColumns(ColumnMap(None, "mood")))
    assert labels_of(opened) == ["슬픔"]
    without = import_file(
        opened, content.replace(b"label", b"label2"), "b.csv", columns=NamedColumns(ColumnMap(None), no_label=True)
    )
    assert without.columns.label is None


def test_what_another_tool_said_that_is_no_decision_is_kept_and_counted(opened: Database) -> None:
    result = [
        {"from_name": "kinds", "to_name": "text", "type": "taxonomy", "value": {"taxonomy": [["감정", "기쁨"]]}},
        {"from_name": "hours", "to_name": "text", "type": "number", "value": {"number": 3}},
        {"from_name": "s", "to_name": "text", "type": "choices", "value": {"choices": ["행복"]}},
    ]
    task = {"id": 1, "data": {"text": "오늘은 긴 하루였다"}, "annotations": [{"completed_by": 1, "result": result}]}
    report = import_file(opened, json.dumps([task]).encode(), "a.json")
    assert [(note.reason, note.detail) for note in report.notes] == [("aside", "kinds"), ("aside", "hours")]
    assert labels_of(opened) == ["행복"]
    [(answers,)] = rows(opened, "select metadata ->> 'answers' from diaries")
    assert json.loads(answers) == {"kinds · 1": [["감정", "기쁨"]], "hours · 1": 3}


def ods(rows_of_cells: str) -> bytes:
    names = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = " ".join(f'xmlns:{name}="{names}:{name}:1.0"' for name in ("office", "table", "text"))
    body = f'<table:table table:name="일기">{rows_of_cells}</table:table>'
    content = f"<office:document-content {spaces}><office:body><office:spreadsheet>{body}</office:spreadsheet>"
    kind = b"application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        f'<manifest:manifest xmlns:manifest="{names}:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind.decode()}"/></manifest:manifest>'
    )
    return zipped(
        {
            "mimetype": kind,
            "content.xml": f"{content}</office:body></office:document-content>".encode(),
            "META-INF/manifest.xml": manifest.encode(),
        }
    )


def cell(text: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string"{more}><text:p>{text}</text:p></table:table-cell>'


def test_merged_cells_of_an_ods_count_for_all_their_rows(opened: Database) -> None:
    lines = [
        cell("일기") + cell("감정"),
        cell("오늘은 종일 비가 왔다.") + cell("슬픔", ' table:number-rows-spanned="2"'),
        cell("내일도 비가 온단다.") + "<table:covered-table-cell/>",
        cell("모레는 해가 난다.") + cell("행복"),
    ]
    content = ods("".join(f"<table:table-row>{line}</table:table-row>" for line in lines))
    assert import_file(opened, content, "a.ods").format == "ods"
    assert labels_of(opened) == ["슬픔", "슬픔", "행복"]


def test_a_heading_that_has_a_label_among_labels_is_asked_about(opened: Database) -> None:
    with pytest.raises(ImportQuestions, match="import_ask_heading"):
        import_file(opened, "기뻤다,행복\n슬펐다,슬픔\n".encode(), "a.csv")


def test_probabilities_and_numbered_labels_are_kept_as_metadata_and_counted(opened: Database) -> None:
    report = import_file(opened, "text,행복,슬픔\n오늘은 긴 하루였다,0.7,0.3\n".encode(), "a.csv")
    assert [(note.reason, note.detail) for note in report.notes] == [("aside", "행복"), ("aside", "슬픔")]
    old = [
        {"id": 1, "text": "내일은 짧기를", "annotations": [{"label": 1, "start_offset": 0, "end_offset": 3, "user": 1}]}
    ]
    report = import_file(opened, json.dumps(old).encode(), "b.json")
    assert [(note.reason, note.detail) for note in report.notes] == [("aside", "annotations")]
    assert "start_offset" in rows(opened, "select metadata ->> 'annotations' from diaries where id = 2")[0][0]


def test_o_and_x_stand_for_yes_and_no(opened: Database) -> None:
    import_file(opened, "일기,행복,슬픔\n오늘은 긴 하루였다,O,X\n내일은 짧기를 바란다,X,O\n".encode(), "a.csv")
    assert labels_of(opened) == ["행복", "슬픔"]


def test_a_cover_sheet_is_no_table(opened: Database) -> None:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        book.add_worksheet("표지").write(0, 0, "일기 모음")
        sheet = book.add_worksheet("자료")
        for row, line in enumerate(TABLE.splitlines()):
            sheet.write_row(row, 0, line.split(","))
    report = import_file(opened, out.getvalue(), "a.xlsx")
    assert (report.kept_count, report.sheet, report.other_sheets) == (2, "자료", ("표지",))
