"""The charts of the overview: figures of plain values, without a word or a database of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.training.analysis import wilson
from pages.widgets.figures import share
from pages.widgets.plots import go
from pages.widgets.theme import BLUE, GREY, ORANGE, heat_map

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from annotator.quality.automation_bias import Side
    from annotator.quality.label_shares import Given
    from annotator.training.analysis import Reliability
    from annotator.training.evaluation import Evaluation
    from annotator.training.versions import Measured


def labels_figure(
    names: Sequence[str],
    counts: Sequence[int],
    colours: Sequence[str],
    *,
    left: Sequence[str],
    target: int,
    axis: str,
    note: str,
) -> go.Figure:
    """Return bars of labels per class, a line at the usual target, and how many each still lacks."""
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
    end = max(1.4 * target, 1.15 * max(counts))
    # At the edge, where a bar that ends before the line can't reach.
    edge = go.Scatter(
        x=[end] * len(left), y=names, text=left, mode="text", textposition="middle left", hoverinfo="skip"
    )
    figure = go.Figure([bars, edge])
    figure.add_vline(x=target, line={"color": GREY, "dash": "dash", "width": 2})
    figure.add_annotation(x=target, y=1, yref="paper", text=note, showarrow=False, yanchor="bottom", xanchor="right")
    figure.update_xaxes(title=axis, range=[0, end], nticks=6)
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
    """Return bars that count the diaries at each level of the model's confidence, in tenths."""
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


def confusion_figure(names: Sequence[str], figures: Evaluation, *, axes: tuple[str, str]) -> go.Figure:
    """Return counts by true label (rows) and answer (columns), tinted by the share of their row.

    A cell that is pointed at says the share with its interval.
    """
    totals = figures.true_counts
    shares = [
        [count / total if total else 0.0 for count in row] for row, total in zip(figures.confusion, totals, strict=True)
    ]
    texts = [[f"<b>{count}</b>" if count else "" for count in row] for row in figures.confusion]
    rows = [f"{name} ({total})" for name, total in zip(names, totals, strict=True)]
    said = [[_share_of(count, total) for count in row] for row, total in zip(figures.confusion, totals, strict=True)]
    return heat_map(shares, texts, rows=rows, columns=names, axes=axes, said=said)


def _share_of(count: int, total: int) -> str:
    return share(count / total, *wilson(count, total), n=total) if total else "–"


