"""Hostile text files: CSV, TSV, JSON and JSON lines."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from benchmarks.hostile_corpus.hostile_file import HostileFile, of_bytes, of_text
from benchmarks.hostile_corpus.payloads import FORMULAS

if TYPE_CHECKING:
    from random import Random

_DIARY = "오늘은 비가 와서 조금 슬펐다"
_BIG = 32 << 20
"""Stands for a gigabyte: unbounded use shows at this size too, and the file takes a tenth of the time to write."""


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _noise(random: Random) -> bytes:
    return b"text\n" + random.randbytes(200_000)


_FORMULA_ROWS = "text,author\n" + "\n".join(f"{_quoted(f)},{_quoted(f)}" for f in FORMULAS) + "\n"

_CSV = (
    HostileFile("csv", "quote-never-closed.csv", of_text('text\n"', (_DIARY + "\n", 200_000))),
    HostileFile(
        "csv",
        "columns-200000.csv",
        of_bytes(lambda _: ",".join(f"c{i}" for i in range(200_000)).encode() + b"\n" + b"x," * 199_999),
    ),
    HostileFile("csv", "columns-200000-same-name.csv", of_text(("text,", 200_000), "\nx\n"), "refused"),
    HostileFile(
        "csv", "columns-grow.csv", of_bytes(lambda _: b"text\n" + b"".join(b"x," * i + b"\n" for i in range(2000)))
    ),
    HostileFile("csv", "field-32-mb.csv", of_text("text\n", ("가", _BIG // 3), "\n")),
    HostileFile("csv", "line-32-mb-of-commas.csv", of_text((",", _BIG))),
    HostileFile("csv", "quotes-only.csv", of_text(('"', 5_000_001))),
    HostileFile("csv", "newlines-only.csv", of_text(("\n", 5_000_000)), "refused"),
    HostileFile("csv", "nul-bytes.csv", of_bytes(lambda _: b"text\n" + b"\0" * 100_000)),
    HostileFile("csv", "nul-in-text.csv", of_text("text\n오늘은\0비가 왔다\n")),
    HostileFile("csv", "noise.csv", of_bytes(_noise)),
    HostileFile(
        "csv",
        "encodings-mixed.csv",
        of_bytes(lambda _: f"text\n{_DIARY}\n".encode() + _DIARY.encode("cp949") + b"\n\xff\xfe\n"),
    ),
    HostileFile("csv", "bom-three-times.csv", of_bytes(lambda _: b"\xef\xbb\xbf" * 3 + f"text\n{_DIARY}\n".encode())),
    HostileFile("csv", "bom-of-utf-16-on-utf-8.csv", of_bytes(lambda _: b"\xff\xfe" + f"text\n{_DIARY}\n".encode())),
    HostileFile("csv", "bom-of-utf-32.csv", of_bytes(lambda _: f"text\n{_DIARY}\n".encode("utf-32"))),
    HostileFile("csv", "utf-7.csv", of_bytes(lambda _: b"text\n+ADw-script+AD4-alert(1)+ADw-/script+AD4-\n")),
    HostileFile("csv", "surrogates.csv", of_bytes(lambda _: b"text\n\xed\xa0\x80\xed\xb0\x80 x\n")),
    HostileFile("csv", "formulas.csv", of_text(_FORMULA_ROWS), "rows"),
    HostileFile(
        "csv", "bidi-and-invisible.csv", of_text("te\u200bxt,\u202etxet\n\u202e\u2066" + "\u0300" * 10_000 + ",x\n")
    ),
    HostileFile(
        "csv",
        "dates-absurd.csv",
        of_text(f"text,date\n{_DIARY},99999999-99-99\n{_DIARY}!,-1e309\n{_DIARY}?,{'9' * 5000}\n"),
    ),
    HostileFile(
        "csv",
        "annotators-100000.csv",
        of_bytes(
            lambda _: ("text,label,annotator\n" + "".join(f"{_DIARY},행복,p{i}\n" for i in range(100_000))).encode()
        ),
    ),
    HostileFile(
        "csv",
        "labels-100000-unknown.csv",
        of_bytes(lambda _: ("text,label\n" + "".join(f"{i} {_DIARY},l{i}\n" for i in range(100_000))).encode()),
        "refused",
    ),
    HostileFile("tsv", "running-text.txt", of_text("<script>alert(1)</script>\n" * 1000), "refused"),
    HostileFile("tsv", "tabs-5000000.tsv", of_text(("\t", 5_000_000))),
)


def _json(name: str, *parts: str | tuple[str, int], expected: str = "either", kind: str = "json") -> HostileFile:
    return HostileFile(kind, f"{name}.{kind}", of_text(*parts), expected)  # type: ignore[arg-type]


_ROW = f'[{{"text": "{_DIARY}"'


def _many_keys(_: Random) -> bytes:
    return (_ROW + "".join(f', "k{i}": 1' for i in range(200_000)) + "}]").encode()


def _new_keys(_: Random) -> bytes:
    return "".join(f'{{"text": "{i} {_DIARY}", "k{i}": 1}}\n' for i in range(20_000)).encode()


_JSON = (
    _json("integer-4301-digits", _ROW, ', "n": ', ("9", 4301), "}]"),
    _json("integer-4301-digits-alone", "[", ("9", 4301), "]", expected="refused"),
    _json("integer-5000000-digits", '[{"text": ', ("9", 5_000_000), "}]"),
    _json("exponent-999999999", _ROW, ', "n": 1e999999999}]'),
    _json("decimal-1000000-digits", _ROW, ', "n": 0.', ("1", 1_000_000), "}]"),
    _json("lists-100000-deep", ("[", 100_000), ("]", 100_000), expected="refused"),
    _json("lists-100000-deep-unclosed", ("[", 100_000), expected="refused"),
    _json("objects-100000-deep", ('{"a":', 100_000), "1", ("}", 100_000), expected="refused"),
    _json("objects-100000-deep-in-row", _ROW, ', "x": ', ('{"a":', 100_000), "1", ("}", 100_000), "}]"),
    _json("keys-twice", _ROW, ', "text": "다른 글", "label": "행복", "label": "슬픔"}]'),
    _json("key-5-mb", '[{"', ("k", 5_000_000), f'": "{_DIARY}"}}]'),
    _json("not-a-number", _ROW, ', "n": NaN, "m": -Infinity}]'),
    _json("lone-surrogate", '[{"text": "\\ud800 오늘은 비가 왔다"}]'),
    _json("nul-escape", '[{"text": "오늘은\\u0000비가 왔다"}]'),
    _json("string-32-mb", '[{"text": "', ("x", _BIG), '"}]'),
    _json("truncated", _ROW, '}, {"te', expected="refused"),
    _json("trailing", _ROW, "}] ]", expected="refused"),
    _json("scalar", "1", expected="refused"),
    _json("not-json", "<!DOCTYPE html><script>alert(1)</script>", expected="refused"),
    _json("prototype", _ROW, ', "__proto__": {"x": 1}, "constructor": 1}]'),
    _json(
        "tool-absurd", '[{"id": 1, "data": {"text": "x y"}, "annotations": [{"result": ', ("[", 500), ("]", 500), "}]}]"
    ),
    HostileFile("json", "keys-200000.json", of_bytes(_many_keys)),
    _json("integer-4301-digits", _ROW[1:], ', "n": ', ("9", 4301), "}\n", kind="jsonl"),
    _json("deep-100000", '{"text": ', ("[", 100_000), ("]", 100_000), "}\n", kind="jsonl"),
    _json("keys-twice", _ROW[1:], ', "text": "다른 글"}\n', kind="jsonl"),
    _json("not-a-number", _ROW[1:], ', "n": NaN}\n', kind="jsonl"),
    _json("line-32-mb", '{"text": "', ("x", _BIG), '"}\n', kind="jsonl"),
    _json("truncated", _ROW[1:], '}\n{"te', expected="refused", kind="jsonl"),
    _json("tool-spans-absurd", _ROW[1:], ', "label": [[-1, 99999999999999999999, "행복"]]}\n', kind="jsonl"),
    HostileFile("jsonl", "keys-new-in-each-row.jsonl", of_bytes(_new_keys)),
)


def _packed(_: Random) -> bytes:
    return gzip.compress(b"\0" * (100 << 20), mtime=0)


_GZIP = (
    HostileFile("gzip", "bomb.csv.gz", of_bytes(_packed), "refused"),
    HostileFile("gzip", "bomb-named.csv", of_bytes(_packed), "refused"),
    HostileFile("gzip", "bomb-named.jsonl", of_bytes(_packed), "refused"),
)

CASES = (*_CSV, *_JSON, *_GZIP)
