"""Crosswalks: labels of another set, in and out."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from annotator import exporting
from annotator.accounts import annotators
from annotator.errors import UserError
from annotator.exporting.relabelling import translate
from annotator.importing import import_file
from annotator.label_sets import crosswalks, editing
from annotator.label_sets.definitions import DEFAULT_LABELS
from annotator.label_sets.editing import NewLabel
from db.answers import decisions

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database

ANGER, JOY, FEAR, SHOCK, SORROW, NEUTRAL, DISGUST = range(1, 8)

ROWS = """text,label
"하루 종일 화가 가라앉지 않았다.",짜증
"강아지가 무릎에서 잠들었다.",흐뭇함(귀여움/예쁨)
"아무 일도 없는 하루였다.",없음
"라벨이 없는 글이다.",
"""


@pytest.mark.parametrize(("name", "count"), [("kote", 44), ("aihub", 6)])
def test_a_crosswalk_that_comes_along_leads_to_the_labels_of_new_projects_with_a_reason_each(
    name: str, count: int
) -> None:
    crosswalk = crosswalks.read(name)
    assert len(crosswalk.lines) == count
    assert crosswalk.source
    assert all(line.why for line in crosswalk.lines)
    assert {line.target for line in crosswalk.lines} <= {label.name for label in DEFAULT_LABELS}


def test_labels_of_an_import_become_those_of_the_project(opened: Database) -> None:
    import_file(opened, ROWS.encode(), "k.csv", crosswalk=crosswalks.read("kote"))
    assert decisions.count_by_label(opened) == {ANGER: 1, JOY: 1, NEUTRAL: 1}


def test_a_crosswalk_follows_merges_of_the_project(opened: Database) -> None:
    editing.merge(opened, ANGER, DISGUST, annotator_id=annotators.get_or_create(opened, "나"))
    import_file(opened, ROWS.encode(), "k.csv", crosswalk=crosswalks.read("kote"))
    assert decisions.count_by_label(opened) == {DISGUST: 1, JOY: 1, NEUTRAL: 1}


def test_without_a_crosswalk_the_old_name_of_a_merged_label_is_known(opened: Database) -> None:
    editing.merge(opened, ANGER, DISGUST, annotator_id=annotators.get_or_create(opened, "나"))
    import_file(opened, "text,label\n화가 난 하루였다 정말,분노\n".encode(), "a.csv")
    assert decisions.count_by_label(opened) == {DISGUST: 1}


def test_labels_that_a_crosswalk_does_not_know_are_named_with_their_counts(opened: Database) -> None:
    rows = ROWS + '"모르는 라벨 하나.",모름\n"모르는 라벨 둘.",모름\n'
    with pytest.raises(UserError) as refused:
        import_file(opened, rows.encode(), "k.csv", crosswalk=crosswalks.read("kote"))
    assert refused.value.code == "import_ask_unknown"
    assert refused.value.details["example"] == "모름 (2)"
    assert not decisions.count_by_label(opened)


def test_an_empty_target_brings_the_diary_without_a_label(opened: Database, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("from,to,why\n짜증,분노,\n흐뭇함(귀여움/예쁨),,\n없음,중립,\n", "utf-8-sig")
    report = import_file(opened, ROWS.encode(), "k.csv", crosswalk=crosswalks.read(str(file)))
    assert (report.kept_count, report.label_count) == (4, 2)


def test_an_export_speaks_the_other_set_and_sums_probabilities(opened: Database, tmp_path: Path) -> None:
    import_file(opened, ROWS.encode(), "k.csv", crosswalk=crosswalks.read("kote"))
    file = tmp_path / "out.csv"
    rows = ["분노,나쁨", "행복,좋음", "불안,나쁨", "당황,나쁨", "슬픔,나쁨", "중립,", "혐오,나쁨"]
    file.write_text("from,to\n" + "\n".join(rows) + "\n", "utf-8")
    exporting.export(opened, tmp_path / "all.csv", exporting.Choice(crosswalk=crosswalks.read(str(file))))
    with (tmp_path / "all.csv").open(encoding="utf-8-sig", newline="") as written:
        exported_rows = list(csv.DictReader(written))
    assert [row["label"] for row in exported_rows] == ["나쁨", "좋음", "", ""]
    assert [c for c in exported_rows[0] if c.startswith("proba_")] == ["proba_나쁨", "proba_좋음"]
    assert json.loads(exported_rows[0]["decisions"])[0]["label"] == "나쁨"


def test_probabilities_of_labels_that_go_to_one_place_are_summed(opened: Database) -> None:
    import_file(opened, ROWS.encode(), "k.csv", crosswalk=crosswalks.read("kote"))
    walk = crosswalks.read_bytes("from,to\n가,하나\n나,하나\n다,둘\n".encode(), "w.csv")
    record = next(exporting.read(opened))._replace(
        proba={"가": 0.3, "나": 0.3, "다": 0.4}, soft_label={"다": 0.5, "라": 0.5}
    )
    assert record.predicted == "다"
    (made,) = translate([record], walk)
    assert made.proba == {"하나": pytest.approx(0.6), "둘": 0.4}
    assert (made.predicted, made.soft_label) == ("하나", {"둘": 0.5})


def test_an_export_names_the_labels_that_a_crosswalk_lacks_and_writes_nothing(opened: Database, tmp_path: Path) -> None:
    import_file(opened, ROWS.encode(), "k.csv", crosswalk=crosswalks.read("kote"))
    editing.add(opened, NewLabel("서운함"), annotator_id=annotators.get_or_create(opened, "나"))
    rows = "".join(f"{label.name},하나\n" for label in DEFAULT_LABELS if label.id != ANGER)
    walk = crosswalks.read_bytes(f"from,to\n{rows}".encode(), "w.csv")
    with pytest.raises(UserError) as refused:
        exporting.export(opened, tmp_path / "all.csv", exporting.Choice(crosswalk=walk))
    assert refused.value.details["unknown"] == "분노 (1), 서운함 (0)"
    assert not (tmp_path / "all.csv").exists()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("w.csv", "a,b\n1,2\n", "crosswalk_broken"),
        ("w.toml", "labels = 3", "crosswalk_broken"),
        ("w.toml", "labels = [", "crosswalk_broken"),
        ("w.csv", "from,to\n가,나\n가,다\n", "crosswalk_repeated"),
        ("w.json", "{}", "crosswalk_unknown"),
        ("none.csv", None, "file_unreadable"),
    ],
)
def test_a_file_that_is_no_crosswalk_is_refused(tmp_path: Path, name: str, content: str | None, code: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(UserError, match=code):
        crosswalks.read(str(tmp_path / name))


def test_a_crosswalk_that_leads_to_labels_that_are_not_there_says_which(opened: Database) -> None:
    editing.retire(opened, JOY, annotator_id=annotators.get_or_create(opened, "나"))
    with pytest.raises(UserError) as refused:
        import_file(opened, ROWS.encode(), "k.csv", crosswalk=crosswalks.read("kote"))
    assert (refused.value.code, refused.value.details["unknown"]) == ("crosswalk_targets_unknown", "행복")
