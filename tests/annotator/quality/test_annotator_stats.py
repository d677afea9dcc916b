"""How a person's work is told: what time counts, how steady and how right answers are, and when nothing is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.quality import agreement, annotator_stats
from annotator.quality.annotator_stats import FEWEST, IDLE_SECONDS, agrees_with_others, drift_of, fast_share, pace_of
from db import clock
from db.answers import decisions, repeats
from db.answers.decisions import NewDecision
from db.answers.repeats import NewAnswer
from db.connection import write
from db.people import annotators
from db.stats.agreement import Answers
from db.stats.annotator_stats import ResponseTimes
from tests.conftest import fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db import Database

HAPPY, SAD = 2, 5


def _say(db: Database, name: str, labels: Sequence[int], *, seconds: float = 10.0) -> list[int]:
    person = annotators.get_or_create_id(db, name)
    kept = []
    for diary_id, label in enumerate(labels, 1):
        press = NewDecision(diary_id, person, "label", f"{name}-{diary_id:04}-token", label, seconds=seconds)
        kept.append(decisions.add(db, press) or 0)
    return kept


def _answers(diary_ids: Sequence[int], label_ids: Sequence[int]) -> Answers:
    n = len(diary_ids)
    ids, diaries, labels = (np.array(values, np.int64) for values in (range(n), diary_ids, label_ids))
    return Answers(ids, diaries, ids, labels, np.zeros(n, np.int64), np.zeros(n, bool))


# Time


def test_a_diary_left_open_counts_neither_as_time_nor_as_work() -> None:
    worked = np.full(FEWEST, 9.0)
    alone = pace_of(worked)
    assert alone == (pytest.approx(400.0), 9.0, FEWEST)
    assert pace_of(np.append(worked, [IDLE_SECONDS + 1, 86_400.0])) == alone
    longer = pace_of(np.append(worked, IDLE_SECONDS))
    assert longer[0] is not None
    assert longer[0] < 400
    assert longer[2] == FEWEST + 1


@given(st.lists(st.floats(0, 1e6), max_size=60))
def test_the_pace_is_that_of_the_time_that_counts(seconds: list[float]) -> None:
    per_hour, median, timed = pace_of(np.array(seconds, np.float64))
    assert timed == sum(value <= IDLE_SECONDS for value in seconds)
    if per_hour is None or median is None:
        assert timed < FEWEST or sum(seconds) == 0
        return
    assert per_hour >= 3600 / IDLE_SECONDS * 0.999
    assert 0 <= median <= IDLE_SECONDS


def test_faster_than_reading_depends_on_the_length_of_the_diary() -> None:
    seconds, characters = np.full(FEWEST, 3.0), np.full(FEWEST, 300)
    for length, share in ((300, 1.0), (60, 0.0)):
        fast = fast_share(ResponseTimes(seconds, np.full(FEWEST, length)))
        assert fast is not None
        assert fast.share.value == share
    assert fast_share(ResponseTimes(seconds[1:], characters[1:])) is None, "too few to say"


# The others


def test_agreeing_with_others_is_saying_what_most_of_them_said() -> None:
    answers = _answers([1, 1, 1, 2, 2, 3, 3, 3], [5, 5, 2, 2, 5, 2, 5, 7])
    is_judged, is_same = agrees_with_others(answers)
    # On diary 1 the third stands against two; for each of these the others are one to one. On diary 3 all three differ.
    assert is_judged.tolist() == [False, False, True, True, True, False, False, False]
    assert is_same.tolist() == [False] * 8
    is_judged, is_same = agrees_with_others(_answers([1, 1, 1, 2, 2], [5, 5, 5, 2, 2]))
    assert is_judged.all()
    assert is_same.all()
    assert [part.tolist() for part in agrees_with_others(_answers([], []))] == [[], []]


def test_three_people_who_press_at_random_agree_with_the_others_no_more_than_two_do() -> None:
    rng = np.random.default_rng(0)
    shares = {}
    for people in (2, 3, 4):
        diary_ids = np.repeat(np.arange(20_000), people)
        is_judged, is_same = agrees_with_others(
            _answers(diary_ids.tolist(), rng.integers(0, 7, len(diary_ids)).tolist())
        )
        shares[people] = is_same.sum() / is_judged.sum()
    assert shares == {people: pytest.approx(1 / 7, abs=0.01) for people in (2, 3, 4)}


def test_drift_is_told_only_beyond_chance() -> None:
    weeks = np.repeat([0, 7, 14, 21], 30)
    steady = np.tile([True, True, True, False, True], 24)
    assert drift_of(weeks, steady) == "steady"
    assert drift_of(weeks, weeks < 14) == "lower"
    assert drift_of(weeks, weeks >= 14) == "higher"
    assert drift_of(weeks[:60], steady[:60]) is None, "two weeks have nothing before them"
    assert drift_of(np.zeros(0, np.int64), np.zeros(0, bool)) is None


# The record


def test_a_record_holds_what_one_person_did(opened: Database) -> None:
    fill(opened, 40)
    me = annotators.get_or_create_id(opened, "가람")
    _say(opened, "나래", [HAPPY, SAD] * 15)
    kept = _say(opened, "가람", [HAPPY, SAD] * 12 + [HAPPY] * 6)
    for number, decision in enumerate(kept[:25]):
        said = (HAPPY, SAD)[number % 2] if number < 20 else 7
        repeats.add(opened, NewAnswer(number + 1, me, "label", f"r{decision:031}", said, 2.0))
    with write(opened):
        for diary_id in range(1, 31):
            by = me if diary_id > 25 else annotators.get_or_create_id(opened, "나래")
            values = (diary_id, HAPPY if diary_id <= 5 else (HAPPY, SAD)[(diary_id - 1) % 2], by, clock.now())
            opened.conn.execute(
                "insert into gold (diary_id, label_id, annotator_id, set_at) values (?, ?, ?, ?)", values
            )
    stats = annotator_stats.find_record(opened, me)
    assert stats is not None
    assert stats.kinds == {"label": 30}
    assert (stats.per_hour, stats.median_seconds, stats.timed) == (pytest.approx(360.0), 10.0, 30)
    assert stats.consistency is not None
    assert (stats.consistency.n, stats.consistency.share.value) == (25, pytest.approx(20 / 25))
    assert stats.gold is not None
    assert stats.gold.n == 25, "diaries that a person made gold say nothing of that person"
    assert stats.gold.share.value == pytest.approx(23 / 25)
    assert stats.with_others is not None
    assert (stats.with_others.n, stats.with_others.share.value) == (30, pytest.approx(27 / 30))
    assert stats in annotator_stats.list_records(opened, agreement.read_answers(opened))
    assert [record.name for record in annotator_stats.list_records(opened, agreement.read_answers(opened))] == [
        "가람",
        "나래",
    ]


def test_few_answers_are_not_told(opened: Database) -> None:
    fill(opened, 10)
    me = annotators.get_or_create_id(opened, "가람")
    assert annotator_stats.find_record(opened, me) is None
    _say(opened, "가람", [HAPPY, SAD])
    _say(opened, "나래", [HAPPY, SAD])
    stats = annotator_stats.find_record(opened, me)
    assert stats is not None
    told = (stats.per_hour, stats.fast, stats.consistency, stats.gold, stats.with_others, stats.drift)
    assert told == (None,) * 6
    assert not stats.weeks


def test_quick_decisions_are_hinted_at_and_unhurried_ones_are_not(opened: Database) -> None:
    fill(opened, 40)
    _say(opened, "가람", [HAPPY] * 40, seconds=0.2)
    _say(opened, "나래", [HAPPY] * 40, seconds=8.0)
    hurried, calm = annotator_stats.list_records(opened, agreement.read_answers(opened))
    assert hurried.is_fast
    assert not calm.is_fast
