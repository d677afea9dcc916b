"""The recorder: speech is transcribed into the box, to be read and corrected before anything is done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location, try_out
from annotator.errors import AppError
from annotator.messages import explain
from pages.widgets import session
from pages.widgets.boundary import callback_boundary
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from concurrent.futures import Future

TEXT = "try_out_text"
"""Draft: the text in the box."""

_HEARING = "try_out_hearing"
"""Draft: the transcript of a recording, while it is being made."""

_LOOK_SECONDS = 0.5


def draw(speech_model: str, *, may_set: bool) -> None:
    """Draw the recorder, or the sentence that says how to get one.

    Args:
        speech_model: of `annotator.try_out.speech_model`.
        may_set: whether this person may change the settings.
    """
    if not speech_model:
        st.caption(say("try_out.speech_off" if may_set else "try_out.speech_off_ask"))
        return
    with st.expander(say("try_out.speak"), icon=":material/mic:", key="try_out_speak"):
        _draw_recorder()
    hearing: Future[str] | None = session.draft(_HEARING)
    # A finished one is taken up by this same run.
    if hearing is not None and not hearing.done():
        st.fragment(_watch, run_every=_LOOK_SECONDS)()


def _draw_recorder() -> None:
    st.audio_input(
        say("try_out.record"),
        sample_rate=try_out.AUDIO_RATE,
        key="try_out_audio",
        on_change=_hear,
        args=("try_out_audio",),
    )
    st.file_uploader(
        say("try_out.upload"),
        type=list(try_out.AUDIO_ENDINGS),
        key="try_out_file",
        on_change=_hear,
        args=("try_out_file",),
    )
    st.caption(say("try_out.record_help"))


def take() -> str | None:
    """Return the text of the box followed by a new transcript, once; None where nothing new was said."""
    hearing: Future[str] | None = session.draft(_HEARING)
    if hearing is None or not hearing.done():
        return None
    session.keep_draft(_HEARING, None)
    try:
        heard = hearing.result()
    except AppError as error:
        st.error(plain(explain(error, session.language())), icon=":material/warning:")
        return None
    if not heard:
        st.info(say("try_out.heard_nothing"), icon=":material/mic_off:")
        return None
    text = "\n".join(filter(None, (str(session.draft(TEXT, "")).rstrip(), heard)))[: try_out.MOST_CHARACTERS]
    session.keep_draft(TEXT, text)
    return text


def _hear(key: str) -> None:
    recorded = st.session_state[key]
    if recorded is None:
        return
    with callback_boundary(), project_location.opened() as db:
        hearing = try_out.transcribe(project_location.path(), recorded.getvalue(), try_out.speech_model(db))
        session.keep_draft(_HEARING, hearing)


def _watch() -> None:
    hearing: Future[str] | None = session.draft(_HEARING)
    if hearing is None or hearing.done():
        st.rerun()
    st.markdown(f":material/hearing: {say('try_out.hearing')}")
