from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import export, project
from db import Database, models, rounds

if TYPE_CHECKING:
    from pathlib import Path


def _figures() -> dict[str, Any]:
    confusion = [[0] * 7 for _ in range(7)]
    confusion[1][1], confusion[1][4] = 3, 1
    return {
        "n": 4,
        "accuracy": 0.75,
        "accuracy_low": 0.3,
        "accuracy_high": 0.95,
        "macro_f1": 0.4,
        "f1": [float("nan"), 0.857, *[float("nan")] * 2, 0.0, *[float("nan")] * 2],
        "confusion": confusion,
    }


def _add_measured_model(db: Database) -> None:
    new = models.NewModel("instant", "bundled", "hash", (1, 2, 3, 4, 5, 6, 7), b"", {}, (1, 2))
    round_id = rounds.request_round(db, annotator_id=None)
    model_id = models.add_model(db, new)
    models.activate(db, model_id, reason="test")
    models.store_metrics(db, model_id, {"test": _figures()})
    models.store_predictions(db, model_id, np.full((6, 7), 1 / 7, np.float32))
    rounds.set_model(db, round_id, model_id)
    rounds.end(db, round_id, status="done", report={"train": 6, "after": _figures()})


def _charts(app) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in app.main.get("plotly_chart")]


def test_an_empty_project_says_what_to_do_in_place_of_charts(ready: Path, open_app) -> None:
    app = open_app("overview")
    assert not app.error
    assert not app.main.get("plotly_chart")
    assert "아직 라벨이 없어요" in app.info[0].value


def test_labels_are_charted_against_the_rule_of_thumb(filled: Path, open_app) -> None:
    app = open_app("overview")
    bars = _charts(app)[0]["data"][0]
    assert bars["y"] == ["분노", "행복", "불안", "당황", "슬픔", "중립", "혐오"]
    assert bars["text"] == ["1", "1", "1", "1", "1", "1", "0"]
    assert [metric.value for metric in app.metric] == ["6", "6", "0", app.metric[3].value, "없음"]


def test_a_measured_model_is_charted_with_its_uncertainty(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        _add_measured_model(db)
    app = open_app("overview")
    assert not app.error
    _, accuracy, confusion, f1, confidence = _charts(app)
    assert accuracy["data"][0]["x"] == ["0판"]
    assert confusion["data"][0]["y"][1] == "행복 (4)"
    assert confusion["data"][0]["text"][1][1] == "<b>3</b><br>75%"
    assert f1["data"][1]["text"][:2] == ["없음", "0.86"]
    assert f1["data"][0]["y"][0].startswith("행복"), "a label without a value has no point"
    assert len(confidence["data"]) == 1
    assert any("4개뿐이라" in caption.value for caption in app.caption)


def test_an_export_is_made_of_every_diary(filled: Path) -> None:
    lines = export.export_bytes(filled, "jsonl").decode().splitlines()
    assert [json.loads(line)["label"] for line in lines] == ["행복", "당황", "분노", "슬픔", "중립", "불안"]
    assert export.export_bytes(filled, "csv").startswith(b"\xef\xbb\xbfid,text")
    assert export.export_bytes(filled, "parquet").startswith(b"PAR1")
