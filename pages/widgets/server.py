"""Streamlit's own command, told from the beginning that ``st.navigation`` declares the pages.

Streamlit takes a folder ``pages`` beside the entry point for its older kind of pages until the first run of the
app says otherwise. Whoever opens ``/learn`` first after a start would be told that there is no such page.
"""

from __future__ import annotations

import importlib
import threading

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web import cli

_FIRST_PAGE = ("annotator.labelling", "annotator.overview", "annotator.people", "annotator.rounds")


def _import_ahead() -> None:
    """Load what the first page wants while the browser still loads Streamlit's own files."""
    for name in _FIRST_PAGE:
        importlib.import_module(name)


if __name__ == "__main__":
    PagesManager.uses_pages_directory = False
    threading.Thread(target=_import_ahead, daemon=True).start()
    cli.main()
