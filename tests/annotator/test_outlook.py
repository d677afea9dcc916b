from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf
from typing import TYPE_CHECKING

import pytest

from annotator import outlook
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.people import annotators
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database

NOW = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)


def _decide(db: Database, diary_id: int, when: datetime, name: str = "나", kind: str = "label") -> None:
    who = annotators.get_or_create_id(db, name)
    label_id = 1 if kind == "label" else None
    made = decisions.add(db, NewDecision(diary_id, who, kind, f"{name}-{diary_id}", label_id))  # type: ignore[arg-type]
    db.conn.execute("drop trigger if exists decisions_stay")
    db.conn.execute("update decisions set decided_at = ? where id = ?", (when.isoformat(), made))
    db.conn.commit()


def test_the_pace_is_of_everybody_and_breaks_do_not_slow_it(opened: Database) -> None:
    fill(opened, 40)
    for n in range(12):
        _decide(opened, n + 1, NOW - timedelta(hours=2) + timedelta(seconds=4 * n))
        _decide(opened, n + 13, NOW - timedelta(hours=1) + timedelta(seconds=8 * n), "동생")
    forecast = outlook.find_outlook(opened, now=NOW)
    assert forecast.left == 16
    assert forecast.seconds is not None
    assert (forecast.seconds.mean, forecast.seconds.n) == (pytest.approx(6), 22)
    assert 4 <= forecast.seconds.low < 6 < forecast.seconds.high < 8
    low, high = forecast.minutes()
    assert low < 16 * 6 / 60 < high
    assert forecast.per_day is None, "no whole day is over"


def test_whole_days_say_between_which_days_all_is_read(opened: Database) -> None:
    fill(opened, 100)
    for day, count in ((4, 10), (3, 12), (2, 8), (1, 10), (0, 5)):
        for _ in range(count):
            _decide(opened, decisions.count_decided(opened) + 1, NOW - timedelta(days=day))
    forecast = outlook.find_outlook(opened, now=NOW)
    assert forecast.per_day is not None
    assert (forecast.per_day.mean, forecast.per_day.n) == (10, 4), "today is not over"
    soon, late = forecast.days()
    assert soon < 55 / 10 < late < inf


def test_idle_days_count_and_may_leave_the_end_open(opened: Database) -> None:
    fill(opened, 60)
    for n in range(30):
        _decide(opened, n + 1, NOW - timedelta(days=6))
    forecast = outlook.find_outlook(opened, now=NOW)
    assert forecast.per_day is not None
    assert (forecast.per_day.mean, forecast.per_day.n, forecast.per_day.low) == (5, 6, 0)
    assert forecast.days()[1] == inf


def test_a_second_decision_on_a_diary_reads_no_further_diary(opened: Database) -> None:
    fill(opened, 40)
    for day in (4, 3, 2, 1):
        for n in range(4):
            _decide(opened, 4 * day + n, NOW - timedelta(days=day))
    for n in range(4, 20):
        _decide(opened, n, NOW - timedelta(days=1), "동생")
    forecast = outlook.find_outlook(opened, now=NOW)
    assert forecast.per_day is not None
    assert forecast.per_day.mean == 4


def test_presses_without_reading_have_no_pace(opened: Database) -> None:
    fill(opened, 20)
    for n in range(12):
        _decide(opened, n + 1, NOW - timedelta(hours=2) + timedelta(seconds=0.2 * n))
    assert outlook.find_outlook(opened, now=NOW).seconds is None


def test_an_untouched_project_has_no_pace(opened: Database) -> None:
    fill(opened, 5)
    assert outlook.find_outlook(opened, now=NOW) == outlook.Outlook(5, None, None)


@pytest.mark.parametrize(
    ("count", "left", "high", "most"),
    [(3, 500, None, 503), (3, 40, None, 43), (3, 500, 0.02, 12), (30, 500, 0.02, 30), (3, 4, 0.9, 7)],
)
def test_a_label_is_expected_as_often_as_the_diaries_can_hold_it(
    count: int, left: int, high: float | None, most: int
) -> None:
    assert outlook.most_labels([count], left=left, shares_high=[high], diary_count=600) == [most]
