"""For whose diaries the figures of the newest round hold, and the offer to split an older project by writers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.importing import redrawing
from annotator.training.audience import FEWEST_OF_SOURCE
from pages.widgets.boundary import callback_boundary
from pages.widgets.figures import share
from pages.widgets.tables import draw_rows
from pages.widgets.text import interval, percent, say

if TYPE_CHECKING:
    from annotator.project import Database
    from annotator.training.audience import Audience, Source
    from annotator.training.evaluation import Evaluation


def draw_offer(db: Database) -> None:
    """Say once that the project could be split by writers."""
    if not redrawing.is_offered(db):
        return
    with st.container(border=True):
        st.markdown(":material/group: " + say("learn.parts.offer"))
        st.code("maeumgyeol draw-parts", language=None, wrap_lines=True)
        st.button(say("learn.parts.close"), key="learn_parts_close", on_click=_close_offer)


def _close_offer() -> None:
    with callback_boundary(), project_location.opened() as db:
        redrawing.close_offer(db)


def draw_audience(audience: Audience, figures: Evaluation | None) -> None:
    """Draw for whose diaries a round's figures hold."""
    if audience.is_redrawn:
        st.info(say("learn.parts.redrawn"), icon=":material/shuffle:")
    if figures is not None and figures.accuracy is not None:
        _draw_writers(audience, figures, figures.accuracy)
    for key, count in (("left_out", audience.left_out), ("patterned", audience.patterned)):
        if count:
            st.caption(say(f"learn.parts.{key}", count=count))
    if audience.labels_of_one_writer:
        st.caption(say("learn.parts.one_writer", labels=", ".join(audience.labels_of_one_writer)))
    if len(audience.sources) > 1 and audience.waiting_count:
        _draw_sources(audience)


def _draw_writers(audience: Audience, figures: Evaluation, accuracy: float) -> None:
    if audience.measured_for is None:
        return
    bounds = interval(figures.accuracy_low, figures.accuracy_high)
    shown = percent(accuracy)
    if audience.measured_for == "new_writers":
        writers = audience.test_writers or "–"
        lines = [say("learn.parts.new_writers", accuracy=shown, interval=bounds, n=figures.n, writers=writers)]
    else:
        lines = [say("learn.parts.these_writers", accuracy=shown, interval=bounds, n=figures.n)]
    if audience.these is not None:
        these, n = audience.these
        bounds = interval(these.low, these.high)
        lines.append(say("learn.parts.these_out_of_fold", accuracy=percent(these.value), interval=bounds, n=n))
    st.markdown("\n".join(f"- {line}" for line in lines))


def _draw_sources(audience: Audience) -> None:
    st.markdown(f"**{say('learn.sources.title', count=audience.waiting_count)}**")
    if audience.waiting is None:
        st.markdown(say("learn.sources.unknown", fewest=FEWEST_OF_SOURCE))
    else:
        whole = audience.waiting
        n = sum(source.n for source in audience.sources if source.accuracy is not None)
        st.markdown(say("learn.sources.whole", accuracy=share(whole.value, whole.low, whole.high, n=n)))
    draw_rows([_row(source) for source in audience.sources], hide_index=True, key="learn_sources")
    st.caption(say("learn.sources.help"))


def _row(source: Source) -> dict[str, str | int]:
    accuracy = source.accuracy
    return {
        say("learn.sources.name"): source.name or "–",
        say("learn.sources.waiting"): source.waiting,
        say("learn.sources.n"): source.n,
        say("learn.sources.accuracy"): say("learn.sources.few")
        if accuracy is None
        else share(accuracy.value, accuracy.low, accuracy.high, n=source.n),
    }
