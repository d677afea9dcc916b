"""Files that are made to end whoever reads them: each gives one sentence, and the app goes on."""

from __future__ import annotations

import importlib.util
import json
import os
import struct
import subprocess
import sys
import time
import wave
import zipfile
import zlib
from dataclasses import replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from annotator import project
from annotator.errors import UserError
from annotator.formats import config_files
from annotator.formats.source import ENDINGS, open_source
from annotator.formats.table import Mark, Row, RowDecision
from annotator.importing import import_file, preview, wire
from annotator.importing.reader import READERS, limits_for, opened
from annotator.label_sets import crosswalks, definitions, distances
from annotator.label_sets.definitions import read_label_bytes
from annotator.messages import explain
from annotator.serving import sound
from learner import speech
from learner.errors import LearnerError

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden" / "importing" / "formats"

_NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET = (
    f'<worksheet {_NS}><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>text</t></is></c></row>'
    '<row r="2"><c r="A2" t="inlineStr"><is><t>오늘은 좋은 하루였다.</t></is></c></row></sheetData></worksheet>'
)


def workbook(sheet: str = _SHEET, *, strings: str = f"<sst {_NS}/>", sheet_at: str = "worksheets/sheet1.xml") -> bytes:
    """Return an .xlsx file with one sheet."""
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" '
        'ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="a" '
        f'Type="{_RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {_NS} xmlns:r="{_RELATION}"><sheets><sheet name="a" sheetId="1" r:id="a"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="a" '
        f'Type="{_RELATION}/worksheet" Target="{sheet_at}"/><Relationship Id="b" Type="{_RELATION}/sharedStrings" '
        'Target="sharedStrings.xml"/></Relationships>',
        "xl/sharedStrings.xml": strings,
        f"xl/{sheet_at}": sheet,
    }
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


def parquet(**columns: pa.Array) -> bytes:
    target = BytesIO()
    pq.write_table(pa.table(columns), target, compression="zstd")
    return target.getvalue()


def _laughs() -> str:
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    return f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a0 "ha">{entities}]>' + _SHEET.replace("오늘", "&a11;")


def _pickle_in_docbin() -> bytes:
    msgpack = pytest.importorskip("srsly.msgpack")
    code = b"cos\nsystem\n(S'touch /tmp/taken-over'\ntR."
    array = {b"nd": True, b"type": "O", b"kind": b"O", b"shape": [1], b"data": code}
    told = {"version": 0.1, "attrs": [65], "tokens": array, "spaces": b"", "lengths": b"", "strings": [], "cats": [{}]}
    return zlib.compress(msgpack.packb({**told, "flags": [{}]}))


def _docbin_bomb() -> bytes:
    """Return 600 MB of zeros as zlib packs them: ten are packed, which are the same again sixty times."""
    packer = zlib.compressobj(1)
    start = packer.compress(b"\x81") + packer.flush(zlib.Z_FULL_FLUSH)
    return start + (packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)) * 60


_FAR = _SHEET.replace('r="A2"', 'r = "XFD1048576"')

