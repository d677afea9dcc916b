"""Errors that people read: what was asked, what was found, what to do."""

from __future__ import annotations

import traceback
from pathlib import Path

from maeumgyeol.errors import AppError as AppError


class UserError(AppError):
    """Something that a person asked for can't be done."""


def where(error: BaseException) -> str:
    """Name an unexpected exception by its kind and place. Its text stays out of logs: it may quote a diary."""
    places = traceback.extract_tb(error.__traceback__)
    last = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
    return type(error).__name__ + last
