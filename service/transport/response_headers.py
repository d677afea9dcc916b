"""Headers that every response has, whoever made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

if TYPE_CHECKING:
    from starlette.types import Message

_NO_PAGE_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"

PLAIN_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""For pages of plain HTML: nothing is loaded, no script runs."""

_HERE_ONLY = ("microphone",)
_NOWHERE = (
    *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "geolocation", "gyroscope", "hid"),
    *("magnetometer", "midi", "payment", "publickey-credentials-get", "screen-wake-lock", "serial", "usb"),
    "xr-spatial-tracking",
)

COMMON = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": the browser would then send "null" as the origin of our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        [*(f"{name}=(self)" for name in _HERE_ONLY), *(f"{name}=()" for name in _NOWHERE)],
    ),
}

NO_PAGE = {**COMMON, "Content-Security-Policy": _NO_PAGE_POLICY}
"""For what is not shown as a page: should a browser show it all the same, nothing in it runs."""

_NOT_FOR_OTHERS = (
    *("access-control-allow-origin", "access-control-allow-credentials"),
    *("access-control-allow-methods", "access-control-allow-headers"),
)


def complete(message: Message, page_policy: str) -> None:
    """Add the headers that the start of a response lacks, and remove those that let other sites read it.

    Args:
        page_policy: the content policy for a page without its own. A 304 gets it too, since browsers apply its headers
            to the cached page.
    """
    headers = MutableHeaders(scope=message)
    for name in _NOT_FOR_OTHERS:
        if name in headers:
            del headers[name]
    for name, value in COMMON.items():
        headers.setdefault(name, value)
    is_page = headers.get("content-type", "").startswith("text/html") or message["status"] == 304
    headers.setdefault("Content-Security-Policy", page_policy if is_page else _NO_PAGE_POLICY)
    headers.setdefault("Cache-Control", "no-store")
