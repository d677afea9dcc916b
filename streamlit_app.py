"""The frame around every page: set-up check, navigation, who is here, and the one error boundary."""

import streamlit as st

from annotator.project import is_set_up
from pages.widgets import project, session, sidebar
from pages.widgets.boundary import boundary, draw_problem
from pages.widgets.theme import draw_style
from pages.widgets.words import say

st.set_page_config(page_title=say("app.name"), page_icon="📔", layout="wide")
draw_style()


def _sections() -> dict[str, list[st.Page]]:
    # Emoji icons: a material icon would make the browser fetch a font from elsewhere.
    label = st.Page(
        "pages/label/page.py", title=say("frame.label"), icon=":material/edit:", default=True, url_path="label"
    )
    learn = st.Page("pages/learn/page.py", title=say("frame.learn"), icon=":material/model_training:", url_path="learn")
    imports = st.Page(
        "pages/import_diaries/page.py", title=say("frame.import"), icon=":material/download:", url_path="import"
    )
    overview = st.Page(
        "pages/overview/page.py", title=say("frame.overview"), icon=":material/bar_chart:", url_path="overview"
    )
    return {say("frame.work"): [label, learn], say("frame.material"): [imports, overview]}


def _run_project() -> None:
    sections = _sections()
    chosen = st.navigation(sections)
    with project.opened() as db:
        sidebar.draw(db)
    destination = session.take_destination()
    for page in [page for pages in sections.values() for page in pages]:
        if destination and page.url_path == destination:
            st.switch_page(page)
    draw_problem()
    chosen.run()


def _run_setup() -> None:
    page = st.Page(
        "pages/setup/page.py", title=say("frame.setup"), icon=":material/eco:", default=True, url_path="setup"
    )
    chosen = st.navigation([page], position="hidden")
    with st.sidebar:
        sidebar.draw_language()
    chosen.run()


with boundary():
    if is_set_up(project.path()):
        _run_project()
    else:
        _run_setup()
