"""What a browser session remembers, typed: who, in which language, where to go next, and unsaved drafts.

Everything else is in the database. No other module of the pages names a key of ``st.session_state`` that is
not a widget's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from annotator.messages import LANGUAGES, Language, default_language, say

_LANGUAGE = "session_language"
_NAME = "session_name"
_LABEL_TABS = "session_label_tabs"
_DESTINATION = "session_destination"
_DRAFTS = "session_drafts"


def language() -> Language:
    """Return the language of the interface."""
    chosen: Language = st.session_state.get(_LANGUAGE, default_language())
    return chosen


def set_language(chosen: str | None) -> None:
    """Change the language of the interface; anything but a known one changes nothing."""
    for known in LANGUAGES:
        if known == chosen:
            st.session_state[_LANGUAGE] = known


def has_name() -> bool:
    """Say whether a name has been chosen; the frame chooses one before any page is drawn."""
    return _NAME in st.session_state


def name() -> str:
    """Return the name of the person at this browser."""
    found: str = st.session_state.get(_NAME) or say("cli.me", language())
    return found


def set_name(chosen: str) -> None:
    """Remember the name of the person at this browser."""
    st.session_state[_NAME] = chosen


@dataclass(slots=True)
class LabelTab:
    """What the label page knows of its browser tab.

    Attributes:
        holder: what the tab's leases are held under; None until the tab has named itself.
        acked: number of the newest press that was kept.
        model_id: the model whose predictions the tab was shown last.
        problem: why a press could not be kept; None if all were.
    """

    holder: str | None = None
    acked: int = 0
    model_id: int | None = None
    problem: str | None = None


def label_tab() -> LabelTab:
    """Return what is known of the browser tab that labels under the name in use."""
    tabs: dict[str, LabelTab] = st.session_state.setdefault(_LABEL_TABS, {})
    return tabs.setdefault(name(), LabelTab())


def go_to(page: str) -> None:
    """Ask the frame to open a page, by its url path, as soon as it is there."""
    st.session_state[_DESTINATION] = page


def take_destination() -> str | None:
    """Return the page that was asked for, once."""
    found: str | None = st.session_state.pop(_DESTINATION, None)
    return found


def draft(area: str, default: Any = None) -> Any:
    """Return what a page keeps until it is saved; widgets that are not drawn forget their values."""
    return st.session_state.get(_DRAFTS, {}).get(area, default)


def keep_draft(area: str, value: Any) -> None:
    """Keep something until it is saved; None forgets it."""
    drafts: dict[str, Any] = st.session_state.setdefault(_DRAFTS, {})
    if value is None:
        drafts.pop(area, None)
    else:
        drafts[area] = value
