"""What runs in the browser on every page: it says when the server is away, makes a held key one press, and puts our
words in place of Streamlit's.

Streamlit's own dialog about the connection, in English and over the whole page, is switched off by
`web.gate.addresses`.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.components import inline
from pages.components.shell.streamlit_words import shell_words
from pages.widgets.text import say

_HERE = Path(__file__).parent
_KEY = "shell"
_SENTENCES = ("lost", "offline", "signed_out", "login")

# It lies over the page and takes no room in it. Streamlit's own sign of a lost connection is English.
_STYLE = f"""<style>
.st-key-{_KEY} {{ position: absolute; width: 0; height: 0; }}
[data-testid="stConnectionStatus"], [data-testid="stMainMenuItem-recordScreencast"] {{ display: none; }}
/* No reader is there any more: what the page still holds is nobody's to see. */
[data-maeumgyeol-closed] body * {{ visibility: hidden !important; }}
[data-maeumgyeol-closed] .st-key-{_KEY}, [data-maeumgyeol-closed] .st-key-{_KEY} * {{ visibility: visible !important; }}
</style>"""

_mount = st.components.v2.component(
    "maeumgyeol_shell",
    html='<div class="connection" role="alert" hidden></div>',
    css=(_HERE / "connection.css").read_text("utf-8"),
    js="\n".join(
        (_HERE / f"{part}.js").read_text("utf-8")
        for part in ("connection", "held_keys", "mend", "signing_out", "words", "shell")
    ),
)


def draw_shell() -> None:
    """Draw the notice that stays invisible until the connection to the server is lost."""
    st.html(_STYLE)
    with st.container(key=_KEY):
        sentences = {name: say(f"connection.{name}") for name in _SENTENCES}
        _mount(key="shell_connection", data=inline.unsearched({**sentences, **shell_words()}))
