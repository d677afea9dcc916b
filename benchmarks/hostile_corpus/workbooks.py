"""Hostile workbooks: .xlsx, .xlsm, .xls, .ods, and other things under their names."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING

from benchmarks.hostile_corpus.hostile_file import SECRET_FILE, HostileFile, of_bytes, of_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = """<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>
</Types>"""
_DIARY = "오늘은 비가 와서 조금 슬펐다"


def inline(reference: str, text: str) -> str:
    """Return a cell that holds its text inline."""
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


def sheet(rows: str, *, before: str = "", prolog: str = "") -> str:
    """Return a worksheet's XML."""
    return f'<?xml version="1.0"?>{prolog}<worksheet xmlns="{_MAIN}">{before}<sheetData>{rows}</sheetData></worksheet>'


_HEAD = f'<row r="1">{inline("A1", "text")}</row>'
ORDINARY = sheet(f'{_HEAD}<row r="2">{inline("A2", _DIARY)}</row>')


def parts(sheet_xml: str, *, target: str = "worksheets/sheet1.xml", strings: str | None = None) -> dict[str, str]:
    """Return the parts of a workbook with one sheet, by their names in the archive."""
    shared = f'<Relationship Id="rId2" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    links = f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="{target}"/>{shared if strings else ""}'
    root = f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    sheets = '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets>'
    place = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}">{root}</Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{sheets}</workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}">{links}</Relationships>',
        place: sheet_xml,
        **({"xl/sharedStrings.xml": strings} if strings else {}),
    }


def archive(files: dict[str, str]) -> bytes:
    """Return a zip archive of texts by their names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, text in files.items():
            zipped.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _book(sheet_xml: str, **options: str) -> bytes:
    return archive(parts(sheet_xml, **options))


def _shared_count(count: int) -> bytes:
    strings = (
        f'<sst xmlns="{_MAIN}" count="{count}" uniqueCount="{count}"><si><t>text</t></si><si><t>{_DIARY}</t></si></sst>'
    )
    rows = '<row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="2"><c r="A2" t="s"><v>1</v></c></row>'
    return _book(sheet(rows), strings=strings)


def _far_cell(attribute: str, *, before: str = "") -> bytes:
    far = f'<row r="1048576"><c {attribute} t="inlineStr"><is><t>x</t></is></c></row>'
    return _book(sheet(_HEAD + f'<row r="2">{inline("A2", _DIARY)}</row>' + far, before=before))


def _elsewhere(target: str) -> bytes:
    far = f'<row r="1048576">{inline("XFD1048576", "x")}</row>'
    return _book(sheet(_HEAD + far), target=target)


def _laughs(depth: int) -> bytes:
    entities = '<!ENTITY l0 "' + "하하" * 10 + '">'
    entities += "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, depth))
    rows = f'{_HEAD}<row r="2">{inline("A2", f"&l{depth - 1};")}</row>'
    return _book(sheet(rows, prolog=f"<!DOCTYPE worksheet [{entities}]>"))


def _external(address: str) -> bytes:
    rows = f'{_HEAD}<row r="2">{inline("A2", "&x;")}</row>'
    return _book(sheet(rows, prolog=f'<!DOCTYPE worksheet [<!ENTITY x SYSTEM "{address}">]>'))


def _zeros(megabytes: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, text in parts(ORDINARY).items():
            if name != "xl/worksheets/sheet1.xml":
                zipped.writestr(name, text)
        with zipped.open("xl/worksheets/sheet1.xml", "w") as part:
            part.write(sheet(f'{_HEAD}<row r="2">{inline("A2", "@")}</row>').split("@")[0].encode())
            for _ in range(megabytes):
                part.write(b" " * (1 << 20))
    return out.getvalue()


def _overlapping(copies: int) -> bytes:
    """Return an archive whose entries all point at the same compressed megabyte: a quine-like bomb (Fifield, 2019)."""
    plain = archive({**parts(ORDINARY), "xl/media/a.bin": "\0" * (1 << 20)})
    start = plain.rindex(b"PK\x01\x02")
    end = plain.rindex(b"PK\x05\x06")
    first, one = plain.index(b"PK\x01\x02"), plain[start:end]
    more = b"".join(
        one.replace(b"xl/media/a.bin", f"xl/media/{i:05}"[:14].ljust(14, "x").encode()) for i in range(copies)
    )
    directory = plain[first:end] + more
    count = min(65535, directory.count(b"PK\x01\x02"))
    return (
        plain[:first] + directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), first, 0)
    )


def _claimed_size(size: int) -> bytes:
    """Return a workbook whose directory says that its sheet unpacks to another size than it does."""
    plain = bytearray(archive(parts(ORDINARY)))
    place = plain.rindex(b"PK\x01\x02")
    plain[place + 24 : place + 28] = struct.pack("<I", size)
    return bytes(plain)


def _encrypted() -> bytes:
    plain = bytearray(archive(parts(ORDINARY)))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = plain.find(mark)
        while place >= 0:
            plain[place + offset] |= 1
            place = plain.find(mark, place + 4)
    return bytes(plain)


def _ole(random: Random) -> bytes:
    """Return a compound file (.xls) whose sector tables point in circles and out of the file."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6)
    header += bytes(6) + struct.pack("<9I", 0, 0xFFFFFFF0, 0, 0, 4096, 0, 0xFFFFFFFF, 0, 0xFFFFFFFF)
    header += struct.pack("<109I", *[random.randrange(4) for _ in range(109)])
    return header.ljust(512, b"\0") + random.randbytes(2048)


