"""A round that is waiting or running, watched until it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location, status
from annotator.pool import progress
from annotator.training import rounds
from pages.widgets.boundary import boundary, callback_boundary, draw_problem
from pages.widgets.text import say

if TYPE_CHECKING:
    from annotator.pool.progress import StageProgress
    from annotator.status import Pulse


@st.fragment(run_every=0.7)
def watch_round(round_id: int) -> None:
    """Draw the progress of a round; once it has ended, draw the whole page again.

    Args:
        round_id: the round that was open when the page was drawn.
    """
    draw_problem()
    with boundary(), project_location.opened() as db:
        pulse = status.get_worker_health(db, project_location.path())
        current = pulse.open_round
        if current is None or current.id != round_id:
            st.rerun()
        else:
            _draw_running(pulse, progress.find(db, current))


def _draw_running(pulse: Pulse, in_pool: StageProgress | None) -> None:
    current = pulse.open_round
    if current is None:
        return
    with st.container(border=True):
        step = say(f"step.{current.step}") if current.step else _waits_for(pulse)
        st.progress(current.progress, text=say("frame.round", number=current.number, step=step))
        if in_pool is not None:
            st.caption(_pool_line(in_pool))
        if not pulse.is_working and not pulse.is_starting:
            st.warning(say("learn.worker_off", command="maeumgyeol worker"), icon=":material/pause_circle:")
        if current.cancel_asked:
            st.caption(say("learn.cancelling"))
        else:
            st.button(say("learn.cancel"), key="learn_cancel", on_click=_cancel)
        st.caption(say("learn.meanwhile"))


def _pool_line(now: StageProgress) -> str:
    return say(
        "learn.pool_now",
        stage=say(f"pool.stage_{now.stage}"),
        done=now.done,
        total=now.total,
        rate=f"{now.texts_a_second:z,.0f}",
    )


def _waits_for(pulse: Pulse) -> str:
    """Return what a round that has not begun waits for."""
    if pulse.is_starting:
        return say("learn.waits_for_worker")
    if pulse.worker is not None and pulse.worker.step:
        return say("learn.waits_for_step", step=say(f"step.{pulse.worker.step}"))
    return say("frame.round_begins")


def _cancel() -> None:
    with callback_boundary(), project_location.opened() as db:
        rounds.cancel(db)
