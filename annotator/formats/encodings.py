"""Detection of a text file's encoding by decoding all of it strictly, never by replacing characters."""

from __future__ import annotations

import codecs
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.formats import table

if TYPE_CHECKING:
    from annotator.formats.source import Source

_MARKS = (
    # UTF-32's little-endian mark begins with UTF-16's, so it is looked for first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_MIN_HANGUL_SHARE = 0.8
"""Of the letters without case (Hangul, hanja, kana) in a file that decodes as cp949, this share must be Hangul.

Chinese GBK and Japanese files can decode as cp949 without an error. The commonest three fifths of GBK's
characters lie where cp949 has Hangul, so one half would not tell them apart; Korean text, even with hanja in
it, lies far above.
"""

_MAX_STRANGE_SHARE = 0.01
"""Collected texts do hold a stray backspace or escape; more than one character in a hundred is no text."""


def detect(source: Source, *, forced: str | None = None) -> str:
    """Return the encoding that decodes the whole file: ``utf-8``, ``utf-8-sig``, ``cp949``, ``utf-16`` and the like.

    Tried in this order: a byte order mark, UTF-8, cp949 (which contains EUC-KR), UTF-16 without a mark.

    Args:
        forced: use this one, and only check that it fits.

    Raises:
        UserError: if none fits (with the line at which each failed), if the bytes are not text at all, or if the
            forced one is unknown or doesn't fit.
    """
    head = source.head()
    if forced:
        return _check_forced(source, forced, head)
    if marked := _marked(head):
        if (line := failing_line(source, marked)) is not None:
            raise UserError("import_encoding_mismatch", name=source.name, encoding=marked, line=line)
        return marked
    if head.count(b"\0") > _MAX_STRANGE_SHARE * len(head):
        return _detect_utf_16(source, head)
    return _detect_unmarked(source)


def failing_line(source: Source, encoding: str) -> int | None:
    """Return the 1-based line with the first bytes that the encoding can't read, or None if it reads all."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line = 1
    for chunk in source.chunks():
        try:
            line += decoder.decode(chunk).count("\n")
        except UnicodeError as error:
            return line + _lines_before(error, encoding)
    try:
        decoder.decode(b"", final=True)
    except UnicodeError:
        return line
    return None


def _lines_before(error: UnicodeError, encoding: str) -> int:
    if not isinstance(error, UnicodeDecodeError):  # UTF-16's missing mark has no position
        return 0
    return error.object[: error.start].decode(encoding, "ignore").count("\n")


def _marked(head: bytes) -> str | None:
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)


def _check_forced(source: Source, forced: str, head: bytes) -> str:
    encoding = _known_encoding(forced.strip())
    if encoding == "utf-8" and head.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"  # otherwise the mark would become part of the first column's name
    if (line := failing_line(source, encoding)) is not None:
        raise UserError("import_encoding_mismatch", name=source.name, encoding=encoding, line=line)
    return encoding


def _known_encoding(name: str) -> str:
    try:
        encoding = codecs.lookup(name).name
        codecs.getincrementaldecoder(encoding)
        b"ab".decode(encoding)  # refuses rot13, base64 and other codecs that are not encodings
    except UnicodeError:  # an encoding that two bytes are too few for
        return encoding
    except (LookupError, ValueError) as error:
        raise UserError("import_encoding_unknown", encoding=table.shorten(name)) from error
    return encoding


def _detect_unmarked(source: Source) -> str:
    utf_8_line = failing_line(source, "utf-8")
    if utf_8_line is None:
        _refuse_controls(source, "utf-8")
        return "utf-8"
    cp949_line = failing_line(source, "cp949")
    if cp949_line is not None:
        if b"\0" in source.head():
            raise UserError("import_file_binary", name=source.name)
        raise UserError("import_encoding_none", name=source.name, utf_8_line=utf_8_line, cp949_line=cp949_line)
    _refuse_controls(source, "cp949")
    if _hangul_share(_sample(source, "cp949")) < _MIN_HANGUL_SHARE:
        raise UserError("import_encoding_unclear", name=source.name, utf_8_line=utf_8_line)
    return "cp949"


def _detect_utf_16(source: Source, head: bytes) -> str:
    """Tell UTF-16 without a mark from a binary file: both have NUL bytes.

    The NULs are the upper halves of line ends, commas and digits, so they say which half comes first.
    """
    little = head[1::2].count(0) >= head[0::2].count(0)
    encoding = "utf-16-le" if little else "utf-16-be"
    if failing_line(source, encoding) is not None:
        raise UserError("import_file_binary", name=source.name)
    _refuse_controls(source, encoding)
    return encoding


def _refuse_controls(source: Source, encoding: str) -> None:
    """Refuse bytes that decode but are no text: binary files decode to hundreds of control characters."""
    counts = Counter(_sample(source, encoding))
    strange = sum(count for character, count in counts.items() if _is_strange(character))
    if strange > _MAX_STRANGE_SHARE * counts.total():
        raise UserError("import_file_binary", name=source.name)


def _is_strange(character: str) -> bool:
    category = unicodedata.category(character)
    # Unassigned code points beyond the first plane may be emoji that are newer than this Python.
    return (category == "Cc" and character not in "\t\n\r") or (category == "Cn" and character < "\U00010000")


def _sample(source: Source, encoding: str) -> str:
    """Return the characters of the first MiB."""
    return codecs.getincrementaldecoder(encoding)("strict").decode(source.head())


def _hangul_share(text: str) -> float:
    """Return the share of Hangul syllables among the letters that have no case; 1.0 if there are none."""
    counts = Counter(character for character in text if not character.isascii())
    # ㅋㅋ says nothing: EUC-JP has half of its hiragana there, and the other half where cp949 has old jamo.
    letters = {c: n for c, n in counts.items() if unicodedata.category(c) == "Lo" and not "ㄱ" <= c <= "ㅣ"}
    syllables = sum(n for c, n in letters.items() if "가" <= c <= "힣")
    return syllables / sum(letters.values()) if letters else 1.0
