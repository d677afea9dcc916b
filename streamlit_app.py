"""The frame around every page: set-up check, navigation, who is here, and the one error boundary."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.accounts.permissions import may
from annotator.errors import UserError
from annotator.project import is_set_up
from annotator.review import returned
from pages.components.shell import draw_shell
from pages.widgets import session, sidebar
from pages.widgets.boundary import boundary, draw_problem
from pages.widgets.first_steps import draw_first_steps
from pages.widgets.site import HOME, PAGES, SECTIONS, SETUP, WITH_FIRST_STEPS
from pages.widgets.text import say
from pages.widgets.theme import draw_style

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

    from annotator.accounts.permissions import Person
    from annotator.project import Database

# A page icon of its own: with that of a page, a browser would fetch a font from elsewhere for its tab.
st.set_page_config(page_title=say("app.name"), page_icon="📔", layout="wide")
draw_style()
draw_shell()


def _run_project() -> None:
    with project_location.opened() as db:
        try:
            person = session.person(db)
        except UserError as error:
            _run_closed(error)
            return
        chosen = _choose(db, person)
        address = chosen.url_path or HOME
        if address in WITH_FIRST_STEPS and may(person, "review"):
            draw_first_steps(db, address)
    draw_problem()
    chosen.run()


def _choose(db: Database, person: Person) -> StreamlitPage:
    """Return the page that was asked for, among those that the person may open, with the sidebar drawn."""
    pages = {
        name: st.Page(script, title=_title(db, person, name), icon=icon, url_path=name, default=name == HOME)
        for name, (script, icon, right) in PAGES.items()
        if may(person, right)
    }
    sections = {
        say(f"frame.{section}"): [pages[name] for name in names if name in pages] for section, names in SECTIONS.items()
    }
    closed = [
        st.Page(_draw_closed, title=say("gate.closed"), url_path=name, visibility="hidden")
        for name in PAGES
        if name not in pages
    ]
    # Streamlit hides what is beyond a dozen pages behind an English button.
    chosen = st.navigation({**sections, "": closed}, expanded=True)
    _name_tab(chosen.title)
    sidebar.draw(db, person)
    destination = session.take_destination()
    if destination in pages:
        st.switch_page(pages[destination])
    return chosen


def _name_tab(title: str) -> None:
    st.set_page_config(page_title=f"{title} · {say('app.name')}")


def _title(db: Database, person: Person, name: str) -> str:
    """Return the name of a page, with the number of diaries that wait there for this person alone."""
    count = returned.count(db, person.annotator_id) if name == "corrections" else 0
    return f"{say(f'frame.{name}')} ({count})" if count else say(f"frame.{name}")


def _draw_closed() -> None:
    raise UserError("right_missing")


def _run_closed(error: UserError) -> None:
    # Every address leads here until somebody has signed in again.
    draw, title = partial(sidebar.draw_closed, error), say("gate.closed")
    pages = [st.Page(draw, title=title, url_path=name, default=name == HOME) for name in PAGES]
    st.navigation(pages, position="hidden").run()


def _run_setup() -> None:
    # Every address leads here until there is a project.
    names = (SETUP, *PAGES)
    title = say("frame.setup")
    pages = [st.Page("pages/setup/page.py", title=title, url_path=name, default=name == SETUP) for name in names]
    chosen = st.navigation(pages, position="hidden")
    _name_tab(title)
    with st.sidebar:
        sidebar.draw_language()
    chosen.run()


with boundary():
    if is_set_up(project_location.path()):
        _run_project()
    else:
        _run_setup()
