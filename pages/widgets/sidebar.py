"""The sidebar: who is here, what the machine is at, and the language."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import messages, overview, people
from pages.widgets import project, session
from pages.widgets.boundary import boundary, explain_stored
from pages.widgets.words import plain, say

if TYPE_CHECKING:
    from annotator.overview import Pulse, WorkerState
    from annotator.project import Database

_NAME_KEY = "frame_name"
_LANGUAGE_KEY = "frame_language"
_SILENT_SECONDS = 60


def draw(db: Database) -> None:
    """Draw the sidebar of a project that has been set up."""
    with st.sidebar:
        draw_status()
        _draw_name(db)
        draw_language()


def draw_language() -> None:
    """Draw the switch between Korean and English."""
    st.segmented_control(
        say("frame.language"),
        messages.LANGUAGES,
        default=session.language(),
        required=True,
        format_func=lambda code: messages.say("frame.language_name", code),
        key=_LANGUAGE_KEY,
        on_change=lambda: session.set_language(st.session_state[_LANGUAGE_KEY]),
        label_visibility="collapsed",
    )


def _draw_name(db: Database) -> None:
    known = people.list_people(db)
    if not session.has_name():
        # Who decided last is the likeliest to be back after the page was loaded again.
        session.set_name(known[0] if known else say("cli.me"))
    names = list(dict.fromkeys([session.name(), *known]))
    st.selectbox(
        say("frame.name"),
        names,
        index=names.index(session.name()),
        accept_new_options=True,
        key=_NAME_KEY,
        help=say("frame.name_help"),
        on_change=_change_name,
    )


def _change_name() -> None:
    if chosen := people.plain_name(st.session_state[_NAME_KEY] or ""):
        session.set_name(chosen)


@st.fragment(run_every=2.0)
def draw_status() -> None:
    """Draw what worker and round are at, read again every two seconds."""
    with boundary(), project.opened() as db:
        pulse = overview.pulse(db, project.path())
        with st.container(border=True, gap="small"):
            _draw_worker(pulse)
            if pulse.version is None:
                st.caption(say("frame.no_model"))
            else:
                st.caption(say("frame.model", version=pulse.version))


def _draw_step(worker: WorkerState) -> None:
    step = say(f"step.{worker.step}")
    if worker.total <= 1:
        st.markdown(f":material/pending: {step}")
        return
    counted = say("frame.worker_step", step=step, done=worker.done, total=worker.total)
    st.progress(min(1.0, worker.done / worker.total), text=plain(counted))


def _draw_worker(pulse: Pulse) -> None:
    if not pulse.is_working:
        st.markdown(f":material/pause_circle: **{say('frame.worker_off')}**")
        st.caption(say("frame.worker_start", command="maeumgyeol worker"))
        if pulse.open_round is not None:
            st.caption(say("frame.round_waits"))
        return
    worker = pulse.worker
    if pulse.open_round is not None:
        step = say(f"step.{pulse.open_round.step}") if pulse.open_round.step else say("frame.round_begins")
        st.progress(pulse.open_round.progress, text=say("frame.round", number=pulse.open_round.number, step=step))
    elif worker is None or not worker.step:
        st.markdown(f":material/check_circle: {say('frame.worker_idle')}")
    else:
        _draw_step(worker)
    if worker is not None and worker.silent_seconds > _SILENT_SECONDS:
        st.caption(say("frame.worker_silent", seconds=round(worker.silent_seconds)))
    if worker is not None and worker.error is not None:
        st.error(explain_stored(worker.error), icon=":material/warning:")
