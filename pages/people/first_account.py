"""What an account changes for the person who has worked here alone until now, and the way to the first one."""

from __future__ import annotations

import streamlit as st

from pages.widgets.sidebar import draw_link
from pages.widgets.text import say


def draw() -> None:
    """Draw what an account changes. The form is a page of the gate, which can sign its person in."""
    st.info(say("people.solo"), icon=":material/person:")
    draw_link("/first", say("people.first"))
