"""Streamlit's own words are replaced by exactly the words that the installed Streamlit has."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit

from annotator.messages import catalogue
from pages.components.shell.streamlit_words import PATTERNS, WORDS, find_words


def test_each_word_is_in_the_scripts_of_the_installed_streamlit() -> None:
    scripts = "\n".join(
        path.read_text("utf-8") for path in (Path(streamlit.__file__).parent / "static/static/js").glob("*.js")
    )
    assert [word for word in WORDS if f"`{word}`" not in scripts and f'"{word}"' not in scripts] == []
    # What is left of a pattern once its value is taken out.
    parts = {
        part.replace("\\", "") for pattern in PATTERNS for part in re.split(r"\([^()]*(?:\([^()]*\)[^()]*)*\)", pattern)
    }
    assert [part for part in parts if part and part not in scripts] == []


def test_every_replacement_is_used_and_keeps_the_value() -> None:
    keys = {key.partition(".")[2] for key in catalogue("ko") if key.startswith("streamlit.")}
    assert keys == {*WORDS.values(), *PATTERNS.values()}
    assert all("{value}" in catalogue("ko")[f"streamlit.{key}"] for key in PATTERNS.values())


def test_in_english_streamlit_speaks_for_itself() -> None:
    assert find_words("en") == {"words": {}, "patterns": {}}
