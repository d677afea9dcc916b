"""What several people decided of one text comes in as theirs, and our own exports come back whole."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from annotator import exporting, project
from annotator.errors import UserError
from annotator.importing import Choices, ColumnMap, import_file, preview
from annotator.label_sets.crosswalks import Crosswalk, CrosswalkEntry
from db.answers import decisions, rationales
from db.answers.decisions import NewDecision
from db.answers.rationales import NewRationale
from db.connection import rows
from db.people import annotators
from db.stats import agreement

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from db import Database

LABELLED = """text,label,annotator
비가 왔다 정말 많이,슬픔,가람
비가 왔다 정말 많이,중립,나루
해가 났다 오랜만에,행복,가람
해가 났다 오랜만에,,나루
"""


def decided(db: Database) -> list[Any]:
    sql = """
        select d.diary_id, a.name, d.kind, d.label_id from decisions d join annotators a on a.id = d.annotator_id
        order by d.id
    """
    return rows(db, sql)


def test_a_column_says_who_gave_each_label(opened: Database) -> None:
    assert preview(LABELLED.encode(), "팀.csv").guess == ColumnMap("text", "label", annotator="annotator")
    report = import_file(opened, LABELLED.encode(), "팀.csv")
    garam, naru = "가져오기:표 · 가람", "가져오기:표 · 나루"
    assert decided(opened) == [(1, garam, "label", 5), (1, naru, "label", 6), (2, garam, "label", 2)]
    assert [(skip.row_number, skip.reason) for skip in report.skips] == [(3, "joined"), (5, "duplicate")]
    assert report.row_count == report.kept_count + len(report.skips)
    assert agreement.list_answers(opened).label_ids.tolist() == [5, 6]


def test_nobody_is_heard_twice_however_often_a_file_comes(opened: Database) -> None:
    import_file(opened, LABELLED.encode(), "팀.csv")
    again = import_file(opened, LABELLED.encode(), "팀.csv")
    assert {skip.reason for skip in again.skips} == {"duplicate"}
    assert len(decided(opened)) == 3


def test_decisions_made_elsewhere_are_added_to_diaries_that_are_there(opened: Database) -> None:
    import_file(opened, "text\n비가 왔다 정말 많이\n".encode(), "a.csv")
    report = import_file(opened, LABELLED.encode(), "팀.csv")
    assert [(skip.row_number, skip.reason, skip.detail) for skip in report.skips][:2] == [
        (2, "joined", "1"),
        (3, "joined", "1"),
    ]
    assert len(decided(opened)) == 3


def test_labels_of_nobody_in_particular_are_no_agreement(opened: Database) -> None:
    for name in ("a.csv", "b.csv"):
        import_file(opened, "text,label\n비가 왔다 정말 많이,슬픔\n".encode(), name)
    assert len(agreement.list_answers(opened)) == 0


def test_without_the_label_column_nothing_is_decided(opened: Database) -> None:
    content = json.dumps([{"id": 1, "text": "비가 왔다 정말 많이", "label": ["기쁨"]}], ensure_ascii=False).encode()
    with pytest.raises(UserError, match="import_ask_unknown"):
        import_file(opened, content, "a.json")
    assert import_file(opened, content, "a.json", columns=ColumnMap("text")).label_count == 0


def test_labels_that_a_crosswalk_leads_nowhere_leave_nothing_behind(opened: Database) -> None:
    content = json.dumps([{"id": 1, "text": "비가 왔다 정말 많이", "label": ["기쁨", "끝"]}]).encode()
    walk = Crosswalk("w", "", "", (CrosswalkEntry("기쁨", "행복", ""), CrosswalkEntry("끝", "", "")))
    import_file(opened, content, "a.json", crosswalk=walk)
    assert [row[3] for row in decided(opened)] == [2]


def fill(db: Database) -> None:
    """Two diaries of three, decided by two people with all that a decision may have."""
    import_file(db, "text,날씨\n=비가 왔다,비\n해가 났다 오랜만에,맑음\n눈이 왔다 하루 종일,눈\n".encode(), "a.csv")
    garam, naru = (annotators.get_or_create_id(db, name) for name in ("가람", "나루"))
    for given in (
        NewDecision(1, garam, "label", "t1", 5, memo="울었음", other_label_ids=(3,), intensity=4),
        NewDecision(1, naru, "label", "t2", 6),
        NewDecision(2, naru, "skip", "t3", memo="모르겠음"),
    ):
        decisions.add(db, given)
    rationales.add(db, NewRationale(1, garam, 5, 1, 3, "right", "r1"))
    rationales.add(db, NewRationale(3, naru, 2, 0, 2, "wrong", "r2"))


def told(path: Path) -> list[dict[str, Any]]:
    """Return what an export says of its diaries, but for names, times and what is new in every project."""
    diaries = []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        for one in (*row["decisions"], *row["rationales"]):
            one["annotator"] = one["annotator"].rpartition(" · ")[2]
            one.pop("decided_at", None)
        row["metadata"].pop("source", None)
        diaries.append(
            {key: row[key] for key in ("text", "decisions", "rationales", "metadata", "soft_label", "intensity")}
        )
    return diaries


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a filled project."""
    folder = tmp_path_factory.mktemp("exported")
    project.init(folder / "project.db", seed="00" * 16, blind_share=0.0)
    with closing(project.open_project(folder / "project.db")) as db:
        fill(db)
    return folder


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.tsv", "out.xlsx", "out.parquet", "out.spacy"])
def test_our_own_export_comes_back_whole(exported: Path, opened: Database, tmp_path: Path, name: str) -> None:
    if name.endswith(".spacy"):
        pytest.importorskip("annotator.formats.spacy_docbin.library")
    choice = exporting.Choice(name_people=True, unmasked=True)
    first, again = tmp_path / "first.jsonl", tmp_path / "again.jsonl"
    with closing(project.open_project(exported / "project.db")) as db:
        exporting.export(db, tmp_path / name, choice)
        exporting.export(db, first, choice)
    report = import_file(opened, tmp_path / name, name)
    assert report.kept_count == 3
    exporting.export(opened, again, choice)
    assert told(again) == told(first)


