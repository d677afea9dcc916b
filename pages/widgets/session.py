"""What a browser session remembers, typed: who, in which language, where to go next, and unsaved drafts.

Everything else is in the database. No other module of the pages names a key of ``st.session_state`` that is
not a widget's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from annotator.accounts import accounts, annotators, sessions
from annotator.accounts.permissions import Person, is_loopback
from annotator.errors import UserError
from annotator.messages import LANGUAGES, Language, first_language, say

if TYPE_CHECKING:
    from annotator.project import Database

COOKIE = "maeumgyeol_session"
"""Holds the token of a signed-in browser; only the server can read it."""

BROWSER_COOKIE = "maeumgyeol_browser"
"""Holds the token that identifies a browser while its person tries to sign in; only the server can read it."""

LANGUAGE_COOKIE = "maeumgyeol_language"
"""Holds the language that was chosen in a browser, for the gate's pages too."""

_YEAR_SECONDS = 365 * 24 * 3600

_LANGUAGE = "session_language"
_FIRST_LANGUAGE = "session_first_language"
_NAME = "session_name"
_ANNOTATOR_ID = "session_annotator_id"
_LABEL_TABS = "session_label_tabs"
_DESTINATION = "session_destination"
_DRAFTS = "session_drafts"

_REFUSALS = 32
"""A browser that was away sends at most what it held: a handful of diaries, with the marks on their words."""


def language() -> Language:
    """Return the language of the interface: the one chosen here, or in this browser before, or the browser's own."""
    return chosen_language() or _language_at_first()


def _language_at_first() -> Language:
    """Return the language that the page was loaded in.

    It is looked up once: a page asks for it with each of its words, and Streamlit reads all cookies to return one.
    """
    if _FIRST_LANGUAGE not in st.session_state:
        own = (st.context.locale or "").partition("-")[0]
        st.session_state[_FIRST_LANGUAGE] = first_language((st.context.cookies.get(LANGUAGE_COOKIE), own))
    first: Language = st.session_state[_FIRST_LANGUAGE]
    return first


def chosen_language() -> Language | None:
    """Return the language that was chosen since the page was loaded."""
    chosen: Language | None = st.session_state.get(_LANGUAGE)
    return chosen


def set_language(chosen: str | None) -> None:
    """Change the language of the interface; an unknown one changes nothing."""
    for code in LANGUAGES:
        if code == chosen:
            st.session_state[_LANGUAGE] = code


def language_script(chosen: Language) -> str:
    """Return the script that makes a browser remember a language. The content policy of the pages names its hash."""
    return f'document.cookie = "{LANGUAGE_COOKIE}={chosen}; path=/; max-age={_YEAR_SECONDS}; samesite=lax"'


def has_name() -> bool:
    """Return whether a name has been chosen; the frame chooses one before any page is drawn."""
    return _NAME in st.session_state


def name() -> str:
    """Return the name of the person at this browser."""
    person_name: str = st.session_state.get(_NAME) or say("cli.me", language())
    return person_name


def set_name(chosen: str) -> None:
    """Remember the name of the person at this browser."""
    st.session_state[_NAME] = chosen


def person(db: Database) -> Person:
    """Return the person at this browser with their current role; ask again in each run of a script.

    Raises:
        UserError: if nobody is signed in any more.
    """
    if accounts.has_any(db):
        member = sessions.get_person(db, token())
        _become(member)
        return member
    # Somebody else's computer could reach this address: without an account it is nobody's.
    if not is_loopback(st.get_option("server.address") or ""):
        raise UserError("gate_closed")
    if not has_name():
        # Whoever decided last is the likeliest to be back after a reload.
        set_name(next(iter(annotators.list_people(db)), say("cli.me", language())))
    return Person(annotators.get_or_create(db, name()), name(), "administrator", is_solo=True)


def token() -> str | None:
    """Return the session token of this browser."""
    return st.context.cookies.get(COOKIE)


def _become(member: Person) -> None:
    """Forget what another person has left in this browser, and remember under whose name things are done."""
    if st.session_state.get(_ANNOTATOR_ID, member.annotator_id) != member.annotator_id:
        st.session_state.clear()
    st.session_state[_ANNOTATOR_ID] = member.annotator_id
    set_name(member.name)


@dataclass(slots=True)
class LabelTab:
    """What the label page knows of its browser tab.

    Attributes:
        holder: what the tab's leases are held under; None until the tab has named itself.
        acked: number of the newest press that was kept.
        model_id: the model whose predictions the tab was shown last.
        problem: why a press could not be kept yet; None if all were.
        refusals: number and sentence of the newest presses that can never be kept.
        revealed: the diary on screen and its original, where somebody has looked under the mask.
        shown_id: the diary on screen; None for none.
        is_gone: whether the diary that was on screen has been forgotten and the person has not pressed since.
    """

    holder: str | None = None
    acked: int = 0
    model_id: int | None = None
    problem: str | None = None
    refusals: tuple[tuple[int, str], ...] = ()
    revealed: tuple[int, str] | None = None
    shown_id: int | None = None
    is_gone: bool = False

    def refuse(self, seq: int, sentence: str) -> None:
        """Remember why a press was not saved, for as long as the browser may not have heard of it."""
        self.refusals = (*self.refusals, (seq, sentence))[-_REFUSALS:]


def label_tab() -> LabelTab:
    """Return what is known about the browser tab that labels under the current name."""
    tabs: dict[str, LabelTab] = st.session_state.setdefault(_LABEL_TABS, {})
    return tabs.setdefault(name(), LabelTab())


def go_to(page: str) -> None:
    """Ask the frame to open a page, by its URL path, as soon as it exists."""
    st.session_state[_DESTINATION] = page


def review_next(diary_id: int) -> None:
    """Have the review page open with a diary."""
    keep_draft("review_at", {"diary": diary_id})


def take_destination() -> str | None:
    """Return the page that was asked for, once."""
    destination: str | None = st.session_state.pop(_DESTINATION, None)
    return destination


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
