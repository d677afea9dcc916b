"""Excel workbooks: cells as text, rows as Excel numbers them, and files that would fill the memory."""

from __future__ import annotations

import base64
import io
import zipfile
import zlib
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import pytest

from annotator.errors import UserError
from annotator.importing import ColumnMap, import_file, preview
from annotator.messages import LANGUAGES, explain

if TYPE_CHECKING:
    from db import Database

XLS = zlib.decompress(
    base64.b64decode(
        "eNrtWE1oE0EU/mY3aX5I0ySmhVYooWrV2krEgx5sUyXaU0oVwV/Q1uYglVSCF0W0WnMUBC8qHqzUgyCx5uAPSlGQVqFQ0YMgConm"
        "5klQ8NBmffMyi2mN0IAWWvZb5s3sm2/evN2ZeTO7b6b92ZEHDTnMQwd0FAwXqkp0gpLLvPGB6g1DFs3cScmwsKTgctJAVtnxtHrK"
        "IcdQjncOGsZsL0gCnykdxkl0DybioUXEDvahV0gf2kkK3CSNF/XsVYDlMZYrWN5n5jOWnay5zLKduFlxENOR7patahbv15q4zgtp"
        "9xG3+cCaTajFKzmLz18RRa4d25PHe08ssYpGmwejoAHtiifiSXlfgztwAwcIbbFYWzSaRZAGexQ/jBDw3VzVz0OWfnH1AqT/OVfv"
        "+IveSYM4X39VswFDMI7yIknBg1U2WaOJs5Ph9Ay20ZwAJ6qXKspujX187YZYPXEt0zkZQnQc90LYO5HPbKSoj3B4iw4RTufH8xm3"
        "DPkcInxzQkQ1Lx0PyX7UcNnPC8hHPs7c/fY21tcTOcKaId4WipvHGukrDFyQLaixl2vYXea2sNzA8iJbXcnlBpZBegrKm3tqVWHX"
        "MHMucW0z9bOZ8S6ytqS8jsqpr7sfN6a+RNZTOd2VOxNMv4+MoIk2s35qL69htIpWceO6xJOImQsVaD6xrP8j6Dg1n/LdUDtkDWbl"
        "MiP4WRbv5NsRii/K8AXzpcVzmpv9CeD2S435Whm+xnxd8Ytvv07Z18vwdebbFF9n/iEy0qEF8FAao5D5G25YsGDBggULFixYWLYQ"
        "6uitq4O4XR3wHeq/ziylgvWbZNliDwbpOkUflTuRoDyJ0xXNnzrYhWlLLLCN+b9QYh/1nsQA+tiPgYrnL32gidLnWXBD379bQpX2"
        "X6jEz//c/y9m6eD4"
    )
)
"""A workbook of Excel 97, written by xlwt: 일기/날짜 over a text with a date, "007" with 5, a text with 1.5."""

_TYPES = """<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>
</Types>"""
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STYLES = (
    f"""<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"""
)

Cell = str | int | float | bool | None


def workbook(*sheets: dict[str, Cell], hidden: int = 0) -> bytes:
    """Write an .xlsx of sheets from cell references to values; the first `hidden` sheets are hidden.

    A text beginning with ``date:`` becomes a number shown as a date.
    """
    states = ("visible", "hidden")
    places = range(1, len(sheets) + 1)
    listed = "".join(
        f'<sheet name="Sheet{i}" sheetId="{i}" r:id="rId{i}" state="{states[i <= hidden]}"/>' for i in places
    )
    linked = "".join(
        f'<Relationship Id="rId{i}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>' for i in places
    )
    styles = f'<Relationship Id="rId99" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    root = f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{_PACKAGE}">{root}</Relationships>')
        archive.writestr("xl/styles.xml", _STYLES)
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}">{linked}{styles}</Relationships>'
        )
        for i, cells in enumerate(sheets, 1):
            archive.writestr(f"xl/worksheets/sheet{i}.xml", _sheet(cells))
    return file.getvalue()


def _sheet(cells: dict[str, Cell]) -> str:
    rows: dict[int, str] = {}
    for reference, value in cells.items():
        row = int(reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        rows[row] = rows.get(row, "") + _cell(reference, value)
    body = "".join(f'<row r="{row}">{cells_of_row}</row>' for row, cells_of_row in sorted(rows.items()))
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>'


def _cell(reference: str, value: Cell) -> str:
    if isinstance(value, bool):
        return f'<c r="{reference}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{reference}"><v>{value!r}</v></c>'
    if value is not None and value.startswith("date:"):
        return f'<c r="{reference}" s="1"><v>{value[5:]}</v></c>'
    return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(value or "")}</t></is></c>'


