"""Errors for people to read: what they asked for, what was found, what to do."""

from __future__ import annotations

from maeumgyeol.errors import AppError as AppError
from maeumgyeol.errors import where as where


class UserError(AppError):
    """A request of a person that can't be carried out."""
