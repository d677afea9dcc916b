"""Learning curves of replayed strategies: one highlighted beside random, the others pale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from annotator.simulation import job
from pages.widgets.plots import go
from pages.widgets.theme import BLUE, GREY, ORANGE, add_band

if TYPE_CHECKING:
    from collections.abc import Mapping

    from annotator.training.analysis import Score

_SYMBOLS = {BLUE: ("circle", "●"), ORANGE: ("square", "■")}


def curves_figure(
    report: dict[str, Any],
    score: Score,
    *,
    shown: str,
    names: Mapping[str, str],
    axes: tuple[str, str],
    goal: str,
    hover: str,
) -> go.Figure:
    """Return the mean curves of a report; the strategy `shown` and ``random`` with their 95 % bands.

    Args:
        report: see `annotator.simulation.run`.
        names: of the strategies.
        axes: titles of x and y.
        goal: words on the line at `job.GOAL_SHARE` of the score with all labels.
        hover: with ``x``, ``y`` and two ``customdata`` left to fill in by plotly.
    """
    figure = go.Figure()
    strategies = report["strategies"]
    colours = {"random": ORANGE, shown: BLUE}
    # The highlighted curves are drawn last, over the others.
    for name in sorted(strategies, key=lambda name: (name in colours, name == shown)):
        _add_curve(figure, strategies[name], score, colours.get(name, GREY), name=names[name], hover=hover)
    height = job.GOAL_SHARE * report["full_pool"][score]
    figure.add_hline(y=height, line={"color": GREY, "dash": "dash", "width": 1.5})
    # On the left, where the curves are still far below it.
    figure.add_annotation(
        x=0, xref="paper", y=height, text=goal, showarrow=False, xanchor="left", yanchor="bottom",
        font={"color": GREY, "size": 12},
    )  # fmt: skip
    keys = [(shown, BLUE), *([("random", ORANGE)] if "random" in strategies and shown != "random" else [])]
    text = "   ".join(f'<span style="color:{c}">{_SYMBOLS[c][1]}</span> {names[name]}' for name, c in keys)
    figure.add_annotation(
        x=0, y=1, xref="paper", yref="paper", text=text, showarrow=False, xanchor="left", yanchor="bottom"
    )
    figure.update_xaxes(title=axes[0], rangemode="tozero", nticks=6, tickformat=",d")
    figure.update_yaxes(title=axes[1], tickformat=".0%", nticks=6)
    return figure


def _add_curve(figure: go.Figure, curve: dict[str, Any], score: Score, colour: str, *, name: str, hover: str) -> None:
    counts, low, high = curve["labels"], curve[f"{score}_low"], curve[f"{score}_high"]
    if colour in _SYMBOLS:
        add_band(figure, counts, low, high, colour)
    figure.add_scatter(
        x=counts,
        y=curve[score],
        name=name,
        mode="lines+markers" if colour in _SYMBOLS else "lines",
        line={"color": colour, "width": 2.5 if colour in _SYMBOLS else 1},
        opacity=1 if colour in _SYMBOLS else 0.6,
        marker={"size": 6, "symbol": _SYMBOLS.get(colour, ("circle", ""))[0], "color": colour},
        customdata=[list(bounds) for bounds in zip(low, high, strict=True)],
        hovertemplate=f"{name}<br>{hover}<extra></extra>",
    )
