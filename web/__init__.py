"""The server of the app. Streamlit is loaded without plotly, for which it makes a theme while it is loaded.

That would take a seventh of the app's start, and most pages draw nothing; those that do begin with
`pages.widgets.plots`, where the theme is made.
"""

from __future__ import annotations

import sys

if "plotly" not in sys.modules:
    # What stands as None among the modules can't be imported.
    sys.modules["plotly"] = None  # type: ignore[assignment]
    try:
        import streamlit as streamlit
    finally:
        del sys.modules["plotly"]
