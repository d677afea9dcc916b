"""Names that look like an address, written so that nothing that shows text makes a link of them."""

from __future__ import annotations

import re

_JOINER = "\u2060"
"""Word joiner: takes no room and is not seen; a backslash would be taken away before addresses are looked for."""

_MAKES_A_LINK = re.compile(
    r"(?<=[a-z0-9+.-]):(?=//)"  # any scheme with an authority
    r"|(?<=mailto)(?=:)|(?<=xmpp)(?=:)"
    r"|(?<=www)(?=\.)"
    r"|(?<=[\w+.-])(?=@[\w-])",
    re.IGNORECASE,
)
"""Source: GitHub Flavored Markdown, 6.9 Autolinks; Streamlit looks for them in the text that Markdown leaves over."""


def unlinked(text: str) -> str:
    """Return text that looks the same and holds no address that could become a link; once or more is the same."""
    return _MAKES_A_LINK.sub(lambda match: match[0] + _JOINER, text)
