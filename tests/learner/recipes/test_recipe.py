"""Recipe files: they hold what their write-ups state, and say clearly what is wrong in them."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from learner.errors import LearnerError
from learner.recipes import data, recipe
from learner.recipes.data import Row
from learner.recipes.recipe import Data
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEVEN = ("분노", "행복", "불안", "당황", "슬픔", "중립", "혐오")

STATED: dict[str, dict[str, Any]] = {
    "A1": {
        "data.text": ("Sentence",),
        "data.label": "Emotion",
        "data.encoding": "cp949",
        "data.classes": SEVEN,
        "data.trial_share": 0.1,
        "data.validation": "random",
        "data.validation_share": 0.1,
        "model.checkpoint": "skt/kobert-base-v1",
        "model.max_tokens": None,
        "training.batch_size": 32,
        "training.evaluation_batch_size": 64,
        "training.epochs": 1,
        "training.evaluate_every": 50,
        "training.save_every": 50,
        "training.log_every": 50,
        "training.keep": 1,
        "training.best_by": "loss",
    },
    "B1": {
        "data.text": ("사람문장1", "사람문장2"),
        "data.label": "감정_대분류",
        "data.classes": (),
        "data.validation": "file",
        "model.checkpoint": "skt/kobert-base-v1",
        "model.max_tokens": 64,
        "model.dropout": 0.5,
        "training.batch_size": 64,
        "training.epochs": 10,
        "training.learning_rate": 5e-5,
        "training.optimizer": "adamw",
        "training.weight_decay": 0.01,
        "training.warmup_share": 0.1,
        "training.schedule": "cosine",
        "training.gradient_clip": 1,
        "training.evaluate_every": "epoch",
        "training.measure_training": True,
        "reported.accuracy_after_5_epochs": 0.70,
        "reported.accuracy_after_10_epochs": 0.86,
    },
    "C1": {"model.checkpoint": "distilbert-base-uncased", "features.iterations": 3000, "training": None},
    "C2": {
        "model.checkpoint": "distilbert-base-uncased",
        "training.epochs": 2,
        "training.learning_rate": 2e-5,
        "training.batch_size": 64,
        "training.evaluation_batch_size": 64,
        "training.weight_decay": 0.01,
        "training.evaluate_every": "epoch",
        "training.save_every": "epoch",
        "training.best_by": "loss",
    },
    "D3": {
        "data.text": ("document",),
        "data.label": "label",
        "data.trial_rows": 500,
        "data.validation": "stratified",
        "data.validation_share": 0.25,
        "data.seed": 42,
        "model.checkpoint": "klue/roberta-large",
        "model.max_tokens": 256,
        "training.batch_size": 8,
        "training.learning_rate": 3e-5,
        "training.weight_decay": 0.01,
        "training.warmup_steps": 300,
        "training.epochs": 10,
        "training.schedule": "cosine_with_restarts",
        "training.evaluate_every": 100,
        "training.save_every": 200,
        "training.keep": 5,
        "training.patience": 3,
        "training.threshold": 0.001,
        "training.best_by": "loss",
    },
    "E1": {
        "data.share": 0.4,
        "data.seed": 999,
        "data.validation": "file",
        "model.checkpoint": "bert-base-multilingual-cased",
        "training.optimizer": "adam",
        "training.learning_rate": 1e-5,
        "training.epochs": 1,
        "training.batch_size": 2,
        "training.schedule": "constant",
        "training.gradient_clip": 0,
        "reported.accuracy": 0.82,
    },
}


def _at(value: Any, key: str) -> Any:
    for part in key.split("."):
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    return value


def test_every_recipe_has_its_statements() -> None:
    assert recipe.list_names() == sorted(STATED)


@pytest.mark.parametrize("name", STATED)
def test_a_recipe_holds_what_its_write_up_states(name: str) -> None:
    loaded = recipe.load(name)
    assert {key: _at(loaded, key) for key in STATED[name]} == STATED[name]


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _numbers(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


@pytest.mark.parametrize("name", STATED)
def test_every_number_of_the_write_up_stands_in_the_file(name: str) -> None:
    """docs/recipes.md quotes what each write-up states, its numbers in backquotes."""
    document = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    row = next(line for line in document.splitlines() if line.startswith(f"| {name} |"))
    stated = [float(number) for number in re.findall(r"`([\d.]+(?:e-?\d+)?)`", row)]
    assert len(stated) >= 1
    written = set(_numbers(tomllib.loads(recipe.read_text(name))))
    assert [number for number in stated if number not in written] == []


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"training.epoch": 1}, "training.epoch"),
        ({"training.epochs": "3"}, "training.epochs"),
        ({"training.epochs": 0}, "training.epochs"),
        ({"model": {}}, "model.checkpoint"),
        ({"data.share": 2.0}, "data.share"),
        ({"data.validation": "file"}, "data"),
        ({"training.best_by": None, "training.patience": 3}, "training"),
        ({"training.save_every": 30}, "training"),
        ({"training.optimizer": "adam", "training.weight_decay": 0.1}, "training"),
        ({"training.warmup_steps": 3, "training.warmup_share": 0.1}, "training"),
        ({"features.iterations": 3}, "-"),
        ({"name.first": "A"}, "name.first"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(LearnerError) as caught:
        recipe.load("A1", changes)
    assert (caught.value.code, caught.value.details["key"]) == ("recipe_invalid", key)


def test_one_can_write_a_recipe_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(recipe.read_text("c1").replace('"C1"', '"mine"'), "utf-8")
    assert recipe.load(str(path)).name == "mine"
    path.write_text("name = ", "utf-8")
    with pytest.raises(LearnerError, match="recipe_invalid"):
        recipe.load(str(path))
    with pytest.raises(LearnerError, match="recipe_unreadable"):
        recipe.load(str(tmp_path / "other.toml"))
    with pytest.raises(LearnerError, match="recipe_unknown"):
        recipe.load("Z9")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("training.epochs=1", ("training.epochs", 1)),
        ('data.text=["a", "b"]', ("data.text", ["a", "b"])),
        ("model.checkpoint=klue/roberta-base", ("model.checkpoint", "klue/roberta-base")),
    ],
)
def test_a_change_is_read_as_toml_or_as_text(change: str, expected: tuple[str, Any]) -> None:
    assert recipe.read_change(change) == expected


@pytest.mark.parametrize("change", ["training.epochs", "=1"])
def test_a_change_without_a_name_or_a_value_is_refused(change: str) -> None:
    with pytest.raises(LearnerError, match="recipe_change_unreadable"):
        recipe.read_change(change)


ROWS = [Row(i + 2, f"글 {i}", ("기쁨", "슬픔")[i % 2]) for i in range(40)]


def _data(**settings: Any) -> Data:
    return Data.model_validate({"text": ["글"], "label": "라벨", "validation": "file", **settings})


def test_classes_are_numbered_in_order_of_appearance() -> None:
    rows = [Row(2, "가", "슬픔"), Row(3, "나", "기쁨"), Row(4, "다", "슬픔")]
    prepared = data.prepare(rows, [Row(2, "라", "분노")], _data())
    assert prepared.classes == ("슬픔", "기쁨", "분노")
    assert prepared.training.labels.tolist() == [0, 1, 0]
    assert prepared.validation.labels.tolist() == [2]


def test_rows_without_text_or_label_are_left_out_and_counted() -> None:
    rows = [*ROWS, Row(90, "", "기쁨"), Row(91, "글", "")]
    prepared = data.prepare(rows, [*ROWS[:2], Row(9, "", "")], _data())
    assert (len(prepared.training.texts), len(prepared.validation.texts), prepared.left_out) == (40, 2, 3)


def test_a_share_is_drawn_as_pandas_draws_it() -> None:
    import pandas as pd

    prepared = data.prepare(ROWS, ROWS[:10], _data(share=0.4, seed=999))
    frame = pd.DataFrame({"number": [row.number for row in ROWS]}).sample(frac=0.4, random_state=999)
    assert prepared.training.numbers.tolist() == frame["number"].tolist()
    assert len(prepared.validation.texts) == 4


def test_a_stratified_split_keeps_the_shares_and_is_scikit_learns() -> None:
    from sklearn.model_selection import train_test_split

    rows = [Row(i, f"글 {i}", "기쁨" if i % 4 else "슬픔") for i in range(80)]
    prepared = data.prepare(rows, None, _data(validation="stratified", validation_share=0.25, seed=42))
    assert np.bincount(prepared.validation.labels).tolist() == [5, 15]
    labels = [row.label for row in rows]
    expected, _ = train_test_split(range(80), test_size=0.25, random_state=42, stratify=labels)
    assert prepared.training.numbers.tolist() == list(expected)


def test_a_random_split_of_nine_to_one_has_nothing_twice() -> None:
    prepared = data.prepare(ROWS, None, _data(validation="random", validation_share=0.1))
    assert (len(prepared.training.texts), len(prepared.validation.texts)) == (36, 4)
    assert {*prepared.training.numbers, *prepared.validation.numbers} == {row.number for row in ROWS}


def test_a_trial_takes_the_small_part_that_the_recipe_names() -> None:
    first = data.prepare(ROWS, ROWS, _data(trial_rows=10), trial=True)
    assert first.training.numbers.tolist() == [row.number for row in ROWS[:10]]
    drawn = data.prepare(ROWS, ROWS, _data(trial_share=0.25), trial=True)
    assert len(drawn.training.texts) == 10
    assert len(drawn.validation.texts) == 40, "what is measured on stays whole"
    assert len(data.prepare(ROWS, ROWS, _data(trial_rows=10)).training.texts) == 40


@pytest.mark.parametrize(
    ("rows", "settings", "code"),
    [
        ([Row(2, "가", "기쁨")], {}, "recipe_classes_few"),
        ([Row(2, "", "기쁨")], {}, "recipe_rows_few"),
        ([], {}, "recipe_rows_few"),
        (ROWS, {"classes": ["기쁨"]}, "recipe_class_unknown"),
        ([*ROWS, Row(99, "가", "분노")], {"validation": "stratified", "validation_share": 0.25}, "recipe_class_small"),
        (ROWS[:2], {"validation": "stratified", "validation_share": 0.25}, "recipe_class_small"),
    ],
)
def test_rows_that_can_not_be_used_are_refused(rows: list[Row], settings: dict[str, Any], code: str) -> None:
    validation = [Row(2, "나", "기쁨")] if settings.get("validation", "file") == "file" else None
    with pytest.raises(LearnerError) as caught:
        data.prepare(rows, validation, _data(**settings))
    assert caught.value.code == code
    if code == "recipe_class_unknown":
        assert caught.value.details["row"] == 3
