"""찾기: every diary within reach, by words, filters and likeness; and a diary's own page."""

from __future__ import annotations

import streamlit as st

from annotator import project_location
from annotator.accounts import diary_access
from annotator.finding import query
from pages.find import address, diary, form, results
from pages.widgets import session
from pages.widgets.boundary import boundary
from pages.widgets.text import say


def _draw() -> None:
    with project_location.opened() as db:
        person = session.person(db)
        actor = diary_access.actor_of(person)
        if (diary_id := address.diary_id()) is not None:
            with boundary():
                diary.draw(db, actor, person, diary_id)
            return
        st.title(say("frame.find"))
        form.draw(db, actor)
        with boundary():
            asked = query.read(address.values())
            results.draw(db, actor, asked, results.vector_of(asked))


_draw()