_ODS = f"""<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
<office:body><office:spreadsheet><table:table table:name="A"><table:table-row table:number-rows-repeated="4294967295">
<table:table-cell table:number-columns-repeated="4294967295"><text:p>{_DIARY}</text:p></table:table-cell>
</table:table-row>
</table:table></office:spreadsheet></office:body></office:document-content>"""
_HTML = f"<html><table><tr><td>text</td></tr><tr><td>{_DIARY}<script>alert(1)</script></td></tr></table></html>"


def _xlsx(name: str, content: Callable[[], bytes], expected: str = "either") -> HostileFile:
    return HostileFile("xlsx", f"{name}.xlsx", of_bytes(lambda _: content()), expected)  # type: ignore[arg-type]


def _bare(name: str) -> dict[str, str]:
    return {key: text for key, text in parts(ORDINARY).items() if key != name}


CASES = (
    _xlsx("shared-strings-4294967295", lambda: _shared_count(4_294_967_295)),
    _xlsx("shared-strings-18446744073709551615", lambda: _shared_count(2**64 - 1)),
    _xlsx("shared-strings-negative", lambda: _shared_count(-1)),
    _xlsx("far-cell", lambda: _far_cell('r="XFD1048576"')),
    _xlsx("far-cell-spaces-around-equals", lambda: _far_cell('r = "XFD1048576"')),
    _xlsx("far-cell-newline-before-equals", lambda: _far_cell('r\n=\n"XFD1048576"')),
    _xlsx("far-cell-single-quotes", lambda: _far_cell("r\t= 'XFD1048576'")),
    _xlsx("far-cell-entity-in-reference", lambda: _far_cell('r="&#88;FD1048576"')),
    _xlsx("far-cell-lower-case", lambda: _far_cell('r="xfd1048576"')),
    _xlsx("far-cell-outside-of-excel", lambda: _far_cell('r="ZZZZZZZ99999999999"')),
    _xlsx("dimension-huge", lambda: _far_cell('r="B2"', before='<dimension ref="A1:XFD1048576"/>')),
    _xlsx("dimension-backwards", lambda: _far_cell('r="B2"', before='<dimension ref="XFD1048576:A1"/>')),
    _xlsx("sheet-elsewhere", lambda: _elsewhere("/elsewhere/data.xml")),
    _xlsx("sheet-elsewhere-odd-ending", lambda: _elsewhere("/xl/media/picture.png")),
    _xlsx("sheet-outside-of-archive", lambda: _elsewhere("../../../../etc/passwd")),
    _xlsx("billion-laughs", lambda: _laughs(10)),
    _xlsx("external-entity", lambda: _external(SECRET_FILE)),
    _xlsx("external-entity-file-address", lambda: _external(f"file://./{SECRET_FILE}")),
    _xlsx("external-entity-network", lambda: _external("http://192.0.2.1/x")),
    _xlsx("entries-overlap", lambda: _overlapping(8000)),
    _xlsx("zip-bomb-150-mb", lambda: _zeros(150)),
    _xlsx("size-claimed-small", lambda: _claimed_size(3)),
    _xlsx("size-claimed-4-gb", lambda: _claimed_size(0xFFFFFFFE)),
    _xlsx("encrypted", lambda: _encrypted(), "refused"),
    _xlsx("truncated", lambda: archive(parts(ORDINARY))[:-40], "refused"),
    _xlsx("no-sheet", lambda: archive(_bare("xl/worksheets/sheet1.xml")), "refused"),
    _xlsx("no-links", lambda: archive(_bare("xl/_rels/workbook.xml.rels")), "refused"),
    _xlsx("not-xml", lambda: archive({**parts(ORDINARY), "xl/worksheets/sheet1.xml": "\0" * 1000}), "refused"),
    _xlsx("nested-100000", lambda: archive({**parts(ORDINARY), "xl/worksheets/sheet1.xml": "<a>" * 100_000})),
    _xlsx("string-index-outside", lambda: _book(sheet('<row r="1"><c r="A1" t="s"><v>4294967295</v></c></row>'))),
    _xlsx("member-climbs-out", lambda: archive({**parts(ORDINARY), "../../escaped.txt": "x"})),
    HostileFile(
        "xlsx",
        "formula-cells.xlsm",
        of_bytes(
            lambda _: _book(
                sheet(_HEAD + '<row r="2"><c r="A2" t="str"><f>HYPERLINK("//evil.example")</f><v>x y z</v></c></row>')
            )
        ),
    ),
    HostileFile("xls", "sectors-in-circles.xls", of_bytes(_ole)),
    HostileFile("xls", "head-only.xls", of_bytes(lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "refused"),
    HostileFile("xls", "page-named-workbook.xls", of_text(_HTML)),  # a table of a page is read as its text
    HostileFile("xls", "shell-script.xlsx", of_text("#!/bin/sh\ntouch escaped.txt\n"), "refused"),
    HostileFile(
        "ods",
        "repeated-4294967295.ods",
        of_bytes(
            lambda _: archive({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": _ODS})
        ),
        "refused",
    ),
    HostileFile(
        "ods",
        "repeated-4294967295.xlsx",
        of_bytes(
            lambda _: archive({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": _ODS})
        ),
        "refused",
    ),
)
