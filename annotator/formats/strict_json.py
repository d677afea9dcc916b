"""JSON from outside, read so that it can have only one meaning."""

from __future__ import annotations

import json
import math
import re
from typing import Any

_HALF_OF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


class StrictJsonError(ValueError):
    """JSON that is refused. The error holds nothing of what was read.

    Args:
        problem: ``broken``, or for what other programs may read differently ``duplicate_key``, ``number`` or
            ``character``.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def loads(data: bytes | str) -> Any:
    """Return the value of JSON in UTF-8.

    Raises:
        StrictJsonError: for anything else, a repeated key in an object, NaN or Infinity, a number that is too large,
            half of a surrogate pair, or endless nesting.
    """
    try:
        text = data.decode() if isinstance(data, bytes) else data
        value = json.loads(
            text, object_pairs_hook=_object, parse_float=_number, parse_constant=_refuse_constant, parse_int=_integer
        )
        if _HALF_OF_PAIR.search(text):
            _refuse_halves(value)
    except StrictJsonError:
        raise
    except (ValueError, RecursionError):
        raise StrictJsonError("broken") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise StrictJsonError("duplicate_key")
    return members


def _number(text: str) -> float:
    if math.isinf(number := float(text)):
        raise StrictJsonError("number")
    return number


def _integer(text: str) -> int:
    # Python refuses to read thousands of digits, and its error quotes the first of them.
    if len(text) > 1000:
        raise StrictJsonError("number")
    return int(text)


def _refuse_constant(_: str) -> Any:
    raise StrictJsonError("broken")


def _refuse_halves(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise StrictJsonError("character") from None
