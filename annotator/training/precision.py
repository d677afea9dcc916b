"""How exactly diaries are encoded, and what was measured of it on this machine; for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from annotator.serving import encoder_cache
from db.models import facts

if TYPE_CHECKING:
    from db import Database
    from learner.encoders.precision import Precision


FEWEST_TO_MEASURE = 2000
"""Diaries without a vector from which measuring pays: making and comparing the forms takes half a minute."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the worker has measured of the encoder's forms.

    Attributes:
        now: the form that reads now.
        next: the form that the next round reads with.
        speeds: texts a second of each form on the machine that was measured; empty before.
        compared, same_answers: on how many diaries the form that is meant next was compared with float32, and the
            share of them with the same answer, in [0, 1]; None where it was not.
    """

    now: Precision
    next: Precision
    speeds: dict[Precision, float]
    compared: int | None
    same_answers: float | None


def read(db: Database) -> Measured:
    """Return what is known of the encoder's forms."""
    measured = facts.measured_precision(db)
    coming = encoder_cache.next_precision(db)
    agreement: dict[str, Any] = measured.get("agreement", {}).get(coming, {})
    speeds = cast("dict[Precision, float]", measured.get("speeds", {}))
    return Measured(
        encoder_cache.in_force(db).precision, coming, speeds, agreement.get("n"), agreement.get("same_answers")
    )
