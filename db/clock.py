"""The one time format of the database: UTC, ISO 8601, milliseconds, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now(*, plus_seconds: float = 0) -> str:
    """Return the current time, or that many seconds from now, as stored text."""
    moment = datetime.now(UTC) + timedelta(seconds=plus_seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def seconds_since(stored: str) -> float:
    """Return the seconds that have passed since a stored time."""
    return (datetime.now(UTC) - datetime.fromisoformat(stored)).total_seconds()