def f1_figure(names: Sequence[str], figures: Evaluation, *, axis: str, missing: str) -> go.Figure:
    """Return the F1 of each label as a point with its 95 % interval, and the number of test diaries behind it.

    The figures stand in a column of their own at the right, where no interval crosses them.
    """
    rows = [f"{name} ({count})" for name, count in zip(names, figures.true_counts, strict=True)]
    places = [place for place, value in enumerate(figures.f1) if value is not None]
    values = [figures.f1[place] or 0.0 for place in places]
    bounds = list(zip(figures.f1_low, figures.f1_high, strict=True)) or [(f or 0.0, f or 0.0) for f in figures.f1]
    figure = go.Figure(
        go.Scatter(
            x=values,
            y=[rows[place] for place in places],
            mode="markers",
            marker={"color": BLUE, "size": 11},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [bounds[place][1] - value for place, value in zip(places, values, strict=True)],
                "arrayminus": [value - bounds[place][0] for place, value in zip(places, values, strict=True)],
                "color": BLUE,
                "thickness": 2,
                "width": 5,
            },
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[1.12] * len(rows),
            y=rows,
            mode="text",
            text=[missing if value is None else f"{value:z.2f}" for value in figures.f1],
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    figure.update_xaxes(title=axis, range=[-0.02, 1.2], tickvals=[0, 0.25, 0.5, 0.75, 1], zeroline=False)
    figure.update_yaxes(autorange="reversed", categoryorder="array", categoryarray=rows, type="category")
    return figure


def anchoring_figure(sides: Sequence[Side], *, rows: tuple[str, str], axis: str) -> go.Figure:
    """Return two shares as points with their 95 % intervals, one above the other; the first is a diamond.

    Args:
        sides: labels given with the model's answer in view, then those without it.
        rows: their names, in the same order.
    """
    figure = go.Figure()
    for side, row, colour, symbol in zip(sides, rows, (ORANGE, BLUE), ("diamond", "circle"), strict=True):
        same = side.same
        figure.add_scatter(
            x=[same.value],
            y=[row],
            mode="markers",
            marker={"color": colour, "size": 12, "symbol": symbol},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [same.high - same.value],
                "arrayminus": [same.value - same.low],
                "color": colour,
                "thickness": 2,
                "width": 5,
            },
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=[1.14] * len(rows),
        y=rows,
        mode="text",
        text=[f"{side.same.value:z.0%}" for side in sides],
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure.update_xaxes(
        title=axis, range=[-0.02, 1.24], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%", zeroline=False
    )
    figure.update_yaxes(
        range=[1.6, -0.6],
        categoryorder="array",
        categoryarray=rows,
        type="category",
        showgrid=False,  # lines would run through the figures
    )
    return figure


def shares_figure(given: Sequence[Given], *, rows: Sequence[str], axis: str) -> go.Figure:
    """Return shares as points with their 95 % intervals, one below the other, and counted predictions as crosses.

    A point is filled where predictions helped, and open where decisions alone were counted.
    """
    figure = go.Figure()
    shares = [each.share for each in given]
    figure.add_scatter(
        x=[each.counted for each in given],
        y=list(rows),
        mode="markers",
        marker={"color": GREY, "size": 9, "symbol": "x-thin", "line": {"width": 2, "color": GREY}},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[s.value for s in shares],
        y=list(rows),
        mode="markers",
        marker={
            "color": BLUE,
            "size": 11,
            "symbol": ["circle" if s.method == "predictions" else "circle-open" for s in shares],
            "line": {"width": 2, "color": BLUE},
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [s.high - s.value for s in shares],
            "arrayminus": [s.value - s.low for s in shares],
            "color": BLUE,
            "thickness": 2,
            "width": 5,
        },
        hoverinfo="skip",
    )
    widest = max(max(s.high, each.counted or 0) for s, each in zip(shares, given, strict=True))
    texts = [f"{100 * s.value:z.1f} ({100 * s.low:z.1f}–{100 * s.high:z.1f})" for s in shares]
    figure.add_scatter(
        x=[2 * widest] * len(rows),
        y=list(rows),
        mode="text",
        text=texts,
        textposition="middle left",
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure.update_xaxes(
        title=axis,
        range=[-0.02 * widest, 2.01 * widest],
        tickvals=_ticks(widest),
        tickformat=".0%",
        zeroline=False,
        tickangle=0,
    )
    figure.update_yaxes(
        autorange="reversed",
        categoryorder="array",
        categoryarray=list(rows),
        type="category",
        showgrid=False,  # lines would run through the figures
    )
    return figure


def _ticks(widest: float) -> list[float]:
    """Return at most four whole percentages from 0 to about the widest share, which a phone has room for."""
    step = next((step for step in (1, 2, 5, 10, 20) if 3 * step >= 100 * widest), 50)
    return [tick / 100 for tick in range(0, min(round(100 * widest), 100) + 1, step)]


def reliability_figure(measured: Reliability, *, axes: tuple[str, str], ideal: str, hover: str) -> go.Figure:
    """Return how often the model was right against how sure it was; a perfect model lies on the diagonal.

    The area of a point grows with its diaries.

    Args:
        ideal: words on the diagonal.
        hover: with ``x``, ``y`` and three ``customdata`` left to fill in by plotly.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dash", "width": 1.5}, hoverinfo="skip"
    )
    most = max(b.n for b in measured.bins)
    figure.add_scatter(
        x=[b.confidence for b in measured.bins],
        y=[b.right.value for b in measured.bins],
        mode="lines+markers",
        line={"color": BLUE, "width": 1, "dash": "dot"},
        marker={"color": BLUE, "size": [8 + 6 * b.n / most for b in measured.bins]},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [b.right.high - b.right.value for b in measured.bins],
            "arrayminus": [b.right.value - b.right.low for b in measured.bins],
            "color": BLUE,
            "thickness": 2,
            "width": 5,
        },
        customdata=[[b.right.low, b.right.high, b.n] for b in measured.bins],
        hovertemplate=hover + "<extra></extra>",
    )
    figure.add_annotation(
        x=1, y=0.02, text=ideal, showarrow=False, xanchor="right", yanchor="bottom", font={"color": GREY, "size": 12}
    )
    figure.update_xaxes(title=axes[0], range=[0, 1.02], tickformat=".0%", nticks=6)
    figure.update_yaxes(title=axes[1], range=[0, 1.02], tickformat=".0%", nticks=6)
    return figure
