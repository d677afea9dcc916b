"""The sidebar: who is here, what the machine is doing, and the language."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from annotator import messages, project_location, status
from annotator.accounts import annotators
from annotator.labelling.board import storage_scope
from pages.components.screen import draw_screen_settings
from pages.widgets import session
from pages.widgets.boundary import boundary, explain_stored
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from annotator.accounts.permissions import Person
    from annotator.errors import UserError
    from annotator.project import Database
    from annotator.status import Pulse, WorkerState

_NAME_KEY = "frame_name"
_LANGUAGE_KEY = "frame_language"
_SILENT_SECONDS = 60

_BUTTON_STYLE = (
    "display:inline-block;padding:.4rem 1rem;border:1px solid;border-radius:.6rem;color:inherit;text-decoration:none"
)

_ACCOUNT_STYLE = """
.account { margin: 0; } p.account span { margin-left: 0.35rem; font-size: 0.875rem; opacity: 0.65; }
form.account { display: flex; gap: 1rem; font-size: 0.875rem; }
form.account a, form.account button { padding: 0.25rem 0; font: inherit; color: inherit; cursor: pointer;
  background: none; border: 0; text-decoration: underline; text-underline-offset: 0.2em; opacity: 0.8; }
form.account :is(a, button):hover { opacity: 1; }
"""


def draw(db: Database, person: Person) -> None:
    """Draw the sidebar of a project that has been set up."""
    with st.sidebar:
        draw_status()
        if person.is_solo:
            _draw_name(db)
        else:
            _draw_account(db, person)
        draw_language()


def draw_closed(error: UserError) -> None:
    """Say why nobody is let in here any more, and the way back."""
    st.error(plain(messages.explain(error, session.language())), icon=":material/lock:")
    draw_link("/login", say("gate.login_button"))


def draw_link(address: str, words: str) -> None:
    """Draw a link to a page of ours outside Streamlit, in the same tab."""
    st.html(f'<a href="{escape(address)}" target="_self" style="{_BUTTON_STYLE}">{escape(words)}</a>')


def _draw_account(db: Database, person: Person) -> None:
    scope = storage_scope(db, person.name)
    role, password, out = (say(key) for key in (f"role.{person.role}", "gate.password_change", "gate.logout_button"))
    st.html(
        f"<style>{_ACCOUNT_STYLE}</style>"
        f'<p class="account"><strong>{escape(person.name)}</strong> <span>{escape(role)}</span></p>'
        # A form, not a link: another site can lead a browser to an address, but not send this.
        f'<form class="account" method="post" action="/logout" data-scope="{escape(scope)}">'
        f'<a href="/password" target="_self">{escape(password)}</a><button>{escape(out)}</button></form>'
    )


def draw_language() -> None:
    """Draw the switch between Korean and English, and how the browser shows the app."""
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
    if chosen := session.chosen_language():
        # Streamlit can read cookies, but not write one.
        st.html(f"<script>{session.language_script(chosen)}</script>", unsafe_allow_javascript=True)
    draw_screen_settings()


def _draw_name(db: Database) -> None:
    names = list(dict.fromkeys([session.name(), *annotators.list_people(db)]))
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
    if chosen := annotators.plain_name(st.session_state[_NAME_KEY] or ""):
        session.set_name(chosen)


@st.fragment(run_every=2.0)
def draw_status() -> None:
    """Draw what the worker and the round are doing, read again every two seconds."""
    with boundary(), project_location.opened() as db:
        pulse = status.get_worker_health(db, project_location.path())
        with st.container(border=True, gap="small"):
            _draw_worker(pulse)
            if pulse.version is None:
                st.caption(say("frame.no_model"))
            else:
                st.caption(say("frame.model", version=pulse.version))


def _draw_step(worker: WorkerState) -> None:
    step = say(f"step.{worker.step}")
    if worker.total <= 1:
        st.markdown(f":material/pending: {say('frame.worker_does', step=step)}")
        return
    counted = say("frame.worker_step", step=step, done=worker.done, total=worker.total)
    st.progress(min(1.0, worker.done / worker.total), text=plain(counted))


def _draw_worker(pulse: Pulse) -> None:
    if pulse.is_starting:
        st.markdown(f":material/hourglass_top: {say('frame.worker_starting')}")
        return
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
        # An idle worker has nothing to report, and a round reports its own progress.
        if worker.silent_seconds > _SILENT_SECONDS:
            st.caption(say("frame.worker_silent", seconds=round(worker.silent_seconds)))
    if worker is not None and worker.error is not None:
        st.error(explain_stored(worker.error), icon=":material/warning:")
