"""Any table of texts, people and labels comes back equal from any dialect, or is refused with a sentence.

What comes back is never a diary that was not a cell. Hundreds of small files are read in this process; that the reading
process gives the same is tested with stored files of every kind.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from annotator import exporting, project
from annotator.errors import UserError
from annotator.importing import Choices, import_file
from annotator.messages import LANGUAGES, explain
from db.connection import rows
from tests.conftest import reading_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from db import Database

LABELS = ("분노", "행복", "불안", "당황", "슬픔", "중립", "혐오")
PEOPLE = ("가람", "나루", "rater 3")

_WORDS = st.sampled_from(
    [
        *("비가", "왔다.", "오늘은", "😀", '"정말"', "a,b", "x;y", "1|2", "=1+1", "줄\n바꿈", "탭\t", "'작은"),
        *("NA", "null", "{}", "슬픔"),
    ]
)
_TEXT = st.lists(_WORDS, min_size=3, max_size=8).map(" ".join).filter(lambda text: len(text) >= 12)
ROWS = st.lists(
    st.tuples(_TEXT, st.sampled_from([*LABELS, ""]), st.sampled_from(PEOPLE)),
    min_size=1,
    max_size=6,
    unique_by=lambda row: row[0].strip(),
)

Rows = list[tuple[str, str, str]]


def frame(table: Rows) -> pd.DataFrame:
    return pd.DataFrame(table, columns=["text", "label", "annotator"])


def csv_of(separator: str, **how: Any) -> Callable[[Rows], bytes]:
    encoding = how.pop("encoding", "utf-8")
    return lambda table: frame(table).to_csv(sep=separator, **how).encode(encoding)


def json_of(orient: str) -> Callable[[Rows], bytes]:
    return lambda table: frame(table).to_json(orient=orient, force_ascii=False).encode()  # type: ignore[call-overload]


def excel_of(title: int, *, merged: bool) -> Callable[[Rows], bytes]:
    """Write a workbook with rows of titles above the heading, and equal labels below each other merged."""

    def write(table: Rows) -> bytes:
        out = io.BytesIO()
        with xlsxwriter.Workbook(out) as book:
            sheet = book.add_worksheet()
            for row in range(title):
                sheet.merge_range(row, 0, row, 2, f"{row + 1}차 조사 결과")
            sheet.write_row(title, 0, ("text", "label", "annotator"))
            for row, cells in enumerate(table, title + 1):
                for column, cell in enumerate(cells):
                    sheet.write_string(row, column, cell)
            ends = [row for row in range(1, len(table)) if table[row - 1][1] and table[row - 1][1] == table[row][1]]
            if merged and ends:
                first = ends[0] - 1
                sheet.merge_range(title + 1 + first, 1, title + 2 + first, 1, table[first][1])
        return out.getvalue()

    return write


def parquet_of(kind: str) -> Callable[[Rows], bytes]:
    def write(table: Rows) -> bytes:
        text, label, person = (list(column) for column in zip(*table, strict=True))
        if kind == "list":
            labels: Any = pa.array([[each] if each else [] for each in label], pa.list_(pa.string()))
        elif kind == "dictionary":
            labels = pa.array([each or None for each in label], pa.string()).dictionary_encode()
        else:
            labels = pa.array(label, pa.large_string())
        out = io.BytesIO()
        parquet.write_table(pa.table({"text": text, "label": labels, "annotator": person}), out)
        return out.getvalue()

    return write


DIALECTS: dict[str, tuple[str, Callable[[Rows], bytes]]] = {
    "comma": ("a.csv", csv_of(",", index=False)),
    "semicolon": ("a.csv", csv_of(";", index=False)),
    "bar": ("a.csv", csv_of("|", index=False)),
    "tab": ("a.tsv", csv_of("\t", index=False)),
    "index": ("a.csv", csv_of(",", index=True)),
    "all quoted": ("a.csv", csv_of(",", index=False, quoting=1, lineterminator="\r\n")),
    "utf-16": ("a.csv", csv_of(",", index=False, encoding="utf-16")),
    **{orient: ("a.json", json_of(orient)) for orient in ("records", "columns", "index", "split", "table")},
    "excel": ("a.xlsx", excel_of(0, merged=False)),
    "titles": ("a.xlsx", excel_of(2, merged=True)),
    **{f"parquet {kind}": ("a.parquet", parquet_of(kind)) for kind in ("string", "list", "dictionary")},
}


@pytest.fixture(autouse=True, scope="module")
def _reading_here() -> Iterator[None]:
    with reading_here():
        yield


@pytest.fixture(scope="module")
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        project.init(Path(folder) / "project.db")
        yield Path(folder) / "project.db"


def stored(db: Database) -> list[tuple[str, str, str]]:
    """Return texts with people and labels, as in the table."""
    sql = """
        select y.text, coalesce(l.name, ''), coalesce(a.name, '') from diaries y
            left join standing s on s.diary_id = y.id left join labels l on l.id = s.label_id
            left join annotators a on a.id = s.annotator_id order by y.id
    """
    return [(text, label, name.rpartition(" · ")[2]) for text, label, name in rows(db, sql)]


@contextmanager
def rolled_back(path: Path) -> Iterator[Database]:
    """Open the project for one example, whose import is undone."""
    with project.opened(path) as db:
        db.conn.execute("begin")
        try:
            yield db
        finally:
            db.conn.execute("rollback")


refused: list[str] = []
"""Dialects of the examples that were refused."""


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(table=ROWS)
def test_a_table_comes_back_equal_or_is_refused(path: Path, dialect: str, table: Rows) -> None:
    name, write = DIALECTS[dialect]
    with rolled_back(path) as db:
        try:
            report = import_file(db, write(table), name, choices=Choices(totals="keep"))
        except UserError as error:
            refused.append(dialect)
            sentences = {explain(error, language) for language in LANGUAGES}
            assert (len(sentences), stored(db)) == (2, [])
            return
        diaries = stored(db)
        assert {text for text, _, _ in diaries} <= {text for text, _, _ in table}
        assert report.row_count == len(table) == report.kept_count + len(report.skips)
        assert [row[:2] for row in diaries] == [row[:2] for row in table]
        assert all(mine == theirs for (*_, mine), (_, label, theirs) in zip(diaries, table, strict=True) if label)


@pytest.mark.parametrize("name", ["csv", "tsv", "xlsx", "jsonl", "parquet", "people-csv", "label-studio", "prodigy"])
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(table=ROWS)
def test_our_exports_come_back_equal(name: str, table: Rows) -> None:
    content = json.dumps([dict(zip(("text", "label", "annotator"), row, strict=True)) for row in table]).encode()
    with tempfile.TemporaryDirectory() as folder:
        contents = []
        for place in ("first", "second"):
            project.init(Path(folder) / f"{place}.db")
            with project.opened(Path(folder) / f"{place}.db") as db:
                target = Path(folder) / f"out{exporting.FORMATS[name].ending}"
                if place == "first":
                    import_file(db, content, "a.json")
                    exporting.export(db, target, exporting.Choice(unmasked=True), file_format=name)
                elif target.read_bytes():
                    import_file(db, target, target.name, choices=Choices(totals="keep"))
                contents.append(sorted(row for row in stored(db) if row[1]))
        assert contents[0] == contents[1]


def test_most_tables_are_read() -> None:
    assert len(refused) < 12 * len(DIALECTS) / 10, Counter(refused)
