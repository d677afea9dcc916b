"""What a deeper round gains over an instant one on the same labels, as measured: it decides when one is offered."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gain:
    """Macro F1 of a deeper round less that of an instant one, over several kinds of text.

    Attributes:
        labels: that both learned.
        value: mean of the kinds of text.
        low, high: its 95 % interval.
        count: kinds of text.
    """

    labels: int
    value: float
    low: float
    high: float
    count: int

    @property
    def pays(self) -> bool:
        """Whether a gain is beyond what chance does."""
        return self.low > 0


MEASURED: dict[str, tuple[Gain, ...]] = {"adapter": (), "full": ()}
"""By tier, with few labels first; from `benchmarks/tiers.py`, see docs/learning.md."""


def expected(tier: str, label_count: int) -> Gain | None:
    """Return what a tier gained with about so many labels; None where it was not measured with so few."""
    return next((gain for gain in reversed(MEASURED.get(tier, ())) if gain.labels <= label_count), None)


def pays(tier: str, label_count: int) -> bool:
    """Return whether a tier was measured to gain with about so many labels."""
    gain = expected(tier, label_count)
    return gain is not None and gain.pays
