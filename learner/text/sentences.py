"""Sentences of diaries by kss, as exact offsets.

kss runs in a child process of its own, because it isn't safe to use from several threads, some inputs take it
minutes, and a process can be ended. Its results are trusted only as far as they hold the diary's characters.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from learner.errors import LearnerError
from learner.text.characters import Spans, cut, find_starts, legible
from maeumgyeol.processes.child import Child, ChildError

if TYPE_CHECKING:
    from collections.abc import Sequence

RENEW_AFTER = 5_000
"""Texts after which the child is replaced, to shed memory that kss or its analyser may hold on to."""

_JOB = "learner.text.kss_job:serve"
_START_SECONDS = 120.0

# kss ends no sentence at full-width marks. One for one, so that offsets stay.
_FULL_WIDTH = str.maketrans("。｡．！？", "...!?")

_END_MARKS = r".!?…。｡．！？"
_CLOSERS = r"\"'”’」』)\]】〉》）"
# A run of end marks with the quotes and brackets that it closes; not inside 3.5, a.com or "끝!", 하고.
_SENTENCE_END = re.compile(rf"[{_END_MARKS}]++[{_CLOSERS}]*+(?![0-9A-Za-z,{_END_MARKS}])")


@dataclass(frozen=True, slots=True)
class Split:
    """The sentences of one text.

    Attributes:
        spans: half-open offsets, ascending, no white space at their ends, none empty. Every character that isn't
            white space lies in exactly one; a line break always ends a sentence.
        splitter: ``kss``, or ``fallback`` where kss failed on the text or took too long.
    """

    spans: Spans
    splitter: Literal["kss", "fallback"]


class SentenceSplitter:
    """Splits texts by kss in a child process, which starts with the first text. A context manager.

    May be shared by threads; they take turns.

    Args:
        timeout_seconds: what one text may take before it is split without kss.
    """

    def __init__(self, *, timeout_seconds: float = 2.0) -> None:
        self.timeout_seconds = timeout_seconds
        self._child: Child | None = None
        self._count = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child. A later text starts another."""
        with self._lock:
            self._end_child()

    def split(self, texts: Sequence[str]) -> list[Split]:
        """Return the sentences of each text; none for blank text.

        The same text is always split the same way, whatever was split before it, unless it comes close to the
        time limit.

        Raises:
            LearnerError: if kss can't be started at all.
        """
        with self._lock:
            return [self._split(text) for text in texts]

    def _split(self, text: str) -> Split:
        # kss doesn't end sentences at line breaks, people do.
        lines = text.splitlines(keepends=True)
        prepared = [legible(line).translate(_FULL_WIDTH) for line in lines]
        if not any(line.strip() for line in prepared):
            return Split(cut(text, _line_starts(lines)), "kss")
        places = _places(prepared, self._ask(prepared))
        if places is None:
            return Split(fallback(text), "fallback")
        return Split(cut(text, places), "kss")

    def _ask(self, lines: list[str]) -> list[list[str]] | None:
        """Return the pieces of each line; None if kss failed on them, died of them or took too long."""
        child = self._ready_child()
        self._count += 1
        child.send(json.dumps(lines).encode())
        try:
            answer: list[list[str]] | None = json.loads(child.receive(wait_seconds=self.timeout_seconds))
        except ChildError:
            self._end_child()
            return None
        return answer

    def _ready_child(self) -> Child:
        child = self._child
        # It may have been ended from outside since its last text, which is no fault of the next.
        if child is not None and (self._count >= RENEW_AFTER or not child.is_running):
            self._end_child()
        if self._child is None:
            self._child, self._count = _start(), 0
        return self._child

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None


def fallback(text: str) -> Spans:
    """Split a text at line breaks and after sentence marks, with the quotes and brackets that close there."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return cut(text, [*_line_starts(text.splitlines(keepends=True)), *ends])


def _line_starts(lines: Sequence[str]) -> list[int]:
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    return starts[:-1]


def _places(lines: list[str], pieces: list[list[str]] | None) -> list[int] | None:
    """Return where sentences begin in the text; None if the pieces don't hold the characters of the lines."""
    if pieces is None or len(pieces) != len(lines):
        return None
    places: list[int] = []
    for line, start, line_pieces in zip(lines, _line_starts(lines), pieces, strict=True):
        starts = find_starts(line, line_pieces)
        if starts is None:
            return None
        # The first sentence takes the invisible characters before it, so that nothing is left over.
        places += [start, *(start + place for place in starts[1:])]
    return places


def _start() -> Child:
    """Start a child and wait until it is ready, so that loading kss doesn't count as the first text's time."""
    # kss puts hashes of strings in the place of web addresses and smileys.
    child = Child(_JOB, {}, environment={"PYTHONHASHSEED": "0"})
    try:
        child.receive(wait_seconds=_START_SECONDS)
    except (LearnerError, ChildError) as error:
        child.close()
        if isinstance(error, LearnerError):
            raise
        raise LearnerError("splitter_not_started", reason=str(error)) from error
    return child
