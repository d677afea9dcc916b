"""Forgetting diaries by their writer or their numbers."""

from __future__ import annotations

import re

import streamlit as st

from annotator.privacy.forgetting import Selection
from pages.widgets.forgetting import draw_forgetting
from pages.widgets.text import keyed, say

_WAYS = ("author", "ids")
_LARGEST = 2**63 - 1


def draw_choice() -> None:
    """Draw the choice of diaries, and what would go with them."""
    way = st.segmented_control(
        say("settings.forget_by"),
        _WAYS,
        default=_WAYS[0],
        required=True,
        format_func=lambda name: say(f"settings.forget_by_{name}"),
        key=keyed("settings_forget_by"),
    )
    chosen = str(way or _WAYS[0])
    written = st.text_input(
        say(f"settings.forget_{chosen}"),
        key=f"settings_forget_{chosen}",
        placeholder=say(f"settings.forget_{chosen}_hint"),
        max_chars=2000,
        width=420,
    )
    draw_forgetting("settings", _selection(chosen, written or ""))


def _selection(way: str, written: str) -> Selection | None:
    if way == "author":
        return Selection(author=written.strip()) if written.strip() else None
    numbers = [int(number) for number in re.findall(r"\d{1,19}", written, re.ASCII)]
    ids = tuple(number for number in numbers if 0 < number <= _LARGEST)
    return Selection(ids=ids) if ids else None
