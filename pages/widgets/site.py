"""All pages: the script, icon, address and required right of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from annotator.accounts.permissions import Right

PAGES: dict[str, tuple[str, str, Right]] = {
    "label": ("pages/label/page.py", ":material/edit:", "label"),
    "try_out": ("pages/try_out/page.py", ":material/draw:", "label"),
    "corrections": ("pages/corrections/page.py", ":material/reply:", "label"),
    "find": ("pages/find/page.py", ":material/search:", "label"),
    "review": ("pages/review/page.py", ":material/fact_check:", "review"),
    "care": ("pages/care/page.py", ":material/favorite:", "review"),
    "dictionary": ("pages/dictionary/page.py", ":material/menu_book:", "label"),
    "labels": ("pages/labels/page.py", ":material/palette:", "review"),
    "learn": ("pages/learn/page.py", ":material/model_training:", "review"),
    "simulate": ("pages/simulate/page.py", ":material/compare_arrows:", "review"),
    "import": ("pages/import_diaries/page.py", ":material/download:", "review"),
    "team": ("pages/team/page.py", ":material/groups:", "label"),
    "overview": ("pages/overview/page.py", ":material/bar_chart:", "review"),
    "people": ("pages/people/page.py", ":material/group:", "administrate"),
    "settings": ("pages/settings/page.py", ":material/settings:", "administrate"),
}
"""Script, icon and required right of each page by its address: the only place that says so."""

SECTIONS = {
    "work": ("label", "try_out", "corrections", "find", "review", "care", "labels", "dictionary", "learn", "simulate"),
    "material": ("import", "team", "overview"),
    "manage": ("people", "settings"),
}

SETUP = "setup"
"""Address of the page that makes a project; until there is one, all addresses lead there."""

HOME = "label"
"""The page at the bare address; Streamlit does not find it under its own name."""

WITH_FIRST_STEPS = ("label", "import", "learn", "overview")
"""Pages above which a new project shows its first three steps."""
