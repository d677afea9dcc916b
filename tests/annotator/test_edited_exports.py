"""An export that somebody has edited elsewhere comes back as exactly those edits, of the person who is named."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from annotator import exporting, project
from annotator import settings as project_settings
from annotator.formats.own_export import newest
from annotator.importing import Choices, import_file, taking_back
from db.answers import decisions, rationales
from db.answers.decisions import NewDecision
from db.answers.rationales import NewRationale
from db.connection import rows
from db.people import annotators
from db.stats import agreement
from tests.conftest import reading_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from db import Database

TABLES = ("csv", "tsv", "xlsx", "jsonl", "parquet")
TOOLS = ("label-studio", "argilla", "prodigy", "doccano")
WIDE = ("people-csv", "people-xlsx", "labels-csv", "labels-xlsx")


@pytest.fixture(autouse=True, scope="module")
def _reading_here() -> Iterator[None]:
    with reading_here():
        yield


@pytest.fixture
def labelled(opened: Database) -> Database:
    """Three diaries of two people who agree on one of them; one has a telephone number, one an emoji."""
    content = "text\n비가 왔다 정말 많이\n😀😀 해가 났다 오랜만에\n전화는 010-1234-5678로 해 달라고 했다\n"
    import_file(opened, content.encode(), "일기.csv")
    garam, naru = (annotators.get_or_create_id(opened, name) for name in ("가람", "나루"))
    for number, (diary, who, label) in enumerate([(1, garam, 5), (1, naru, 6), (2, garam, 2), (2, naru, 2)]):
        decisions.add(opened, NewDecision(diary, who, "label", f"t{number}", label))
    decisions.add(opened, NewDecision(3, garam, "label", "t9", 1, memo="010-1234-5678"))
    rationales.add(opened, NewRationale(2, garam, 2, 3, 5, "right", "m1"))
    return opened


def state(db: Database) -> list[tuple[Any, ...]]:
    sql = """
        select y.id, a.name, l.name from standing s join diaries y on y.id = s.diary_id
            join annotators a on a.id = s.annotator_id left join labels l on l.id = s.label_id
        order by y.id, a.name
    """
    return rows(db, sql)


def words(db: Database) -> list[str]:
    sql = """
        select substr(y.text, r.span_start + 1, r.span_end - r.span_start) from rationales r
            join diaries y on y.id = r.diary_id
    """
    return [word for (word,) in rows(db, sql)]


def alpha(db: Database) -> list[int]:
    return agreement.list_answers(db).label_ids.tolist()


def write(db: Database, folder: Path, name: str) -> Path:
    target = folder / f"out{exporting.FORMATS[name].ending}"
    exporting.export(db, target, file_format=name)
    return target


@pytest.mark.parametrize("name", [*TABLES, *WIDE, *TOOLS])
def test_an_export_that_comes_back_unchanged_changes_nothing(labelled: Database, tmp_path: Path, name: str) -> None:
    before, answers = state(labelled), alpha(labelled)
    target = write(labelled, tmp_path, name)
    report = import_file(labelled, target, target.name)
    assert (report.kept_count, report.joined_count, report.superseding_count) == (0, 0, 0), report.skips
    assert (state(labelled), alpha(labelled), words(labelled)) == (before, answers, ["해가"])


@pytest.mark.parametrize("name", [*TABLES, "label-studio", "argilla", "prodigy"])
def test_an_export_into_an_empty_project_keeps_agreement_and_counts(
    labelled: Database, tmp_path: Path, name: str
) -> None:
    target = write(labelled, tmp_path, name)
    project.init(tmp_path / "second.db")
    with project.opened(tmp_path / "second.db") as second:
        import_file(second, target, target.name)
        assert sorted(alpha(second)) == sorted(alpha(labelled))
        assert [label for _, _, label in state(second)] == [label for _, _, label in state(labelled)]
        assert words(second) == ["해가"]
        # and from there back home, where the same people are meant
        back = tmp_path / "back.jsonl"
        exporting.export(second, back)
    before = state(labelled)
    import_file(labelled, back, back.name)
    assert {name for _, name, _ in state(labelled)} <= {"가람", "나루"}
    assert state(labelled)[: len(before)] == before


def _edit_csv(content: bytes, change: Callable[[list[dict[str, str]]], None]) -> bytes:
    table = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    change(table)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(table[0]))
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue().encode("utf-8-sig")


def test_an_edited_label_is_a_decision_of_the_person_beside_it(labelled: Database, tmp_path: Path) -> None:
    def change(table: list[dict[str, str]]) -> None:
        assert table[0]["decided_by"] == "나루"
        table[0]["label"] = "분노"

    before = state(labelled)
    content = _edit_csv(write(labelled, tmp_path, "csv").read_bytes(), change)
    report = import_file(labelled, content, "고친 표.csv")
    assert (report.superseding_count, report.joined_count, report.kept_count) == (1, 0, 0)
    assert set(state(labelled)) ^ set(before) == {(1, "나루", "중립"), (1, "나루", "분노")}
    taking_back.take_back(labelled, report.batch_id, None)
    assert state(labelled) == before


def test_a_label_under_another_name_is_that_persons_decision(labelled: Database, tmp_path: Path) -> None:
    def change(table: list[dict[str, str]]) -> None:
        table[2] |= {"label": "불안", "decided_by": "나루"}

    content = _edit_csv(write(labelled, tmp_path, "csv").read_bytes(), change)
    report = import_file(labelled, content, "고친 표.csv")
    assert (report.superseding_count, report.joined_count) == (0, 1)
    assert state(labelled)[-2:] == [(3, "가람", "분노"), (3, "나루", "불안")]


def test_an_old_export_does_not_undo_what_somebody_decided_since(labelled: Database, tmp_path: Path) -> None:
    target = write(labelled, tmp_path, "jsonl")
    naru = annotators.get_or_create_id(labelled, "나루")
    decisions.add(labelled, NewDecision(1, naru, "label", "later", 3))
    report = import_file(labelled, target, target.name)
    assert state(labelled)[1] == (1, "나루", "불안")
    assert "older" in {skip.reason for skip in report.left_out}


def test_a_cell_of_a_wide_table_is_a_decision_of_its_person(labelled: Database, tmp_path: Path) -> None:
    def change(table: list[dict[str, str]]) -> None:
        table[0]["decided_by:가람"] = "당황"
        table[2]["decided_by:나루"] = "혐오"

    content = _edit_csv(write(labelled, tmp_path, "people-csv").read_bytes(), change)
    report = import_file(labelled, content, "넓은 표.csv")
    assert (report.superseding_count, report.joined_count) == (1, 1)
    assert state(labelled)[0] == (1, "가람", "당황")
    assert state(labelled)[-1] == (3, "나루", "혐오")


def test_an_annotation_that_somebody_changed_in_label_studio_supersedes(labelled: Database, tmp_path: Path) -> None:
    tasks = json.loads(write(labelled, tmp_path, "label-studio").read_text("utf-8"))
    [choice] = [one for one in tasks[0]["annotations"][0]["result"] if one["type"] == "choices"]
    choice["value"]["choices"] = ["혐오"]
    tasks[0]["annotations"][0]["updated_at"] = tasks[0]["annotations"][0].pop("created_at")[:-5] + "9.999Z"
    report = import_file(labelled, json.dumps(tasks).encode(), "project-1-at-2026-01-01.json")
    assert report.superseding_count == 1
    assert state(labelled)[0] == (1, "가람", "혐오")


def test_marks_have_the_offsets_that_the_tool_counts_in(labelled: Database, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in write(labelled, tmp_path, "doccano").read_text("utf-8").splitlines()]
    [(start, end, label)] = lines[1]["entities"]
    as_the_browser_counts = lines[1]["text"].encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le")
    assert (as_the_browser_counts, label) == ("해가", "행복")
    [span] = json.loads(write(labelled, tmp_path / "..", "label-studio").read_text("utf-8"))[1]["annotations"][0][
        "result"
    ][1:]
    assert lines[1]["text"][span["value"]["start"] : span["value"]["end"]] == "해가"


def test_a_masked_text_is_known_again_and_no_second_diary(labelled: Database, tmp_path: Path) -> None:
    assert project_settings.load(labelled).mask
    target = write(labelled, tmp_path, "csv")
    assert "010-1234-5678" not in target.read_text("utf-8-sig")
    assert import_file(labelled, target, target.name).kept_count == 0


def test_people_of_a_file_are_who_one_says_they_are(labelled: Database) -> None:
    content = "text,label,annotator\n비가 왔다 정말 많이,불안,rater1\n".encode()
    report = import_file(labelled, content, "a.csv", choices=Choices(people={"rater1": "가람"}))
    assert report.superseding_count == 1
    assert state(labelled)[0] == (1, "가람", "불안")


def test_decisions_of_the_same_moment_are_no_edits_of_each_other() -> None:
    at, said = "2026-03-01T09:00:00.000Z", []
    for name, label in (("가람", "슬픔"), ("나루", "중립")):
        said.append({"annotator": name, "label": label, "decided_at": at, "counts": True})
    cells = {"decided_at": at, "decided_by": "나루", "label": "중립"}
    assert newest(said, cells) == said[1]
