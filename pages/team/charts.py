"""The charts of agreement: figures of plain values, without a word or a database of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.widgets.plots import go
from pages.widgets.theme import BLUE, GREY, add_band, heat_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.quality.agreement import LabelAgreement, Week

_LEVELS = (0.667, 0.8)


def labels_figure(labels: Sequence[LabelAgreement], *, axis: str, missing: Sequence[str]) -> go.Figure:
    """Return the alpha of each label as a point with its 95 % interval; the figures stand at the right.

    Args:
        missing: shown in place of a figure that is undefined.
    """
    rows = [f"{label.name} ({label.count:,})" for label in labels]
    places = [place for place, label in enumerate(labels) if label.alpha.value is not None]
    values = [labels[place].alpha.value or 0.0 for place in places]
    figure = go.Figure(
        go.Scatter(
            x=values,
            y=[rows[place] for place in places],
            mode="markers",
            marker={"color": BLUE, "size": 11},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [(labels[p].alpha.high or v) - v for p, v in zip(places, values, strict=True)],
                "arrayminus": [v - (labels[p].alpha.low or 0.0) for p, v in zip(places, values, strict=True)],
                "color": BLUE,
                "thickness": 2,
                "width": 5,
            },
            hoverinfo="skip",
        )
    )
    texts = [
        f"{label.alpha.value:z.2f}" if label.alpha.value is not None else why
        for label, why in zip(labels, missing, strict=True)
    ]
    figure.add_scatter(
        # Flush right: where there is no figure, the row is empty and has room for the words.
        x=[1.29] * len(rows), y=rows, mode="text", text=texts, textposition="middle left", cliponaxis=False,
        hoverinfo="skip",
    )  # fmt: skip
    least = min([0.0, *(label.alpha.low or 0.0 for label in labels)])
    figure.update_xaxes(title=axis, range=[least - 0.03, 1.3], tickvals=[-0.5, 0, 0.25, 0.5, 0.75, 1], zeroline=True)
    figure.update_yaxes(range=[len(rows) - 0.5, -0.5], categoryorder="array", categoryarray=rows, type="category")
    return figure


def confusion_figure(names: Sequence[str], counts: Sequence[Sequence[float]], *, axes: tuple[str, str]) -> go.Figure:
    """Return which labels others gave (columns) where one person gave the row's label, as shares of the row."""
    shares = [[count / total if (total := sum(row)) else 0.0 for count in row] for row in counts]
    texts = [[f"{100 * share:z.0f}" if share >= 0.005 else "" for share in row] for row in shares]
    rows = [f"{name} ({round(sum(row)):,})" for name, row in zip(names, counts, strict=True)]
    return heat_map(shares, texts, rows=rows, columns=names, axes=axes, said=texts)


def weeks_figure(weeks: Sequence[Week], *, axis: str, hover: str) -> go.Figure:
    """Return alpha by week with the band of its 95 % interval, and dashed lines at the levels usually asked for."""
    mondays = [week.monday for week in weeks]
    figure = go.Figure()
    lows, highs = ([getattr(week.alpha, end) or 0.0 for week in weeks] for end in ("low", "high"))
    add_band(figure, mondays, lows, highs, BLUE)
    figure.add_scatter(
        x=mondays,
        y=[week.alpha.value for week in weeks],
        mode="lines+markers",
        line={"color": BLUE, "width": 2},
        marker={"size": 7},
        customdata=[[week.alpha.low, week.alpha.high, week.alpha.n] for week in weeks],
        hovertemplate=hover + "<extra></extra>",
    )
    for level in _LEVELS:
        figure.add_hline(y=level, line={"color": GREY, "dash": "dash", "width": 1})
    figure.update_xaxes(type="date", tickformat="%m-%d", nticks=8)
    figure.update_yaxes(title=axis, range=[min(0.0, *lows) - 0.02, 1.02], nticks=6)
    return figure


def shares_figure(mondays: Sequence[str], shares: Sequence[tuple[float, float, float]], *, axis: str) -> go.Figure:
    """Return a share by week with the band of its 95 % interval.

    Args:
        shares: value, low and high of each week, in [0, 1].
    """
    figure = go.Figure()
    add_band(figure, mondays, [low for _, low, _ in shares], [high for _, _, high in shares], BLUE)
    figure.add_scatter(
        x=list(mondays),
        y=[value for value, _, _ in shares],
        mode="lines+markers",
        line={"color": BLUE, "width": 2},
        marker={"size": 7},
        hovertemplate="%{x|%Y-%m-%d}: %{y:.0%}<extra></extra>",
    )
    figure.update_xaxes(type="date", tickformat="%m-%d", nticks=8)
    figure.update_yaxes(title=axis, range=[0, 1.02], tickformat=".0%", nticks=6)
    return figure
