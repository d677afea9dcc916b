"""Hostile files about labels and words: label sets, crosswalks, care lists and recipes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.hostile_corpus.hostile_file import HostileFile, of_bytes, of_text
from benchmarks.hostile_corpus.payloads import PAYLOADS

if TYPE_CHECKING:
    from random import Random

    from benchmarks.hostile_corpus.hostile_file import Entry

_MARKUP = [payload.text for payload in PAYLOADS if payload.kind in ("script", "markdown", "directive")][:28]


def label_entries() -> list[dict[str, str]]:
    """Return labels whose names and definitions are markup."""
    return [{"name": text[:40], "definition": text} for text in _MARKUP]


_TWO = "[[labels]]\nname = 'a'\n[[labels]]\nname = 'b'\n"


def _tables(_: Random) -> bytes:
    return "".join(f"[{'.'.join('a' * (i % 40 + 1))}{i}]\n" for i in range(2000)).encode()


def _toml(entry: Entry) -> tuple[HostileFile, ...]:
    kind = f"{entry}-file"
    return (
        HostileFile(
            kind,
            f"{entry}-lists-50000-deep.toml",
            of_text("x = ", ("[", 50_000), ("]", 50_000), "\n", _TWO),
            "refused",
            entry,
        ),
        HostileFile(
            kind, f"{entry}-inline-tables-50000-deep.toml", of_text("x = ", ("{a = ", 50_000)), "refused", entry
        ),
        HostileFile(kind, f"{entry}-key-of-50000-parts.toml", of_text(("a.", 50_000), "a = 1\n"), "refused", entry),
        HostileFile(kind, f"{entry}-tables.toml", of_bytes(_tables), "refused", entry),
        HostileFile(kind, f"{entry}-integer-4301-digits.toml", of_text("x = ", ("9", 4301), "\n"), "refused", entry),
        HostileFile(kind, f"{entry}-not-utf-8.toml", of_bytes(lambda random: random.randbytes(500)), "refused", entry),
        HostileFile(kind, f"{entry}-empty.toml", of_text(""), "refused", entry),
        HostileFile(kind, f"{entry}-scalar.toml", of_text("labels = 1\n"), "refused", entry),
    )


_LABELS = (
    HostileFile("labels-file", "labels-deep.json", of_text(("[", 100_000)), "refused", "labels"),
    HostileFile("labels-file", "labels-integer.json", of_text('[{"name": ', ("9", 4301), "}]"), "refused", "labels"),
    HostileFile(
        "labels-file", "labels-surrogate.json", of_text('[{"name": "\\ud800"}, {"name": "b"}]'), "refused", "labels"
    ),
    HostileFile(
        "labels-file", "labels-nul.json", of_text('[{"name": "a\\u0000b"}, {"name": "b"}]'), "either", "labels"
    ),
    HostileFile(
        "labels-file",
        "labels-names-huge.json",
        of_text('[{"name": "', ("가", 1_000_000), '"}, {"name": "b"}]'),
        "either",
        "labels",
    ),
    HostileFile(
        "labels-file",
        "labels-million.json",
        of_bytes(lambda _: json.dumps([{"name": str(i)} for i in range(300_000)]).encode()),
        "refused",
        "labels",
    ),
    HostileFile(
        "labels-file",
        "labels-colour.json",
        of_text(json.dumps([{"name": "a", "colour": "#fff;background:url(//evil.example)"}, {"name": "b"}])),
        "refused",
        "labels",
    ),
    HostileFile(
        "labels-file",
        "labels-colour-newline.json",
        of_text(json.dumps([{"name": "a", "colour": "#ffffff\n"}, {"name": "b"}])),
        "refused",
        "labels",
    ),
    HostileFile(
        "labels-file",
        "labels-key-newline.json",
        of_text(json.dumps([{"name": "a", "key": "１"}, {"name": "b"}])),
        "refused",
        "labels",
    ),
    HostileFile("labels-file", "labels-markup.json", of_text(json.dumps(label_entries())), "either", "labels"),
    HostileFile(
        "labels-file",
        "labels-quote-never-closed.csv",
        of_text('name,definition\n"', ("x\n", 200_000)),
        "refused",
        "labels",
    ),
    HostileFile(
        "labels-file", "labels-field-huge.csv", of_text("name\n", ("x", 5_000_000), "\nb\n"), "refused", "labels"
    ),
)

_CROSSWALKS = (
    HostileFile(
        "crosswalk-file",
        "crosswalk-field-huge.csv",
        of_text("from,to,why\n", ("x", 5_000_000), ",행복,\n"),
        "refused",
        "crosswalk",
    ),
    HostileFile(
        "crosswalk-file",
        "crosswalk-markup.csv",
        of_text("from,to,why\n행복,<script>alert(1)</script>,x\n"),
        "refused",
        "crosswalk",
    ),
    HostileFile("crosswalk-file", "crosswalk-nothing.csv", of_text("\0\0\0"), "refused", "crosswalk"),
)

_PHRASES = (
    HostileFile(
        "phrases-file", "phrases-not-utf-8.txt", of_bytes(lambda random: random.randbytes(500)), "refused", "phrases"
    ),
    HostileFile("phrases-file", "phrases-pattern.txt", of_text("(a+)+$\n.*\n[\n\\\n"), "either", "phrases"),
    HostileFile(
        "phrases-file",
        "phrases-million.txt",
        of_bytes(lambda _: "".join(f"말{i}\n" for i in range(200_000)).encode()),
        "either",
        "phrases",
    ),
    HostileFile("phrases-file", "phrases-nul.txt", of_text("죽고\0싶다\n"), "either", "phrases"),
)

CASES = (*_toml("labels"), *_toml("crosswalk"), *_toml("recipe"), *_LABELS, *_CROSSWALKS, *_PHRASES)
