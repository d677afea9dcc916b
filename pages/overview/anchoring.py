"""Whether people are drawn to the model's answer: labels given with it in view beside labels given without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator.quality.automation_bias import FEWEST
from pages.overview import charts
from pages.widgets.figures import difference, share
from pages.widgets.text import say
from pages.widgets.theme import draw_chart

if TYPE_CHECKING:
    from annotator.quality.automation_bias import Anchoring, Side

_HEIGHT = 170


def draw_anchoring(anchoring: Anchoring) -> None:
    """Draw how often people say what the model says, when they see its answer and when they don't."""
    st.subheader(say("anchoring.title"))
    if anchoring.verdict == "few":
        st.info(_why_not_yet(anchoring), icon=":material/visibility_off:")
        return
    st.markdown(_in_words(anchoring))
    rows = (say("anchoring.row_shown", n=anchoring.shown.n), say("anchoring.row_hidden", n=anchoring.hidden.n))
    figure = charts.anchoring_figure((anchoring.shown, anchoring.hidden), rows=rows, axis=say("anchoring.axis"))
    alt = ", ".join(_alt(row, side) for row, side in zip(rows, (anchoring.shown, anchoring.hidden), strict=True))
    draw_chart(figure, key="overview_anchoring", height=_HEIGHT, alt=alt)
    st.caption(say("anchoring.help", share=f"{100 * anchoring.blind_share:zg}"))


def _why_not_yet(anchoring: Anchoring) -> str:
    if not anchoring.blind_share and not anchoring.hidden.n:
        return say("anchoring.off")
    # Few hidden ones limit the stretch from which the others are counted, so theirs is the number to name.
    if anchoring.hidden.n < FEWEST:
        return say("anchoring.few_hidden", n=anchoring.hidden.n, fewest=FEWEST)
    return say("anchoring.few_shown", n=anchoring.shown.n, fewest=FEWEST)


def _in_words(anchoring: Anchoring) -> str:
    shown, hidden = _percent(anchoring.shown.same.value), _percent(anchoring.hidden.same.value)
    shares = say("anchoring.in_words", shown=_share(anchoring.shown), hidden=_share(anchoring.hidden))
    n = anchoring.shown.n + anchoring.hidden.n
    gap = anchoring.difference
    if anchoring.verdict == "chance":
        return f"**{shares}** {say('anchoring.chance', difference=difference(gap.value, gap.low, gap.high, n=n))}"
    low, high = _percent(gap.low), _percent(gap.high)
    # Both directions are given as an amount, starting with the end nearer to no difference.
    low, high = sorted((abs(low), abs(high)))
    return f"**{shares}** {say(f'anchoring.{anchoring.verdict}', points=abs(shown - hidden), low=low, high=high, n=n)}"


def _percent(share: float) -> int:
    """Return a whole percentage, so that a difference matches the two figures shown beside it."""
    return round(100 * share)


def _alt(row: str, side: Side) -> str:
    return f"{row} {_share(side)}"


def _share(side: Side) -> str:
    return share(side.same.value, side.same.low, side.same.high, n=side.n)
