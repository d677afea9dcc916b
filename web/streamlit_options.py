"""The Streamlit options that the app runs with, whatever a person's own Streamlit files say."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from streamlit.web import bootstrap

if TYPE_CHECKING:
    from collections.abc import Iterator


def load(**options: Any) -> None:
    """Set the options of ``streamlit.toml``, and the given ones of the section ``server``."""
    packaged = tomllib.loads((files("web") / "streamlit.toml").read_text("utf-8"))
    server_options = {f"server.{name}": value for name, value in options.items()}
    bootstrap.load_config_options({**dict(_flat(packaged)), **server_options})


def _flat(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
