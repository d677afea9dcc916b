"""The learning curve: what labels brought, beside as many drawn at random, and what the next ones would bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.widgets.plots import go
from pages.widgets.theme import BLUE, GREY, ORANGE, add_band

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from annotator.training.analysis import Forecast, Point, Score, Study

_SYMBOLS = {BLUE: "circle", ORANGE: "square", GREY: "circle"}


def curve_figure(
    study: Study, score: Score, *, names: Mapping[str, str], axes: tuple[str, str], hover: str
) -> go.Figure:
    """Return the curves of a study with their 95 % intervals; each line is named above the chart in its colour.

    Args:
        names: of the lines ``all``, ``chosen``, ``random`` and ``forecast``.
        axes: titles of x and y.
        hover: with ``x``, ``y`` and two ``customdata`` left to fill in by plotly.
    """
    figure = go.Figure()
    arms = study.arms
    has_arms = arms is not None and bool(arms.count)
    own = GREY if has_arms else BLUE
    keys = [("all", own, "●")]
    # Three overlapping bands would be unreadable; beside the two arms the whole is context.
    _add_curve(figure, study.curve, score, own, hover=hover, with_band=not has_arms)
    if has_arms and arms is not None:
        _add_curve(figure, arms.random, score, ORANGE, hover=hover)
        _add_curve(figure, arms.chosen, score, BLUE, hover=hover)
        keys = [("chosen", BLUE, "●"), ("random", ORANGE, "■"), ("all", GREY, "●")]
    forecast = study.forecasts.get(score)
    if forecast is not None:
        _add_forecast(figure, study.curve[-1], forecast, score, own, hover=hover)
        keys.append(("forecast", own, "◇"))
    _name_lines(figure, names, keys)
    figure.update_xaxes(title=axes[0], rangemode="tozero", nticks=6, tickformat=",d")
    figure.update_yaxes(title=axes[1], tickformat=".0%", nticks=6)
    return figure


def _add_curve(
    figure: go.Figure,
    points: Sequence[Point],
    score: Score,
    colour: str,
    *,
    hover: str,
    with_band: bool = True,
) -> None:
    counts = [p.count for p in points]
    figures = [p.score(score) for p in points]
    if with_band:
        add_band(figure, counts, [f.low for f in figures], [f.high for f in figures], colour)
    figure.add_scatter(
        x=counts,
        y=[f.value for f in figures],
        mode="lines+markers",
        line={"color": colour, "width": 2.5 if colour != GREY else 1.5},
        marker={"size": 7 if colour != GREY else 5, "symbol": _SYMBOLS[colour], "color": colour},
        customdata=[[f.low, f.high] for f in figures],
        hovertemplate=hover + "<extra></extra>",
    )


def _add_forecast(figure: go.Figure, last: Point, forecast: Forecast, score: Score, colour: str, *, hover: str) -> None:
    # From the last measured point on: a line from the fitted curve would seem to jump.
    start = last.score(score).value
    end = [start + gain for gain in (forecast.gain.low, forecast.gain.value, forecast.gain.high)]
    figure.add_scatter(
        x=[last.count, last.count + forecast.ahead],
        y=[start, end[1]],
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": "dot"},
        marker={"size": [0, 10], "symbol": "diamond-open", "color": colour, "line": {"width": 2}},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [0, end[2] - end[1]],
            "arrayminus": [0, end[1] - end[0]],
            "color": colour,
            "thickness": 1.5,
            "width": 5,
        },
        customdata=[[start, start], [end[0], end[2]]],
        hovertemplate=hover + "<extra></extra>",
    )


def _name_lines(figure: go.Figure, names: Mapping[str, str], keys: Sequence[tuple[str, str, str]]) -> None:
    """Name the lines above the chart, two in a row: a legend would take a third of a phone's width."""
    named = [f'<span style="color:{colour}">{sign}</span> {names[key]}' for key, colour, sign in keys]
    text = "<br>".join("   ".join(named[at : at + 2]) for at in range(0, len(named), 2))
    figure.add_annotation(
        x=0, y=1, xref="paper", yref="paper", text=text, showarrow=False, xanchor="left", yanchor="bottom", align="left"
    )
