"""Streamlit's own words on a page, and what stands for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.widgets import session
from pages.widgets.text import say

if TYPE_CHECKING:
    from annotator.messages import Language

WORDS = {
    "Skip to main content": "skip",
    "App pages": "pages",
    "Sidebar": "sidebar",
    "Collapse sidebar": "sidebar_close",
    "Expand sidebar": "sidebar_open",
    "Main menu": "menu",
    "Theme": "theme",
    "System": "theme_system",
    "Light": "theme_light",
    "Dark": "theme_dark",
    "Print": "print",
    "Notifications": "notifications",
    "Running...": "running",
    "progress": "progress",
    "Loading": "loading",
    "Open": "open",
    "Close": "close",
    "Delete": "delete",
    "Help": "help",
    "Search": "search",
    "Clear all": "clear",
    "Clear value": "clear",
    "Selected values": "chosen",
    "Increment": "more",
    "Decrement": "less",
    "Link to heading": "heading_link",
    "Scroll tabs left": "tabs_left",
    "Scroll tabs right": "tabs_right",
    "Choose an option": "choose",
    "Choose options": "choose_several",
    "Choose or add an option": "choose_or_add",
    "No results": "no_results",
    "No options to select": "no_options",
    "Select all": "select_all",
    "Upload": "upload",
    "Add files": "upload_more",
    "file upload": "upload_name",
    "Drag and drop a file here": "drop",
    "Drag and drop files here": "drop_several",
    "Upload failed": "upload_failed",
    "Only one file is allowed.": "upload_one",
    "Download as CSV": "table_download",
    "Fullscreen": "fullscreen",
    "Close fullscreen": "fullscreen_close",
    "Exit fullscreen": "fullscreen_close",
    "Show/hide columns": "columns",
    "Sort ascending": "sort_up",
    "Sort descending": "sort_down",
    "Pin column": "column_pin",
    "Unpin column": "column_unpin",
    "Hide column": "column_hide",
    "Autosize": "column_fit",
    "Format": "column_format",
    "Zoom in": "zoom_in",
    "Zoom out": "zoom_out",
    "Reset view": "zoom_reset",
    "Copy to clipboard": "copy",
    "Copied": "copied",
    "Show password": "password_show",
    "Hide password": "password_hide",
    "Record": "record",
    "Start recording": "record",
    "Stop": "stop",
    "Stop recording": "record_stop",
    "No data": "no_data",
    "empty": "empty",
    "Page not found": "no_page",
}

PATTERNS = {
    r"(\d+(?:\.\d+)?.B) per file": "upload_most",
    r"File must be (.+) or smaller\.": "upload_too_large",
    r"(.+) files are not allowed\.": "upload_kind",
    r"Remove (.+)": "remove",
    r"Made with (.+)": "made_with",
}
"""Regular expressions with one value."""


def find_words(language: Language) -> dict[str, dict[str, str]]:
    """Return Streamlit's words and patterns with ours; nothing where Streamlit speaks the language."""
    if language == "en":
        return {"words": {}, "patterns": {}}
    return {
        "words": {english: say(f"streamlit.{key}") for english, key in WORDS.items()},
        "patterns": {english: say(f"streamlit.{key}", value="{value}") for english, key in PATTERNS.items()},
    }


def shell_words() -> dict[str, object]:
    """Return the language of the page with these words."""
    return {"language": session.language(), **find_words(session.language())}
