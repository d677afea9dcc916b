"""What a round's report says of whose diaries its figures hold for, and how that is read again."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from annotator import project, settings
from annotator.importing import import_file
from annotator.training.audience import audience_of, drawn_writers
from annotator.training.examples import TrainingSet, examples_of
from annotator.worker.round import audience
from db.answers import training_data
from db.models import facts, rounds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db import Database

HAPPY, SAD = 2, 5


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    project.init(tmp_path / "project.db", seed="00" * 16)
    with closing(project.open_project(tmp_path / "project.db")) as opened:
        yield opened


def _import(db: Database, name: str, count: int, *, writers: int, labelled: bool) -> None:
    """Import diaries whose every third writer is sad."""
    lines = []
    for i in range(count):
        writer = f"{name}{i % writers}" if writers else ""
        label = ("행복", "슬픔")[(i % max(writers, 3)) % 3 == 0] if labelled else ""
        lines.append(f"{writer},{name} {i}번째 글,{label}")
    import_file(db, "\n".join(["작성자,일기,감정", *lines]).encode(), f"{name}.csv")


def _described(db: Database) -> dict[str, Any]:
    training, test = (examples_of(training_data.list_labelled(db, part=part), (HAPPY, SAD)) for part in PARTS)
    return audience.describe(db, training, test, _answering_happy(test), (HAPPY, SAD))


PARTS: tuple[Any, ...] = ("pool", "test")


def _answering_happy(test: TrainingSet) -> np.ndarray:
    return np.tile(np.array([[0.9, 0.1]], np.float32), (len(test.columns), 1))


def _read(db: Database, report: dict[str, Any], *, last_decision_id: int = 1) -> Any:
    round_id = rounds.request_round(db, annotator_id=None)
    rounds.begin(db, round_id, last_decision_id=last_decision_id, previous_model_id=None)
    rounds.end(db, round_id, status="done", report=report)
    return audience_of(db, rounds.get_round(db, round_id))


def test_a_test_part_by_writers_stands_for_new_ones(db: Database) -> None:
    _import(db, "나", 60, writers=12, labelled=True)
    described = _described(db)
    assert described["measured_for"] == "new_writers"
    assert described["test_writers"] == len({int(i) % 12 for i in _test_ids(db)})


def _test_ids(db: Database) -> list[int]:
    return training_data.list_labelled(db, part="test").diary_ids.tolist()


def test_writers_are_numbered_where_whole_ones_were_drawn(db: Database) -> None:
    _import(db, "나", 60, writers=12, labelled=True)
    ids = np.array(_test_ids(db))
    writers = drawn_writers(db, ids)
    assert writers is not None
    assert [len(set(writers[ids % 12 == rest])) for rest in set(ids % 12)] == [1] * len(set(ids % 12))
    settings.change(db, writer_cut=0)
    assert drawn_writers(db, ids) is None


@pytest.mark.parametrize(("writers", "whose"), [(1, "these_writers"), (4, "these_writers"), (0, None)])
def test_a_test_part_by_texts_stands_for_these_writers_if_any_are_known(
    db: Database, writers: int, whose: str | None
) -> None:
    _import(db, "나", 60, writers=writers, labelled=True)
    assert _described(db)["measured_for"] == whose


def test_diaries_by_writers_of_one_diary_each_stand_for_new_ones(db: Database) -> None:
    _import(db, "나", 60, writers=60, labelled=True)
    assert _described(db)["measured_for"] == "new_writers"


def test_labelled_comments_beside_unlabelled_diaries_say_nothing_of_the_diaries(db: Database) -> None:
    _import(db, "댓글", 300, writers=0, labelled=True)
    _import(db, "일기", 125, writers=0, labelled=False)
    read = _read(db, _described(db))
    diaries_first, comments = read.sources
    assert (diaries_first.name, diaries_first.waiting, diaries_first.n, diaries_first.accuracy) == (
        "일기.csv",
        125,
        0,
        None,
    )
    assert comments.waiting == 0
    assert comments.n > 30
    assert comments.accuracy is not None
    assert read.waiting is None
    assert read.waiting_count == 125


def test_sources_with_enough_test_decisions_give_a_figure_for_what_waits(db: Database) -> None:
    _import(db, "댓글", 300, writers=0, labelled=True)
    report = _described(db)
    report["sources"] = [{**report["sources"][0], "waiting": 80}]
    read = _read(db, report)
    assert read.waiting.value == read.sources[0].accuracy.value
    assert read.waiting.low < read.waiting.value < read.waiting.high


def test_a_label_of_one_writer_is_named_unless_all_are_of_one(db: Database) -> None:
    _import(db, "혼자", 30, writers=1, labelled=True)
    assert _described(db)["labels_of_one_writer"] == []
    lines = [f"다른 이{i % 5},다른 글 {i},행복" for i in range(30)]
    import_file(db, "\n".join(["작성자,일기,감정", *lines]).encode(), "b.csv")
    assert _read(db, _described(db)).labels_of_one_writer == ("슬픔",)


def test_accuracy_on_these_writers_is_read_from_the_study_if_enough_were_drawn_at_random(db: Database) -> None:
    few = _read(db, {"study": {"these_writers": {"right": 20, "n": 29}}})
    enough = _read(db, {"study": {"these_writers": {"right": 21, "n": 30}}})
    assert few.these is None
    assert (enough.these[0].value, enough.these[1]) == (0.7, 30)


def test_figures_of_before_a_redraw_are_known_as_such(db: Database) -> None:
    facts.store_parts_drawn(db, 7)
    assert _read(db, {}, last_decision_id=7).is_redrawn
    assert not _read(db, {}, last_decision_id=8).is_redrawn
