"""The one catalogue of everything that people read: Korean first, English second."""

from __future__ import annotations

import os
import re
from functools import cache
from typing import TYPE_CHECKING, Literal

from annotator.messages.particles import Formatter
from annotator.messages.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maeumgyeol.errors import AppError

Language = Literal["ko", "en"]

LANGUAGES: tuple[Language, ...] = ("ko", "en")

_FORMATTER = Formatter()


@cache
def catalogue(language: Language) -> dict[str, str]:
    """Return every message of a language by its dotted key."""
    return _messages_of(_read(language))


def below(name: str, language: Language) -> dict[str, str]:
    """Return the messages below a dotted name, by what follows it in their keys."""
    prefix = f"{name}."
    messages = _section(name.partition(".")[0], language)
    return {key.removeprefix(prefix): text for key, text in messages.items() if key.startswith(prefix)}


@cache
def _section(first: str, language: Language) -> dict[str, str]:
    """Return the messages whose keys begin with a name. A command needs few of them, and to parse all takes longer."""
    return _messages_of("".join(table for table in _tables(language) if table.startswith((f"[{first}]", f"[{first}."))))


@cache
def _tables(language: Language) -> list[str]:
    return re.split(r"^(?=\[)", _read(language), flags=re.MULTILINE)


def _read(language: Language) -> str:
    # Here, since the reading process needs no message, and starts for each file.
    from importlib.resources import files

    return files(__package__).joinpath(f"{language}.toml").read_text("utf-8")


def _messages_of(toml: str) -> dict[str, str]:
    import tomllib

    return dict(_flatten(tomllib.loads(toml), ""))


def _flatten(nested: dict[str, object], prefix: str) -> list[tuple[str, str]]:
    flat: list[tuple[str, str]] = []
    for key, value in nested.items():
        if isinstance(value, dict):
            flat += _flatten(value, f"{prefix}{key}.")
        else:
            flat.append((prefix + key, str(value)))
    return flat


def default_language() -> Language:
    """Return the language of ``MAEUMGYEOL_LANG``, Korean without it."""
    return "en" if os.environ.get("MAEUMGYEOL_LANG", "ko").lower().startswith("en") else "ko"


def first_language(names: Iterable[str | None]) -> Language:
    """Return the first of these names that is a language of the catalogue, else the default one."""
    return next((language for name in names for language in LANGUAGES if language == name), default_language())


def say(key: str, language: Language | None = None, /, **values: str | float) -> str:
    """Return a message with its values filled in.

    Raises:
        KeyError: if the catalogue has no such key: a fault of the program, found by the tests.
    """
    message = _section(key.partition(".")[0], language or default_language())[key]
    return _FORMATTER.vformat(message, (), values)


def explain(error: AppError, language: Language | None = None) -> str:
    """Return the sentence for an error that carries a code and details, on one line whatever these hold."""
    details = {name: visible(value) if isinstance(value, str) else value for name, value in error.details.items()}
    return say(f"error.{error.code}", language, **details)
