"""How charts look: calm, without clutter, told apart without colour."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from annotator.messages.unlinked import unlinked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plotly.graph_objects import Figure
    from plotly.graph_objects.layout import XAxis

BLUE = "#4a74a8"
ORANGE = "#d98324"
GREY = "#8a8f98"
"""Blue and orange differ in lightness too, so that all eyes tell them apart."""

_HEAT = [[0.0, "rgba(63,110,168,0.06)"], [0.5, "rgba(63,110,168,0.5)"], [1.0, "rgba(41,80,134,1)"]]
"""One hue for heat maps, through which the page is seen the more the smaller a share, on light and dark pages."""

_PALE = {BLUE: "rgba(74,116,168,0.16)", ORANGE: "rgba(217,131,36,0.16)", GREY: "rgba(138,143,152,0.12)"}

_CONFIG = {"displayModeBar": False, "displaylogo": False, "responsive": True, "scrollZoom": False}


_TITLE_WIDTH = 22  # letters

_LINK = re.compile(r"<(?=\s*/?\s*a\b)", re.IGNORECASE)
"""Plotly draws a few tags. Ours are ``<br>``, ``<b>`` and ``<span>``; a link can only come from a name."""

_NAMES = frozenset(("x", "y", "categoryarray", "ticktext", "customdata", "name"))
"""Parts of a figure that hold names of labels and people, and no tag of ours."""

_SIGN = re.compile(r"<(?!\u2060)|&(?=#?\w+;)")
"""What begins a tag or stands for another character, unless a word joiner has broken it."""

_STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 4rem; padding-bottom: 1.5rem; }
body, body [data-testid="stMarkdownContainer"], body [data-testid="stMarkdownContainer"] *,
body [data-testid="stCaptionContainer"], body [data-testid="stCaptionContainer"] * {
  word-break: keep-all; overflow-wrap: anywhere; }
/* Streamlit's own grey has a contrast of 4.07:1. */
[data-testid="stCaptionContainer"] { color: inherit; opacity: 0.78; }
.js-plotly-plot svg :not(.heatmap-label) > text { fill: currentColor !important; }
/* Plotly takes the page behind a pale cell for white, and writes white on cells of middle strength. */
.js-plotly-plot svg .heatmap-label > text[style*="fill: rgb(255, 255, 255)"] {
  paint-order: stroke; stroke: rgb(41 80 134 / 0.7); stroke-width: 3px; }
.js-plotly-plot svg .heatmap-label > text[style*="fill: rgb(68, 68, 68)"] { fill: currentColor !important; }
/* The accent bears white letters, so it is too dark for letters on a dark page. */
.stApp [data-testid="stButtonGroup"] [data-selected="true"] [data-testid="stMarkdownContainer"] p,
.stApp [data-testid="stSliderThumbValue"] [data-testid="stMarkdownContainer"] p {
  color: light-dark(#3f5f8a, #9dbfec); }
.stApp button kbd { color: inherit; opacity: 1; }
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation-duration: 1ms !important; animation-iteration-count: 1 !important;
    transition-duration: 1ms !important; scroll-behavior: auto !important; }
}
/* Streamlit shows the focus of some elements by a colour of the edge alone, of links not at all. */
.stApp :focus-visible { outline: 2px solid light-dark(#3f5f8a, #9dbfec) !important; outline-offset: -2px; }
/* What the sidebar says is drawn again every two seconds, and would fade each time on a busy machine. */
[data-testid="stSidebar"] [data-stale="true"] { opacity: 1 !important; }
[data-testid="stButtonGroup"] > div { flex-wrap: wrap; row-gap: 0.25rem; }
/* Kinds of files are told whole. */
[data-testid="stFileUploader"] section span { white-space: normal; overflow: visible; }
</style>"""


def draw_style() -> None:
    """Move the main content of a page up, to where it is seen without scrolling, and break lines between words."""
    st.html(_STYLE)


