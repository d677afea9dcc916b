"""Whether people are drawn to the model's answer: labels given with it in view beside labels given without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator.quality.automation_bias import FEWEST
from pages.overview import charts
from pages.widgets.text import interval, percent, say
from pages.widgets.theme import draw_chart

if TYPE_CHECKING:
    from annotator.quality.automation_bias import Anchoring, Side

_HEIGHT = 170


def draw_anchoring(found: Anchoring) -> None:
    """Draw how often people say what the model says, when they see its answer and when they don't."""
    st.subheader(say("anchoring.title"))
    if found.verdict == "few":
        st.info(_why_not_yet(found), icon=":material/visibility_off:")
        return
    st.markdown(_in_words(found))
    rows = (say("anchoring.row_shown", n=found.shown.n), say("anchoring.row_hidden", n=found.hidden.n))
    figure = charts.anchoring_figure((found.shown, found.hidden), rows=rows, axis=say("anchoring.axis"))
    alt = ", ".join(_alt(row, side) for row, side in zip(rows, (found.shown, found.hidden), strict=True))
    draw_chart(figure, key="overview_anchoring", height=_HEIGHT, alt=alt)
    st.caption(say("anchoring.help", share=f"{100 * found.blind_share:g}"))


def _why_not_yet(found: Anchoring) -> str:
    if not found.blind_share and not found.hidden.n:
        return say("anchoring.off")
    # Few hidden ones bound the stretch from which the others are counted, so their number is the one to name.
    if found.hidden.n < FEWEST:
        return say("anchoring.few_hidden", n=found.hidden.n, fewest=FEWEST)
    return say("anchoring.few_shown", n=found.shown.n, fewest=FEWEST)


def _in_words(found: Anchoring) -> str:
    shown, hidden = _percent(found.shown.same.value), _percent(found.hidden.same.value)
    shares = say("anchoring.in_words", shown=shown, shown_n=found.shown.n, hidden=hidden, hidden_n=found.hidden.n)
    low, high = _percent(found.difference.low), _percent(found.difference.high)
    if found.verdict == "chance":
        return f"**{shares}** {say('anchoring.chance', low=f'{low:+d}', high=f'{high:+d}')}"
    # Both directions are put as an amount, which begins with the end nearer to no difference.
    low, high = sorted((abs(low), abs(high)))
    return f"**{shares}** {say(f'anchoring.{found.verdict}', points=abs(shown - hidden), low=low, high=high)}"


def _percent(share: float) -> int:
    """Return whole percents, so that a difference is that of the two figures that stand beside it."""
    return round(100 * share)


def _alt(row: str, side: Side) -> str:
    return f"{row} {percent(side.same.value)} ({interval(side.same.low, side.same.high)})"
