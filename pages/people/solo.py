"""The first account, made by the person who has worked here alone until now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import accounts
from annotator.errors import UserError
from annotator.passwords import LEAST_CHARACTERS
from pages.widgets import project, session
from pages.widgets.boundary import callback_boundary
from pages.widgets.words import say

if TYPE_CHECKING:
    from annotator.access import Person

_NAME, _PASSWORD, _AGAIN = "people_first_name", "people_first_password", "people_first_again"


def draw(person: Person) -> None:
    """Draw what an account changes, and the form that makes the first one."""
    st.info(say("people.solo"), icon=":material/person:")
    with st.form("people_first", width=460):
        st.subheader(say("people.first"))
        st.text_input(say("people.name"), person.name, key=_NAME, help=say("people.first_help"))
        hint = say("gate.password_hint", least=LEAST_CHARACTERS)
        st.text_input(say("gate.password"), type="password", key=_PASSWORD, placeholder=hint)
        st.text_input(say("gate.password_again"), type="password", key=_AGAIN)
        st.form_submit_button(say("people.first_button"), type="primary", on_click=_make)


def _make() -> None:
    with callback_boundary(), project.opened() as db:
        if st.session_state[_PASSWORD] != st.session_state[_AGAIN]:
            raise UserError("passwords_differ")
        by, password = session.person(db), st.session_state[_PASSWORD]
        accounts.add(db, by, st.session_state[_NAME], "administrator", password=password)
