"""Origins: the scheme, host and port of an address, as browsers write them."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from annotator.errors import UserError

_AUTHORITY = re.compile(r"(?P<host>[a-z0-9][a-z0-9._-]{0,252}|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def canonical(scheme: str, authority: str) -> str | None:
    """Return an origin as browsers write it: lower case, without the default port; None if it is none.

    Source: RFC 6454, sec. 6.2, and the serialisation of hosts in the URL standard.
    """
    match = _AUTHORITY.fullmatch(authority.lower())
    if match is None or scheme not in _DEFAULT_PORTS:
        return None
    host, port = match["host"], int(match["port"] or _DEFAULT_PORTS[scheme])
    if not 0 < port < 65536:
        return None
    if host.startswith("["):
        try:
            host = f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
        except ValueError:
            return None
    return f"{scheme}://{host}" if port == _DEFAULT_PORTS[scheme] else f"{scheme}://{host}:{port}"


def public_origin(url: str) -> str | None:
    """Return the origin of the address that a proxy gives the app; None for an empty one.

    Raises:
        UserError: if it is anything but ``http://`` or ``https://`` with a host and perhaps a port.
    """
    if not url:
        return None
    scheme, _, rest = url.strip().partition("://")
    origin = canonical(scheme.lower(), rest.removesuffix("/"))
    if origin is None:
        raise UserError("public_url_wrong")
    return origin


def authority_of(origin: str) -> str:
    """Return host and port of an origin, as a ``Host`` header names them."""
    return urlsplit(origin).netloc
