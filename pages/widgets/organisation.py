"""Whether people of an organisation may sign in with its own accounts."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from streamlit import auth_util

_PROVIDER = "default"


@cache
def is_offered() -> bool:
    """Return whether ``.streamlit/secrets.toml`` has a section ``[auth]`` and the packages for it are installed."""
    return bool(auth_util.get_secrets_auth_section()) and all(map(find_spec, ("authlib", "httpx")))
