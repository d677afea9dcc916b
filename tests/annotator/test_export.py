"""Everything comes out again, in four formats, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pyarrow import parquet

from annotator import labelling
from annotator.errors import UserError
from annotator.export import export, export_bytes, format_of, list_rows, safe_cell
from annotator.importing import import_file
from db import annotators, audit_log, decisions, diaries, models, rationales
from db.decisions import NewDecision

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database

TEXTS = ("=1+1은 2", '줄이\n바뀌고 "따옴표", 쉼표가 있다', "똠방각하 펲시콜라 😀", "- 오늘 한 일", "아무 일 없었다")


@pytest.fixture
def filled(opened: Database) -> Database:
    """Five diaries: the first decided by two people, the second flagged, the third taken back."""
    rows = [{"text": text, "날씨": "맑음", "date": "2026-03-01", "author": "가람"} for text in TEXTS]
    import_file(opened, "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode(), "일기.jsonl")
    me, you = (annotators.annotator_id(opened, name) for name in ("나", "너"))
    decisions.add(opened, NewDecision(1, me, "label", "token-1", 1, memo="@메모"))
    decisions.add(opened, NewDecision(1, you, "label", "token-2", 2, memo="둘째"))
    decisions.add(opened, NewDecision(2, me, "flag", "token-3"))
    decisions.add(opened, NewDecision(3, you, "label", "token-4", 3))
    decisions.undo_last(opened, you, token="token-5")
    return opened


def _add_predictions(db: Database, count: int) -> None:
    label_ids = tuple(label.id for label in labelling.label_set(db))
    model_id = models.add_model(db, models.NewModel("zero", "bundled", "hash", label_ids, b"weights", settings={}))
    proba = np.full((count, 7), 0.1, np.float32)
    proba[:, 4] = 0.4
    proba[1] = np.nan
    models.store_predictions(db, model_id, proba)
    models.activate(db, model_id, reason="test")


def _read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_a_csv_begins_with_the_mark_by_which_korean_excel_knows_utf_8(filled: Database, tmp_path: Path) -> None:
    assert export(filled, tmp_path / "out.csv") == 5
    content = (tmp_path / "out.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = _read_csv(tmp_path / "out.csv")
    assert [row["text"] for row in rows] == ["'" + TEXTS[0], *TEXTS[1:3], "'" + TEXTS[3], TEXTS[4]]


def test_no_cell_of_a_csv_is_run_as_a_formula(filled: Database, tmp_path: Path) -> None:
    export(filled, tmp_path / "out.csv")
    cells = [cell for row in _read_csv(tmp_path / "out.csv") for cell in row.values()]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r")]


@pytest.mark.parametrize("start", list("=+-@\t\r"))
def test_a_cell_that_looks_like_a_formula_is_escaped(start: str) -> None:
    assert safe_cell(f"{start}SUM(A1)") == f"'{start}SUM(A1)"


@pytest.mark.parametrize("value", ["", "일기", "'x", -1, 0.5, None, "a=b"])
def test_other_cells_stay_what_they_are(value: Any) -> None:
    assert safe_cell(value) == value


def test_a_row_says_all_that_is_known(filled: Database) -> None:
    _add_predictions(filled, 5)
    first, second, third, *_ = list_rows(filled)
    assert (first["label"], first["decided_by"], first["memo"]) == ("행복", "너", "둘째")
    told = json.loads(first["decisions"])
    assert [(d["annotator"], d["kind"], d["label"], d["memo"]) for d in told] == [
        ("나", "label", "분노", "@메모"),
        ("너", "label", "행복", "둘째"),
    ]
    assert (first["written_on"], first["author"], first["source"]) == ("2026-03-01", "가람", "일기.jsonl")
    assert json.loads(first["metadata"]) == {"날씨": "맑음"}
    assert (first["predicted"], first["proba_슬픔"], first["model_version"]) == ("슬픔", 0.4, 0)
    assert first["part"] in ("pool", "test")
    assert (second["label"], second["memo"], [d["kind"] for d in json.loads(second["decisions"])]) == (
        None,
        None,
        ["flag"],
    )
    assert (second["predicted"], second["proba_슬픔"], second["model_version"]) == (None, None, None)
    assert (third["label"], third["decisions"]) == (None, "[]")


def test_jsonl_comes_back_as_it_was(filled: Database, tmp_path: Path) -> None:
    export(filled, tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [line["text"] for line in lines] == list(TEXTS)
    assert lines[0]["decisions"][0]["label"] == "분노"
    assert lines[0]["metadata"] == {"날씨": "맑음"}
    assert list(lines[0]) == list(_read_columns(filled))


def _read_columns(db: Database) -> list[str]:
    names = [label.name for label in labelling.label_set(db)]
    first = ["id", "text", "written_on", "author", "source", "part", "label", "decided_by", "decided_at", "memo"]
    first += ["soft_label", "intensity"]
    return [
        *first,
        "predicted",
        *[f"proba_{name}" for name in names],
        "model_version",
        "decisions",
        "rationales",
        "metadata",
    ]


def test_parquet_comes_back_as_it_was(filled: Database, tmp_path: Path) -> None:
    _add_predictions(filled, 5)
    export(filled, tmp_path / "out.parquet")
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.column_names == _read_columns(filled)
    assert table["text"].to_pylist() == list(TEXTS)
    assert table["proba_슬픔"].to_pylist()[0] == pytest.approx(0.4)
    assert table["proba_슬픔"].to_pylist()[1] is None


@pytest.mark.slow
def test_a_datasets_folder_comes_back_as_it_was(filled: Database, tmp_path: Path) -> None:
    from datasets import load_from_disk

    assert export(filled, tmp_path / "out") == 5
    loaded = load_from_disk(str(tmp_path / "out"))
    assert loaded.column_names == _read_columns(filled)
    assert loaded["text"][:] == list(TEXTS)
    assert loaded["label"][0] == "행복"
    assert _litter(tmp_path, "out") == []


def _litter(folder: Path, *known: str) -> list[str]:
    names = [file.name for file in folder.iterdir()]
    return [name for name in names if not name.startswith("project.db") and name not in known]


def test_what_was_exported_can_be_imported_again(filled: Database, tmp_path: Path) -> None:
    from annotator import project
    from annotator.importing import ColumnMap

    export(filled, tmp_path / "out.jsonl")
    project.init(tmp_path / "second.db", seed="00" * 16)
    with project.opened(tmp_path / "second.db") as second:
        columns = ColumnMap(text="text", label="label", date="written_on", author="author")
        report = import_file(second, tmp_path / "out.jsonl", "out.jsonl", columns=columns)
        assert (report.kept_count, report.label_count) == (5, 1)
        assert [diaries.get_diary(second, i + 1).text for i in range(5)] == list(TEXTS)


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_only_decided_diaries_if_that_is_asked(filled: Database, tmp_path: Path, name: str) -> None:
    assert export(filled, tmp_path / name, decided_only=True) == 2
    assert [row["id"] for row in list_rows(filled, decided_only=True)] == [1, 2]


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_a_project_without_diaries_gives_a_file_without_rows(opened: Database, tmp_path: Path, name: str) -> None:
    assert export(opened, tmp_path / name) == 0
    assert (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["out.csv", "out"])
def test_a_target_that_exists_is_left_alone(filled: Database, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match="target_exists"):
        export(filled, tmp_path / name)
    assert (tmp_path / name).read_text() == "mine"
    assert _litter(tmp_path, name) == []


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet", "out"])
def test_a_folder_that_is_missing_or_is_a_file_is_said(filled: Database, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(UserError) as caught:
            export(filled, folder / name)
        assert (caught.value.code, bool(caught.value.details["reason"])) == ("file_unwritable", True)
    assert _litter(tmp_path, "file") == []


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_nothing_half_written_stays_when_the_disk_is_full(
    filled: Database, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every write to this device fails as on a full disk.
    monkeypatch.setattr("annotator.export.tempfile.mkdtemp", _folder_on_a_full_disk(tmp_path))
    with pytest.raises(UserError, match="file_unwritable"):
        export(filled, tmp_path / name)
    assert _litter(tmp_path) == []


def _folder_on_a_full_disk(folder: Path) -> Any:
    def make(**_: Any) -> str:
        made = folder / ".exporting-full"
        made.mkdir()
        for name in ("out.csv", "out.jsonl", "out.parquet"):
            (made / name).symlink_to("/dev/full")
        return str(made)

    return make


def test_an_unknown_ending_is_said(filled: Database, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"export_format_unknown.*\.hwp"):
        export(filled, tmp_path / "out.hwp")
    assert _litter(tmp_path) == []


def test_endings_say_the_format(tmp_path: Path) -> None:
    formats = {name: format_of(tmp_path / name) for name in ("a.CSV", "a.jsonl", "a.parquet", "folder")}
    assert formats == {"a.CSV": "csv", "a.jsonl": "jsonl", "a.parquet": "parquet", "folder": "datasets"}


def test_the_bytes_are_those_of_the_file(filled: Database, project_path: Path, tmp_path: Path) -> None:
    export(filled, tmp_path / "out.csv", decided_only=True)
    assert export_bytes(project_path, "csv", decided_only=True) == (tmp_path / "out.csv").read_bytes()


def test_marked_words_come_with_their_offsets_and_people(filled: Database) -> None:
    me = annotators.annotator_id(filled, "나")
    for verdict, token in (("right", "mark-one-1"), ("wrong", "mark-one-2")):
        rationales.add(filled, rationales.NewRationale(1, me, 2, 0, 3, verdict, token))
    row = next(list_rows(filled))
    assert json.loads(row["rationales"]) == [
        {"annotator": "나", "label": "행복", "start": 0, "end": 3, "verdict": "wrong"}
    ]


def test_a_soft_label_shares_each_vote_among_its_emotions(filled: Database) -> None:
    me, you = (annotators.annotator_id(filled, name) for name in ("나", "너"))
    decisions.add(filled, NewDecision(3, me, "label", "soft-token-1", 2, other_label_ids=(5,), intensity=5))
    decisions.add(filled, NewDecision(3, you, "label", "soft-token-2", 2, intensity=2))
    row = list(list_rows(filled))[2]
    assert json.loads(row["soft_label"]) == {"행복": 0.75, "슬픔": 0.25}
    assert row["intensity"] == 3.5
    assert [(d["other_labels"], d["intensity"]) for d in json.loads(row["decisions"])] == [(["슬픔"], 5), ([], 2)]


def test_what_is_private_is_covered_unless_that_is_asked_for_on_record(opened: Database, tmp_path: Path) -> None:
    text = "전화는 010-1234-5678이고 메일은 a@example.com이다."
    row = {"text": text, "author": "가람 010-1111-2222", "폰": "010-3333-4444"}
    import_file(opened, json.dumps(row, ensure_ascii=False).encode(), "일기.jsonl")
    me = annotators.annotator_id(opened, "나")
    decisions.add(opened, NewDecision(1, me, "label", "soft-token-1", 2, "02-123-4567로 물어봄"))
    for name in ("out.csv", "out.jsonl"):
        export(opened, tmp_path / name)
        assert not re.search(r"\d{4}-\d{4}|example", (tmp_path / name).read_text("utf-8-sig"))
    assert audit_log.list_entries(opened) == []
    export(opened, tmp_path / "all.jsonl", unmasked=True)
    assert "010-1234-5678" in (tmp_path / "all.jsonl").read_text("utf-8")
    assert [(entry.action, entry.subject) for entry in audit_log.list_entries(opened)] == [("mask.reveal", "export")]
