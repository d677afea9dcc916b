"""Shares and differences in words: never without their interval and the number that they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.messages import say

if TYPE_CHECKING:
    from annotator.messages import Language


def share(value: float, low: float, high: float, *, n: int, digits: int = 0) -> str:
    """Return a share in [0, 1] with its 95 % interval and how many diaries or answers it was measured on.

    Args:
        digits: decimals of the percentages; of what is rare a whole percent is much.
    """
    figure, first, last = (f"{100 * bound:z.{digits}f}" for bound in (value, low, high))
    return f"{figure}% ({first}–{last}%, n={n:,})"


def signed(value: float, *, digits: int = 1) -> str:
    """Return a figure with its sign: a true minus, as a hyphen looks like the dash of an interval, and never "−0"."""
    return f"{value:+z.{digits}f}".replace("-", "−")


def points(share: float) -> str:
    """Return a difference of shares in points."""
    return signed(100 * share)


def difference(value: float, low: float, high: float, *, n: int, language: Language | None = None) -> str:
    """Return the difference of two shares in points, with its 95 % interval and what it was measured on."""
    figure, first, last = map(points, (value, low, high))
    return say("figures.points", language, value=figure, low=first, high=last, n=n)
