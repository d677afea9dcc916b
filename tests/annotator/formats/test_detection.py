"""Every format gives the file's own text and row numbers, and says where a file breaks."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from annotator.errors import UserError
from annotator.formats.detection import open_table
from annotator.formats.source import open_source
from annotator.formats.table import plain_column
from annotator.importing import preview
from annotator.messages import LANGUAGES, explain

if TYPE_CHECKING:
    from pathlib import Path


def refused(content: Path | bytes, name: str) -> UserError:
    """Return the error, once both languages have put it into words."""
    with pytest.raises(UserError) as caught:
        preview(content, name)
    assert all(explain(caught.value, language) for language in LANGUAGES)
    return caught.value


def as_parquet(table: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.table(table), file)
    return file.getvalue()


def test_nothing_in_a_csv_is_taken_for_a_number_or_a_missing_value() -> None:
    seen = preview(b"text,id,n\nNA,007,1.0\nnull,None,1e5\n nan ,,TRUE\n", "a.csv")
    assert [list(row.values()) for row in seen.rows] == [
        ["NA", "007", "1.0"],
        ["null", "None", "1e5"],
        [" nan ", "", "TRUE"],
    ]


def test_quoted_line_ends_commas_and_quotes_are_kept_exactly() -> None:
    seen = preview('text,b\r\n"첫 줄\r\n둘째 줄, ""끝""\n\n",1\r\n다음,2\r\n'.encode(), "a.csv")
    assert [row["text"] for row in seen.rows] == ['첫 줄\r\n둘째 줄, "끝"\n\n', "다음"]


def test_csv_rows_are_numbered_as_a_spreadsheet_does() -> None:
    seen = preview(b'\ntext,b\n"a\nb\nc",1\n\n\nd,2\n', "a.csv")
    assert seen.row_numbers == (3, 6)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_read(newline: str) -> None:
    assert len(preview(newline.join(["text,b", "x,1", "y,2", ""]).encode(), "a.csv").rows) == 2


@pytest.mark.parametrize(("separator", "name"), [(",", "a.csv"), (";", "a.csv"), ("\t", "a.csv"), ("\t", "a.tsv")])
def test_the_separator_is_found_in_the_heading(separator: str, name: str) -> None:
    seen = preview(separator.join(["제목", "내용"]).encode() + separator.join(["\na", "b\n"]).encode(), name)
    assert seen.columns == ("제목", "내용")


def test_a_ragged_row_stops_the_file() -> None:
    error = refused(b"text,b\nx,1\ny,2,3\n", "a.csv")
    assert (error.code, error.details) == (
        "import_row_ragged",
        {"name": "a.csv", "row": 3, "found": 3, "expected": 2},
    )


@pytest.mark.parametrize("broken", [b'text,b\nx,1\n"y,2\nz,3\n', b'text,b\nx,1\n"y"z,2\n'])
def test_quotes_that_do_not_match_stop_the_file(broken: bytes) -> None:
    error = refused(broken, "a.csv")
    assert (error.code, error.details["row"]) == ("import_quotes_broken", 3)


def test_a_tsv_without_quoting_keeps_its_quotation_marks() -> None:
    seen = preview('id\tdocument\n1\t"안녕 이라고 했다\n2\t그"래\n'.encode(), "ratings.txt")
    assert [row["document"] for row in seen.rows] == ['"안녕 이라고 했다', '그"래']


def test_a_tsv_with_quoting_is_unquoted() -> None:
    seen = preview('id\tdocument\n1\t"안녕\n이라고 ""했다"""\n'.encode("utf-16"), "a.txt")
    assert seen.rows[0]["document"] == '안녕\n이라고 "했다"'


def test_running_text_is_not_taken_for_a_table() -> None:
    assert refused("오늘은 비가 왔다.\n슬펐다.\n".encode(), "diary.txt").code == "import_ask_lines"
    whole = preview("오늘은 비가 왔다.\n슬펐다.\n".encode(), "2024-03-01.txt")
    assert [(row["text"], row["date"]) for row in whole.rows] == [("오늘은 비가 왔다.\n슬펐다.", "2024-03-01")]


