"""What a deeper round was measured to gain, and when it is offered for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator.training import rounds, tier_gains
from annotator.training.tier_gains import Gain
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database

NOT_YET = Gain(50, 0.01, -0.02, 0.04, 4)
PAYS = Gain(200, 0.05, 0.02, 0.08, 4)


@pytest.fixture(autouse=True)
def _measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tier_gains, "MEASURED", {"adapter": (NOT_YET, PAYS), "full": ()})


def test_a_gain_holds_from_the_labels_it_was_measured_with_up_to_the_next() -> None:
    assert tier_gains.expected("adapter", 49) is None
    assert tier_gains.expected("adapter", 199) is NOT_YET
    assert tier_gains.expected("adapter", 5000) is PAYS
    assert tier_gains.expected("full", 5000) is None


def test_only_a_gain_whose_whole_interval_is_one_pays() -> None:
    assert not tier_gains.pays("adapter", 100)
    assert tier_gains.pays("adapter", 200)
    assert not tier_gains.pays("full", 200)


def test_a_tier_is_offered_only_with_as_many_labels_as_it_pays_with(opened: Database) -> None:
    fill(opened, 180, labelled=True)
    plan = rounds.plan_round(opened)
    assert (plan.label_count >= rounds.FIRST_OFFER, plan.offered_tier) == (True, None)
    assert plan.tier_gains == {"adapter": NOT_YET, "full": None}
    fill(opened, 301, labelled=True)
    assert rounds.plan_round(opened).offered_tier == "adapter"


def test_a_tier_that_does_not_pay_is_not_offered_but_can_be_asked_for(
    opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tier_gains.MEASURED, "adapter", (NOT_YET,))
    fill(opened, 300, labelled=True)
    assert rounds.plan_round(opened).offered_tier is None
    assert rounds.request(opened, annotator_id=None, tier="adapter") > 0


def test_what_was_measured_stands_in_the_order_of_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for gains in tier_gains.MEASURED.values():
        assert list(gains) == sorted(gains, key=lambda gain: gain.labels)
        assert all(gain.low <= gain.value <= gain.high for gain in gains)
