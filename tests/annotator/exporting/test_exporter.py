"""Everything comes out again, in many formats, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pyarrow import parquet

from annotator import project
from annotator.accounts.permissions import machine_owner
from annotator.errors import UserError
from annotator.exporting import FORMATS, Choice, export, export_bytes, format_of, read
from annotator.exporting.registry import get_format
from annotator.formats.record import Mark, Origin
from annotator.formats.spreadsheet_cells import FORMULA_STARTS
from annotator.importing import import_file
from annotator.label_sets import editing
from db.answers import decisions, rationales
from db.answers.decisions import NewDecision
from db.models import models, predictions
from db.people import annotators, audit_log
from db.review import reviews
from db.review.reviews import NewReview
from db.texts import batches, sentences
from db.texts.sentences import Sentences
from tests.conftest import undo_newest

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database

SLOW = ("datasets", "spacy")
"""Formats whose libraries take seconds to load."""

TEXTS = ("=1+1은 2", '줄이\n바뀌고 "따옴표", 쉼표가 있다', "똠방각하 펲시콜라 😀", "- 오늘 한 일", "아무 일 없었다")


@pytest.fixture
def filled(opened: Database) -> Database:
    """Five diaries: the first decided by two people, the second flagged, the third taken back."""
    rows = [{"text": text, "날씨": "맑음", "date": "2026-03-01", "author": "가람"} for text in TEXTS]
    import_file(opened, "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode(), "일기.jsonl")
    me, you = (annotators.get_or_create_id(opened, name) for name in ("나", "너"))
    decisions.add(opened, NewDecision(1, me, "label", "token-1", 1, memo="@메모"))
    decisions.add(opened, NewDecision(1, you, "label", "token-2", 2, memo="둘째"))
    decisions.add(opened, NewDecision(2, me, "flag", "token-3"))
    decisions.add(opened, NewDecision(3, you, "label", "token-4", 3))
    undo_newest(opened, you, token="token-5")
    return opened


def _add_predictions(db: Database, count: int) -> None:
    label_ids = tuple(label.id for label in editing.list_labels(db))
    model_id = models.add_model(db, models.NewModel("zero", "bundled", "hash", label_ids, b"weights", settings={}))
    proba = np.full((count, 7), 0.1, np.float32)
    proba[:, 4] = 0.4
    proba[1] = np.nan
    predictions.store_predictions(db, model_id, proba)
    models.activate(db, model_id, reason="test")


def _read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_a_csv_begins_with_the_mark_by_which_korean_excel_knows_utf_8(filled: Database, tmp_path: Path) -> None:
    assert export(filled, tmp_path / "out.csv") == 5
    content = (tmp_path / "out.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = _read_csv(tmp_path / "out.csv")
    assert [row["text"] for row in rows] == ["'" + TEXTS[0], *TEXTS[1:3], "'" + TEXTS[3], TEXTS[4]]


@pytest.mark.parametrize(("name", "delimiter"), [("out.csv", ","), ("out.tsv", "\t")])
def test_no_cell_of_a_text_file_is_run_as_a_formula(
    filled: Database, tmp_path: Path, name: str, delimiter: str
) -> None:
    export(filled, tmp_path / name)
    with (tmp_path / name).open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.reader(file, delimiter=delimiter))
    assert {len(row) for row in table} == {len(_columns(filled))}
    assert not [cell for row in table for cell in row if cell.startswith(FORMULA_STARTS)]
    assert [row[1] for row in table[1:]] == ["'" + TEXTS[0], *TEXTS[1:3], "'" + TEXTS[3], TEXTS[4]]


def test_a_record_says_all_that_is_known(filled: Database) -> None:
    _add_predictions(filled, 5)
    sentences.store_sentences(filled, [Sentences(1, ((0, 4), (4, 7)), "kss")])
    first, second, third, *_ = read(filled)
    assert first.newest is not None
    assert (first.newest.label, first.newest.annotator, first.newest.memo) == ("행복", "너", "둘째")
    assert [(d.annotator, d.kind, d.label, d.memo, d.counts) for d in first.decisions] == [
        ("나", "label", "분노", "@메모", True),
        ("너", "label", "행복", "둘째", True),
    ]
    assert (first.written_on, first.author, first.source) == ("2026-03-01", "가람", "일기.jsonl")
    assert first.metadata == {"날씨": "맑음"}
    (batch,) = batches.list_batches(filled)
    assert first.origin == Origin("일기.jsonl", batch.file_hash, batch.imported_at)
    assert [record.row for record in (first, second, third)] == [1, 2, 3]
    assert first.sentences == [[0, 4], [4, 7]]
    assert first.proba is not None
    assert (first.predicted, first.proba["슬픔"], first.model_version) == ("슬픔", 0.4, 0)
    assert first.part in ("pool", "test")
    assert (second.newest, [d.kind for d in second.decisions], second.soft_label) == (None, ["flag"], None)
    assert (second.predicted, second.proba, second.model_version) == (None, None, None)
    assert (third.newest, third.decisions, third.sentences) == (None, (), None)


def test_of_a_diary_that_was_settled_the_settled_decision_counts(filled: Database) -> None:
    (decision,) = [d for d in decisions.list_standing(filled, [1]) if d.label_id == 1]
    reviewer = annotators.get_or_create_id(filled, "검토자")
    reviews.add(filled, NewReview(1, reviewer, "accept", "review-token", decision_id=decision.id))
    first = next(read(filled))
    assert first.newest is not None
    assert (first.newest.label, first.soft_label) == ("분노", {"분노": 1.0})
    assert [d.counts for d in first.decisions] == [True, False]


def test_jsonl_comes_back_as_it_was(filled: Database, tmp_path: Path) -> None:
    export(filled, tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [line["text"] for line in lines] == list(TEXTS)
    assert (lines[0]["label"], lines[0]["decided_by"], lines[0]["decisions"][0]["label"]) == ("행복", "너", "분노")
    assert (lines[0]["metadata"], lines[0]["file"], lines[0]["row"]) == ({"날씨": "맑음"}, "일기.jsonl", 1)
    assert list(lines[0]) == _columns(filled)


def _columns(db: Database) -> list[str]:
    names = [label.name for label in editing.list_labels(db)]
    first = ["id", "text", "written_on", "author", "source", "part", "label", "decided_by", "decided_at", "memo"]
    first += ["soft_label", "intensity", "predicted", *[f"proba_{name}" for name in names], "model_version"]
    first += ["decisions", "rationales", "sentences", "file", "file_hash", "imported_at", "row", "metadata"]
    return first


def test_parquet_comes_back_as_it_was(filled: Database, tmp_path: Path) -> None:
    _add_predictions(filled, 5)
    export(filled, tmp_path / "out.parquet")
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.column_names == _columns(filled)
    assert table["text"].to_pylist() == list(TEXTS)
    assert table["proba_슬픔"].to_pylist()[0] == pytest.approx(0.4)
    assert table["proba_슬픔"].to_pylist()[1] is None


@pytest.mark.slow
def test_a_datasets_folder_comes_back_as_it_was(filled: Database, tmp_path: Path) -> None:
    from datasets import load_from_disk

    assert export(filled, tmp_path / "out") == 5
    loaded = load_from_disk(str(tmp_path / "out"))
    assert loaded.column_names == _columns(filled)
    assert loaded["text"][:] == list(TEXTS)
    assert loaded["label"][0] == "행복"
    assert _litter(tmp_path, "out") == []


def _litter(folder: Path, *known: str) -> list[str]:
    """Return what lies in the folder beside the database and an export of a known name."""
    names = [file.name for file in folder.iterdir() if not file.name.startswith("project.db")]
    return [name for name in names if not name.startswith(known)] if known else names


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet", "out.xlsx"])
def test_only_decided_diaries_if_that_is_asked(filled: Database, tmp_path: Path, name: str) -> None:
    assert export(filled, tmp_path / name, Choice(decided_only=True)) == 2
    assert [record.id for record in read(filled, decided_only=True)] == [1, 2]


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in SLOW])
def test_a_project_without_diaries_gives_a_file_without_rows(opened: Database, tmp_path: Path, name: str) -> None:
    target = tmp_path / f"out{FORMATS[name].ending}"
    assert export(opened, target, file_format=name) == 0
    assert target.exists()


@pytest.mark.parametrize("taken", ["out.csv", "out.csv.card.md", "out.csv.card.json"])
def test_a_file_that_exists_is_left_alone(filled: Database, tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("mine")
    with pytest.raises(UserError, match="target_exists"):
        export(filled, tmp_path / "out.csv")
    assert (tmp_path / taken).read_text() == "mine"
    assert _litter(tmp_path) == [taken]


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet", "out"])
def test_a_folder_that_is_missing_or_is_a_file_is_said(filled: Database, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(UserError) as caught:
            export(filled, folder / name)
        assert (caught.value.code, bool(caught.value.details["reason"])) == ("file_unwritable", True)
    assert _litter(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_nothing_half_written_stays_when_the_disk_is_full(
    filled: Database, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every write to this device fails as on a full disk.
    monkeypatch.setattr("annotator.exporting.exporter.tempfile.mkdtemp", _folder_on_a_full_disk(tmp_path))
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


def test_endings_say_the_format_unless_several_share_one(tmp_path: Path) -> None:
    names = {"a.CSV": "csv", "a.tsv": "tsv", "a.xlsx": "xlsx", "a.jsonl": "jsonl", "folder": "datasets"}
    names |= {"a.parquet": "parquet", "a.spacy": "spacy"}
    assert {name: format_of(tmp_path / name).name for name in names} == names
    with pytest.raises(UserError, match=r"export_format_unclear.*label-studio, argilla"):
        format_of(tmp_path / "a.json")
    with pytest.raises(UserError, match=r"export_name_unknown.*hwp"):
        get_format("hwp")


def test_the_bytes_are_those_of_the_file_and_what_lies_beside_it(
    filled: Database, project_path: Path, tmp_path: Path
) -> None:
    target, choice = tmp_path / "maeumgyeol.json", Choice(decided_only=True)
    export(filled, target, choice, file_format="label-studio")
    names = [target.name, *(f"{target.name}.{ending}" for ending in ("card.md", "card.json", "config.xml"))]
    files = export_bytes(project_path, "label-studio", choice, person=machine_owner())
    assert list(files) == names
    assert files == {name: (tmp_path / name).read_bytes() for name in names}


def test_more_rows_than_a_worksheet_has_are_refused_before_anything_is_written(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORMATS, "xlsx", replace(FORMATS["xlsx"], most=4))
    with pytest.raises(UserError) as caught:
        export(filled, tmp_path / "out.xlsx")
    assert (caught.value.code, caught.value.details["found"]) == ("export_too_many_rows", 5)
    assert export(filled, tmp_path / "out.xlsx", Choice(decided_only=True)) == 2


def test_what_is_written_meanwhile_is_not_in_the_export(filled: Database, project_path: Path, tmp_path: Path) -> None:
    """Rows, counts and hashes are of one state, whoever labels while it is being written."""

    def label_more(done: int, total: int) -> None:
        with project.opened(project_path) as other:
            decisions.add(other, NewDecision(5, annotators.get_or_create_id(other, "나"), "label", f"late-{done}", 4))

    export(filled, tmp_path / "out.jsonl", on_progress=label_more)
    assert json.loads((tmp_path / "out.jsonl").read_text("utf-8").splitlines()[4])["label"] is None
    assert json.loads((tmp_path / "out.jsonl.card.json").read_text("utf-8"))["decisions"] == {"flag": 1, "label": 2}
    assert [d.label for d in list(read(filled))[4].decisions] == ["당황"]


def test_marked_words_come_with_their_offsets_and_people(filled: Database) -> None:
    me = annotators.get_or_create_id(filled, "나")
    for verdict, token in (("right", "mark-one-1"), ("wrong", "mark-one-2")):
        rationales.add(filled, rationales.NewRationale(1, me, 2, 0, 3, verdict, token))
    assert next(read(filled)).marks == (Mark("나", "행복", 0, 3, "wrong"),)


def test_a_soft_label_shares_each_vote_among_its_emotions(filled: Database) -> None:
    me, you = (annotators.get_or_create_id(filled, name) for name in ("나", "너"))
    decisions.add(filled, NewDecision(3, me, "label", "soft-token-1", 2, other_label_ids=(5,), intensity=5))
    decisions.add(filled, NewDecision(3, you, "label", "soft-token-2", 2, intensity=2))
    third = list(read(filled))[2]
    assert third.soft_label == {"행복": 0.75, "슬픔": 0.25}
    assert third.intensity == 3.5
    assert [(d.labels, d.intensity) for d in third.decisions] == [(["행복", "슬픔"], 5), (["행복"], 2)]


def test_what_is_private_is_covered_unless_that_is_asked_for_on_record(opened: Database, tmp_path: Path) -> None:
    text = "전화는 010-1234-5678이고 메일은 a@example.com이다."
    row = {"text": text, "author": "가람 010-1111-2222", "폰": "010-3333-4444"}
    import_file(opened, json.dumps(row, ensure_ascii=False).encode(), "일기.jsonl")
    me = annotators.get_or_create_id(opened, "나")
    decisions.add(opened, NewDecision(1, me, "label", "soft-token-1", 2, "02-123-4567로 물어봄"))
    rationales.add(opened, rationales.NewRationale(1, me, 2, 4, 17, "right", "mark-token"))
    for name in [name for name in FORMATS if name not in ("datasets", "parquet", "spacy") and "xlsx" not in name]:
        target = tmp_path / f"{name}{FORMATS[name].ending}"
        export(opened, target, file_format=name)
        assert not re.search(r"\d{4}-\d{4}|example", target.read_text("utf-8-sig")), name
    assert audit_log.list_entries(opened) == []
    export(opened, tmp_path / "all.jsonl", Choice(unmasked=True))
    assert "010-1234-5678" in (tmp_path / "all.jsonl").read_text("utf-8")
    assert [(entry.action, entry.subject) for entry in audit_log.list_entries(opened)] == [("mask.reveal", "export")]