def test_a_file_that_is_one_endless_line_is_refused() -> None:
    error = refused(b"text\n" + b"a" * 10_000_001, "a.csv")
    assert (error.code, error.details["line"]) == ("import_line_too_long", 2)


def test_a_quote_that_swallows_the_file_is_refused() -> None:
    error = refused(b'text\n"' + b"a\n" * 5_000_001, "a.csv")
    assert (error.code, error.details["row"]) == ("import_value_too_long", 2)


def test_json_values_keep_the_way_they_are_written() -> None:
    line = '{"text": "a\\u2028b", "n": 1.10, "id": 12345678901234567890, "no": null, "l": [1, {"k": "가"}, 2.50]}'
    seen = preview(line.encode() + b'\n\n{"later": true}\n', "a.jsonl")
    assert seen.rows[0] == {
        "text": "a\u2028b",
        "n": "1.10",
        "id": "12345678901234567890",
        "no": None,
        "l": '[1, {"k": "가"}, 2.50]',
    }
    assert seen.columns == ("text", "n", "id", "no", "l", "later")
    assert seen.row_numbers == (1, 3)


def test_numbers_of_a_document_keep_the_way_they_are_written() -> None:
    numbers = ["1.10", "12345678901234567890", "-0", "1e5", "9" * 5000, "[1, 2.50]"]
    content = f'{{"data": [{{"text": "가 나 다", {", ".join(f""""n{i}": {n}""" for i, n in enumerate(numbers))}}}]}}'
    (row,) = preview(content.encode(), "a.json").rows
    assert [row[f"n{i}"] for i in range(len(numbers))] == numbers


@given(st.lists(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1))
def test_a_list_of_numbers_is_no_list_of_texts(numbers: list[float]) -> None:
    source = open_source(json.dumps(numbers).encode(), "a.json")
    with pytest.raises(UserError, match="import_item_not_object"):
        open_table(source)


@pytest.mark.parametrize("content", ["[1]", "[-2.5e300, 1]", "[" + "9" * 4301 + "]"])
def test_a_list_of_numbers_is_refused_in_words(content: str) -> None:
    assert refused(content.encode(), "a.json").code == "import_item_not_object"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"text": ', "import_json_broken"),
        (b"[" * 100_000, "import_json_broken"),
        (b'{"\\ud800": 1}', "import_json_broken"),
        (b'["text"]', "import_json_not_object"),
        (b'"text"', "import_json_not_object"),
        (b'{"text": "a", "text": "b"}', "import_json_key_repeats"),
        (b'{"text": "a", " text ": "b"}', "import_json_key_repeats"),
    ],
)
def test_a_bad_json_line_stops_the_file_with_its_number(line: bytes, code: str) -> None:
    error = refused(b'{"text": "a"}\n\n' + line + b"\n", "a.jsonl")
    assert (error.code, error.details["row"]) == (code, 3)


_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(st.characters(), max_size=8), st.just('a "b": \\"c')
)


@given(st.lists(st.tuples(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=2), _VALUES), min_size=1))
def test_json_objects_of_all_kinds_are_read_whole_or_refused_for_a_repeated_key(pairs: list[tuple[str, Any]]) -> None:
    line = "{" + ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in pairs) + "}"
    source = open_source(line.encode(), "a.jsonl")
    if len({plain_column(key) for key, _ in pairs}) < len(pairs):
        with pytest.raises(UserError, match="import_json_key_repeats"):
            open_table(source)
        return
    expected = {
        plain_column(key): value if isinstance(value, str | None) else json.dumps(value) for key, value in pairs
    }
    assert next(open_table(source).rows()).values == expected


def test_a_lone_surrogate_is_shown_as_its_escape() -> None:
    assert preview(json.dumps({"text": "a\ud800"}).encode(), "a.jsonl").rows[0]["text"] == "a\\ud800"