def refused(content: bytes) -> UserError:
    """Return the error, once both languages have put it into words."""
    with pytest.raises(UserError) as caught:
        preview(content, "일기.xlsx")
    assert all(explain(caught.value, language) for language in LANGUAGES)
    return caught.value


def test_cells_become_text_without_guessing() -> None:
    seen = preview(
        workbook(
            {"A1": "text", "B1": "x", "A2": "007", "B2": 3, "A3": "NA", "B3": 1.1, "A4": " 1.0 ", "B4": True}
            | {"A5": "날", "B5": "date:45352", "A6": "때", "B6": "date:45352.5"}
        ),
        "a.xlsx",
    )
    assert [tuple(row.values()) for row in seen.rows] == [
        ("007", "3"),
        ("NA", "1.1"),
        (" 1.0 ", "TRUE"),
        ("날", "2024-03-01"),
        ("때", "2024-03-01 12:00:00"),
    ]


def test_rows_have_the_numbers_that_excel_shows_and_blank_ones_are_passed_over() -> None:
    seen = preview(workbook({"B3": "내용", "C3": "n", "B5": "첫째", "C5": 1, "B9": "둘째", "C9": 2}), "a.xlsx")
    assert seen.columns == ("내용", "n")
    assert seen.row_numbers == (5, 9)


def test_the_first_visible_sheet_with_cells_is_read_and_the_others_are_named() -> None:
    content = workbook({"A1": "hidden", "A2": "x"}, {}, {"A1": "text", "A2": "y"}, {"A1": "z"}, hidden=1)
    seen = preview(content, "a.xlsx")
    assert (seen.sheet, seen.other_sheets, seen.columns) == ("Sheet3", ("Sheet1", "Sheet4"), ("text",))


def test_a_workbook_of_excel_97_is_read() -> None:
    seen = preview(XLS, "a.xls")
    assert [tuple(row.values()) for row in seen.rows] == [
        ("오늘은 비가 왔다.", "2024-03-01"),
        ("007", "5"),
        ("기뻤다", "1.5"),
    ]
    assert seen.guess == ColumnMap("일기")


def test_a_workbook_named_csv_is_still_a_workbook() -> None:
    assert preview(workbook({"A1": "text", "A2": "x"}), "a.csv").format == "excel"


def test_a_workbook_without_cells_is_empty() -> None:
    assert refused(workbook({})).code == "import_file_empty"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_workbook_is_damaged(share: float) -> None:
    content = workbook({"A1": "text", "A2": "x"})
    assert refused(content[: int(len(content) * share)]).code == "import_file_damaged"


@pytest.mark.parametrize("size", [600, 3_000, 4_000, 5_000])
def test_a_truncated_workbook_of_excel_97_is_damaged(size: int) -> None:
    assert refused(XLS[:size]).code == "import_file_damaged"


def test_a_workbook_with_a_changed_byte_is_damaged() -> None:
    content = bytearray(workbook({"A1": "text", "A2": "x"}))
    content[content.index(b"xl/worksheets/sheet1.xml") + 60] ^= 0xFF
    assert refused(bytes(content)).code == "import_file_damaged"


def test_a_zip_bomb_is_refused_by_its_directory() -> None:
    file = io.BytesIO(workbook({"A1": "text", "A2": "x"}))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/media/zeros", "w") as part:
        for _ in range(120):
            part.write(bytes(1_000_000))
    error = refused(file.getvalue())
    assert (error.code, error.details["megabytes"]) == ("import_workbook_too_large", 120)


def test_a_far_away_cell_does_not_fill_the_memory() -> None:
    error = refused(workbook({"A1": "text", "ZZ300000": "x"}))
    assert error.code == "import_sheet_too_large"
    assert (error.details["rows"], error.details["columns"]) == (300_000, 702)


def test_a_zip_archive_that_is_no_workbook_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    assert refused(file.getvalue()).code == "import_file_binary"


def test_error_cells_are_known_where_a_table_begins_further_right(opened: Database) -> None:
    content = workbook({"C2": "내용", "D2": "n", "C3": "첫째", "D3": 1})
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for part in old.namelist():
            text = old.read(part).replace(b'<c r="D3"><v>1</v></c>', b'<c r="D3" t="e"><v>#REF!</v></c>')
            new.writestr(part, text)
    report = import_file(opened, file.getvalue(), "a.xlsx")
    assert [(note.row_number, note.reason, note.detail) for note in report.notes] == [(3, "error_cell", "n")]
