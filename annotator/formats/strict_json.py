"""JSON from outside, read so that it can mean one thing only."""

from __future__ import annotations

import json
import math
import re
from typing import Any

_HALF_OF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


class StrictJsonError(ValueError):
    """JSON that is not taken. It holds nothing of what was read.

    Args:
        problem: ``broken``, or for what other programs may read differently ``duplicate_key``, ``number`` or
            ``character``.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def loads(data: bytes | str) -> Any:
    """Return what JSON in UTF-8 says.

    Raises:
        StrictJsonError: for anything else, a key that comes twice in an object, a number that is none or too large
            for one, half of a surrogate pair, or nesting without end.
    """
    try:
        text = data.decode() if isinstance(data, bytes) else data
        found = json.loads(
            text, object_pairs_hook=_object, parse_float=_number, parse_constant=_refuse_constant, parse_int=_integer
        )
        if _HALF_OF_PAIR.search(text):
            _refuse_halves(found)
    except StrictJsonError:
        raise
    except (ValueError, RecursionError):
        raise StrictJsonError("broken") from None
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise StrictJsonError("duplicate_key")
    return found


def _number(text: str) -> float:
    if math.isinf(found := float(text)):
        raise StrictJsonError("number")
    return found


def _integer(text: str) -> int:
    # Python refuses to read thousands of digits, with the number's beginning in the error.
    if len(text) > 1000:
        raise StrictJsonError("number")
    return int(text)


def _refuse_constant(_: str) -> Any:
    raise StrictJsonError("broken")


def _refuse_halves(found: Any) -> None:
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise StrictJsonError("character") from None
