from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator.errors import UserError
from annotator.simulation import run as simulation
from annotator.simulation.run import Labelled, Request, describe, read, run
from learner.active_learning.simulation import Replay, summarise
from learner.encoders import emotion_editions
from learner.encoders.encoder import default_cache

if TYPE_CHECKING:
    from pathlib import Path

ROWS = """text,label
오늘은 종일 비가 왔다,슬픔
친구와 맛있는 저녁을 먹었다,행복
택시 기사가 반말을 했다,분노
할머니 사진을 보고 울었다,슬픔
시험에 붙어서 춤을 췄다,행복
"""


def _read(tmp_path: Path, text: str, **columns: str | None) -> Labelled:
    file = tmp_path / "labels.csv"
    file.write_text(text, encoding="utf-8")
    return read(file, **{"text_column": None, "label_column": None, **columns})


def _refusal(tmp_path: Path, text: str, **columns: str | None) -> UserError:
    with pytest.raises(UserError) as caught:
        _read(tmp_path, text, **columns)
    return caught.value


def test_labels_that_occur_once_are_left_out(tmp_path: Path) -> None:
    labelled = _read(tmp_path, ROWS)
    assert labelled.names == ("슬픔", "행복")
    assert [labelled.names[label] for label in labelled.labels] == ["슬픔", "행복", "슬픔", "행복"]
    assert labelled.texts[2] == "할머니 사진을 보고 울었다"
    assert labelled.left_out == 1


def test_repeated_texts_and_empty_cells_are_left_out(tmp_path: Path) -> None:
    more = "오늘은 종일 비가 왔다,행복\n,행복\n아직 라벨이 없는 일기다,\n"
    labelled = _read(tmp_path, ROWS + more)
    assert len(labelled.texts) == len(set(labelled.texts)) == 4
    assert labelled.left_out == 4
    assert labelled.names[labelled.labels[0]] == "슬픔", "the first of repeated texts stays"


def test_columns_of_other_names_can_be_named(tmp_path: Path) -> None:
    text = ROWS.replace("text,label", "words,mood")
    assert _refusal(tmp_path, text).code == "simulation_without_labels"
    assert len(_read(tmp_path, text, text_column="words", label_column="mood").texts) == 4


def test_a_file_without_a_label_column_is_told_its_columns(tmp_path: Path) -> None:
    error = _refusal(tmp_path, "text,date\n비가 온 하루였다,2026-03-02\n눈이 온 하루였다,2026-03-03\n")
    assert (error.code, error.details) == (
        "simulation_without_labels",
        {"name": "labels.csv", "columns": "text, date"},
    )


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ("비가 온 하루였다,슬픔\n눈이 온 하루였다,슬픔\n", 1),
        ("비가 온 하루였다,슬픔\n눈이 온 하루였다,행복\n", 0),
        ("비가 온 하루였다,슬픔\n눈이 온 하루였다,슬픔\n맑은 하루였다,행복\n", 1),
    ],
)
def test_fewer_than_two_labels_that_repeat_are_refused(tmp_path: Path, rows: str, count: int) -> None:
    error = _refusal(tmp_path, "text,label\n" + rows)
    assert (error.code, error.details) == ("simulation_of_one_label", {"count": count})


def test_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert _refusal(tmp_path, ROWS, label_column="mood").code == "import_column_missing"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="import_file_missing"):
        read(tmp_path / "nowhere.csv", text_column=None, label_column=None)


def test_of_a_long_file_a_random_part_is_kept_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "MOST_ROWS", 30)
    rows = "".join(f"{i:03}번째 날에 쓴 일기다,{'행복' if i % 2 else '슬픔'}\n" for i in range(90))
    labelled = _read(tmp_path, "text,label\n" + rows)
    assert len(labelled.texts) == len(labelled.labels) == 30
    assert list(labelled.texts) == sorted(labelled.texts)
    assert int(labelled.texts[-1][:3]) > 60
    assert labelled.left_out == 60


def test_an_unknown_strategy_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        run(_read(tmp_path, ROWS), Request(("margin", "guess")), encoder="bundled", cache=tmp_path)
    assert (caught.value.code, caught.value.details["name"]) == ("strategy_unknown", "guess")


def test_a_summary_is_described_with_a_band_around_each_curve() -> None:
    curves = np.array([[0.2, 0.5], [0.4, 0.7], [0.3, 0.6]])
    replays = [Replay(np.array([10, 20]), curve, curve, np.arange(20)) for curve in curves]
    description = describe(summarise(replays, full_macro_f1=0.6))
    assert description["labels"] == [10, 20]
    assert description["macro_f1"] == [0.3, 0.6]
    for score in ("macro_f1", "accuracy"):
        for low, mean, high in zip(
            description[f"{score}_low"], description[score], description[f"{score}_high"], strict=True
        ):
            assert low <= mean <= high
    assert description["labels_to_95"] == 20
    assert description["interval"][0] <= description["aulc_macro_f1"] <= description["interval"][1]


def test_the_first_model_takes_part_where_it_knows_the_labels() -> None:
    texts = ["오늘은 종일 비가 왔다", "친구와 맛있는 저녁을 먹었다", "택시 기사가 반말을 했다"]
    first = [
        simulation.features_of(
            texts,
            ["", "", ""],
            names,
            encoder_name=emotion_editions.FIRST,
            cache=default_cache(),
            on_progress=lambda share: None,
        ).first
        for names in (("분노", "슬픔", "행복"), ("환율", "주식", "날씨"))
    ]
    assert first[0] is not None
    assert first[0].shape == (3, 384)
    assert first[1] is None
