"""Adding one's own words to the dictionary, and exporting all of it as a file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.dictionary import evidence
from pages.dictionary import actions
from pages.widgets import session
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.accounts.permissions import Person
    from annotator.dictionary.entries import Label


def draw_adding(labels: Sequence[Label]) -> None:
    """Draw a form for a word."""
    with st.expander(say("dictionary.add_title"), icon=":material/add:"):
        st.caption(plain(say("dictionary.add_help")))
        with st.form("dictionary_add", clear_on_submit=True, border=False):
            st.text_input(say("dictionary.add_word"), key="dictionary_add_word", max_chars=200)
            st.selectbox(
                say("dictionary.add_label"),
                [*labels, None],
                format_func=lambda label: say("dictionary.no_emotion") if label is None else label.name,
                key=keyed("dictionary_add_label"),
            )
            st.form_submit_button(say("dictionary.add"), on_click=_add, args=(session.name(),))


def _add(name: str) -> None:
    label = st.session_state[keyed("dictionary_add_label")]
    actions.add(st.session_state["dictionary_add_word"], None if label is None else label.id, name)


def draw_export(person: Person) -> None:
    """Draw the download button; the file is made when it is pressed."""
    st.download_button(
        say("dictionary.export"),
        partial(_export, person),
        file_name="maeumgyeol-words.csv",
        mime="text/csv",
        on_click="ignore",
        key="dictionary_export",
        icon=":material/download:",
    )


def _export(person: Person) -> bytes:
    # Runs when the button is pressed, outside of any script run.
    with project_location.opened() as db:
        return evidence.export_csv(db, evidence.gather(db), person=person)
