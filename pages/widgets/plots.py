"""Plotly with Streamlit's theme: where charts get it from, since the app loads Streamlit without it (see `web`)."""

from __future__ import annotations

import plotly.graph_objects as go
from streamlit.elements.lib.streamlit_plotly_theme import configure_streamlit_plotly_theme

__all__ = ["go"]

# A figure takes the theme when it is made.
configure_streamlit_plotly_theme()
