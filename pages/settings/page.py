"""설정: how diaries are handed out, what a decision may say, and what is covered. Every change takes effect at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location, settings
from annotator.accounts import permissions
from pages.settings import precision
from pages.settings.forgetting import draw_choice
from pages.widgets import session
from pages.widgets.boundary import callback_boundary
from pages.widgets.text import say

if TYPE_CHECKING:
    from annotator.project import Database
    from annotator.settings import Settings

_KEY = "settings_{}"


def _draw() -> None:
    st.title(say("settings.title"))
    st.caption(say("settings.intro"))
    with project_location.opened() as db:
        chosen = settings.load(db)
        _draw_settings(db, chosen)


def _draw_settings(db: Database, chosen: Settings) -> None:
    with st.container(border=True):
        st.subheader(say("settings.handing_out"))
        _draw_number("overlap", chosen, most=settings.MOST_OVERLAP)
        if chosen.overlap > 1:
            _draw_share("overlap_share", chosen, most=100)
        _draw_share("repeat_share", chosen, most=20)
        _draw_share("gold_share", chosen, most=20)
        _draw_share("searched_share", chosen, most=100)
        _draw_share("group_check_share", chosen, most=50)
        _draw_share("blind_share", chosen, most=50)
    with st.container(border=True):
        st.subheader(say("settings.deciding"))
        _draw_switch("several_labels", chosen)
        _draw_switch("intensity", chosen)
        _draw_switch("prediction_sets", chosen)
        _draw_number("break_minutes", chosen, most=180, step=5)
    with st.container(border=True):
        st.subheader(say("settings.privacy"))
        _draw_switch("mask", chosen)
        _draw_switch("mask_names", chosen, disabled=not chosen.mask)
        _draw_switch("feelings_over_time", chosen)
    with st.container(border=True):
        st.subheader(say("settings.forget"), help=say("settings.forget_help"))
        _draw_switch("refuse_forgotten", chosen)
        draw_choice()
    with st.container(border=True):
        st.subheader(say("settings.speed"))
        precision.draw(db, chosen, key=_KEY.format("precision"), on_change=_change)
    with st.container(border=True):
        st.subheader(say("settings.speech"))
        st.text_input(
            say("settings.speech_model"),
            value=chosen.speech_model,
            key=_KEY.format("speech_model"),
            help=say("settings.speech_model_help"),
            placeholder=say("settings.speech_model_hint"),
            max_chars=500,
            width=420,
            on_change=_change,
            args=("speech_model",),
        )


def _draw_switch(name: str, chosen: Settings, *, disabled: bool = False) -> None:
    st.toggle(
        say(f"settings.{name}"),
        value=getattr(chosen, name),
        key=_KEY.format(name),
        help=say(f"settings.{name}_help"),
        disabled=disabled,
        on_change=_change,
        args=(name,),
    )


def _draw_number(name: str, chosen: Settings, *, most: int, step: int = 1) -> None:
    least = 1 if name == "overlap" else 0
    st.number_input(
        say(f"settings.{name}"),
        min_value=least,
        max_value=max(most, getattr(chosen, name)),
        step=step,
        value=getattr(chosen, name),
        key=_KEY.format(name),
        help=say(f"settings.{name}_help"),
        width=220,
        on_change=_change,
        args=(name,),
    )


def _draw_share(name: str, chosen: Settings, *, most: int) -> None:
    percent = round(100 * getattr(chosen, name))
    st.slider(
        say(f"settings.{name}"),
        min_value=0,
        max_value=max(most, percent),
        value=percent,
        format="%d%%",
        key=_KEY.format(name),
        help=say(f"settings.{name}_help"),
        width=420,
        on_change=_change,
        args=(name, 100),
    )


def _change(name: str, parts: int = 1) -> None:
    """Save the current value of a control, unless its person may no longer change it."""
    value = st.session_state[_KEY.format(name)]
    with callback_boundary(), project_location.opened() as db:
        person = session.person(db)
        permissions.require(person, "administrate")
        settings.change(db, changed_by=person.annotator_id, **{name: value if parts == 1 else value / parts})
        st.toast(say("settings.kept"), icon=":material/check:")


_draw()
