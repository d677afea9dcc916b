"""A stored model goes on serving when the label set has changed: its columns become those of the labels in force."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from annotator import exporting, status
from annotator.accounts import annotators
from annotator.errors import UserError
from annotator.label_sets import editing, projection
from annotator.label_sets.editing import NewLabel
from annotator.label_sets.projection import columns
from annotator.labelling import board as labelling
from annotator.training import rounds
from db.label_sets import labels
from db.models import models, predictions
from db.models.explanations import Explanation
from db.models.models import NewModel
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database

ANGER, JOY, FEAR, SHOCK, SORROW, NEUTRAL, DISGUST = range(1, 8)
PROBA = np.array([[0.1, 0.2, 0.05, 0.05, 0.3, 0.1, 0.2]], np.float32)


def _me(db: Database) -> int:
    return annotators.get_or_create(db, "나")


@pytest.fixture
def served(opened: Database) -> Database:
    """Four diaries, and a trained version of the seven labels that has predicted them."""
    fill(opened, 4)
    made = models.add_model(
        opened, NewModel("instant", "e", "h", tuple(range(1, 8)), b"w", {}, training_decisions=(1,))
    )
    models.activate(opened, made, reason="test")
    predictions.store_predictions(opened, made, np.repeat(PROBA, 4, axis=0))
    return opened


def _served(db: Database) -> np.ndarray:
    active = models.find_active(db)
    assert active is not None
    proba = projection.find_proba(db, active, 1)
    assert proba is not None
    return proba


def test_a_merged_label_has_the_sum_of_its_parts(served: Database) -> None:
    editing.merge(served, DISGUST, ANGER, annotator_id=_me(served))
    assert _served(served) == pytest.approx([0.3, 0.2, 0.05, 0.05, 0.3, 0.1])


def test_a_new_label_has_nothing_until_it_is_learned(served: Database) -> None:
    editing.add(served, NewLabel("서운함"), annotator_id=_me(served))
    assert _served(served) == pytest.approx([*PROBA[0], 0.0])


def test_what_was_said_of_a_retired_label_is_shared_out(served: Database) -> None:
    editing.retire(served, SORROW, annotator_id=_me(served))
    assert _served(served) == pytest.approx(np.delete(PROBA[0], 4) / 0.7)


def test_another_order_moves_the_columns(served: Database) -> None:
    editing.reorder(served, [7, 6, 5, 4, 3, 2, 1], annotator_id=_me(served))
    assert _served(served) == pytest.approx(PROBA[0][::-1])


def test_the_label_page_charts_and_exports_go_on_after_every_kind_of_change(served: Database) -> None:
    editing.merge(served, DISGUST, ANGER, annotator_id=_me(served))
    editing.split(served, SORROW, [NewLabel("서운함")], keep=True, annotator_id=_me(served))
    editing.retire(served, SHOCK, annotator_id=_me(served))
    editing.reorder(served, [i.id for i in labels.list_labels(served)][::-1], annotator_id=_me(served))
    names = [label.name for label in labels.list_labels(served)]
    board = labelling.load_board(served, annotator_id=_me(served), holder="a-tab-here", language="ko")
    shown = [item for item in board.items if item["prediction"]]
    assert shown
    for item in shown:
        assert len(item["prediction"]["proba"]) == len(names)
        assert item["prediction"]["label_index"] == int(np.argmax(item["prediction"]["proba"]))
    first = next(exporting.read(served))
    assert first.proba is not None
    assert list(first.proba) == names
    assert first.predicted in ("슬픔", "분노")
    assert sum(first.proba.values()) == pytest.approx(1.0, abs=1e-5)
    assert len(status.confidences(served)) == 4


def test_a_round_is_suggested_while_the_model_has_other_labels(served: Database) -> None:
    assert not rounds.plan_round(served).labels_changed
    merged = editing.merge(served, DISGUST, ANGER, annotator_id=_me(served))
    assert rounds.plan_round(served).labels_changed
    editing.undo(served, merged, annotator_id=_me(served))
    assert not rounds.plan_round(served).labels_changed


def test_an_earlier_version_serves_as_long_as_it_knows_two_of_the_labels(served: Database) -> None:
    editing.merge(served, DISGUST, ANGER, annotator_id=_me(served))
    rounds.activate(served, 0)
    parts = [NewLabel(f"새 감정 {i}") for i in range(2)]
    for label_id in (JOY, FEAR, SHOCK, SORROW, NEUTRAL):
        editing.merge(served, label_id, ANGER, annotator_id=_me(served)) if label_id != NEUTRAL else None
    editing.split(served, NEUTRAL, parts, keep=False, annotator_id=_me(served))
    with pytest.raises(UserError, match="model_of_other_labels"):
        rounds.activate(served, 0)


def test_a_model_of_which_no_label_is_left_says_nothing(served: Database) -> None:
    for i, label_id in enumerate((ANGER, JOY, FEAR, SHOCK, SORROW, NEUTRAL, DISGUST)):
        parts = [NewLabel(f"{i}-{part}") for part in range(2)]
        editing.split(served, label_id, parts, keep=False, annotator_id=_me(served))
    active = models.find_active(served)
    assert active is not None
    assert projection.find_proba(served, active, 1) is None
    assert np.isnan(projection.load_predictions(served, active)).all()
    assert not len(status.confidences(served))


@given(
    arrays(np.float32, (3, 5), elements=st.floats(0.015625, 1, width=32)),
    st.permutations(range(5)),
    st.dictionaries(st.integers(0, 4), st.integers(0, 4), max_size=3),
    st.sets(st.integers(0, 4), max_size=2),
)
def test_mapped_probabilities_sum_to_one_and_merging_loses_none(
    raw: np.ndarray, order: list[int], merged: dict[int, int], retired: set[int]
) -> None:
    merged = {a: b for a, b in merged.items() if a != b and b not in merged}
    left = [i for i in order if i not in merged and i not in retired]
    proba = raw / raw.sum(axis=1, keepdims=True)
    if not left:
        return
    mapping = columns(range(5), left, merged)
    mapped_proba = mapping.proba(proba)
    assert mapped_proba.shape == (3, len(left))
    if mapping.known_count:
        assert mapped_proba.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-4)
    if not retired:
        target = left[0]
        parts = [target, *(a for a, b in merged.items() if b == target)]
        assert mapped_proba[:, 0] == pytest.approx(proba[:, parts].sum(axis=1), abs=1e-5)


def test_words_of_merged_labels_weigh_as_the_summed_probability_says() -> None:
    scores, weights = np.array([0.3, -0.2, 1.0, 0.1]), np.array([[0.5, -0.3, 0.2, -0.4], [0.1, 0.4, -0.6, 0.1]])
    proba = np.exp(scores) / np.exp(scores).sum()
    mapping = columns([1, 2, 3, 4], [1, 3, 4], {2: 1})
    mapped_weights = mapping.weights(weights.astype(np.float32), proba.astype(np.float32))
    step = 1e-5
    for unit in range(2):
        moved = scores + step * weights[unit]
        slope = (np.logaddexp(moved[0], moved[1]) - np.logaddexp(scores[0], scores[1])) / step
        assert mapped_weights[unit, 0] == pytest.approx(slope, abs=1e-3)
    assert mapped_weights[:, 1:] == pytest.approx(weights[:, 2:])


def test_an_explanation_keeps_what_still_holds_and_drops_what_was_tried_on_a_merged_label() -> None:
    deletion = {"label_index": 2, "spans": [[0, 1]], "before": 0.6, "after": 0.2}
    weights = np.array([[0.4, -0.2, 0.6]], np.float32)
    explanation = Explanation(1, 1, "eojeol", ((0, 1),), weights, (0.9, 0.5, 0.8), 9, 1.0, deletion, [[0.2, 0.2, 0.6]])
    proba = np.array([0.2, 0.2, 0.6], np.float32)
    turned = columns([1, 2, 3], [3, 1, 2], {}).explanation(explanation, proba)
    assert turned.deletion == {**deletion, "label_index": 0}
    assert turned.fit == pytest.approx((0.8, 0.9, 0.5))
    merged = columns([1, 2, 3], [1, 3, 9], {2: 1}).explanation(explanation, proba)
    assert merged.deletion is None
    assert merged.fit == pytest.approx((0.5, 0.8, 0.0))
    assert merged.arc == [pytest.approx([0.4, 0.6, 0.0])]
    assert merged.weights[0] == pytest.approx([0.1, 0.6, 0.0])
    without_sentences = replace(explanation, arc=[])
    assert columns([1, 2, 3], [1, 3], {2: 1}).explanation(without_sentences, proba).arc == []
