"""Each format is what its tool reads: by the tool's own library where it is at hand, by a golden file elsewhere."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from python_calamine import CalamineWorkbook

from annotator.errors import UserError
from annotator.exporting import FORMATS
from annotator.formats import record_rows
from annotator.formats.argilla import write as argilla
from annotator.formats.label_scheme import Scheme
from annotator.formats.label_studio.write import config_file
from annotator.formats.record import Mark, Origin, Record, RecordDecision
from annotator.formats.spacy_docbin import write as spacy_docs
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOLDEN = ROOT / "tests" / "golden" / "exports"

SCHEME = Scheme(("행복", "슬픔"), ("#edae49", "#3d7ea6"), several=True, intensity=True)
ORIGIN = Origin("일기.csv", "a2b5208644a5a39bda068f3007df3cff", "2026-03-02T00:00:00.000Z")
TEXT = "😀 비가 왔다.\n=눈물이  났다"


def _record(number: int = 1, text: str = TEXT, **known: Any) -> Record:
    values: dict[str, Any] = {
        "written_on": "2026-03-01",
        "author": None,
        "source": "일기.csv",
        "part": "pool",
        "metadata": {"날씨": "맑음"},
        "decisions": (),
        "marks": (),
        "soft_label": None,
        "intensity": None,
        "sentences": None,
        "proba": None,
        "model_version": None,
    }
    return Record(id=number, text=text, origin=ORIGIN, row=number + 1, **{**values, **known})


def _decided(number: int, person: str, kind: str = "label", *labels: str, **known: Any) -> RecordDecision:
    label, *others = labels or (None,)
    values: dict[str, Any] = {"intensity": None, "memo": "", "counts": kind == "label", **known}
    return RecordDecision(
        number, person, kind, label, tuple(others), decided_at=f"2026-03-0{number}T01:02:03.000Z", **values
    )


def _records() -> Iterator[Record]:
    """One diary with everything, one that was flagged, one of which nobody said anything."""
    told = (
        _decided(1, "가람", "label", "슬픔", "행복", intensity=4, memo="메모"),
        _decided(2, "나래", "label", "슬픔", group="press-on-many"),
    )
    marks = (Mark("가람", "슬픔", 10, 12, "right"), Mark("다온", "행복", 0, 1, "wrong"))
    yield _record(
        decisions=told,
        marks=marks,
        soft_label={"슬픔": 0.75, "행복": 0.25},
        intensity=4.0,
        sentences=[[0, 8], [9, 17]],
        proba={"행복": 0.2, "슬픔": 0.8},
        model_version=3,
    )
    yield _record(2, "판단을 미뤘다", decisions=(_decided(3, "가람", "flag"),))
    yield _record(3, "아무도 보지 않았다")


def _write(name: str, folder: Path, records: Iterator[Record] | None = None, scheme: Scheme = SCHEME) -> Path:
    target = folder / f"{name}{FORMATS[name].ending}"
    FORMATS[name].write(target, _records() if records is None else records, scheme)
    return target


@pytest.mark.parametrize("name", ["label-studio", "doccano", "argilla", "prodigy", "jsonl", "csv", "tsv"])
def test_a_file_is_the_golden_one(tmp_path: Path, name: str) -> None:
    written = _write(name, tmp_path)
    assert written.read_bytes() == (GOLDEN / written.name).read_bytes()


def test_doccano_can_make_a_table_of_its_lines(tmp_path: Path) -> None:
    others = _record(4, "다른 파일에서 온 글", metadata={"장소": "집"}, source="다른.csv")
    written = _write("doccano", tmp_path, chain(_records(), [others]))
    lines = [json.loads(line) for line in written.read_text("utf-8").splitlines()]
    assert len({tuple(line) for line in lines}) == 1
    for column in lines[0]:
        kinds = {type(line[column]) for line in lines}
        assert kinds.isdisjoint((int, float)) or type(None) not in kinds


def test_the_labelling_config_fits_the_tasks(tmp_path: Path) -> None:
    written = _write("label-studio", tmp_path)
    view = ET.fromstring(config_file(written).read_text("utf-8"))
    kinds = {"Labels": "labels", "Choices": "choices", "Rating": "rating", "TextArea": "textarea"}
    controls = {e.get("name"): (kinds[e.tag], {c.get("value") for c in e}) for e in view if e.tag in kinds}
    (task, *_), shown = json.loads(written.read_text("utf-8")), view.find("Text")
    assert shown is not None
    assert shown.get("value") == "$text"
    results = [r for a in task["annotations"] + task["predictions"] for r in a["result"]]
    assert {r["from_name"] for r in results} == set(controls)
    for result in results:
        kind, values = controls[result["from_name"]]
        assert (result["type"], result["to_name"]) == (kind, shown.get("name"))
        assert set(result["value"].get("choices", result["value"].get("labels", []))) <= values
    assert [r["value"]["text"] for r in results if r["type"] == "labels"] == ["눈물", "😀"]


def test_argilla_knows_people_by_ids_that_stay_the_same() -> None:
    record = argilla.record_of(next(_records()), several=False)
    assert record["responses"]["emotion"][0]["value"] == "슬픔"
    assert UUID(argilla.user_id("가람")).version == 5
    assert f"{record['responses']['emotion'][0]['user_id']} 가람" in record["metadata"]["people"]


def test_a_workbook_comes_back_through_another_reader(tmp_path: Path) -> None:
    sheet = CalamineWorkbook.from_path(str(_write("xlsx", tmp_path))).get_sheet_by_index(0)
    heading, *rows = sheet.to_python()
    assert heading == record_rows.columns(SCHEME.names)
    by_column = dict(zip(map(str, heading), rows[0], strict=True))
    assert (by_column["id"], by_column["text"], by_column["proba_슬픔"]) == (1, TEXT, 0.8)
    assert json.loads(str(by_column["decisions"]))[0]["other_labels"] == ["행복"]
    assert [row[1] for row in rows] == [TEXT, "판단을 미뤘다", "아무도 보지 않았다"]


def test_no_cell_of_a_workbook_is_a_formula_even_after_somebody_has_edited_it(tmp_path: Path) -> None:
    import zipfile

    hostile = "=cmd|' /C calc'!A0"
    written = _write("xlsx", tmp_path, iter([_record(text=hostile, metadata={}), _record(2, "그냥 글")]))
    (cells, *_) = CalamineWorkbook.from_path(str(written)).get_sheet_by_index(0).to_python(skip_empty_area=False)[1:]
    assert cells[1] == hostile, "the text itself is not changed"
    with zipfile.ZipFile(written) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        styles = archive.read("xl/styles.xml").decode()
    assert "<f>" not in sheet
    (cell,) = [c for c in ET.fromstring(sheet).iter() if c.get("r") == "B2"]
    formats = ET.fromstring(styles).find("{*}cellXfs")
    assert formats is not None
    assert formats[int(cell.get("s") or 0)].get("quotePrefix") == "1"


def test_a_value_too_long_for_a_cell_is_refused_not_cut(tmp_path: Path) -> None:
    fits, too_long = "가" * 32_767, "😀" * 16_384
    _write("xlsx", tmp_path, iter([_record(text=fits)]))
    with pytest.raises(UserError) as caught:
        _write("xlsx", tmp_path, iter([_record(7, too_long)]))
    assert caught.value.details == {"id": 7, "column": "text", "found": 32_768, "most": 32_767}


@pytest.mark.parametrize(
    "text", ["", " ", "한 단어", "  앞에 둘", "뒤에 둘  ", "줄\n\n바꿈 \t섞임", "a  b", "\u3000전각", "끝 "]
)
def test_tokens_put_together_are_the_text(text: str) -> None:
    words, spaces = spacy_docs.tokenise(text)
    assert "".join(word + " " * space for word, space in zip(words, spaces, strict=True)) == text
    assert "" not in words


@pytest.mark.slow
def test_a_docbin_comes_back_through_spacy(tmp_path: Path) -> None:
    from annotator.formats.spacy_docbin.library import DocBin, Vocab

    scheme = Scheme(SCHEME.names, SCHEME.colours, words={"눈물": "슬픔", "비": None})
    written = _write("spacy", tmp_path, scheme=scheme)
    first, _second, third = DocBin().from_disk(written).get_docs(Vocab())
    assert first.text == TEXT
    assert first.cats == {"행복": 0.25, "슬픔": 0.75}
    assert [(s.text, s.label_, s.id_) for s in first.spans["sc"]] == [("=눈물이", "슬픔", "가람")]
    assert [(token.text, token.tag_) for token in first if token.tag_] == [("=눈물이", "슬픔")]
    assert first.user_data["rationales"][0]["start"] == 10, "to the character"
    assert (first.user_data["model_version"], first.user_data["sentences"]) == (3, ((0, 8), (9, 17)))
    assert (third.text, third.cats, len(third.spans["sc"])) == ("아무도 보지 않았다", {}, 0)
