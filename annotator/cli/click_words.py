"""What the package click says by itself, in the language of the messages.

Each of its modules looks its sentences up by the names of gettext, which wants compiled catalogues in a folder. Ours is
a text file like the other messages, so the two names are bound to it.
"""

from __future__ import annotations

import importlib
import tomllib
from functools import cache
from importlib.resources import files

from annotator import messages

_MODULES = ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types")


def translate() -> None:
    """Let click speak the language of the messages from now on."""
    for name in _MODULES:
        vars(importlib.import_module(f"click.{name}")).update(_=_in_our_words, ngettext=_of_count)


@cache
def _catalogue() -> dict[str, str]:
    return tomllib.loads(files(messages).joinpath("click.ko.toml").read_text("utf-8"))


def _in_our_words(sentence: str) -> str:
    return _catalogue().get(sentence, sentence) if messages.default_language() == "ko" else sentence


def _of_count(one: str, several: str, count: int) -> str:
    return _in_our_words(one if count == 1 else several)