def test_parquet_values_become_text_without_guessing() -> None:
    seen = preview(
        as_parquet(
            {
                "text": ["007", "NA"],
                "n": [1.0, None],
                "nan": [float("nan"), 2.5],
                "yes": [True, False],
                "day": [date(2024, 3, 1), None],
                "at": pa.array([1, 2], pa.timestamp("ns")),
                "kind": pa.array(["x", "y"]).dictionary_encode(),
                "list": [["가"], None],
                "utc": [datetime(2024, 3, 1, tzinfo=UTC), None],
            }
        ),
        "a.parquet",
    )
    assert list(seen.rows[0].values()) == [
        *("007", "1.0", None, "true", "2024-03-01", "1970-01-01T00:00:00.000000001", "x", '["가"]'),
        "2024-03-01T00:00:00+00:00",
    ]
    assert seen.row_numbers == (1, 2)


def test_a_truncated_parquet_file_is_damaged() -> None:
    content = as_parquet({"text": ["a"] * 100})
    assert refused(content[: len(content) // 2], "a.parquet").code == "import_file_damaged"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"text,b, text \nx,1,2\n", "a.csv"),
        (as_parquet({"text": ["a"], "text ": ["b"]}), "a.parquet"),
        ("날짜,날짜\n1,2\n".encode(), "a.csv"),
    ],
)
def test_repeated_column_names_are_refused(content: bytes, name: str) -> None:
    assert refused(content, name).code == "import_columns_repeat"


def test_a_column_without_a_name_is_called_by_its_place() -> None:
    assert preview(b",text,\n0,x,y\n", "a.csv").columns == ("column_1", "text", "column_3")


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "a.csv", "import_file_empty"),
        (b"\n\r\n , \n", "a.csv", "import_file_empty"),
        (b"text,label\n", "a.csv", "import_no_rows"),
        (b"\n\n", "a.jsonl", "import_no_rows"),
        (as_parquet({"text": pa.array([], pa.string())}), "a.parquet", "import_no_rows"),
        (b"text\nx\n", "a.docx", "import_format_differs"),
        (b"text\nx\n", "noending", "import_format_unknown"),
        (b"<html><table><tr>", "a.xls", "import_format_differs"),
        (b"text\nx\n", "a.parquet", "import_format_differs"),
        (b"PK\x03\x04broken", "a.xlsx", "import_file_damaged"),
        (b"PAR1" + bytes(50), "a.parquet", "import_file_damaged"),
    ],
)
def test_files_without_diaries_are_refused(content: bytes, name: str, code: str) -> None:
    assert refused(content, name).code == code


def test_paths_that_are_no_files_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "없다.csv", "없다.csv").code == "import_file_missing"
    assert refused(tmp_path, "folder").code == "import_file_is_folder"
    assert refused(tmp_path / ("가" * 300), "long.csv").code == "import_file_unreadable"
    assert refused(tmp_path / "a\0b", "nul.csv").code == "import_file_missing"


def test_a_path_and_its_bytes_read_the_same(tmp_path: Path) -> None:
    file = tmp_path / "일기.csv"
    file.write_bytes("일기\n오늘은 맑았다\n".encode("cp949"))
    assert preview(file, file.name) == preview(file.read_bytes(), file.name)


def test_messages_never_hold_a_whole_diary() -> None:
    diary = "오늘은 아무에게도 말하지 못한 일이 있었다. " * 5
    error = refused(f"text,{diary},{diary}\nx,y,z\n".encode(), "a.csv")
    assert error.code == "import_columns_repeat"
    assert diary.strip() not in explain(error, "ko")


@pytest.mark.parametrize("name", ["일기.pdf", "일기.csv"])
def test_a_pdf_is_named_for_what_it_is(name: str) -> None:
    assert refused(b"%PDF-1.7 text,label\n", name).code == "import_file_pdf"
