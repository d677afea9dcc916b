"""화면 설정: what a browser keeps for itself, the theme and whether a swipe skips."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.widgets.text import say

_HERE = Path(__file__).parent

_mount = st.components.v2.component(
    "maeumgyeol_screen",
    html='<div class="screen"></div>',
    css=(_HERE / "screen.css").read_text("utf-8"),
    js=(_HERE / "screen.js").read_text("utf-8"),
)

_WORDS = ("theme", "theme_system", "theme_light", "theme_dark", "swipe", "no_storage")


def draw_screen_settings() -> None:
    """Draw the choices, closed until somebody opens them."""
    with st.expander(say("screen.title"), icon=":material/contrast:"):
        _mount(key="screen_settings", data={name: say(f"screen.{name}") for name in _WORDS})
