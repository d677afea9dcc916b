"""The demo diaries: enough of each feeling, all different, and imported without a trace of their labels."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from annotator import demo, project
from annotator.errors import UserError
from annotator.label_sets import definitions
from annotator.label_sets.definitions import DEFAULT_LABELS
from db.answers import decisions, queue
from db.connection import rows
from db.label_sets import labels
from db.texts import batches, diaries
from tests.conftest import DIARIES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def entries() -> list[dict[str, str]]:
    with DIARIES.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def demo_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "project.db"
    demo.set_up(path)
    return path


def test_there_are_enough_of_each_of_the_seven(entries: list[dict[str, str]]) -> None:
    counts = Counter(entry["label"] for entry in entries)
    assert set(counts) == {label.name for label in DEFAULT_LABELS}
    assert min(counts.values()) >= 50
    assert len(entries) >= 350


def test_no_two_are_the_same(entries: list[dict[str, str]]) -> None:
    plain = [re.sub(r"\W", "", unicodedata.normalize("NFC", entry["text"])) for entry in entries]
    assert len(set(plain)) == len(plain)
    beginnings = Counter(text[:20] for text in plain)
    assert [text for text, n in beginnings.items() if n > 1] == []


def test_each_has_two_to_eight_sentences(entries: list[dict[str, str]]) -> None:
    # A rough rule: ends of sentences and of lines. Colloquial entries leave out full stops, so one may count as one.
    def count(text: str) -> int:
        return len(
            [piece for piece in re.split(r"(?<=[.!?…~ㅋㅎㅠㅜ;])[\"'”’)]*\s+|\n+", text.strip()) if piece.strip()]
        )

    counts = [count(entry["text"]) for entry in entries]
    assert max(counts) <= 12
    assert sum(2 <= n <= 8 for n in counts) / len(counts) >= 0.95


def test_each_has_a_date_and_is_korean(entries: list[dict[str, str]]) -> None:
    for entry in entries:
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", entry["date"])
        assert len(re.findall("[가-힣]", entry["text"])) >= 15


def test_the_demo_holds_every_entry_and_no_label(entries: list[dict[str, str]], demo_path: Path) -> None:
    with project.opened(demo_path) as db:
        kept = diaries.list_diaries(db, diaries.list_ids(db).tolist())
        assert [diary.text for diary in kept] == [entry["text"] for entry in entries]
        assert all(diary.metadata == {} for diary in kept)
        assert decisions.last_decision_id(db) == 0
        assert "label" not in batches.list_batches(db)[0].columns
        assert sorted(queue.list_head(db, 10_000)) == [diary.id for diary in kept]
        assert all(diary.written_on and diary.author for diary in kept)
        names = {label.name for label in DEFAULT_LABELS}
        for column in ("author", "source", "metadata"):
            values = {value for (value,) in rows(db, f"select distinct {column} from diaries")}
            assert not values & names, column


def test_the_demo_takes_other_labels_and_settings(tmp_path: Path) -> None:
    chosen = definitions.make_labels([{"name": "좋음"}, {"name": "나쁨"}])
    demo.set_up(tmp_path / "project.db", labels=chosen, test_share=0.5)
    with project.opened(tmp_path / "project.db") as db:
        assert [label.name for label in labels.list_labels(db)] == ["좋음", "나쁨"]
        assert 0.4 < diaries.count_diaries(db, "test") / diaries.count_diaries(db) < 0.6


def test_the_demo_does_not_touch_a_project_that_is_there(demo_path: Path) -> None:
    with project.opened(demo_path) as db:
        before = diaries.count_diaries(db)
    with pytest.raises(UserError, match="project_exists"):
        demo.set_up(demo_path)
    with project.opened(demo_path) as db:
        assert diaries.count_diaries(db) == before
        assert demo.add_diaries(db).kept_count == 0, "and importing them again adds none"
