"""How the app has Streamlit run, whatever a person's own Streamlit files say and whatever else is installed."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from streamlit.components.v2 import manifest_scanner
from streamlit.web import bootstrap

if TYPE_CHECKING:
    from collections.abc import Iterator


def load(**options: Any) -> None:
    """Set the options of ``streamlit.toml``, and the given ones of the section ``server``."""
    packaged = tomllib.loads((files("web") / "streamlit.toml").read_text("utf-8"))
    server_options = {f"server.{name}": value for name, value in options.items()}
    bootstrap.load_config_options({**dict(_flat(packaged)), **server_options})


def use_own_components() -> None:
    """Disable Streamlit's search for components, for which each start reads what all installed packages say.

    Ours are declared where they are drawn.
    """
    manifest_scanner.scan_component_manifests = lambda *_: []


def _flat(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
