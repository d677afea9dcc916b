"""The options of Streamlit that the app runs under, whatever a person's own Streamlit files say."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from streamlit.web import bootstrap

if TYPE_CHECKING:
    from collections.abc import Iterator


def load(**options: Any) -> None:
    """Set the options of ``streamlit.toml``, and those of a section ``server`` that are given."""
    packaged = tomllib.loads((files("web") / "streamlit.toml").read_text("utf-8"))
    given = {f"server.{name}": value for name, value in options.items()}
    bootstrap.load_config_options({**dict(_flat(packaged)), **given})


def _flat(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
