"""What tests of forgetting need: diaries that nothing else reads like, and a look at the bytes of every file."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

_HEAD = 8

_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+|\n")

_FEWEST_BYTES = 18
"""Six Korean letters: shorter pieces of a text stand in others by chance."""


def secret(number: int, *, length: int = 1) -> str:
    """Return a diary with several sentences, each of them its own, and characters that JSON and CSV escape."""
    sentences = [
        f'{number}째 비밀 쪽지를 "서랍 {number}-{i} 안쪽"에 숨겼다\\끝. 아무도 모르게 {number}{i}번이나 울었지 뭐야!'
        for i in range(length)
    ]
    return "\n".join(sentences) + f"\n바스락거리던 {number}호 창문 너머로 첫눈이 내려서 그만 손을 놓쳐 버렸다."


def forms_of(text: str) -> set[bytes]:
    """Return a text and each of its sentences as a file may hold them."""
    forms: set[bytes] = set()
    for piece in {text, *_SENTENCE_ENDS.split(text)}:
        for form in {unicodedata.normalize(kind, piece) for kind in ("NFC", "NFD")} | {piece}:
            for written in (form, json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1]):
                forms |= {
                    written.encode(code)
                    for code in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "cp949")
                    if _fits(written, code)
                }
    return {form for form in forms if len(form) >= _FEWEST_BYTES}


def _fits(text: str, code: str) -> bool:
    try:
        text.encode(code)
    except UnicodeEncodeError:
        return False
    return True


def find(folder: Path, texts: Iterable[str]) -> dict[str, list[str]]:
    """Return which files of a folder hold one of the texts, or a sentence of one, and the first of what they hold."""
    by_head: dict[int, list[bytes]] = defaultdict(list)
    for form in {form for text in texts for form in forms_of(text)}:
        by_head[int.from_bytes(form[:_HEAD], "little")].append(form)
    heads = np.array(sorted(by_head), np.uint64)
    held_by_file: dict[str, list[str]] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        begun = [form for head in _heads_in(content, heads) for form in by_head[head]]
        if held := [form.decode("utf-8", "replace") for form in begun if form in content]:
            held_by_file[str(file.relative_to(folder))] = held[:3]
    return held_by_file


def _heads_in(content: bytes, heads: NDArray[np.uint64]) -> set[int]:
    """Return which of some eight bytes stand anywhere in a file: searching it for each form would take minutes."""
    heads_there: set[int] = set()
    for shift in range(_HEAD):
        words = (
            np.frombuffer(content, "<u8", (len(content) - shift) // _HEAD, shift)
            if len(content) > _HEAD + shift
            else heads[:0]
        )
        heads_there.update(map(int, np.intersect1d(words, heads)))
    return heads_there
