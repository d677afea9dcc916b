"""Where the packages are: the source tree, or the site-packages of an installation, which may be read-only."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder of all packages. Processes of our own start here, so that nothing in a person's folder is imported."""

SCRIPT = ROOT / "streamlit_app.py"
"""The frame of the app. Streamlit finds the pages beside it."""
