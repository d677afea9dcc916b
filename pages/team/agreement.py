"""How far people agree: one figure in words, and where they part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator.quality import agreement
from pages.team import charts
from pages.widgets.figures import share
from pages.widgets.tables import draw_rows
from pages.widgets.text import percent, plain, say
from pages.widgets.theme import draw_chart

if TYPE_CHECKING:
    from annotator.quality.agreement import Agreement, Measure

_ROW = 34  # pixels: one label
_CELL = 52
_PAIRS_SHOWN = 300  # pixels: the table scrolls inside


def draw_agreement(figures: Agreement) -> None:
    """Draw how far people agree, or what is missing to tell."""
    st.subheader(say("agreement.title"))
    if figures.missing is not None:
        st.info(say(f"agreement.missing_{figures.missing}"), icon=":material/group:")
        if figures.missing == "nobody":
            st.page_link("pages/label/page.py", label=say("overview.go_label"), icon=":material/edit:")
        return
    _draw_figures(figures)
    _draw_words(figures)
    left, right = st.columns(2)
    with left:
        _draw_labels(figures)
        _draw_weeks(figures)
    with right:
        _draw_confusion(figures)
        _draw_pairs(figures)
    st.download_button(
        say("agreement.download"),
        agreement.to_csv(figures),
        file_name="maeumgyeol-agreement.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="team_download",
    )


def _draw_figures(statistics: Agreement) -> None:
    figures = {"alpha": _number(statistics.alpha), "same": percent(statistics.same.value)}
    if statistics.by_distance is not None:
        figures["by_distance"] = _number(statistics.by_distance)
    figures |= {"diaries": f"{statistics.alpha.n:,}", "people": f"{len(statistics.people):,}"}
    with st.container(horizontal=True):
        for name, value in figures.items():
            st.metric(say(f"agreement.{name}"), value, border=True, width=150, help=say(f"agreement.{name}_help"))


def _draw_words(statistics: Agreement) -> None:
    words = say(
        "agreement.in_words",
        same=_share(statistics.same),
        alpha=_number(statistics.alpha),
        low=f"{statistics.alpha.low:z.2f}",
        high=f"{statistics.alpha.high:z.2f}",
    )
    st.markdown(f"**{words}** {say(f'agreement.level_{statistics.level}')}")
    if statistics.alpha.n < agreement.FEWEST:
        st.caption(say("agreement.first_look", n=statistics.alpha.n, fewest=agreement.FEWEST))
    if statistics.shown_share:
        st.caption(say("agreement.shown", n=statistics.answers, share=f"{100 * statistics.shown_share:z.0f}"))


def _draw_labels(statistics: Agreement) -> None:
    st.markdown(f"##### {say('agreement.labels_title')}")
    figure = charts.labels_figure(
        statistics.labels, axis=say("agreement.alpha"), missing=[_why(label.alpha) for label in statistics.labels]
    )
    alt = ", ".join(f"{label.name} {_number(label.alpha)}" for label in statistics.labels)
    draw_chart(figure, key="team_labels", height=_ROW * len(statistics.labels) + 70, alt=alt)
    st.caption(say("agreement.labels_help"))


def _draw_confusion(statistics: Agreement) -> None:
    st.markdown(f"##### {say('agreement.confusion_title')}")
    axes = (say("agreement.other_axis"), say("agreement.one_axis"))
    figure = charts.confusion_figure(statistics.names, statistics.confusion, axes=axes)
    draw_chart(
        figure, key="team_confusion", height=_CELL * len(statistics.names) + 90, alt=say("agreement.confusion_title")
    )
    st.caption(say("agreement.confusion_help"))


def _draw_weeks(statistics: Agreement) -> None:
    weeks = [week for week in statistics.weeks if week.alpha.value is not None]
    if len(weeks) < 2:
        return
    st.markdown(f"##### {say('agreement.weeks_title')}")
    figure = charts.weeks_figure(weeks, axis=say("agreement.alpha"), hover=say("agreement.weeks_hover"))
    alt = ", ".join(f"{week.monday} {_number(week.alpha)}" for week in weeks)
    draw_chart(figure, key="team_weeks", height=240, alt=alt)
    st.caption(say("agreement.weeks_help"))


def _draw_pairs(statistics: Agreement) -> None:
    if len(statistics.people) < 3:
        return
    st.markdown(f"##### {say('agreement.pairs_title')}")
    table = [
        {
            say("agreement.column_pair"): f"{pair.first} · {pair.second}",
            say("agreement.column_kappa"): _number(pair.kappa),
            say("agreement.column_interval"): _interval(pair.kappa),
            say("agreement.column_same"): share(pair.same.value, pair.same.low, pair.same.high, n=pair.kappa.n),
            say("agreement.column_diaries"): pair.kappa.n,
        }
        for pair in statistics.pairs
    ]
    draw_rows(table, hide_index=True, height="auto" if len(table) < 8 else _PAIRS_SHOWN, key="team_pairs")
    st.caption(say("agreement.pairs_help"))


def _share(measure: Measure) -> str:
    return share(measure.value or 0.0, measure.low or 0.0, measure.high or 0.0, n=measure.n)


def _number(measure: Measure) -> str:
    return "–" if measure.value is None else f"{measure.value:z.2f}"


def _interval(measure: Measure) -> str:
    if measure.low is None or measure.high is None:
        return _why(measure)
    return f"{measure.low:z.2f} – {measure.high:z.2f}"


def _why(measure: Measure) -> str:
    return "" if measure.reason is None else plain(say(f"agreement.reason_{measure.reason}"))