TOOLS = {"label-studio": "label_studio", "doccano": "doccano", "argilla": "argilla", "prodigy": "prodigy"}


@pytest.mark.parametrize("tool", TOOLS)
def test_what_goes_out_for_another_tool_comes_back_in(
    exported: Path, opened: Database, tmp_path: Path, tool: str
) -> None:
    target = tmp_path / ("out.jsonl" if tool in ("doccano", "prodigy") else "out.json")
    with closing(project.open_project(exported / "project.db")) as db:
        exporting.export(db, target, exporting.Choice(name_people=True, unmasked=True), file_format=tool)
    assert import_file(opened, target, target.name, choices=Choices(several="all")).format == TOOLS[tool]
    texts = [text for (text,) in rows(opened, "select text from diaries order by id")]
    assert texts[:2] == ["=비가 왔다", "해가 났다 오랜만에"][: len(texts)]
    answers = {(name.rpartition(" · ")[2], kind, label) for _, name, kind, label in decided(opened)}
    if tool == "doccano":  # which knows of labels, and not whose they are
        assert {row[1:] for row in answers} == {("label", 3)}
    else:
        assert answers == {("가람", "label", 5), ("나루", "label", 6), ("나루", "skip", None)}
        assert rows(opened, "select memo, intensity from decisions where label_id = 5") == [("울었음", 4)]


def test_an_import_that_is_killed_at_its_very_end_leaves_nothing(project_path: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text\n" + "\n".join(f"{i}번째 날의 긴 일기" for i in range(12_000)), "utf-8")
    script = (
        "import os, signal, sys; from pathlib import Path; from annotator import project;"
        "from annotator.importing import import_file;"
        "db = project.open_project(Path(sys.argv[1]));"
        "import_file(db, Path(sys.argv[2]), 'a.csv', after=lambda *_: os.kill(os.getpid(), signal.SIGKILL))"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(project_path), str(file)], check=False)
    assert ended.returncode == -signal.SIGKILL
    with closing(project.open_project(project_path)) as db:
        assert not rows(db, "select 1 from diaries union all select 1 from batches")
        assert import_file(db, file, "a.csv").kept_count == 12_000
