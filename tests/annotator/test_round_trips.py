"""What goes out comes back: exported, imported into a fresh project, it is the same again.

What a format has no place for is said here, format by format.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import project
from annotator.exporting import FORMATS, export, read
from annotator.importing import Choices, import_file
from annotator.label_sets import editing
from db.answers import decisions, groups, rationales
from db.answers.decisions import NewDecision
from db.models import models, predictions
from db.models.models import NewModel
from db.people import annotators
from tests.conftest import import_ours, reading_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from annotator.formats.record import Record
    from db import Database

    Trip = Callable[[str], list[Record]]

TEXTS = (
    "=1+1은 2라고 우겼다",
    '😀 줄이\n바뀌고 "따옴표", 쉼표가  있다',
    "'작은따옴표로 시작한 글",
    "- 할 일: 없음",
    "그냥 하루",
)

TABLES = ("csv", "tsv", "xlsx", "jsonl", "parquet", "datasets")
PERSONAL = (*TABLES, "label-studio", "argilla", "prodigy", "spacy")
"""Formats that say who decided; doccano's lines name nobody."""

SLOW = ("datasets", "spacy")


@pytest.fixture
def filled(opened: Database) -> Database:
    """Five diaries: two people on the first, with marked words; one label, one flag, one skip; nothing on the last."""
    rows = "\n".join(f'"{text.replace(chr(34), 2 * chr(34))}",2026-03-0{i + 1}' for i, text in enumerate(TEXTS))
    import_ours(opened, f"일기,날짜\n{rows}\n", "일기.csv")
    me, you = (annotators.get_or_create_id(opened, name) for name in ("가람", "나래"))
    decisions.add(opened, NewDecision(1, me, "label", "token-1", 1, "메모 하나", other_label_ids=(3,), intensity=4))
    decisions.add(opened, NewDecision(1, you, "label", "token-2", 2))
    decisions.add(opened, NewDecision(2, you, "label", "token-3", 5, intensity=2))
    decisions.add(opened, NewDecision(3, me, "flag", "token-4"))
    decisions.add(opened, NewDecision(4, you, "skip", "token-5"))
    for number, (diary, who, start, end, verdict) in enumerate(
        [(1, me, 0, 5, "right"), (1, you, 1, 4, "wrong"), (2, you, 2, 4, "right")]
    ):
        mark = rationales.NewRationale(diary, who, 2, start, end, verdict, f"mark-{number}")  # type: ignore[arg-type]
        rationales.add(opened, mark)
    label_ids = tuple(label.id for label in editing.list_labels(opened))
    model_id = models.add_model(opened, NewModel("zero", "bundled", "hash", label_ids, b"w", settings={}))
    predictions.store_predictions(opened, model_id, np.full((5, 7), 1 / 7, np.float32))
    models.activate(opened, model_id, reason="test")
    return opened


@pytest.fixture
def and_back(filled: Database, empty_project: Path, tmp_path: Path) -> Trip:
    """Export the project in a format, and return what a fresh one knows after importing that."""

    def go(name: str) -> list[Record]:
        target = tmp_path / f"out{FORMATS[name].ending}"
        export(filled, target, file_format=name)
        with project.opened(Path(shutil.copy(empty_project, tmp_path / "second.db"))) as second, reading_here():
            import_file(second, target, target.name, choices=Choices(several="all"))
            return list(read(second))

    return go


def _person(name: str) -> str:
    """Return a person's name without the file that it was imported from."""
    return name.rpartition(" · ")[2]


def _contents(record: Record) -> dict[str, tuple[object, ...]]:
    return {
        _person(d.annotator): (d.kind, d.label, tuple(sorted(d.other_labels)), d.intensity, d.memo)
        for d in record.decisions
    }


def _marks(records: list[Record], *, verdicts: tuple[str, ...] = ("right", "wrong")) -> Iterator[tuple[object, ...]]:
    for record in records:
        for mark in record.marks:
            if mark.verdict in verdicts:
                yield record.text, _person(mark.annotator), mark.label, mark.start, mark.end, mark.verdict


def _params(names: tuple[str, ...]) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in names]


@pytest.mark.parametrize("name", _params(tuple(FORMATS)))
def test_texts_and_dates_come_back(and_back: Trip, name: str) -> None:
    back = and_back(name)
    # Of doccano's and Prodigy's lines only the text has a known place; the rest is kept as it stands there.
    date_of = {record.text: record.written_on or record.metadata["written_on"] for record in back}
    gone = 1 if name == "prodigy" else 0  # which has no line for a diary that nobody decided
    assert date_of == {text: f"2026-03-0{i + 1}" for i, text in enumerate(TEXTS[: 5 - gone])}


@pytest.mark.parametrize("name", _params(PERSONAL))
def test_everybodys_decision_comes_back(filled: Database, and_back: Trip, name: str) -> None:
    before = {record.text: _contents(record) for record in read(filled)}
    after = {record.text: _contents(record) for record in and_back(name)}
    if name in ("label-studio", "argilla"):  # where a flag is what a skip is
        flagged = before[TEXTS[2]]["가람"]
        before[TEXTS[2]]["가람"] = ("skip", *flagged[1:])
    if name == "prodigy":
        del before[TEXTS[4]]
    assert after == before


@pytest.mark.parametrize("name", _params(PERSONAL))
def test_what_was_labelled_as_one_of_many_comes_back_as_that(filled: Database, and_back: Trip, name: str) -> None:
    made = {d.diary_id: d for d in decisions.list_standing(filled, [1, 2]) if d.token in ("token-2", "token-3")}
    for diary_id, decision in made.items():
        new = groups.NewAct(f"press-on-{diary_id}", decision.annotator_id, decision.label_id or 0, "similar", 9)
        groups.add_members(filled, groups.add_act(filled, new) or 0, {diary_id: decision.id}, [])
    before = {record.text: _groups(record) for record in read(filled)}
    assert before[TEXTS[0]] == {"가람": "", "나래": "press-on-1"}
    after = {record.text: _groups(record) for record in and_back(name)}
    assert after == ({text: said for text, said in before.items() if said} if name == "prodigy" else before)


def _groups(record: Record) -> dict[str, str]:
    return {_person(d.annotator): d.group for d in record.decisions}


@pytest.mark.parametrize("name", _params(PERSONAL))
def test_marked_words_come_back(filled: Database, and_back: Trip, name: str) -> None:
    # Argilla and Prodigy have no way to say that words are no evidence.
    verdicts = ("right",) if name in ("argilla", "prodigy") else ("right", "wrong")
    expected = set(_marks(list(read(filled)), verdicts=verdicts))
    assert set(_marks(and_back(name))) == expected
    assert expected


def test_doccano_brings_labels_and_words_back_without_people(and_back: Trip) -> None:
    records = and_back("doccano")
    labels = [sorted(label for d in record.decisions for label in d.labels) for record in records]
    assert labels == [["분노", "불안", "행복"], ["슬픔"], [], [], []]
    marks = [(text, label, start, end) for text, _, label, start, end, _ in _marks(records)]
    assert marks == [(TEXTS[0], "행복", 0, 5), (TEXTS[1], "행복", 2, 4)]