HOSTILE: dict[str, Callable[[], bytes]] = {
    "strings.xlsx": lambda: workbook(strings=f'<sst {_NS} count="4294967295" uniqueCount="4294967295"><si/></sst>'),
    "spaces.xlsx": lambda: workbook(_FAR),
    "elsewhere.xlsx": lambda: workbook(_FAR.replace(" = ", "="), sheet_at="other/place.xml"),
    "laughs.xlsx": lambda: workbook(_laughs()),
    "bomb.xlsx": lambda: workbook(_SHEET.replace("오늘", "a" * 120_000_000)),
    "cut.xlsx": lambda: workbook()[:700],
    "digits.json": lambda: b'[{"text": "a", "n": ' + b"1" * 4_301 + b"}]",
    "digits.jsonl": lambda: b'{"text": "a", "n": ' + b"1" * 4_301 + b"}",
    "exponent.json": lambda: (
        b'[{"id": 1, "data": {"text": "a"}, "annotations": [{"result": [{"type": "rating", '
        b'"value": {"rating": 1e999999999}}]}]}]'
    ),
    "deep.json": lambda: b'[{"text": ' + b"[" * 200_000 + b"]" * 200_000 + b"}]",
    "deep.jsonl": lambda: b'{"text": ' + b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b"}",
    "columns.csv": lambda: ",".join(f"c{i}" for i in range(200_000)).encode() + b"\n" + b"," * 199_999 + b"\n",
    "columns.jsonl": lambda: "".join(json.dumps({"text": "a", f"c{i}": 1}) + "\n" for i in range(20_000)).encode(),
    "columns.parquet": lambda: parquet(**{f"c{i}": pa.array(["a"]) for i in range(3_000)}),
    "dictionary.parquet": lambda: parquet(
        text=pa.DictionaryArray.from_arrays(pa.array(np.zeros(1_000_000, np.int32)), pa.array(["가" * 1000]))
    ),
    "value.parquet": lambda: parquet(
        text=pa.DictionaryArray.from_arrays(pa.array([0] * 3_000, pa.int32()), pa.array(["가" * 5_000_000]))
    ),
    "empty.parquet": lambda: parquet(text=pa.nulls(10_000_000, pa.string())),
    "cut.parquet": lambda: parquet(text=pa.array(["가", "나"]))[:-6] + b"\xff\xffPAR1",
    "bomb.spacy": _docbin_bomb,
    "pickle.spacy": _pickle_in_docbin,
    "lengths.spacy": lambda: zlib.compress(struct.pack("<4i", -1, 2**31 - 1, 0, -5)),
    "nul.csv": lambda: b"text,label\n" + b"\0\0\0,a\n" * 10_000,
    "quotes.csv": lambda: b'text,label\n"' + b"aaaa,bbb\n" * 2_000_000,
    "field.csv": lambda: b"text\n" + b"a" * 50_000_000,
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "a.db"
    project.init(path)
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gives_one_sentence_in_time_and_leaves_nothing(name: str, database: Path) -> None:
    content = HOSTILE[name]()
    with project.opened(database) as db:
        began = time.process_time()
        with pytest.raises(UserError) as caught:
            import_file(db, content, name)
        assert time.process_time() - began < 20
        assert db.execute("select count(*) from diaries").fetchone()[0] == 0
    for language in ("ko", "en"):
        told = explain(caught.value, language)
        assert name in told
        assert "\n" not in told
    assert not Path("/tmp/taken-over").exists()


def test_a_number_of_a_billion_digits_is_refused_with_its_row() -> None:
    with pytest.raises(UserError) as caught:
        preview(HOSTILE["exponent.json"](), "exponent.json")
    assert (caught.value.code, caught.value.details["row"]) == ("import_record_broken", 1)


def test_the_app_goes_on_after_a_file_that_aborts_its_reader(database: Path) -> None:
    with pytest.raises(UserError, match="reader_ended"):
        preview(HOSTILE["elsewhere.xlsx"](), "elsewhere.xlsx")
    assert preview(workbook(), "good.xlsx").rows == ({"text": "오늘은 좋은 하루였다."},)


def test_no_parser_of_foreign_files_is_ever_loaded_by_the_app(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from annotator import project\n"
        "from annotator.label_sets import crosswalks, definitions, distances\n"
        "from annotator.importing import import_file, preview\n"
        "from annotator.errors import UserError\n"
        "db = project.open_project(Path(sys.argv[1]))\n"
        "for path in sorted(Path(sys.argv[2]).iterdir()):\n"
        "    preview(path, path.name)\n"
        "    try: import_file(db, path, path.name)\n"
        "    except UserError as error: assert not error.code.startswith('reader_'), (path, error)\n"
        "definitions.read_label_bytes(b'[[labels]]\\nname=\"a\"\\n[[labels]]\\nname=\"b\"', 'a.toml')\n"
        "crosswalks.read_bytes(b'from,to\\na,b\\n', 'a.csv')\n"
        "parsers = {'annotator.formats.detection', 'annotator.formats.config_job', 'python_calamine', 'ijson', 'spacy',"
        " 'datasets', 'pyarrow.parquet', 'annotator.formats.csv.read', 'annotator.formats.json.read_lines'}\n"
        "print(sorted(parsers & sys.modules.keys()))\n"
    )
    project.init(tmp_path / "a.db")
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.db"), str(GOLDEN)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_modules_that_a_file_is_read_with_are_there_for_every_ending() -> None:
    assert set(READERS) == set(ENDINGS.values())
    for name in {name for names in READERS.values() for name in names}:
        assert importlib.util.find_spec(name), name


def test_spacy_is_loaded_without_torch_which_is_there_afterwards() -> None:
    if importlib.util.find_spec("spacy") is None:  # not `importorskip`, which would load it, with torch
        pytest.skip("spaCy is not installed")
    script = (
        "import sys, importlib.util; from annotator.formats.spacy_docbin import library\n"
        "assert not any(name.partition('.')[0] == 'torch' for name in sys.modules)\n"
        "assert importlib.util.find_spec('torch')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# Rows on their way back


def test_rows_come_back_as_they_were_sent() -> None:
    said = (
        RowDecision("가람", "label", ("행복", "슬픔"), "메모", 3, (Mark(0, 2, "행복", "wrong", True),)),
        RowDecision("", None),
    )
    rows = [
        Row(2, {"text": "가\ud800\0", "label": None}),
        Row(3, {"text": "", "label": "b"}, said),
        Row(4, {"other": "x" * 100_000}),
        Row(5, {}),
    ]
    assert wire.decode_rows(wire.encode_rows(rows)) == rows


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b"{}",
        b"\x80\x04cos\nsystem\n",
        b"[" * 100_000,
        b"[1]",
        b'[[["a"], [1], [[2]], null]]',
        b'[[["a"], ["1"], [["b"]], null]]',
        b'[[["a"], [true], [["b"]], null]]',
        b'[[["a"], [1, 2], [["b"]], null]]',
        b'[[["a"], [1], [["b"], ["c"]], null]]',
        b'[[["a"], [1], [[["b"]]], null]]',
        b'[[[1], [1], [["b"]], null]]',
        b'[[["a"], [1], [["b"]], [[["p", "rule", [], "", null, []]]]]]',
        b'[[["a"], [1], [["b"]], [[["p", "label", "xyz", "", null, []]]]]]',
        b'[[["a"], [1], [["b"]], [[["p", "label", ["x"], "", 1.5, []]]]]]',
        b'[[["a"], [1], [["b"]], [[["p", "label", ["x"], "", 1, [[0, 1, "x", "maybe", false]]]]]]]',
        b'[[["a"], [' + b"1" * 5_000 + b'], [["b"]], null]]',
    ],
)
def test_rows_of_another_form_are_refused(sent: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        wire.decode_rows(sent)


@pytest.mark.parametrize(
    "sent",
    [b"[]", b'["csv"]', b'["exe",null,["a"],null,[],null,null]', b'["csv",null,[],null,[],null,null]',
     b'["csv",1,["a"],null,[],null,null]', b'["csv",null,["a"],null,[],null,{"text":"a"}]',
     json.dumps(["csv", None, ["a"] * 2_001, None, [], None, None]).encode()],
)  # fmt: skip
def test_tables_of_another_form_are_refused(sent: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        wire.decode_table(sent, lambda: iter(()))


def test_rows_can_be_read_again_from_the_first_one_whatever_was_left_unread() -> None:
    content = b"text\n" + b"".join(b"row %d\n" % i for i in range(9_000))
    with opened(open_source(content, "a.csv")) as table:
        for stop in (1, 60, 5_000, None):
            numbers = [row.number for row, _ in zip(table.rows(), range(stop or 10_000), strict=False)]
            assert numbers == list(range(2, 2 + (stop or 9_000)))


def test_an_error_beyond_the_rows_that_were_looked_at_keeps_its_place() -> None:
    content = b"text,n\n" + b"a,1\n" * 5_000 + b"a,1,2\n"
    assert len(preview(content, "a.csv").rows) == 5
    with opened(open_source(content, "a.csv")) as table, pytest.raises(UserError) as caught:
        list(table.rows())
    assert (caught.value.code, caught.value.details["row"]) == ("import_row_ragged", 5_002)


# What is opened


def test_what_was_opened_is_read_whatever_its_path_leads_to_later(tmp_path: Path) -> None:
    path, other = tmp_path / "a.csv", tmp_path / "secret.csv"
    path.write_text("text\nmine\n")
    other.write_text("text\nsecret\n")
    source = open_source(path, "a.csv")
    path.unlink()
    path.symlink_to(other)
    with opened(source) as table:
        assert [row.values["text"] for row in table.rows()] == ["mine"]


@pytest.mark.parametrize("what", ["pipe", "device", "endless"])
def test_what_has_no_end_is_not_opened(tmp_path: Path, what: str) -> None:
    path = tmp_path / "a.csv"
    if what == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/null" if what == "device" else "/dev/zero")
    for read in (
        lambda: preview(path, "a.csv"),
        lambda: crosswalks.read(str(path)),
        lambda: definitions.read_labels(path),
    ):
        with pytest.raises(UserError, match="import_file_not_regular"):
            read()


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path, database: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\n" + "오늘 쓴 일기\n" * 10)
    source = open_source(path, "a.csv")
    with path.open("a") as file:
        file.write("내일 쓴 일기\n")
    with opened(source) as table:
        assert len(list(table.rows())) == 10, "it is read as far as it was"
    with pytest.raises(UserError, match="import_file_changed"):
        source.check_unchanged()


def test_a_folder_of_thousands_of_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{}")
    for number in range(2_001):
        (tmp_path / f"{number}.arrow").touch()
    with pytest.raises(UserError, match="import_folder_too_full"):
        preview(tmp_path, "set")


def test_a_larger_file_may_take_more_but_none_takes_all() -> None:
    sizes = [0, 1_000_000, 50_000_000, 10_000_000_000]
    limits = [limits_for(size) for size in sizes]
    assert all(a.cpu_seconds <= b.cpu_seconds and a.memory_bytes < b.memory_bytes for a, b in pairwise(limits))
    assert limits[0].wait_seconds < 20
    assert limits[-1].memory_bytes < 2 * sizes[-1]


# Settings


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"a = " + b"[" * 50_000 + b"]" * 50_000, "a.toml"),
        (b"a" + b".a" * 200_000 + b" = 1", "a.toml"),
        (b"[" * 100_000, "a.json"),
        (b"[" + b"1" * 5_000 + b"]", "a.json"),
        (b'[{"name": "\\ud800"}]', "a.json"),
        (b"name\n" + b'"' * 999_000, "a.csv"),
        (b"name\n" + b"a" * 1_000_001, "a.csv"),
    ],
)
def test_settings_made_to_end_their_reader_give_one_sentence(
    content: bytes, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = config_files._LIMITS
    assert (limits.cpu_seconds, limits.total_cpu_seconds, limits.wait_seconds) == (5, 10, 12)
    # One that never comes to an end would be let run for all of these five seconds, twice.
    monkeypatch.setattr(config_files, "_LIMITS", replace(limits, cpu_seconds=1))
    reads = [lambda: read_label_bytes(content, name), lambda: distances.read_csv(content, definitions.DEFAULT_LABELS)]
    if not name.endswith("json"):
        reads.append(lambda: crosswalks.read_bytes(content, name))
    for read in reads:
        with pytest.raises(UserError) as caught:
            read()
        assert len(explain(caught.value, "ko")) < 500


# Recordings


def test_a_recording_is_decoded_as_without_a_child() -> None:
    target = BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(range(256)) * 200)
    assert np.array_equal(sound.read(target.getvalue()), speech.read(target.getvalue()))


@pytest.mark.parametrize("data", [b"", b"RIFF" + b"\xff" * 100, b"fLaC" + b"\0" * 5_000, b"OggS" + b"\xff" * 5_000])
def test_a_recording_that_can_not_be_decoded_gives_one_sentence(data: bytes) -> None:
    with pytest.raises((UserError, LearnerError)) as caught:
        sound.read(data)
    assert caught.value.code in ("speech_unreadable", "speech_too_short", "sound_unreadable")
