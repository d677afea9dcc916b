"""Figures in columns that stand for a label each: whether an emotion is there, or how strong it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_YES = frozenset(("true", "yes", "y", "o", "ㅇ", "예", "네", "v", "✓", "✔", "○", "●", "◯", "t"))
_NO = frozenset(("", "false", "no", "n", "아니요", "아니오", "-", "f", "null", "none", "x", "✗", "×"))


def read_figure(written: str | None) -> float | None:
    """Return what a cell says of its label, 0.0 for nothing; None if it is no such cell."""
    plain = (written or "").strip().casefold()
    if plain in _NO:
        return 0.0
    if plain in _YES:
        return 1.0
    try:
        figure = float(plain)
    except ValueError:
        return None
    return figure if 0 <= figure <= 100 else None


def read_figures(values: Mapping[str, str | None], columns: Sequence[str]) -> list[tuple[str, float]]:
    """Return the columns whose label is there, the strongest first; equally strong ones in the order of the file."""
    figures = [(column, read_figure(values.get(column)) or 0.0) for column in columns]
    return sorted(((column, figure) for column, figure in figures if figure > 0), key=lambda each: -each[1])
