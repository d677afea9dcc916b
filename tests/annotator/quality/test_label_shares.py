"""How common labels are: what counts, what is left out, and by what it may be broken down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator.importing import import_file
from annotator.label_sets import editing
from annotator.quality import label_shares
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.connection import rows, write
from db.models import models, predictions
from db.people import annotators
from db.stats import label_shares as stored
from db.texts import diaries
from tests.conftest import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from db import Database

HAPPY, SAD = 2, 5


def _import(db: Database, count: int, *, name: str, writers: int = 0, month: str = "2026-03", first: int = 0) -> None:
    lines = ["text,author,date"]
    for i in range(first, first + count):
        writer = f"글쓴이 {i % writers}" if writers else ""
        lines.append(f"{name}의 {i}번째 일기예요. 오늘은 걸었다.,{writer},{month}-{1 + i % 28:02}")
    import_file(db, "\n".join(lines).encode(), name)


def _decide(db: Database, diary_ids: Iterable[int], label_of: Callable[[int], int | None]) -> None:
    me = annotators.get_or_create_id(db, "나")
    for diary_id in diary_ids:
        label_id = label_of(int(diary_id))
        kind = "skip" if label_id is None else "label"
        decisions.add(db, NewDecision(int(diary_id), me, kind, f"token-{diary_id:05}", label_id))  # type: ignore[arg-type]


def _test_ids(db: Database) -> list[int]:
    return [int(i) for i in diaries.list_ids(db, "test")]


def _predict(db: Database, likely: Callable[[int], int]) -> None:
    label_ids = tuple(label.id for label in editing.list_labels(db))
    model_id = models.add_model(db, models.NewModel("instant", "bundled", "hash", label_ids, b"w", settings={}))
    proba = np.full((diaries.last_diary_id(db), 7), 0.3 / 6, np.float32)
    for row in range(len(proba)):
        proba[row, label_ids.index(likely(row + 1))] = 0.7
    predictions.store_predictions(db, model_id, proba)
    models.activate(db, model_id, reason="test")


def _share(shares: label_shares.Shares, label_id: int, group: int = 0) -> label_shares.LabelShare:
    return shares.groups[group].shares[label_id - 1]


def test_an_empty_project_has_no_group(opened: Database) -> None:
    shares = label_shares.estimate(opened)
    assert shares.groups == ()
    assert list(label_shares.list_given(shares)) == []


def test_below_thirty_labelled_test_diaries_no_share_is_given(opened: Database) -> None:
    fill(opened, 400)
    _decide(opened, _test_ids(opened)[:29], lambda _: HAPPY)
    (group,) = label_shares.estimate(opened).groups
    assert (group.n, group.refused, group.shares) == (29, "few", ())
    _decide(opened, _test_ids(opened)[29:30], lambda _: HAPPY)
    (group,) = label_shares.estimate(opened).groups
    assert (group.n, group.refused, len(group.shares)) == (30, None, 7)


def test_without_a_model_decisions_of_the_test_part_alone_are_counted(opened: Database) -> None:
    fill(opened, 400)
    test = _test_ids(opened)
    _decide(opened, test[:40], lambda i: HAPPY if i in test[:10] else SAD)
    _decide(opened, [int(i) for i in diaries.list_ids(opened, "pool")][:50], lambda _: SAD)
    shares = label_shares.estimate(opened)
    assert (shares.version, shares.groups[0].counted, shares.groups[0].diaries) == (None, (), 400)
    assert _share(shares, HAPPY).value == pytest.approx(0.25), "labels of the pool were chosen, not drawn"
    assert _share(shares, HAPPY).cases == 10


def test_predictions_are_corrected_by_the_decisions_and_counted_beside(opened: Database) -> None:
    fill(opened, 600)
    truth = {i: HAPPY if i % 2 else SAD for i in range(1, 601)}
    _predict(opened, lambda i: SAD if i % 10 == 1 else truth[i])
    _decide(opened, _test_ids(opened)[:80], truth.__getitem__)
    shares = label_shares.estimate(opened)
    share = _share(shares, HAPPY)
    assert share.method == "predictions"
    assert share.low <= 0.5 <= share.high
    assert share.high - share.low < 0.16, "narrower than the 0.2 of decisions alone"
    assert shares.groups[0].counted[HAPPY - 1] == pytest.approx(0.4)
    assert shares.version == 0


def test_skipped_diaries_and_those_without_a_prediction_count_nowhere(opened: Database) -> None:
    fill(opened, 400)
    _predict(opened, lambda _: HAPPY)
    _decide(opened, _test_ids(opened)[:50], lambda i: None if i % 2 else HAPPY)
    labelled = [i for i in _test_ids(opened)[:50] if not i % 2]
    active = models.find_active(opened)
    assert active is not None
    gone = np.array(labelled[:1])
    predictions.update_predictions(opened, active.id, gone, np.full((1, 7), np.nan, np.float32))
    shares = label_shares.estimate(opened)
    assert (shares.groups[0].n, shares.unpredicted) == (len(labelled) - 1, 1)


def test_what_several_people_say_of_a_diary_shares_its_label(opened: Database) -> None:
    fill(opened, 400)
    test = _test_ids(opened)[:40]
    _decide(opened, test, lambda _: HAPPY)
    you = annotators.get_or_create_id(opened, "너")
    for diary_id in test:
        others = {"other_label_ids": (HAPPY,)} if diary_id == test[0] else {}
        decisions.add(opened, NewDecision(diary_id, you, "label", f"other-{diary_id:05}", SAD, **others))  # type: ignore[arg-type]
    shares = label_shares.estimate(opened)
    assert _share(shares, SAD).value == pytest.approx((39 * 0.5 + 0.25) / 40)


def test_sources_count_by_their_size_however_much_of_each_was_labelled(opened: Database) -> None:
    _import(opened, 200, name="labelled.csv")
    _import(opened, 600, name="diaries.csv")
    test = _test_ids(opened)
    of_first, of_second = [i for i in test if i <= 200], [i for i in test if i > 200]
    _decide(opened, [*of_first, *of_second[:15]], lambda i: HAPPY if i <= 200 else SAD)
    (group,) = label_shares.estimate(opened).groups
    assert group.shares[HAPPY - 1].value == pytest.approx(0.25)
    assert group.left_out == 0


def test_without_test_labels_of_most_diaries_nothing_is_said_of_all(opened: Database) -> None:
    _import(opened, 400, name="labelled.csv")
    _import(opened, 200, name="diaries.csv")
    _decide(opened, [i for i in _test_ids(opened) if i <= 400], lambda _: HAPPY)
    (group,) = label_shares.estimate(opened).groups
    assert (group.refused, group.left_out) == ("sources", 200)
    by_source = label_shares.estimate(opened, by="source")
    assert [(g.name, g.refused) for g in by_source.groups] == [("diaries.csv", "few"), ("labelled.csv", None)]


def test_shares_are_given_by_month_and_by_writer(opened: Database) -> None:
    _import(opened, 200, name="march.csv", writers=1)
    _import(opened, 300, name="april.csv", writers=1, month="2026-04")
    _import(opened, 40, name="undated.csv", month="someday")
    _decide(opened, _test_ids(opened), lambda i: HAPPY if i <= 200 else SAD)
    months = label_shares.estimate(opened, by="month")
    assert [(g.name, g.diaries) for g in months.groups] == [("2026-03", 200), ("2026-04", 300)]
    assert [g.shares[HAPPY - 1].value for g in months.groups if g.shares] == [pytest.approx(1), pytest.approx(0)]
    (writer,) = label_shares.estimate(opened, by="writer").groups
    assert (writer.name, writer.diaries, writer.shares[HAPPY - 1].value) == ("글쓴이 0", 500, pytest.approx(0.4))


def _set_writers_apart(db: Database, test_writers: set[int], writers: int) -> None:
    with write(db):
        db.conn.execute("update diaries set part = 'pool'")
        for writer in test_writers:
            db.conn.execute("update diaries set part = 'test' where author = ?", (f"글쓴이 {writer}",))
    assert len(rows(db, "select distinct author from diaries")) == writers


def test_where_whole_writers_were_set_apart_the_interval_is_over_writers(opened: Database) -> None:
    _import(opened, 400, name="a.csv", writers=20)
    with write(opened):
        opened.conn.execute("update diaries set part = iif(id % 7 = 0, 'test', 'pool')")
    _decide(opened, _test_ids(opened), lambda i: HAPPY if (i - 1) % 20 % 2 else SAD)
    apart = label_shares.estimate(opened)
    assert apart.groups[0].writers == 0
    _set_writers_apart(opened, {1, 2, 3, 4, 5, 6}, 20)
    _decide(opened, _test_ids(opened), lambda i: HAPPY if (i - 1) % 20 % 2 else SAD)
    together = label_shares.estimate(opened)
    assert together.groups[0].writers == 6
    share, before = _share(together, HAPPY), _share(apart, HAPPY)
    assert share.high - share.low > 2 * (before.high - before.low)


def test_one_writer_in_the_test_part_stands_for_nobody_else(opened: Database) -> None:
    _import(opened, 400, name="a.csv", writers=8)
    _set_writers_apart(opened, {1}, 8)
    _decide(opened, _test_ids(opened), lambda _: HAPPY)
    (group,) = label_shares.estimate(opened).groups
    assert (group.refused, group.writers) == ("one_writer", 1)


def test_writers_of_one_diary_each_are_no_groups(opened: Database) -> None:
    _import(opened, 300, name="a.csv", writers=300)
    _decide(opened, _test_ids(opened), lambda _: HAPPY)
    assert label_shares.estimate(opened).groups[0].writers == 0


def test_traits_are_read_for_every_diary_and_none_where_it_lacks_them(opened: Database) -> None:
    _import(opened, 3, name="b.csv", writers=2)
    _import(opened, 2, name="a.csv", month="someday")
    codes, names = stored.read_trait(opened, "source")
    assert ([names[code] for code in codes], names) == (["b.csv"] * 3 + ["a.csv"] * 2, ("a.csv", "b.csv"))
    assert stored.read_trait(opened, "writer")[0].tolist() == [0, 1, 0, -1, -1]
    assert stored.read_trait(opened, "month")[1] == ("2026-03",)
    with write(opened):
        opened.conn.execute("update diaries set batch_id = 1 where id = 5")
    assert stored.read_trait(opened, "source")[0].tolist() == [1, 1, 1, 0, 1], "as texts that come one by one do"


def test_writers_of_some_diaries_are_known_and_whether_they_wrote_others(opened: Database) -> None:
    _import(opened, 4, name="b.csv", writers=2)
    _import(opened, 1, name="a.csv")
    _set_writers_apart(opened, {0}, 3)
    assert stored.list_writers(opened, [2, 4, 5]) == {2: "글쓴이 1", 4: "글쓴이 1"}
    assert stored.have_pool_diaries(opened, ["글쓴이 0", "글쓴이 1"])
    assert not stored.have_pool_diaries(opened, ["글쓴이 0"])
