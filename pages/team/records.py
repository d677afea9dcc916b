"""How each person's work goes: one's own record, and for those who review the table of everyone's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator.quality import annotator_stats
from pages.team import charts
from pages.widgets.figures import share
from pages.widgets.tables import draw_rows
from pages.widgets.text import interval, percent, plain, say
from pages.widgets.theme import draw_chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.quality.annotator_stats import AnnotatorStats, Share

_CARD = 165  # pixels: two stand beside each other on a phone
_SHARES = ("consistency", "gold", "with_others")


def draw_people(records: Sequence[AnnotatorStats], mine: AnnotatorStats | None) -> None:
    """Draw everybody's record as a table, with what is worth a kind word to others below it.

    Args:
        mine: whoever looks reads their own further down.
    """
    if not records:
        return
    st.subheader(say("record.people_title"))
    table = [
        {
            say("record.column_name"): record.name,
            say("record.column_decided"): sum(record.kinds.values()),
            say("record.column_per_hour"): record.per_hour and round(record.per_hour),
            say("record.column_median"): record.median_seconds and round(record.median_seconds, 1),
            **{say(f"record.column_{name}"): _share(getattr(record, name)) for name in _SHARES},
            say("record.column_fast"): _share(record.fast),
            say("record.column_drift"): say(f"record.drift_word_{record.drift}") if record.drift else "–",
        }
        for record in records
    ]
    draw_rows(table, hide_index=True, placeholder="–", key="team_people")
    st.caption(say("record.people_help", fewest=annotator_stats.FEWEST))
    for record in records:
        if record is not mine and record.is_fast and record.fast is not None:
            st.markdown(f"- {say('record.fast_of', name=plain(record.name), share=_share(record.fast))}")


def draw_mine(record: AnnotatorStats | None) -> None:
    """Draw somebody's own record."""
    st.subheader(say("record.mine_title"))
    st.caption(say("record.mine_intro"))
    if record is None or not record.kinds:
        st.info(say("record.none"), icon=":material/edit:")
        st.page_link("pages/label/page.py", label=say("overview.go_label"), icon=":material/edit:")
        return
    _draw_figures(record)
    if record.is_fast and record.fast is not None:
        st.info(say("record.fast", share=_share(record.fast)), icon=":material/self_improvement:")
    if record.drift in ("lower", "higher"):
        st.markdown(say(f"record.drift_{record.drift}"))
    if len(record.weeks) > 1:
        st.markdown(f"##### {say('record.weeks_title')}")
        shares = [(week.same.share.value, week.same.share.low, week.same.share.high) for week in record.weeks]
        figure = charts.shares_figure([week.monday for week in record.weeks], shares, axis=say("record.with_others"))
        alt = ", ".join(f"{week.monday} {_share(week.same)}" for week in record.weeks)
        draw_chart(figure, key="team_mine_weeks", height=220, alt=alt)


def _draw_figures(record: AnnotatorStats) -> None:
    figures = {
        "decided": f"{sum(record.kinds.values()):,}",
        "per_hour": "–" if record.per_hour is None else f"{record.per_hour:z,.0f}",
        "median": "–" if record.median_seconds is None else say("record.seconds", n=f"{record.median_seconds:z.1f}"),
    }
    figures |= {name: _percent(getattr(record, name)) for name in _SHARES}
    # One row of six, or on a phone three of two.
    with st.container(horizontal=True):
        for name, value in figures.items():
            st.metric(say(f"record.{name}"), value, border=True, width=_CARD, help=_help(record, name))


def _help(record: AnnotatorStats, name: str) -> str:
    share = getattr(record, name, None) if name in _SHARES else None
    words = say(f"record.{name}_help", fewest=annotator_stats.FEWEST)
    return words if share is None else f"{words} {say('record.interval', n=share.n, interval=_bounds(share))}"


def _bounds(share: Share) -> str:
    return interval(share.share.low, share.share.high)


def _percent(share: Share | None) -> str:
    return percent(None if share is None else share.share.value)


def _share(measured: Share | None) -> str:
    if measured is None:
        return "–"
    return share(measured.share.value, measured.share.low, measured.share.high, n=measured.n)


def draw_rule() -> None:
    """Say what counts as work."""
    st.caption(say("record.rule", minutes=round(annotator_stats.IDLE_SECONDS / 60), recent=annotator_stats.RECENT))
