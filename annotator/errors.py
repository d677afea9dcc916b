"""Errors that people read: what was asked, what was found, what to do."""

from __future__ import annotations

from maeumgyeol.errors import AppError as AppError
from maeumgyeol.errors import where as where


class UserError(AppError):
    """Something that a person asked for can't be done."""
