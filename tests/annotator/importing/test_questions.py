"""Questions that files raise: with a count for each answer, answered, remembered, and asked afresh."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from annotator import exporting
from annotator.errors import UserError
from annotator.importing import (
    Choices,
    ColumnMap,
    ImportQuestions,
    Plan,
    ReadOptions,
    bundle,
    describe_remembered,
    details,
    import_file,
    import_files,
    preview,
    taking_back,
    total,
)
from annotator.label_sets import editing
from annotator.messages import LANGUAGES, explain, say
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.connection import rows
from db.label_sets import labels
from db.people import annotators

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database
    from db.texts.batches import Imported


def asked(db: Database, content: str | bytes, name: str = "a.csv", **how: Any) -> dict[str, dict[str, int]]:
    """Return the questions of a file, each with the count for each answer."""
    data = content if isinstance(content, bytes) else content.encode()
    before = rows(db, "select (select count(*) from batches), (select count(*) from decisions)")
    with pytest.raises(ImportQuestions) as caught:
        import_file(db, data, name, **how)
    assert rows(db, "select (select count(*) from batches), (select count(*) from decisions)") == before
    assert all(explain(caught.value, language) for language in LANGUAGES)
    for question in caught.value.questions:
        for option, count in question.answers.items():
            assert f"{count:,}" in say(f"import_page.answer_{question.kind}_{option}", count=count)
    return {question.kind: question.answers for question in caught.value.questions}


def stored(db: Database) -> list[tuple[Any, ...]]:
    sql = """
        select y.text, l.name from diaries y left join standing s on s.diary_id = y.id
            left join labels l on l.id = s.label_id order by y.id
    """
    return rows(db, sql)


UNKNOWN = (
    "text,label\n오늘은 비가 왔다.,행복\n내일은 해가 난다.,뿌듯함\n모레는 눈이 온다.,뿌듯함\n글피는 흐리다.,설렘\n"
)


def test_labels_that_the_set_lacks_are_asked_about_with_both_counts(opened: Database) -> None:
    assert asked(opened, UNKNOWN) == {"unknown": {"add": 2, "leave": 3}}


def test_labels_of_a_file_are_added_to_the_set(opened: Database) -> None:
    report = import_file(opened, UNKNOWN.encode(), "a.csv", choices=Choices(unknown="add"))
    assert report.decision_count == 4
    assert [label for _, label in stored(opened)] == ["행복", "뿌듯함", "뿌듯함", "설렘"]
    assert [label.name for label in labels.list_labels(opened)][-2:] == ["뿌듯함", "설렘"]
    assert [change.action for change in editing.list_changes(opened)][:2] == ["add", "add"]


def test_labels_that_people_gave_in_another_tool_are_added_with_their_marks(opened: Database) -> None:
    span = {"start": 0, "end": 3, "text": "오늘은", "labels": ["설렘"]}
    result = [
        {"from_name": "s", "to_name": "text", "type": "choices", "value": {"choices": ["설렘"]}},
        {"from_name": "e", "to_name": "text", "type": "labels", "value": span},
    ]
    task = {"id": 1, "data": {"text": "오늘은 긴 하루였다"}, "annotations": [{"completed_by": 1, "result": result}]}
    import_file(opened, json.dumps([task]).encode(), "a.json", choices=Choices(unknown="add"))
    assert rows(opened, "select l.name from rationales r join labels l on l.id = r.label_id") == [("설렘",)]


def test_a_file_that_fails_adds_no_label(opened: Database) -> None:
    def fail(db: Database, imported: Imported) -> None:
        raise UserError("import_files_or_back")

    with pytest.raises(UserError):
        import_file(opened, UNKNOWN.encode(), "a.csv", choices=Choices(unknown="add"), after=fail)
    assert len(labels.list_labels(opened)) == 7


def test_a_retired_label_that_a_file_brings_is_back(opened: Database) -> None:
    me = annotators.get_or_create_id(opened, "나")
    editing.retire(opened, editing.label_named(opened, "행복").id, annotator_id=me)
    content = "text,label\n오늘은 비가 왔다.,행복\n".encode()
    import_file(opened, content, "a.csv", choices=Choices(unknown="add"))
    assert stored(opened) == [("오늘은 비가 왔다.", "행복")]


def test_every_question_has_a_count_for_each_answer(opened: Database) -> None:
    several = 'text,label\n오늘은 비가 왔다.,"행복,슬픔"\n내일은 해가 난다.,"행복,슬픔,분노"\n'
    assert asked(opened, several) == {"several": {"all": 5, "first": 2, "none": 2}}
    assert asked(opened, "text\n오늘은 비가 왔다.\n합계\n") == {"totals": {"skip": 1, "keep": 1}}
    bare = "오늘은 비가 왔다.,행복\n내일은 해가 난다.,슬픔\n모레는 눈이 온다.,분노\n"
    assert asked(opened, bare) == {"heading": {"none": 3, "first": 2}}
    wide = "text,kim,lee\n오늘은 비가 왔다.,행복,슬픔\n내일은 해가 난다.,,슬픔\n"
    assert asked(opened, wide) == {"wide": {"people": 3, "none": 3}}
    lines = "오늘은 비가 왔다.\n내일은 해가 난다.\n"
    assert asked(opened, lines, "일기.txt") == {"lines": {"whole": 1, "each": 2}}
    import_file(opened, "text,label\n오늘은 비가 왔다.,행복\n".encode(), "b.csv")
    again = "text,label\n오늘은 비가 왔다.,슬픔\n"
    assert asked(opened, again) == {"again": {"correct": 1, "add": 1, "keep": 1}}


TWO_TEXTS = "아침,저녁,감정\n오늘은 비가 왔다.,밤에는 그쳤다.,행복\n내일은 해가 난다.,,슬픔\n,,분노\n"
JOINED = ColumnMap("아침", "감정", more_text=("저녁",))


def test_several_columns_of_text_are_asked_about(opened: Database) -> None:
    assert asked(opened, TWO_TEXTS, columns=JOINED) == {"texts": {"join": 2, "each": 3}}


@pytest.mark.parametrize(
    ("answer", "diaries"),
    [
        ("join", [("오늘은 비가 왔다. 밤에는 그쳤다.", "행복"), ("내일은 해가 난다.", "슬픔")]),
        ("each", [("오늘은 비가 왔다.", "행복"), ("밤에는 그쳤다.", "행복"), ("내일은 해가 난다.", "슬픔")]),
    ],
)
def test_several_columns_of_text_are_joined_or_a_diary_each(opened: Database, answer: Any, diaries: Any) -> None:
    report = import_file(opened, TWO_TEXTS.encode(), "a.csv", columns=JOINED, choices=Choices(texts=answer))
    assert stored(opened) == diaries
    assert report.row_count == report.kept_count + len(report.skips)
    assert [(skip.row_number, skip.reason) for skip in report.skips] == [(4, "empty")]
    assert rows(opened, "select metadata from diaries where metadata <> '{}'") == []


def test_the_texts_of_a_further_column_are_numbered_on(opened: Database) -> None:
    import_file(opened, TWO_TEXTS.encode(), "a.csv", columns=JOINED, choices=Choices(texts="each"))
    again = import_file(opened, TWO_TEXTS.encode(), "a.csv", columns=JOINED, choices=Choices(texts="each"))
    assert [(skip.row_number, skip.reason) for skip in again.skips] == [
        (2, "duplicate"),
        (3, "duplicate"),
        (4, "empty"),
        (6, "duplicate"),
    ]


@pytest.fixture
def labelled(opened: Database) -> Database:
    """Two diaries, of which one person labelled both and another one the first."""
    import_file(opened, "text\n오늘은 비가 왔다.\n내일은 해가 난다.\n".encode(), "일기.csv")
    for number, (diary, who, label) in enumerate([(1, "가람", 5), (1, "나루", 6), (2, "가람", 2)]):
        annotator_id = annotators.get_or_create_id(opened, who)
        decisions.add(opened, NewDecision(diary, annotator_id, "label", f"t{number}", label, other_label_ids=(1,)))
    return opened


def said(db: Database) -> list[tuple[Any, ...]]:
    sql = """
        select s.diary_id, a.name, l.name, (select count(*) from decision_labels f where f.decision_id = s.decision_id)
        from standing s join annotators a on a.id = s.annotator_id join labels l on l.id = s.label_id
        order by s.diary_id, a.name
    """
    return rows(db, sql)


@pytest.mark.parametrize(("format_name", "name"), [("csv", "a.csv"), ("label-studio", "a.json")])
def test_a_label_that_was_cleared_is_asked_about_and_undone_or_kept(
    labelled: Database, tmp_path: Path, format_name: str, name: str
) -> None:
    before = said(labelled)
    [(_, _, label, _)] = [row for row in before if row[0] == 2]
    exporting.export(labelled, tmp_path / name, file_format=format_name)
    content = (tmp_path / name).read_text("utf-8-sig")
    if format_name == "csv":
        content = "\n".join(
            line if number != 2 else line.replace(f",{label},", ",,", 1)
            for number, line in enumerate(content.splitlines())
        )
    else:
        tasks = json.loads(content)
        tasks[1]["annotations"][0]["result"] = []
        content = json.dumps(tasks)
    assert asked(labelled, content, name) == {"cleared": {"undo": 1, "keep": 1}}
    kept = import_file(labelled, content.encode(), name, choices=Choices(cleared="keep"))
    assert (said(labelled), [skip.reason for skip in kept.skips]) == (before, ["duplicate", "label_cleared"])
    undone = import_file(labelled, content.encode(), name, choices=Choices(cleared="undo"))
    assert (said(labelled), undone.superseding_count) == (before[:2], 1)
    assert taking_back.take_back(labelled, undone.batch_id, None).decision_count == 1
    assert said(labelled) == before


def test_a_cell_of_a_wide_table_that_was_cleared_is_undone(labelled: Database, tmp_path: Path) -> None:
    exporting.export(labelled, tmp_path / "a.csv", file_format="people-csv")
    [(_, _, label, _)] = [row for row in said(labelled) if row[0] == 2]
    lines = (tmp_path / "a.csv").read_text("utf-8-sig").splitlines()
    lines[2] = lines[2][: lines[2].index(f"{label} |")] + ","
    content = "\n".join(lines)
    assert asked(labelled, content) == {"cleared": {"undo": 1, "keep": 1}}
    import_file(labelled, content.encode(), "a.csv", choices=Choices(cleared="undo"))
    assert {diary for diary, *_ in said(labelled)} == {1}


def test_a_cleared_label_on_which_somebody_has_decided_since_stays(labelled: Database, tmp_path: Path) -> None:
    exporting.export(labelled, tmp_path / "a.csv", file_format="csv")
    [(_, _, label, _)] = [row for row in said(labelled) if row[0] == 2]
    content = (tmp_path / "a.csv").read_text("utf-8-sig")
    garam = annotators.get_or_create_id(labelled, "가람")
    decisions.add(labelled, NewDecision(2, garam, "label", "later", 3))
    head, rest = content.split("내일은", 1)
    edited = head + "내일은" + rest.replace(f",{label},", ",,", 1)
    report = import_file(labelled, edited.encode(), "a.csv", choices=Choices(cleared="undo"))
    assert ("older" in {skip.reason for skip in report.skips}, len(said(labelled))) == (True, 3)


def test_an_earlier_annotation_of_the_same_person_is_named_and_the_newest_counts(opened: Database) -> None:
    def annotation(label: str, at: str) -> dict[str, Any]:
        value = {"choices": [label]}
        result = [{"from_name": "s", "to_name": "text", "type": "choices", "value": value}]
        return {"completed_by": {"email": "gaon@example.org"}, "created_at": at, "result": result}

    annotations = [annotation("슬픔", "2024-03-02T00:00:00Z"), annotation("행복", "2024-03-01T00:00:00Z")]
    task = {"id": 1, "data": {"text": "오늘은 긴 하루였다"}, "annotations": annotations}
    report = import_file(opened, json.dumps([task]).encode(), "a.json")
    assert [label for _, label in stored(opened)] == ["슬픔"]
    assert [(note.reason, note.detail) for note in report.notes] == [("said_before", "gaon@example.org: 행복")]
    assert any("1" in line for line in details(report))


def test_what_was_chosen_is_remembered_said_and_can_be_done_without(opened: Database) -> None:
    chosen = Choices(several="first", separator="+", people={"a": "가람"})
    content = "text,label\n오늘은 비가 왔다.,행복+슬픔\n"
    import_file(opened, content.encode(), "3월.csv", choices=chosen)
    later = content.replace("오늘은", "내일은")
    assert preview(later.encode(), "4월.csv", db=opened).choices == chosen
    report = import_file(opened, later.encode(), "4월.csv")
    assert (report.is_remembered, report.choices) == (True, chosen)
    assert all(describe_remembered(chosen, language) in details(report, language) for language in LANGUAGES)
    assert "지난번과 같이 읽었어요" in describe_remembered(chosen, "ko")
    third = content.replace("오늘은", "모레는")
    assert asked(opened, third, remembers=False) == {"several": {"all": 2, "first": 1, "none": 1}}
    import_file(opened, third.encode(), "5월.csv", choices=Choices(several="all"), remembers=False)
    assert preview(third.encode(), "6월.csv", db=opened).choices == Choices(several="all")


def test_nothing_is_remembered_where_nothing_was_chosen(opened: Database) -> None:
    content = "text,label\n오늘은 비가 왔다.,행복\n"
    first = import_file(opened, content.encode(), "3월.csv")
    second = import_file(opened, content.replace("오늘은", "내일은").encode(), "4월.csv")
    assert (first.is_remembered, second.is_remembered) == (False, False)


def tables(*contents: str) -> list[tuple[Path | bytes, str]]:
    return [(content.encode(), f"{number}월.csv") for number, content in enumerate(contents, 3)]


def test_several_files_come_in_together_with_a_line_for_each(opened: Database) -> None:
    files = tables(
        "text,label\n오늘은 비가 왔다.,행복\n", "text,label\n내일은 해가 난다.,슬픔\n오늘은 비가 왔다.,행복\n"
    )
    reports = import_files(opened, files, Plan())
    assert [(each.file_name, each.kept_count, each.row_count) for each in reports] == [
        ("3월.csv", 1, 1),
        ("4월.csv", 1, 2),
    ]
    assert "파일 2개: 일기 2개" in total(reports)


def test_several_files_are_asked_about_once_with_sums(opened: Database) -> None:
    files = tables("text,label\n오늘은 비가 왔다.,뿌듯함\n합계,\n", "text,label\n내일은 해가 난다.,설렘\n합계,\n")
    with pytest.raises(ImportQuestions) as caught:
        import_files(opened, files, Plan())
    assert {each.kind: each.answers for each in caught.value.questions} == {
        "unknown": {"add": 2, "leave": 2},
        "totals": {"skip": 2, "keep": 2},
    }
    assert "3월.csv 외 1개" in explain(caught.value, "ko")
    import_files(opened, files, Plan(choices=Choices(unknown="add", totals="skip")))
    assert [label for _, label in stored(opened)] == ["뿌듯함", "설렘"]


def test_of_several_files_one_that_fails_keeps_all_out(opened: Database) -> None:
    files = tables("text,label\n오늘은 비가 왔다.,행복\n", "글\n내일은 해가 난다.\n")
    with pytest.raises(Exception, match="import_files_differ"):
        import_files(opened, files, Plan(columns=ColumnMap("text", "label")))
    assert stored(opened) == []


def test_several_text_files_are_one_import_of_a_diary_each(opened: Database, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    paths = [tmp_path / "2024-03-01.txt", tmp_path / "b" / "2024-03-01.txt", tmp_path / "표.txt"]
    for path, content in zip(
        paths, ("오늘은 비가 왔다.\n정말로.", "내일은 해가 난다.", "text\tlabel\n모레다.\t행복"), strict=True
    ):
        path.write_text(content, "utf-8")
    files = bundle([(path, path.name) for path in paths])
    reports = import_files(opened, files, Plan())
    assert [(each.file_name, each.kept_count) for each in reports] == [("2024-03-01.txt 외 1개.zip", 2), ("표.txt", 1)]
    assert {text for text, _ in stored(opened)} == {"오늘은 비가 왔다.\n정말로.", "내일은 해가 난다.", "모레다."}
    assert bundle(files[1:]) == files[1:]
    assert import_files(opened, bundle([(path, path.name) for path in paths]), Plan())[0].kept_count == 0


def test_how_a_file_is_read_is_not_remembered_against_the_persons_will(opened: Database) -> None:
    content = "일기,감정\n오늘은 비가 왔다.,행복\n".encode()
    import_file(opened, content, "a1.csv", reading=ReadOptions(heading=1))
    assert import_file(opened, content, "a2.csv").is_remembered
    import_file(opened, content, "a3.csv", remembers=False)
    assert not import_file(opened, content, "a4.csv", remembers=False).is_remembered
