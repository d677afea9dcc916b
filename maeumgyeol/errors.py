"""The one kind of error that people see: a stable code and its details."""

from __future__ import annotations

from pathlib import Path


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


def where(error: BaseException) -> str:
    """Return kind and place of an unexpected exception. Its text stays out of logs, since it may quote a diary."""
    import traceback  # here, since a child process starts for each file

    places = traceback.extract_tb(error.__traceback__)
    last = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
    return type(error).__name__ + last
