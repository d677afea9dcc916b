"""Feelings over time: counted by week or month, estimated where it holds, and closed among several people."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.label_sets import editing
from annotator.quality import over_time
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.connection import write
from db.models import models, predictions
from db.people import annotators
from db.texts import diaries
from tests.conftest import import_ours
from tests.reviewed import HAPPY, SAD, label

if TYPE_CHECKING:
    from db import Database

OWNER = diary_access.owner(0)


def _write(db: Database, *entries: tuple[str, str]) -> None:
    """Import diaries of some dates and writers, none of them in the test part."""
    lines = [f"{i}번째 날의 일기 {day}.,{day},{writer}" for i, (day, writer) in enumerate(entries)]
    import_ours(db, "\n".join(["text,date,author", *lines]), "dated.csv")
    with write(db):
        db.conn.execute("update diaries set part = 'pool'")


def _predict(db: Database, label_id: int) -> None:
    label_ids = tuple(each.id for each in editing.list_labels(db))
    proba = np.full((diaries.last_diary_id(db), 7), 0.05, np.float32)
    proba[:, label_ids.index(label_id)] = 0.7
    model_id = models.add_model(db, models.NewModel("instant", "bundled", "hash", label_ids, b"", {}))
    predictions.store_predictions(db, model_id, proba)
    models.activate(db, model_id, reason="test")


def test_months_count_what_people_decided_and_what_the_model_answers_apart(opened: Database) -> None:
    _write(opened, ("2026-01-05", "가"), ("2026-01-20", "나"), ("2026-02-01", "가"))
    _predict(opened, SAD)
    label(opened, 1, HAPPY)
    january, february = over_time.read(opened, OWNER).periods
    names = over_time.read(opened, OWNER).label_names
    assert (january.first, january.diaries) == (date(2026, 1, 1), 2)
    assert dict(zip(names, january.decided, strict=True))["행복"] == sum(january.decided) == 1
    assert dict(zip(names, january.answered, strict=True))["슬픔"] == sum(january.answered) == 1
    assert (sum(february.decided), sum(february.answered)) == (0, 1)


def test_weeks_begin_on_mondays_and_gaps_are_periods_without_a_diary(opened: Database) -> None:
    _write(opened, ("2026-01-04", "가"), ("2026-01-05", "가"), ("2026-01-25", "가"))
    periods = over_time.read(opened, OWNER, step="week").periods
    assert [(period.first.isoformat(), period.diaries) for period in periods] == [
        ("2025-12-29", 1),
        ("2026-01-05", 1),
        ("2026-01-12", 0),
        ("2026-01-19", 1),
    ]
    assert periods[2].estimate is None


def test_one_writer_is_shown_by_the_key_or_the_name(opened: Database) -> None:
    _write(opened, ("2026-01-05", "가람"), ("2026-01-06", "나래"), ("2026-01-07", "가람"))
    first, second = over_time.list_writers(opened, OWNER)
    assert [(writer.name, writer.count) for writer in (first, second)] == [("가람", 2), ("나래", 1)]
    for asked in (first.key, first.name):
        shown = over_time.read(opened, OWNER, writer=asked)
        assert (shown.writer, [period.diaries for period in shown.periods]) == (first, [2])
    assert "가람" not in first.key
    with pytest.raises(UserError, match="over_time_writer"):
        over_time.read(opened, OWNER, writer="다솜")


def test_missing_dates_and_dates_to_come_are_counted_and_named(opened: Database) -> None:
    late = (datetime.now(UTC).date() + timedelta(days=400)).isoformat()
    _write(opened, ("2026-01-05", "가"), ("", "가"), ("어제쯤", "가"), (late, "가"))
    shown = over_time.read(opened, OWNER)
    assert (shown.undated, shown.undated_ids, shown.future) == (2, (2, 3), 1)
    assert [period.diaries for period in shown.periods] == [1]


def test_a_stored_date_that_is_none_counts_as_missing(opened: Database) -> None:
    _write(opened, ("2026-01-05", "가"), ("2026-01-06", "가"))
    with write(opened):
        opened.conn.execute("update diaries set written_on = '2026-99-99' where id = 2")
    shown = over_time.read(opened, OWNER)
    assert (shown.undated_ids, len(shown.periods)) == ((2,), 1)


@pytest.mark.parametrize("step", over_time.STEPS)
def test_one_date_long_ago_asks_for_no_thousand_periods(opened: Database, step: over_time.Step) -> None:
    _write(opened, ("1500-06-06", "가"), ("2026-01-06", "가"))
    shown = over_time.read(opened, OWNER, step=step)
    assert (len(shown.periods), shown.earlier) == (over_time.MOST_PERIODS, 1)
    assert shown.periods[-1].diaries == 1


def test_without_dates_there_is_nothing_to_show(opened: Database) -> None:
    _write(opened, ("", "가"))
    shown = over_time.read(opened, OWNER)
    assert (shown.periods, shown.undated, over_time.list_writers(opened, OWNER)) == ((), 1, [])


def test_a_period_is_estimated_from_thirty_test_labels_on(opened: Database) -> None:
    _write(opened, *[("2026-01-05", "") for _ in range(60)], *[("2026-02-05", "") for _ in range(40)])
    _predict(opened, SAD)
    with write(opened):
        opened.conn.execute("update diaries set part = 'test' where id <= 30 or id between 61 and 89")
    for diary_id in [*range(1, 31), *range(61, 90)]:
        label(opened, diary_id, HAPPY if diary_id % 2 else SAD)
    shown = over_time.read(opened, OWNER)
    january, february = (period.estimate for period in shown.periods)
    assert january is not None
    assert february is not None
    assert (january.refused, january.n) == (None, 30)
    assert (february.refused, february.n, february.shares) == ("few", 29, ())
    assert shown.whole is not None
    assert shown.whole.n == 59
    sad = january.shares[shown.label_names.index("슬픔")]
    assert sad.low < 0.5 < sad.high


def test_what_is_still_to_be_decided_blind_is_in_no_count_of_answers(opened: Database) -> None:
    _write(opened, ("2026-01-05", "가"), ("2026-01-06", "가"))
    _predict(opened, SAD)
    project_settings.change(opened, blind_share=1.0)
    (period,) = over_time.read(opened, OWNER).periods
    assert (period.diaries, sum(period.answered)) == (2, 0)


def _member(db: Database, name: str, role: str) -> diary_access.Actor:
    annotator_id = annotators.get_or_create_id(db, name)
    with write(db):
        db.conn.execute(
            "insert into accounts (annotator_id, role, password_hash, created_at) values (?, ?, '', '')",
            (annotator_id, role),
        )
    return diary_access.person(annotator_id)


def test_among_several_people_it_is_closed_until_it_is_opened_and_names_are_covered(opened: Database) -> None:
    _write(opened, ("2026-01-05", "김민수"), ("2026-01-06", "김영희"), ("2026-01-07", "kim@example.org"))
    lead, reviewer = _member(opened, "수아", "administrator"), _member(opened, "서연", "reviewer")
    for actor in (lead, reviewer, OWNER):
        with pytest.raises(UserError, match="over_time_closed"):
            over_time.read(opened, actor)
        with pytest.raises(UserError, match="over_time_closed"):
            over_time.list_writers(opened, actor)
    project_settings.change(opened, feelings_over_time=True)
    writers = over_time.list_writers(opened, reviewer)
    assert sorted(writer.count for writer in writers) == [1, 1, 1]
    names = [writer.name for writer in writers]
    assert sorted(names) == ["k●●●●●●●●●●●●●●", "김●●", "김●● (2)"], "those that look alike are numbered"
    assert over_time.read(opened, reviewer, writer=writers[0].key).periods
    with pytest.raises(UserError, match="over_time_writer"):
        over_time.read(opened, reviewer, writer="kim@example.org")


def test_two_people_without_accounts_are_several(opened: Database) -> None:
    _write(opened, ("2026-01-05", "가"))
    label(opened, 1, HAPPY, name="지민")
    assert over_time.is_open(opened)
    who = annotators.get_or_create_id(opened, "서연")
    decisions.add(opened, NewDecision(1, who, "skip", "token-of-seoyeon"))
    assert not over_time.is_open(opened)


def test_annotators_are_refused(opened: Database) -> None:
    _write(opened, ("2026-01-05", "가"))
    project_settings.change(opened, feelings_over_time=True)
    actor = _member(opened, "지민", "annotator")
    for refused in (over_time.read, over_time.list_writers):
        with pytest.raises(UserError, match="right_missing"):
            refused(opened, actor)
