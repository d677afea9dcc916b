"""The address at which a server is reached, and whether a request comes from a page of that address."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from annotator.accounts.origins import canonical, public_origin

if TYPE_CHECKING:
    from starlette.types import Scope

_SCHEMES = {"http": "http", "ws": "http", "https": "https", "wss": "https"}
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def named_origin() -> str | None:
    """Return the origin of ``MAEUMGYEOL_PUBLIC_URL``; None if it is not set."""
    return public_origin(os.environ.get("MAEUMGYEOL_PUBLIC_URL", ""))


def own_origin(scope: Scope) -> str | None:
    """Return the origin that a request was sent to; None if its ``Host`` names none."""
    hosts = Headers(scope=scope).getlist("host")
    scheme = _SCHEMES.get(scope.get("scheme", "http"))
    return canonical(scheme, hosts[0]) if scheme and len(hosts) == 1 else None


def is_from_own_page(scope: Scope) -> bool:
    """Return whether a websocket comes from a page of this very address. Browsers always say which page opens one."""
    own = own_origin(scope)
    return own is not None and Headers(scope=scope).getlist("origin") == [own]


def is_foreign(scope: Scope) -> bool:
    """Return whether a page of another address makes a request, other than by navigating here.

    A request without any origin is not from a browser, or only reads, or navigates here.
    """
    headers = Headers(scope=scope)
    origins, sites = headers.getlist("origin"), headers.getlist("sec-fetch-site")
    is_led = _is_navigation(headers) and scope["method"] in _SAFE_METHODS
    if sites and sites != ["same-origin"] and not (is_led or sites == ["none"]):
        return True
    if scope["method"] in _SAFE_METHODS:
        return False
    return bool(origins) and origins != [own_origin(scope)]


def _is_navigation(headers: Headers) -> bool:
    """Return whether a link or an address bar was followed in a tab of its own, not in a frame."""
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
