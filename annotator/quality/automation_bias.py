"""Whether the model's answer influences people: some diaries are shown without it, and agreement is compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from annotator import settings as project_settings
from annotator.blinding import blind_draw
from db.stats import automation_bias
from learner.classification.metrics import Interval, share_difference, wilson

if TYPE_CHECKING:
    from db import Database
    from db.stats.automation_bias import Agreeing

FEWEST = 20
"""Labels that each side must have before the two are compared; below that even a gap of 30 points may be chance."""

Verdict = Literal["few", "higher", "lower", "chance"]


@dataclass(frozen=True, slots=True)
class Side:
    """Labels given with the model's answer in view, or without it.

    Attributes:
        n: how many.
        same: share of them that is the model's answer; NaN, between 0 and 1, for none.
    """

    n: int
    same: Interval


@dataclass(frozen=True, slots=True)
class Anchoring:
    """How often people agree with the model when they see its answer and when they don't.

    Since chance decides which diaries are blind, any difference comes from seeing the answer. It need not be bad: the
    answer may also have pointed people to what they would have missed.

    Attributes:
        blind_share: share of the pool diaries that is blind now, in [0, 1].
        difference: `shown` minus `hidden`, in [-1, 1], with Newcombe's interval.
        verdict: ``few`` for fewer than `FEWEST` labels on one side, ``chance`` where the interval holds 0, else
            whether agreement is ``higher`` or ``lower`` with the answer in view.
    """

    blind_share: float
    shown: Side
    hidden: Side
    difference: Interval
    verdict: Verdict


def compare(db: Database) -> Anchoring:
    """Compare the labels of a project; see `db.stats.automation_bias` for which of them count."""
    settings = project_settings.load(db)
    shown, hidden = automation_bias.count_agreeing(
        db, is_drawn=lambda diary_id: blind_draw(settings.seed, diary_id) < settings.blind_share
    )
    difference = share_difference(shown.same, shown.n, hidden.same, hidden.n)
    return Anchoring(
        blind_share=settings.blind_share,
        shown=_side(shown),
        hidden=_side(hidden),
        difference=difference,
        verdict="few" if min(shown.n, hidden.n) < FEWEST else _beyond_chance(difference),
    )


def _side(counted: Agreeing) -> Side:
    share = counted.same / counted.n if counted.n else float("nan")
    return Side(counted.n, Interval(share, *wilson(counted.same, counted.n)))


def _beyond_chance(difference: Interval) -> Verdict:
    if difference.low > 0:
        return "higher"
    return "lower" if difference.high < 0 else "chance"
