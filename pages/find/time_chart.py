"""The chart of one emotion over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.widgets.plots import go
from pages.widgets.theme import BLUE, GREY, ORANGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.quality.over_time import Period


def time_figure(periods: Sequence[Period], place: int, *, starts: Sequence[str], axis: str) -> go.Figure:
    """Return shares of one label by period: of decided diaries, of the model's answers, and estimated for all.

    A period without a value is a gap in its line.

    Args:
        place: of the label.
        starts: name of each period.
    """
    figure = go.Figure()
    _add_counts(figure, starts, [(period.decided[place], sum(period.decided)) for period in periods], ORANGE, "circle")
    _add_counts(figure, starts, [(period.answered[place], sum(period.answered)) for period in periods], GREY, "x-thin")
    _add_estimates(figure, starts, periods, place)
    figure.update_yaxes(title=axis, range=[-0.03, 1.03], tickformat=".0%")
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=list(starts), nticks=12)
    return figure


def _add_counts(
    figure: go.Figure, starts: Sequence[str], counts: Sequence[tuple[int, int]], colour: str, symbol: str
) -> None:
    figure.add_scatter(
        x=list(starts),
        y=[part / whole if whole else None for part, whole in counts],
        customdata=[f"{part}/{whole}" for part, whole in counts],
        mode="lines+markers",
        connectgaps=False,
        line={"color": colour, "width": 1.5},
        marker={"color": colour, "size": 8, "symbol": symbol, "line": {"width": 2, "color": colour}},
        hovertemplate="%{x}: %{customdata}<extra></extra>",
    )


def _add_estimates(figure: go.Figure, starts: Sequence[str], periods: Sequence[Period], place: int) -> None:
    given = [
        (start, period.estimate.shares[place])
        for start, period in zip(starts, periods, strict=True)
        if period.estimate is not None and period.estimate.refused is None
    ]
    figure.add_scatter(
        x=[start for start, _ in given],
        y=[share.value for _, share in given],
        mode="markers",
        marker={"color": BLUE, "size": 10, "symbol": "diamond"},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [share.high - share.value for _, share in given],
            "arrayminus": [share.value - share.low for _, share in given],
            "color": BLUE,
            "thickness": 2,
            "width": 5,
        },
        hoverinfo="skip",
    )
