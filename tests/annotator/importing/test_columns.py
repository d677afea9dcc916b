"""Columns are guessed from names and content, and left open where it isn't clear."""

from __future__ import annotations

import pytest

from annotator.errors import UserError
from annotator.formats.dates import read_date
from annotator.formats.table import Row, Table
from annotator.importing import ColumnMap
from annotator.importing.columns import choose_columns, guess_columns

DIARY = "오늘은 오랜만에 친구를 만나서 밥을 먹고 한참을 걸었다."


def sample(columns: list[str], *rows: list[str]) -> list[Row]:
    return [Row(i, dict(zip(columns, row, strict=True))) for i, row in enumerate(rows, 2)]


def choose(columns: list[str], row: list[str], choice: ColumnMap | None) -> ColumnMap:
    rows = sample(columns, row)
    return choose_columns(Table("csv", "utf-8", tuple(columns), lambda: iter(rows)), choice, rows, name="a.csv")


@pytest.mark.parametrize(
    ("columns", "guess"),
    [
        (["번호", "일기 내용", "감정", "작성일", "작성자"], ColumnMap("일기 내용", "감정", "작성일", "작성자")),
        (["id", "Text", "Label", "Created_At", "user_id"], ColumnMap("Text", "Label", "Created_At", "user_id")),
        (["번호", "무엇", "기분", "언제", "누구"], ColumnMap("무엇", None, "언제", None)),
    ],
)
def test_names_in_both_languages_and_content_are_understood(columns: list[str], guess: ColumnMap) -> None:
    rows = sample(columns, ["1", DIARY, "행복", "2024-03-01", "가람"], ["2", DIARY, "", "2024. 3. 2.", "나래"])
    assert guess_columns(columns, rows) == guess


def test_two_columns_named_like_a_text_leave_it_open() -> None:
    assert guess_columns(["text", "내용"], sample(["text", "내용"], [DIARY, DIARY])).text is None


def test_two_long_columns_leave_the_text_open() -> None:
    assert guess_columns(["a", "b"], sample(["a", "b"], [DIARY, DIARY])).text is None


def test_a_column_named_date_without_dates_is_not_one() -> None:
    assert guess_columns(["text", "date"], sample(["text", "date"], [DIARY, "어느 날"])).date is None


def test_an_only_column_is_the_text() -> None:
    assert guess_columns(["무제"], sample(["무제"], ["좋다"])).text == "무제"


def test_a_choice_without_a_text_has_it_guessed_and_nothing_else() -> None:
    chosen = choose(["번호", "글", "감정", "날짜"], ["1", DIARY, "행복", "2024-03-01"], ColumnMap(None, date="날짜"))
    assert chosen == ColumnMap("글", None, "날짜")


def test_a_date_is_no_candidate_for_the_text() -> None:
    assert choose(["a", "b"], [DIARY, "2024-03-01"], ColumnMap(None)).text == "a"


def test_decomposed_names_are_found() -> None:
    assert choose(["날짜", "글"], ["x", DIARY], ColumnMap("글", label=" 날짜 ")).label == "날짜"


def test_an_unclear_text_column_names_the_candidates() -> None:
    with pytest.raises(UserError) as caught:
        choose(["a", "b", "c"], [DIARY, DIARY, "1"], None)
    assert (caught.value.code, caught.value.details["candidates"]) == ("import_text_unclear", "a, b")


def test_no_text_column_names_all_columns() -> None:
    with pytest.raises(UserError) as caught:
        choose(["a", "b"], ["1", "2"], None)
    assert (caught.value.code, caught.value.details["columns"]) == ("import_text_missing", "a, b")


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        (ColumnMap("없는 열"), "import_column_missing"),
        (ColumnMap("a", label="없는 열"), "import_column_missing"),
        (ColumnMap("a", ignored=("없는 열",)), "import_column_missing"),
        (ColumnMap("a", label="a"), "import_column_twice"),
        (ColumnMap("a", ignored=("a",)), "import_column_twice"),
    ],
)
def test_a_choice_that_does_not_fit_is_refused(choice: ColumnMap, code: str) -> None:
    with pytest.raises(UserError, match=code):
        choose(["a", "b"], [DIARY, "1"], choice)


@pytest.mark.parametrize(
    "written",
    [
        *("2024-03-01", "2024-3-1", "2024.03.01", "2024. 3. 1.", "2024/03/01", "20240301", " 2024년 3월 1일 "),
        *("2024년3월1일", "2024-03-01T23:59:59+09:00", "2024-03-01 23:59", "2024-03-01T00:00:00.123456Z"),
        *("2024. 3. 1. 오후 3:20", "2024년 3월 1일 금요일", "2024-03-01(금)", "2024-03-01 00:00:00+00"),
    ],
)
def test_dates_as_people_write_them_are_read(written: str) -> None:
    assert read_date(written) == "2024-03-01"


@pytest.mark.parametrize(
    "written",
    [
        *("2024-02-30", "20241301", "24-03-01", "03/01/2024", "2024-03/01", "2024-03", "0000-01-01"),
        *("어제", "2024-03-01x", "２０２４-03-01", "45352", "2024-03-01 1"),
    ],
)
def test_other_things_are_not_taken_for_dates(written: str) -> None:
    assert read_date(written) is None


def test_day_numbers_are_dates_in_excel_files_alone() -> None:
    assert read_date("45352", excel=True) == "2024-03-01"
    assert read_date("45352.75", excel=True) == "2024-03-01"
    assert read_date("1352", excel=True) is None
