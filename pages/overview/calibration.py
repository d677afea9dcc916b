"""How far the model's own certainty can be trusted: the reliability diagram in words, and what to leave to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator.finding.query import Query
from annotator.training import analysis, prediction_sets
from annotator.training.evaluation import FEWEST_TO_TRUST
from pages.overview import charts
from pages.widgets.figures import share
from pages.widgets.finding import draw_links
from pages.widgets.text import interval, say
from pages.widgets.theme import draw_chart

if TYPE_CHECKING:
    from annotator.project import Database
    from annotator.training.analysis import Reliability, ReliabilityBin, Unsure

ERROR = 0.1
"""Share of wrong answers that people usually still accept where answers are taken unread."""

_HEIGHT = 320


def draw_reliability(db: Database) -> None:
    """Draw how often the model is right at each level of its confidence."""
    st.subheader(say("trust.title"))
    study = analysis.find_study(db)
    if study is None or study.reliability is None:
        waits = study is None and analysis.is_due(db)
        st.info(say("trust.coming" if waits else "trust.none", fewest=FEWEST_TO_TRUST), icon=":material/balance:")
        return
    measured = study.reliability
    st.markdown(_in_words(measured))
    figure = charts.reliability_figure(
        measured,
        axes=(say("trust.said_axis"), say("trust.right_axis")),
        ideal=say("trust.ideal"),
        hover=say("trust.hover"),
    )
    alt = ", ".join(f"{100 * b.confidence:z.0f}: {_right(b)}" for b in measured.bins)
    draw_chart(figure, key="overview_reliability", height=_HEIGHT, alt=alt)
    if study.is_of_serving:
        draw_links(_diaries_of(measured))
    error = measured.error
    st.caption(
        say(
            f"trust.help_{measured.source}",
            n=measured.n,
            ece=f"{100 * error.value:z.0f}",
            interval=f"{100 * error.low:z.0f}–{100 * error.high:z.0f}",
            brier=f"{measured.brier:z.2f}",
        )
    )


def _diaries_of(measured: Reliability) -> list[tuple[str, Query]]:
    """Return the way to the test diaries of each bin; of answers by heads that are gone there is none."""
    if measured.source != "test":
        return []
    return [
        (
            say("find.figure", name=f"{100 * each.ends[0]:z.0f}–{100 * each.ends[1]:z.0f}%", count=each.n),
            Query(part="test", state="decided", p_from=each.ends[0], p_to=each.ends[1], sort="probability"),
        )
        for each in measured.bins
        if each.ends is not None
    ]


def draw_promise(db: Database) -> None:
    """Say what sets of labels promise, and what came of it."""
    promised = prediction_sets.find_promise(db)
    if promised is None:
        return
    st.caption(
        say(
            "trust.promise",
            level=f"{100 * promised.level:z.0f}",
            size=f"{promised.size:z.1f}",
            n=promised.n,
            covered=f"{100 * promised.covered:z.0f}",
            interval=interval(promised.covered_low, promised.covered_high),
        )
    )


def _in_words(measured: Reliability) -> str:
    example = measured.example
    words = say(
        "trust.in_words",
        said=f"{100 * example.confidence:z.0f}",
        right=_right(example),
    )
    return f"**{words}** {say(f'trust.{_lean(measured)}')}"


def _right(measured: ReliabilityBin) -> str:
    return share(measured.right.value, measured.right.low, measured.right.high, n=measured.n)


def _lean(measured: Reliability) -> str:
    """Return in which direction the model errs, if by more than chance."""
    if measured.error.low <= 0:
        return "fits"
    return "too_sure" if measured.confidence > measured.right else "too_modest"


def draw_unsure(db: Database) -> None:
    """Say which answers should not be taken unread."""
    measured = analysis.find_unsure(db, error=ERROR)
    if measured is None:
        return
    unsure, undecided = measured
    if unsure.unsure == undecided:
        st.markdown(say("trust.unsure_all", error=f"{100 * ERROR:z.0f}", left=undecided))
        return
    st.markdown(
        say(
            "trust.unsure",
            error=f"{100 * ERROR:z.0f}",
            threshold=f"{100 * unsure.threshold:z.0f}",
            unsure=unsure.unsure,
            left=undecided,
        )
    )
    st.caption(_checked(unsure))


def _checked(unsure: Unsure) -> str:
    """Return what the test diaries say of the answers that may be taken."""
    if not unsure.tested:
        return say("trust.untested")
    most = f"{100 * unsure.most_wrong:z.0f}"
    words = say("trust.tested", n=unsure.tested, wrong=unsure.wrong, most=most)
    return f"{words} {say('trust.was_too_sure')}" if unsure.was_too_sure else words
