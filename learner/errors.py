"""Errors of the learner: a stable code and its details, put into words by the layer that speaks to people."""

from __future__ import annotations

from maeumgyeol.errors import AppError


class LearnerError(AppError):
    """The learner can't do what it was asked."""


class EncoderError(LearnerError):
    """An encoder can't be found, read, written or loaded."""
