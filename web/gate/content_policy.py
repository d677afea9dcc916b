"""The content policy of the app's pages: the strictest under which Streamlit runs."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from streamlit import file_util

from annotator.messages import LANGUAGES
from pages.widgets.session import language_script
from service.transport import origins

if TYPE_CHECKING:
    from starlette.types import Scope

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)

_FIXED = {
    "default-src": "'none'",
    # Streamlit styles its elements one by one, and inline.
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "media-src": "'self' blob:",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}


def page_policy(scope: Scope) -> str:
    """Return the content policy for a page at the requested address."""
    own = origins.own_origin(scope)
    # Older browsers don't count a websocket of the same address as 'self'.
    socket = f" {own.replace('http', 'ws', 1)}" if own else ""
    return "; ".join(
        [
            *(f"{name} {value}" for name, value in _FIXED.items()),
            f"script-src {_scripts()}",
            # A recording is read back from the browser's own memory before it is sent.
            f"connect-src 'self' blob:{socket}",
        ]
    )


@cache
def _scripts() -> str:
    """Return where scripts may come from: files, our boards, which Streamlit loads as blobs, and known inline scripts.

    Streamlit's message reader tries WebAssembly, which can't be made from a string in the page.
    """
    page = (Path(file_util.get_static_dir()) / "index.html").read_text("utf-8")
    inline = [*_INLINE_SCRIPT.findall(page), *map(language_script, LANGUAGES)]
    return " ".join(["'self'", "blob:", "'wasm-unsafe-eval'", *map(_hash, inline)])


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
