"""Streamlit's own command, told from the beginning that ``st.navigation`` declares the pages.

Streamlit takes a folder ``pages`` beside the entry point for its older kind of pages until the first run of the
app says otherwise. Whoever opens ``/learn`` first after a start would be told that there is no such page.
"""

from __future__ import annotations

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web import cli

if __name__ == "__main__":
    PagesManager.uses_pages_directory = False
    cli.main()
