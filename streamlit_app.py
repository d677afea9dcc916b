"""The frame around every page: set-up check, navigation, who is here, and the one error boundary."""

import streamlit as st

from annotator.project import is_set_up
from pages.widgets import project, session, sidebar
from pages.widgets.boundary import boundary, draw_problem
from pages.widgets.theme import draw_style
from pages.widgets.words import say

# A page icon of its own: with that of a page, a browser would fetch a font from elsewhere for its tab.
st.set_page_config(page_title=say("app.name"), page_icon="📔", layout="wide")
draw_style()

_PAGES = {
    "label": ("pages/label/page.py", ":material/edit:"),
    "doubts": ("pages/doubts/page.py", ":material/fact_check:"),
    "dictionary": ("pages/dictionary/page.py", ":material/menu_book:"),
    "learn": ("pages/learn/page.py", ":material/model_training:"),
    "simulate": ("pages/simulate/page.py", ":material/compare_arrows:"),
    "import": ("pages/import_diaries/page.py", ":material/download:"),
    "overview": ("pages/overview/page.py", ":material/bar_chart:"),
}
"""Script and icon of each page by its address."""


def _run_project() -> None:
    pages = {
        name: st.Page(script, title=say(f"frame.{name}"), icon=icon, url_path=name, default=name == "label")
        for name, (script, icon) in _PAGES.items()
    }
    work = [pages[name] for name in ("label", "doubts", "dictionary", "learn", "simulate")]
    material = [pages["import"], pages["overview"]]
    chosen = st.navigation({say("frame.work"): work, say("frame.material"): material})
    with project.opened() as db:
        sidebar.draw(db)
    destination = session.take_destination()
    if destination in pages:
        st.switch_page(pages[destination])
    draw_problem()
    chosen.run()


def _run_setup() -> None:
    # Every address leads here until there is a project.
    names = ("setup", *_PAGES)
    title = say("frame.setup")
    pages = [st.Page("pages/setup/page.py", title=title, url_path=name, default=name == "setup") for name in names]
    chosen = st.navigation(pages, position="hidden")
    with st.sidebar:
        sidebar.draw_language()
    chosen.run()


with boundary():
    if is_set_up(project.path()):
        _run_project()
    else:
        _run_setup()
