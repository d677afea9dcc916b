"""The charts of the overview: figures of plain values, without a word or a database of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from pages.widgets.theme import BLUE, GREY, ORANGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from annotator.outcomes import Figures
    from annotator.overview import Measured

_PALE_TO_DARK = [[0.0, "#f2f5f9"], [0.5, "#7fa0c8"], [1.0, "#1f3f6b"]]


def labels_figure(
    names: Sequence[str], counts: Sequence[int], colours: Sequence[str], *, target: int, axis: str, note: str
) -> go.Figure:
    """Return bars of labels per class, with a line at the number that is usually wanted."""
    bars = go.Bar(
        x=counts,
        y=names,
        orientation="h",
        marker={"color": colours},
        text=[f"{count:,}" for count in counts],
        textposition="outside",
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure = go.Figure(bars)
    figure.add_vline(x=target, line={"color": GREY, "dash": "dash", "width": 2})
    figure.add_annotation(x=target, y=1, yref="paper", text=note, showarrow=False, yanchor="bottom", xanchor="right")
    figure.update_xaxes(title=axis, range=[0, max(1.12 * target, 1.15 * max(counts))], nticks=6)
    figure.update_yaxes(autorange="reversed")
    return figure


def accuracy_figure(
    measured: Sequence[Measured], *, version_name: Callable[[int], str], axes: tuple[str, str], hover: str
) -> go.Figure:
    """Return the accuracy of each version with its 95 % interval; the serving one is a filled diamond.

    Args:
        axes: titles of x and y.
        hover: with ``{accuracy}``, ``{low}``, ``{high}`` and ``{n}`` left to fill in as plotly's custom data.
    """
    accuracy = [m.figures.accuracy or 0.0 for m in measured]
    points = go.Scatter(
        x=[version_name(m.version) for m in measured],
        y=accuracy,
        mode="lines+markers",
        line={"color": BLUE, "width": 1, "dash": "dot"},
        marker={
            "size": [14 if m.is_active else 10 for m in measured],
            "symbol": ["diamond" if m.is_active else "circle-open" for m in measured],
            "color": [ORANGE if m.is_active else BLUE for m in measured],
            "line": {"width": 2},
        },
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [m.figures.accuracy_high - a for m, a in zip(measured, accuracy, strict=True)],
            "arrayminus": [a - m.figures.accuracy_low for m, a in zip(measured, accuracy, strict=True)],
            "color": BLUE,
            "thickness": 2,
            "width": 6,
        },
        customdata=[[m.figures.accuracy_low, m.figures.accuracy_high, m.figures.n] for m in measured],
        hovertemplate=hover + "<extra></extra>",
    )
    figure = go.Figure(points)
    figure.update_xaxes(title=axes[0], type="category", range=[-0.5, len(measured) - 0.5])
    figure.update_yaxes(title=axes[1], range=[0, 1.02], tickformat=".0%", nticks=6)
    return figure


def confidence_figure(counts: Sequence[int], *, axes: tuple[str, str]) -> go.Figure:
    """Return bars of how many diaries the model is how sure of, in tenths."""
    ranges = [f"{10 * tenth}–{10 * tenth + 10}%" for tenth in range(len(counts))]
    figure = go.Figure(
        go.Bar(
            x=[10 * tenth + 5 for tenth in range(len(counts))],
            y=counts,
            width=9.2,
            marker={"color": BLUE},
            customdata=ranges,
            hovertemplate="%{customdata}: %{y:,}<extra></extra>",
        )
    )
    figure.update_xaxes(title=axes[0], range=[0, 101], tickvals=list(range(0, 101, 20)), ticksuffix="%")
    figure.update_yaxes(title=axes[1], nticks=5, tickformat=",d")
    return figure


def confusion_figure(names: Sequence[str], figures: Figures, *, axes: tuple[str, str]) -> go.Figure:
    """Return counts by true label (rows) and answer (columns), tinted by the share of their row."""
    totals = figures.true_counts
    shares = [
        [count / total if total else 0.0 for count in row] for row, total in zip(figures.confusion, totals, strict=True)
    ]
    texts = [
        [f"<b>{count}</b><br>{share:.0%}" if count else "" for count, share in zip(*row, strict=True)]
        for row in zip(figures.confusion, shares, strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(names),
            y=[f"{name} ({total})" for name, total in zip(names, totals, strict=True)],
            zmin=0,
            zmax=1,
            colorscale=_PALE_TO_DARK,
            showscale=False,
            text=texts,
            texttemplate="%{text}",
            textfont={"size": 13},
            xgap=2,
            ygap=2,
            hovertemplate=f"{axes[1]}: %{{y}}<br>{axes[0]}: %{{x}}<br>%{{z:.0%}}<extra></extra>",
        )
    )
    figure.update_xaxes(title=axes[0], side="top", showgrid=False)
    figure.update_yaxes(title=axes[1], autorange="reversed", showgrid=False)
    return figure


def f1_figure(names: Sequence[str], figures: Figures, *, axis: str, missing: str) -> go.Figure:
    """Return bars of the F1 of each label, with the number of test diaries behind it."""
    values = figures.f1
    figure = go.Figure(
        go.Bar(
            x=[value or 0.0 for value in values],
            y=[f"{name} ({count})" for name, count in zip(names, figures.true_counts, strict=True)],
            orientation="h",
            marker={"color": BLUE},
            text=[missing if value is None else f"{value:.2f}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    figure.update_xaxes(title=axis, range=[0, 1.12], tickvals=[0, 0.25, 0.5, 0.75, 1])
    figure.update_yaxes(autorange="reversed")
    return figure
