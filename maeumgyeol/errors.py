"""The one kind of error that people are told: a stable code and its details."""

from __future__ import annotations


class AppError(Exception):
    """Something can't be done, and the person can be told why.

    Args:
        code: key of the sentence in the message catalogue, ``error.<code>``.
        details: what was asked and found; never diary text.
    """

    def __init__(self, code: str, **details: str | int | float) -> None:
        super().__init__(f"{code} {details}" if details else code)
        self.code = code
        self.details = details
