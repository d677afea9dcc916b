"""What one press says of many diaries is said once: their weights sum to one, whatever else is said of them."""

from __future__ import annotations

import ast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from annotator.training.examples import examples_of, votes_of
from db.answers.training_data import LabelledDiaries
from tests.conftest import ROOT

LABELS = (11, 12, 13)

_DECISIONS = st.lists(
    st.tuples(st.integers(1, 12), st.sampled_from(LABELS), st.integers(1, 3), st.integers(0, 4)),
    min_size=1,
    max_size=40,
    unique_by=lambda decision: (decision[0], decision[2]),
)
"""Diary, label, person, and press, 0 for none; one decision a person and diary is in force."""


def _labelled(decisions: list[tuple[int, int, int, int]]) -> LabelledDiaries:
    diary_ids, label_ids, people, acts = np.array(sorted(decisions), np.int64).T
    return LabelledDiaries(np.arange(1, len(acts) + 1), diary_ids, label_ids, people, acts)


@given(_DECISIONS)
def test_the_weights_of_each_press_sum_to_one_and_all_others_are_one(
    decisions: list[tuple[int, int, int, int]],
) -> None:
    training = examples_of(_labelled(decisions), LABELS)
    assert len(training.weights) == len({diary for diary, *_ in decisions})
    for act in np.unique(training.act_ids):
        weights = training.weights[training.act_ids == act]
        assert np.isclose(weights.sum(), 1 if act else len(weights), rtol=1e-5)
    by_themselves = {diary for diary, _, _, act in decisions if act == 0}
    assert {int(i) for i in training.diary_ids[training.is_single]} == by_themselves


@given(_DECISIONS)
def test_a_press_of_which_a_diary_was_decided_by_itself_shares_its_weight_among_the_others(
    decisions: list[tuple[int, int, int, int]],
) -> None:
    training = examples_of(_labelled(decisions), LABELS)
    total = len(set(training.act_ids[training.act_ids > 0].tolist())) + int(training.is_single.sum())
    assert np.isclose(training.weights.sum(), total, rtol=1e-5)


def test_labelling_groups_is_a_reader_apart_where_several_people_work() -> None:
    """Somebody who is always right singly and wrong on groups is believed singly."""
    apart, together = _believed(act=1), _believed(act=0)
    assert apart > 2 * together


def _believed(*, act: int) -> float:
    """Return how far the first of two people is believed on a diary that both decided singly."""
    rng, decisions = np.random.default_rng(0), []
    for diary in range(1, 121):
        truth, is_grouped = int(rng.integers(3)), diary % 2 == 0
        first = LABELS[(truth + is_grouped) % 3]
        decisions += [(diary, first, 1, act * is_grouped), (diary, LABELS[truth], 2, 0), (diary, LABELS[truth], 3, 0)]
    training = examples_of(_labelled([*decisions, (200, LABELS[0], 1, 0), (200, LABELS[1], 2, 0)]), LABELS)
    return float(training.targets[training.diary_ids == 200][0, 0])


def test_votes_count_the_same_whoever_gave_them() -> None:
    votes = votes_of(_labelled([(1, 11, 1, 1), (1, 12, 2, 0)]), LABELS)
    assert votes.targets.tolist() == [[0.5, 0.5, 0.0]]


_WEIGHED = {
    "classifiers.train": "weights",
    "classifiers.bootstrap": "weights",
    "classifiers.answer_out_of_fold": "weights",
    "tiers.tune": "counted",
}
"""What learns from people's labels, and the argument that says how much each example counts."""


def test_whatever_the_worker_teaches_is_told_how_much_each_example_counts() -> None:
    calls = [
        (call, ast.unparse(call.func), file)
        for file in sorted((ROOT / "annotator" / "worker").rglob("*.py"))
        for call in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in _WEIGHED
    ]
    assert {name for _, name, _ in calls} == _WEIGHED.keys()
    unweighed = [
        f"{file.name}:{call.lineno} {name}"
        for call, name, file in calls
        if _WEIGHED[name] not in {keyword.arg for keyword in call.keywords}
    ]
    assert unweighed == []
