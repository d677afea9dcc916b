"""써보기: a text of one's own, written or spoken, and what the model says of it. Nothing is kept unless asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location, try_out
from annotator.accounts import permissions
from pages.components.try_out_board import TrialData, trial_board, trial_strings
from pages.try_out import recorder
from pages.widgets import session
from pages.widgets.boundary import boundary, callback_boundary
from pages.widgets.text import say

if TYPE_CHECKING:
    from annotator.try_out import Trial

_TRIAL = "try_out_trial"
"""Draft: the text that was asked about last, with its answer."""

_SAID = "try_out_said"
"""Draft: the outcome of adding it to the diaries."""

_TEXT_KEY = "try_out_text_area"
_LOOK_SECONDS = 1.0
_WAIT_SECONDS = 0.7
"""How long a look waits for more to show: looking more often takes processor time from the answer."""


def _draw() -> None:
    st.title(say("frame.try_out"))
    st.caption(say("try_out.intro"))
    with project_location.opened() as db:
        obstacle = try_out.obstacle(db)
        speech_model = try_out.speech_model(db)
        may_keep = permissions.may(session.person(db), "review")
        may_set = permissions.may(session.person(db), "administrate")
    if obstacle is not None:
        _draw_obstacle(obstacle)
        return
    try_out.warm_up(project_location.path())
    recorder.draw(speech_model, may_set=may_set)
    _draw_text()
    trial: Trial | None = session.draft(_TRIAL)
    if trial is not None:
        # A fragment that keeps looking would go on doing so after the answer is finished.
        st.fragment(_draw_trial, run_every=None if trial.is_done else _LOOK_SECONDS)(trial)
        if trial.is_done and may_keep:
            _draw_keeping()


@st.fragment(run_every=2.0)
def _draw_obstacle(drawn: str) -> None:
    """Say what is missing; once that changes, draw the whole page again."""
    with boundary(), project_location.opened() as db:
        if try_out.obstacle(db) != drawn:
            st.rerun()
        st.info(say(drawn), icon=":material/hourglass_empty:")
        if drawn == "try_out.no_diaries" and permissions.may(session.person(db), "review"):
            st.page_link("pages/import_diaries/page.py", label=say("try_out.to_import"), icon=":material/download:")


def _draw_text() -> None:
    """Draw the box, with what stood in it when this page was left."""
    st.session_state.setdefault(_TEXT_KEY, session.draft(recorder.TEXT, ""))
    if (spoken := recorder.take()) is not None:
        st.session_state[_TEXT_KEY] = spoken
    st.text_area(
        say("try_out.text"),
        key=_TEXT_KEY,
        height=140,
        max_chars=try_out.MOST_CHARACTERS,
        placeholder=say("try_out.placeholder"),
        label_visibility="collapsed",
        on_change=_remember,
    )
    with st.container(horizontal=True):
        st.button(say("try_out.ask"), key="try_out_ask", type="primary", shortcut="Ctrl+Enter", on_click=_ask)
        if st.session_state[_TEXT_KEY] or session.draft(_TRIAL) is not None:
            st.button(say("try_out.clear"), key="try_out_clear", type="tertiary", on_click=_clear)


def _draw_trial(trial: Trial) -> None:
    trial.wait(_WAIT_SECONDS)
    with boundary(), project_location.opened() as db:
        answer = try_out.show(db, trial, session.language())
        if not try_out.is_warm(project_location.path()) and answer.version is None:
            st.caption(say("try_out.loading"))
        strings = trial_strings(session.language())
        labels = [
            {"name": label.name, "colour": label.colour, "definition": label.definition} for label in answer.labels
        ]
        trial_board(TrialData(strings=strings, labels=labels, item=answer.item), key="try_out_board")  # type: ignore[typeddict-item]
        if answer.version is not None:
            st.caption(say("try_out.version", version=answer.version))
    if trial.is_done and not session.draft(_SEEN, False):
        session.keep_draft(_SEEN, True)
        st.rerun()


_SEEN = "try_out_seen"
"""Draft: whether the page knows that the answer is complete."""


def _draw_keeping() -> None:
    if notice := session.draft(_SAID):
        st.success(notice, icon=":material/check:")
        return
    st.button(say("try_out.keep"), key="try_out_keep", icon=":material/playlist_add:", on_click=_keep)
    st.caption(say("try_out.keep_help"))


def _remember() -> None:
    session.keep_draft(recorder.TEXT, st.session_state[_TEXT_KEY])


def _ask() -> None:
    _remember()
    with callback_boundary():
        _forget()
        session.keep_draft(_TRIAL, try_out.ask(project_location.path(), st.session_state[_TEXT_KEY]))


def _forget() -> None:
    before: Trial | None = session.draft(_TRIAL)
    if before is not None:
        before.give_up()
    for draft in (_TRIAL, _SAID, _SEEN):
        session.keep_draft(draft, None)


def _clear() -> None:
    _forget()
    st.session_state[_TEXT_KEY] = ""
    _remember()


def _keep() -> None:
    trial: Trial | None = session.draft(_TRIAL)
    with callback_boundary(), project_location.opened() as db:
        if trial is not None:
            addition = try_out.add_to_diaries(db, trial.text, person=session.person(db))
            session.keep_draft(
                _SAID, say("try_out.kept" if addition.is_new else "try_out.was_there", id=addition.diary_id)
            )


_draw()
