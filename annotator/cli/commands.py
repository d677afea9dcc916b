"""Commands that are loaded when they are called: to load all of them takes as long as most commands do."""

from __future__ import annotations

from collections import UserDict
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from click import Command


class OnDemand(UserDict[str, Any]):
    """Commands by name, made of places: a module of this package and a name in it, with a colon between."""

    def __getitem__(self, name: str) -> Command:
        if isinstance(place := self.data[name], str):
            module, _, attribute = place.partition(":")
            self.data[name] = getattr(import_module(f"{__package__}.{module}"), attribute)
        command: Command = self.data[name]
        return command
