"""감정 사전: words and what the explanations say about them, confirmed by people, tried out, and put to use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.accounts.permissions import may
from annotator.dictionary import evidence
from pages.dictionary.effect import draw_effect
from pages.dictionary.related import draw_related
from pages.dictionary.tryout import draw_tryout
from pages.dictionary.words import draw_words
from pages.widgets import session
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from annotator.dictionary.evidence import EvidenceTable

_SECTIONS = ("words", "related", "tryout")
_REVIEW_SECTIONS = (*_SECTIONS, "effect")


@st.cache_resource(max_entries=4, show_spinner=False)
def _gathered(path: str, mark: tuple[int | str, ...]) -> EvidenceTable | None:
    """Analyse the explained diaries once for each state of their explanations, which `mark` and `path` name."""
    with project_location.opened() as db:
        return evidence.gather(db)


def _draw() -> None:
    st.title(say("dictionary.title"))
    st.caption(plain(say("dictionary.intro")))
    with project_location.opened() as db:
        is_reviewer = may(session.person(db), "review")
    section = st.segmented_control(
        say("dictionary.section"),
        _REVIEW_SECTIONS if is_reviewer else _SECTIONS,
        default=_SECTIONS[0],
        required=True,
        format_func=lambda name: say(f"dictionary.section_{name}"),
        key=keyed("dictionary_section"),
        label_visibility="collapsed",
    )
    with project_location.opened() as db:
        if section == "related":
            draw_related(db)
        elif section == "tryout":
            draw_tryout(db)
        elif section == "effect":
            draw_effect(db)
        else:
            with st.spinner(say("dictionary.gathering")):
                basis = _gathered(str(project_location.path()), evidence.get_revision(db))
            draw_words(db, basis)


_draw()
