from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from annotator.labelling import pace
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.people import annotators
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database

_NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def _times(*gaps: float) -> list[datetime]:
    """Return now and the times of decisions, from the gaps between them, newest first."""
    return [_NOW - timedelta(seconds=sum(gaps[:count])) for count in range(len(gaps) + 1)]


def test_a_pace_is_the_mean_time_from_one_decision_to_the_next_with_a_range() -> None:
    now = pace.pace_of(_times(2, *[4, 8] * 6))
    assert now is not None
    assert (now.count, now.seconds) == (13, pytest.approx(6))
    assert 4 <= now.low < 6 < now.high < 8
    low, high = now.minutes_for(100)
    assert (low, high) == (pytest.approx(100 * now.low / 60), pytest.approx(100 * now.high / 60))


def test_more_decisions_make_the_range_narrower() -> None:
    few, many = pace.pace_of(_times(2, *[4, 8] * 6)), pace.pace_of(_times(2, *[4, 8] * 60))
    assert few is not None
    assert many is not None
    assert many.high - many.low < few.high - few.low


def test_a_break_begins_another_sitting_and_does_not_slow_the_pace() -> None:
    now = pace.pace_of(_times(2, *[5] * 12, 3_600, *[90] * 20))
    assert now is not None
    assert (now.count, now.seconds) == (13, 5)


def test_there_is_no_pace_for_a_few_diaries_or_after_a_break() -> None:
    assert pace.pace_of(_times(2, *[5] * 8)) is None
    assert pace.pace_of(_times(3_600, *[5] * 30)) is None
    assert pace.pace_of([_NOW]) is None


def test_presses_that_nobody_can_have_read_have_no_pace() -> None:
    assert pace.pace_of(_times(*[0.1] * 30)) is None
    assert pace.pace_of(_times(*[1.5] * 30)) is not None


def test_the_pace_is_of_one_persons_own_presses(opened: Database) -> None:
    fill(opened, 30)
    me, other = (annotators.get_or_create_id(opened, name) for name in ("나", "동생"))
    now = datetime.now(UTC)
    opened.conn.execute("drop trigger decisions_stay")
    for diary_id in range(1, 21):
        made = decisions.add(opened, NewDecision(diary_id, me, "label", f"token-{diary_id}", 1))
        when = (now - timedelta(seconds=3 * (21 - diary_id))).isoformat()
        opened.conn.execute("update decisions set decided_at = ? where id = ?", (when, made))
    own = pace.find_pace(opened, me, now=now)
    assert own is not None
    assert (own.count, own.seconds) == (20, pytest.approx(3))
    assert pace.find_pace(opened, other, now=now) is None
