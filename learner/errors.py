"""Errors of the learner: a stable code and its details, put into words by the layer that speaks to people."""

from __future__ import annotations


class LearnerError(Exception):
    """The learner can't do what it was asked.

    Args:
        code: key of the sentence in the message catalogue, ``error.<code>``.
        details: what was asked and found; never diary text.
    """

    def __init__(self, code: str, **details: str | int | float) -> None:
        super().__init__(f"{code} {details}" if details else code)
        self.code = code
        self.details = details


class EncoderError(LearnerError):
    """An encoder can't be found, read, written or loaded."""
