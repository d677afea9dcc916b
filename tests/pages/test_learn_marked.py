from __future__ import annotations

from typing import TYPE_CHECKING, Any

from annotator import project
from db.models import models, rounds

if TYPE_CHECKING:
    from pathlib import Path


def _end_round(path: Path, **report: Any) -> None:
    with project.opened(path) as db:
        round_id = rounds.request_round(db, annotator_id=None)
        new = models.NewModel("instant", "bundled", "hash", (1, 2, 3, 4, 5, 6, 7), b"", {}, (1, 2))
        rounds.set_model(db, round_id, models.add_model(db, new))
        rounds.end(db, round_id, status="done", report={"train": 5, "new": 5, "promoted": True, **report})


def _mark(verdict: str, before: float | None, after: float) -> dict[str, Any]:
    return {"diary_id": 1, "span": [0, 3], "label_id": 5, "verdict": verdict, "before": before, "after": after}


def test_a_round_shows_what_became_of_marked_words(filled: Path, open_app) -> None:
    _end_round(filled, rationales=[_mark("wrong", 0.8, 0.1), _mark("wrong", 0.2, 0.3), _mark("right", 0.5, 0.6)])
    app = open_app("learn")
    assert not app.exception
    assert "2개 가운데 **1개**가" in "\n".join(element.value for element in app.markdown)
    (table,) = [frame.value for frame in app.dataframe if "이전 무게" in frame.value.columns]
    assert table["낱말"].tolist() == ["오늘은"] * 3
    assert table["표시"].tolist() == ["✕ 근거 아님", "✕ 근거 아님", "✓ 근거 맞음"]
    assert table["새 무게"].tolist() == [0.1, 0.3, 0.6]


def test_without_a_version_to_compare_with_nothing_is_counted(filled: Path, open_app) -> None:
    _end_round(filled, rationales=[_mark("wrong", None, 0.1)])
    app = open_app("learn")
    assert not app.exception
    assert "움직여요" not in "\n".join(element.value for element in app.markdown)


def test_a_round_without_marks_has_no_such_part(filled: Path, open_app) -> None:
    _end_round(filled)
    app = open_app("learn")
    assert "표시한 낱말" not in "\n".join(element.value for element in app.markdown)