def add_band(
    figure: Figure, x: Sequence[float] | Sequence[str], low: Sequence[float], high: Sequence[float], colour: str
) -> None:
    """Add the pale band of an interval around a curve.

    Args:
        colour: `BLUE`, `ORANGE` or `GREY`, as the curve's.
    """
    figure.add_scatter(
        x=[*x, *reversed(x)],
        y=[*high, *reversed(low)],
        fill="toself",
        fillcolor=_PALE[colour],
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
    )


def heat_map(
    shares: Sequence[Sequence[float]],
    texts: Sequence[Sequence[str]],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    axes: tuple[str, str],
    said: Sequence[Sequence[str]],
) -> Figure:
    """Return a table of shares in [0, 1], the stronger the larger, with a text in each cell.

    Args:
        axes: what columns and rows are.
        said: what each cell says when it is pointed at.
    """
    from pages.widgets.plots import go

    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(columns),
            y=list(rows),
            zmin=0,
            zmax=1,
            colorscale=_HEAT,
            showscale=False,
            text=texts,
            texttemplate="%{text}",
            textfont={"size": 13},
            xgap=2,
            ygap=2,
            customdata=said,
            hovertemplate=f"{axes[1]}: %{{y}}<br>{axes[0]}: %{{x}}<br>%{{customdata}}<extra></extra>",
        )
    )
    figure.update_xaxes(title=axes[0], side="top", showgrid=False)
    figure.update_yaxes(title=axes[1], autorange="reversed", showgrid=False)
    return figure


def draw_chart(figure: Figure, *, key: str, height: int, alt: str) -> None:
    """Draw a plotly figure as wide as its column.

    Args:
        height: pixels.
        alt: what the chart says, for those who don't see it.
    """
    lines = max((str(note.text).count("<br>") + 1 for note in figure.layout.annotations), default=0)
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 16, "t": 8 + 20 * lines, "b": 8},
        showlegend=False,
        dragmode=False,
        bargap=0.35,
    )
    figure.update_xaxes(automargin=True, fixedrange=True)
    figure.for_each_xaxis(_break_title)
    figure.update_yaxes(automargin=True, fixedrange=True)
    described = figure.to_plotly_json()
    # Plotly validates a figure again that is passed as a dict, which takes longer than all the rest.
    chart = without_markup(described) if has_markup(described) else figure
    st.plotly_chart(chart, key=key, config=_CONFIG, alt=alt)


def _break_title(axis: XAxis) -> None:
    """Write a title that is longer than a narrow column in several lines."""
    if axis.title.text:
        axis.title.text = "<br>".join(lines_of(axis.title.text))


def lines_of(text: str) -> list[str]:
    """Return a text in lines that a narrow column has room for, broken between words."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and _width(f"{lines[-1]} {word}") <= _TITLE_WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _width(text: str) -> int:
    """Return the width of a text in Latin letters; Hangul takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def without_markup(part: Any, *, is_name: bool = False) -> Any:
    """Return a part of a figure whose texts hold no link, and whose names of labels and people hold no tag at all."""
    if isinstance(part, str):
        text = _SIGN.sub(lambda sign: sign[0] + "\u2060", part) if is_name else part
        return _LINK.sub("&lt;", unlinked(text))
    if isinstance(part, dict):
        return {name: without_markup(value, is_name=is_name or name in _NAMES) for name, value in part.items()}
    return [without_markup(value, is_name=is_name) for value in _items(part)] if _is_list(part) else part


def has_markup(part: Any, *, is_name: bool = False) -> bool:
    """Return whether a text in a part of a figure could become a link, or a name something other than it is."""
    if isinstance(part, str):
        return bool(without_markup(part, is_name=is_name) != part)
    if isinstance(part, dict):
        return any(has_markup(value, is_name=is_name or name in _NAMES) for name, value in part.items())
    return any(has_markup(value, is_name=is_name) for value in _items(part)) if _is_list(part) else False


def _is_list(part: Any) -> bool:
    return isinstance(part, list | tuple) or (isinstance(part, np.ndarray) and bool(part.dtype.kind in "OU"))


def _items(part: Any) -> list[Any]:
    return part.tolist() if isinstance(part, np.ndarray) else list(part)
